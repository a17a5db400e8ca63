"""`tallystick sessions`: the sessions on this machine, newest first."""

import json
from typing import TYPE_CHECKING

import click

from tallystick_agent.protocol.display import shown
from tallystick_server.compose import Application

if TYPE_CHECKING:
    from rich.text import Text

    from tallystick_agent.sessions.store import SessionSummary


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
    widths = {"session": 28, "updated (UTC)": 16, "state": 10, "folder": 12, "task": 12}
    for name, width in widths.items():
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=width, max_width=36 if name == "folder" else None)
    for one in found:
        updated = one.updated[:16].replace("T", " ")
        table.add_row(one.session_id, updated, _state(one), Text(shown(one.workspace)), Text(shown(one.title)))
    Console().print(table)
    return 0


def _state(one: "SessionSummary") -> "Text":
    """How the last turn ended, in a word."""
    from rich.text import Text

    if one.damaged:
        return Text("damaged", "red")
    if one.unfinished:
        return Text("unfinished", "yellow")
    return Text("done", "green") if one.last_stop in ("end_turn", "") else Text(one.last_stop.replace("_", " "), "yellow")
