"""`tallystick models`: which models are known and which one would serve; `models pull` gets one for this machine."""

import asyncio
from pathlib import Path
from typing import Any

import click

from tallystick_agent.protocol.errors import ConfigurationError, TallystickError
from tallystick_server.compose import Application


@click.group(name="models", invoke_without_command=True)
@click.option("--search", default="", help="Only names that contain this.")
@click.option("--all", "show_all", is_flag=True, help="Also models whose provider has no key here.")
@click.pass_context
def command(context: click.Context, search: str, show_all: bool) -> int:
    """List models with their window and price, and the one that would serve now."""
    if context.invoked_subcommand is not None:
        return 0
    app = Application.load()
    asyncio.run(_chosen(app))
    from rich.console import Console
    from rich.table import Table

    known, source = app.catalog()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("model")
    for name in ("window", "input $/M", "output $/M"):
        table.add_column(name, justify="right")
    wanted = ((slug, row) for slug, row in known.items() if search in slug)
    rows = [(slug, row) for slug, row in wanted if _shown(app, slug, row, show_all=show_all, search=search)]
    for slug, row in rows:
        table.add_row(slug, f"{row['window']:,}" if "window" in row else "?", row["input"], row["output"])
    console = Console()
    if rows:
        console.print(table)
    console.print(f"{len(rows)} of {len(known)} known models; prices from {source}. --all shows all.", style="dim")
    return 0


def _shown(app: Application, slug: str, row: dict[str, Any], *, show_all: bool, search: str) -> bool:
    """Without a search, the models that a key here can use; those without a window are old or are no chat models."""
    return show_all or bool(search) or (app.has_key(slug) and "window" in row)


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
