"""`tallystick route`: which endpoints would serve a model now, in which order and why. Owns the table and its JSON."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from tallystick_server.cli.option_types import SLUG
from tallystick_server.compose import Application

if TYPE_CHECKING:
    from tallystick_agent.protocol.model_info import Endpoint
    from tallystick_server.model_view import RouteLine

COUNT = click.IntRange(1)


@click.command(name="route")
@click.argument("model", type=SLUG, metavar="MODEL")
@click.option("--explain", is_flag=True, help="Show the endpoints that are left out too, and the wishes that apply.")
@click.option("--offers", is_flag=True, help="Ask OpenRouter for the providers behind its model, and route among them.")
@click.option("--input", "input_tokens", type=COUNT, default=10_000, show_default=True, help="Input tokens of the request.")
@click.option("--output", "output_tokens", type=COUNT, default=1_000, show_default=True, help="Output tokens of the request.")
@click.option("--tools/--no-tools", default=True, show_default=True, help="Whether the request has tools.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
def command(model: str, explain: bool, offers: bool, input_tokens: int, output_tokens: int, tools: bool, as_json: bool) -> int:
    """Show which endpoints would serve MODEL now, best first, with the reason for each. Nothing is sent to a model.

    The exit code is 2 where none may serve.
    """
    from tallystick_server.model_view import explain as explained
    from tallystick_server.wishes import in_words

    app = Application.load()
    target = app.target(model)
    try:
        if offers:
            target = asyncio.run(_offers(app, target))
        lines = list(explained(app, target, input_tokens=input_tokens, output_tokens=output_tokens, tools=tools))
    finally:
        app.ledger.close()
    served = any(line.place is not None for line in lines)
    if as_json:
        for line in lines:
            click.echo(json.dumps(_json(line)))
        return 0 if served else 2
    # Where nobody may serve, why not is the answer.
    _table([line for line in lines if explain or not served or line.place is not None], input_tokens, output_tokens)
    first = target.endpoint
    if first.window_tokens is None and first.price is None:
        near = ", ".join(name for name in app.nearest(model) if name != first.slug)
        click.echo(f"{first.slug} is in no table here: its window and price are not known.{f' Near: {near}.' if near else ''}")
    if explain or not served:
        click.echo(f"Wishes: {in_words(target)}")
    return 0 if served else 2


async def _offers(app: Application, target: Any) -> Any:
    from tallystick_server.model_view import offers

    try:
        return await offers(app, target)
    finally:
        await app.engine.parts.transport.close()


def _table(lines: "list[RouteLine]", input_tokens: int, output_tokens: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not any(line.place for line in lines):
        console.print("No endpoint may serve it.", style="red")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", justify="right")
    table.add_column("endpoint", overflow="fold")
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("window", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for line in lines:
        one, style = line.endpoint, "" if line.place is not None else "dim"
        window = f"{one.window_tokens:,}" if one.window_tokens is not None else "?"
        place = str(line.place) if line.place is not None else "–"
        table.add_row(place, one.slug, _cost(one, input_tokens, output_tokens), window, line.reason, style=style)
    console.print(table)
    console.print(f"For {input_tokens:,} tokens in and {output_tokens:,} out, nothing cached.", style="dim")


def _cost(one: "Endpoint", input_tokens: int, output_tokens: int) -> str:
    from tallystick_agent.protocol.usage import Usage
    from tallystick_agent.usage.pricing import price_usage
    from tallystick_server.money import money

    nanos = price_usage(Usage(input_tokens=input_tokens, output_tokens=output_tokens), one.price)
    return "?" if nanos is None else money(nanos)


def _json(line: "RouteLine") -> dict[str, Any]:
    one = line.endpoint
    rates = one.price.rates if one.price is not None else None
    return {
        "place": line.place,
        "endpoint": one.slug,
        "reason": line.reason,
        "window": one.window_tokens,
        "input_usd_per_million": f"{rates.input:f}" if rates is not None else None,
        "output_usd_per_million": f"{rates.output:f}" if rates is not None else None,
    }
