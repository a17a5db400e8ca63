"""`tallystick models`: which models are known, what is known of them and from where; `models pull` gets one for this machine."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tallystick_agent.protocol.display import shown
from tallystick_agent.protocol.errors import ConfigurationError, TallystickError
from tallystick_server.cli.columns import lay_out, note, terminal_width
from tallystick_server.cli.option_types import USD
from tallystick_server.compose import Application

if TYPE_CHECKING:
    from tallystick_server.model_view import ModelRow


LETTERS = {"tools": "T", "images": "I", "structured": "J", "reasoning": "R", "web": "W"}
"""What a model can do, as a letter each: a list must fit a terminal."""


class _Models(click.Group):
    """Words that are no sub-command are what to look for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        options = [one for one in self.commands["list"].params if isinstance(one, click.Option)]
        records = [one.get_help_record(ctx) for one in options]
        with formatter.section("Options of a list"):
            formatter.write_dl([record for record in records if record is not None])


@click.group(name="models", cls=_Models, options_metavar="", subcommand_metavar="[list] [QUERY]... [OPTIONS] | pull [NAME]")
def command() -> None:
    """List models, those whose names have every word of QUERY, or pull one that runs on this machine."""


@command.command(name="list")
@click.argument("query", nargs=-1)
@click.option("--provider", default="", help="Only this provider's.")
@click.option("--max-input", type=USD, help="At most this much for a million input tokens.")
@click.option("--max-output", type=USD, help="At most this much for a million output tokens.")
@click.option("--min-window", type=click.IntRange(1), metavar="TOKENS", help="At least this context window.")
@click.option("--tools", is_flag=True, help="Only models that call tools.")
@click.option("--images", is_flag=True, help="Only models that take images.")
@click.option("--free", is_flag=True, help="Only models that cost nothing.")
@click.option("--reasoning", is_flag=True, help="Only models that reason.")
@click.option("--all", "show_all", is_flag=True, help="Also models whose provider has no key here.")
@click.option("--sources", is_flag=True, help="Show where each value comes from, and its date.")
@click.option("--refresh", is_flag=True, help="Get OpenRouter's list anew first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
def list_(
    query: tuple[str, ...],
    provider: str,
    max_input: Decimal | None,
    max_output: Decimal | None,
    min_window: int | None,
    tools: bool,
    images: bool,
    free: bool,
    reasoning: bool,
    show_all: bool,
    sources: bool,
    refresh: bool,
    as_json: bool,
) -> int:
    """List models with window, price and abilities: those whose name has every word of QUERY, else those a key here can use."""
    from tallystick_server.model_view import ModelFilter, list_models

    app = Application.load()
    if refresh:
        asyncio.run(_refresh(app, quiet=as_json))
    needs = frozenset(name for name, wanted in (("tools", tools), ("images", images)) if wanted)
    wanted = ModelFilter(
        query=query,
        provider=provider,
        max_input=max_input,
        max_output=max_output,
        min_window=min_window,
        needs=needs,
        free=free,
        reasoning=reasoning,
        usable=not (show_all or query or provider),
    )
    if not as_json:
        asyncio.run(_chosen(app))
    rows, known = list_models(app, wanted)
    if as_json:
        for one in rows:
            row = {name: value for name, value in one.row.items() if name not in ("from", "live")}
            click.echo(json.dumps({"model": one.slug, "usable": one.usable, **row, "sources": dict(one.sources)}))
        return 0
    _table(app, rows, known, sources=sources)
    return 0


def _table(app: Application, rows: "list[ModelRow]", known: int, *, sources: bool) -> None:
    width = terminal_width()
    head = ("model", "window", "output", "in $/M", "cached", "out $/M", "can")
    cells = [
        (
            shown(one.slug),
            _tokens(one.row.get("window")),
            _tokens(one.row.get("output")),
            *(_rate(one.rate(name)) for name in ("input", "cache_read", "output")),
            _can(one),
        )
        for one in rows
    ]
    first, *laid = lay_out(head, cells, width=width, left=frozenset({len(head) - 1}))
    lines = [click.style(first, dim=True)] if rows else []
    for one, line in zip(rows, laid, strict=True):
        lines.append(line)
        if sources:
            lines.append(click.style(note(_sources(one), width=width, indent="    "), dim=True))
    notes = [", ".join(f"{letter} {name}" for name, letter in LETTERS.items()) + "; ? is not known"] if rows else []
    notes.append(f"{len(rows):,} of {known:,} known models. {_age(app)} Words narrow the list; --all shows all.")
    click.echo("\n".join([*lines, *(click.style(note(text, width=width), dim=True) for text in notes)]))


def _can(one: "ModelRow") -> str:
    """A letter for what it can do, a dot for what it cannot; where nothing was said of it, what is not known is a question."""
    can = {*one.row.get("can", ()), *(["reasoning"] if "reasoning" in one.row else [])}
    without = "·" if "can" in one.row else "?"
    return "".join(letter if name in can else without for name, letter in LETTERS.items())


def _age(app: Application) -> str:
    from tallystick_server.model_view import table_sources

    table = "; ".join(table_sources())
    age = app.live.age_s(app.clock.now())
    live = f"OpenRouter's list {how_old(age)}." if age is not None else "--refresh gets OpenRouter's list."
    return f"Table from {table}. {live}"


def how_old(seconds: float) -> str:
    """An age as a person says it, with its verb."""
    minutes = int(seconds // 60)
    if minutes < 2:
        return "was just fetched"
    if minutes < 120:
        return f"is {minutes} min old"
    return f"is {minutes // 60} h old" if minutes < 2_880 else f"is {minutes // 1_440} days old"


def _sources(one: "ModelRow") -> str:
    by_source: dict[str, list[str]] = {}
    for field, source in one.sources.items():
        by_source.setdefault(source, []).append(field)
    return "; ".join(f"{', '.join(fields)}: {source}" for source, fields in by_source.items())


def _tokens(value: int | None) -> str:
    if value is None:
        return "?"
    return f"{value / 1_000_000:g}M" if value >= 1_000_000 and value % 10_000 == 0 else f"{value:,}"


def _rate(value: Decimal | None) -> str:
    return "?" if value is None else "free" if value == 0 else f"{value.normalize():f}"


async def _refresh(app: Application, *, quiet: bool) -> None:
    from tallystick_server.model_view import refresh

    try:
        count = await refresh(app)
        if not quiet:
            click.echo(f"OpenRouter lists {count:,} {'model' if count == 1 else 'models'}.")
    finally:
        await app.close()


async def _chosen(app: Application) -> None:
    try:
        chosen = await app.choose(None)
        click.echo(f"Would serve: {chosen.slug} ({chosen.reason})")
    except TallystickError as error:
        click.echo(f"{error.message} {error.remedy}")
    finally:
        await app.close()


@command.command(name="pull")
@click.argument("name", default="qwen2.5-coder-1.5b")
@click.option("--from", "source", type=click.Path(exists=True, path_type=Path), help="A file or folder that holds the model.")
def pull(name: str, source: Path | None) -> int:
    """Get a model that runs on this machine, once; checked by size and SHA-256."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from tallystick_server.local.weights import MODELS

    app = Application.load()
    if app.weights.path(name) is not None:
        click.echo(f"{name} is already here.")
        return 0
    if name not in MODELS:
        raise ConfigurationError(
            f"There is no model {name} to pull.", code="model_unknown", remedy=f"Known: {', '.join(MODELS)}."
        )
    model = MODELS[name]
    click.echo(f"{model.title}, {model.size:,} bytes, {model.licence}")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bars:
        task = bars.add_task("Starting", total=None)

        def progress(what: str, done: int, total: int) -> None:
            if total:
                bars.update(task, description=what, completed=done, total=total)
            else:
                bars.console.print(what)

        where = app.weights.pull(name, source=source, progress=progress)
    click.echo(f"{name} is here. It came from: {where}.")
    return 0
