"""`tallystick sessions`: the sessions on this machine, newest first."""

import json

import click

from tallystick_server.compose import Application


@click.command(name="sessions")
@click.option("--repo", type=click.Path(exists=True, file_okay=False), help="Only those of this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1), help="At most this many.")
def command(repo: str | None, as_json: bool, limit: int) -> int:
    """List sessions, newest first."""
    import os

    found = Application.load().store.list(os.path.realpath(repo) if repo else None)[:limit]
    if as_json:
        for one in found:
            row = {name: getattr(one, name) for name in one.__dataclass_fields__}
            click.echo(json.dumps(row, ensure_ascii=False))
        return 0
    if not found:
        click.echo('No sessions yet. Start one: tallystick run "…"')
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("session", "updated", "turns", "state", "folder", "task"):
        table.add_column(name, no_wrap=name in ("session", "updated"), overflow="ellipsis")
    for one in found:
        state = (
            Text("damaged", "red") if one.damaged else Text("unfinished", "yellow") if one.unfinished else Text("done", "green")
        )
        table.add_row(one.session_id, one.updated[:16].replace("T", " "), str(one.turns), state, one.workspace, Text(one.title))
    Console().print(table)
    return 0
