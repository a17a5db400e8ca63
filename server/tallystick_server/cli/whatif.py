"""`tallystick whatif`: what was used, at another model's price. Owns the table and its words; the figures are the JSON's."""

import json
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any, Final

import click

from tallystick_agent.protocol.display import shown
from tallystick_server.cli.columns import lay_out, note, terminal_width
from tallystick_server.cli.option_types import SLUG
from tallystick_server.cli.rankings import cost, heading, span
from tallystick_server.compose import Application
from tallystick_server.growth_view import which_session
from tallystick_server.prices import asked_offer
from tallystick_server.whatif_view import CACHES, read_whatif, whatif

Json = dict[str, Any]
WIDE: Final = 100
"""Columns from which the tokens stand beside the money."""
_FIELDS: Final = {"requests": "requests", "input": "input_tokens", "output": "output_tokens"}
_RATES: Final = (("input", "input"), ("output", "output"), ("cache_read", "cache read"), ("cache_write", "cache write"))


@click.command(name="whatif")
@click.argument("model", type=SLUG)
@click.option("--period", type=click.Choice(["day", "week", "month"]), help="1, 7 or 30 days.  [default: week]")
@click.option("--days", type=int, metavar="N", help="So many days instead, up to 366.")
@click.option("--date", "last", metavar="YYYY-MM-DD", help="The last day, in UTC.  [default: today]")
@click.option("--session", metavar="ID", help="A session instead of a period (an id or its beginning).")
@click.option("--app", "only_app", metavar="APP", help="Only requests of this app: its address, or its title.")
@click.option("--from", "only_model", type=SLUG, help="Only requests to this model.")
@click.option("--cache", type=click.Choice(CACHES), help="Tokens from a cache: also there, or none.  [default: kept]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; numbers as decimal strings, null where unknown.")
def command(
    model: str,
    last: str | None,
    session: str | None,
    only_app: str | None,
    only_model: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Show what requests would have cost on MODEL (named as everywhere: provider/model, or an OpenRouter name).

    Nothing is sent: the tokens that were counted are priced anew. Another model may count the same text otherwise, and answer it
    with more or fewer words.
    """
    wanted = {name: str(value) for name, value in given.items() if value is not None}
    app = Application.load()
    now = app.clock.now().astimezone(UTC)
    for name, value in (("date", last), ("app", only_app), ("model", only_model)):
        if value is not None:
            wanted[name] = value
    if session is not None:
        wanted["session"] = which_session(app, session)
    asked = read_whatif(wanted, today=now.date())
    found = whatif(app.ledger, asked, asked_offer(app, model), now=now)
    app.ledger.close()
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    elif not found["data"]:
        where = f"in session {session}" if session else span(found["meta"])
        click.echo(f"No request was made {where}.")
    else:
        _show(found)
    return 0


def _show(found: Json) -> None:
    meta, width = found["meta"], terminal_width()
    total = meta["total"]
    price = ", ".join(f"{words} ${meta['price'][name]}" for name, words in _RATES if meta["price"][name] is not None)
    title = f"What if it had been {shown(meta['model'])}?"
    if "session_id" in meta:
        click.secho(title, bold=True)
        click.secho(note(f"session {shown(meta['session_id'])}", width=width), dim=True)
    else:
        heading(title, meta)
    tiers = "".join(
        f"; above {int(one['above']):,} input ${one['input']}, output ${one['output']}" for one in meta["price"]["tiers"]
    )
    click.secho(note(f"a million tokens: {price}{tiers}", width=width), dim=True)
    counts = ("requests", "input", "output") if width is None or width >= WIDE else ("requests",)
    head = ("model", *counts, "was", "would be", "difference")
    rows = [(shown(one["model"]), *_cells(one, counts)) for one in found["data"]]
    if len(rows) > 1:
        rows.append(("total", *_cells(total, counts)))
    first, *lines = lay_out(head, rows, width=width)
    click.secho(first, dim=True)
    for number, line in enumerate(lines):
        click.secho(line, bold=len(rows) > 1 and number == len(lines) - 1)
    for line in _notes(found):
        click.secho(note(line, width=width), dim=True)


def _cells(one: Json, counts: Sequence[str]) -> tuple[str, ...]:
    return (
        *(f"{int(one[_FIELDS[name]]):,}" for name in counts),
        cost(one["was_usd"], one["unpriced"]),
        cost(one["now_usd"]),
        _difference(one),
    )


def _difference(one: Json) -> str:
    if one["difference_usd"] is None:
        return "unknown"
    amount = Decimal(one["difference_usd"])
    sign = "+" if amount > 0 else "−" if amount < 0 else ""
    ratio = f" ({Decimal(one['ratio']) - 1:+.0%})" if one["ratio"] is not None and amount else ""
    return f"{sign}{cost(str(abs(amount)))}{ratio.replace('-', '−')}"


def _notes(found: Json) -> list[str]:
    meta, total = found["meta"], found["meta"]["total"]
    lines: list[str] = []
    if int(total["unpriced"]):
        lines.append("The difference is over the requests whose cost is known; unpriced ones are in “would be” alone.")
    if int(total["cached_tokens"]):
        cached = f"{int(total['cached_tokens']):,} tokens came from a cache"
        unpriced = meta["price"]["cache_read"] is None
        priced = (
            "are priced as plain input: no price for reading a cache is known"
            if unpriced
            else "would have come from one there too"
        )
        lines.append(f"{cached}, and {priced}." if meta["cache"] == "kept" else f"{cached}; here none does.")
    if int(total["too_long"]):
        window = f"{int(meta['window_tokens']):,}"
        lines.append(f"{int(total['too_long']):,} requests have more input than its window of {window} tokens takes.")
    if int(total["lost"]):
        lines.append(f"{int(total['lost']):,} requests cannot be priced: what they used is not known.")
    lines.append("Tokens as they were counted; another model counts the same text a little otherwise.")
    return lines
