"""`tallystick context --explain`: where a session's tokens went, as tables or JSON Lines. Owns their look."""

import json
from typing import TYPE_CHECKING, Any

import click

from tallystick_agent.protocol.display import shown
from tallystick_agent.protocol.usage import usd
from tallystick_server.compose import Application
from tallystick_server.money import cached, money

if TYPE_CHECKING:
    from rich.console import Console

    from tallystick_agent.protocol.events import RequestPlanned
    from tallystick_agent.sessions.explain import Explained, Request, TurnUse

LONGEST_TASK = 28
MOST_PARTS = 40
"""Parts of a request that the table shows; the rest is one line."""


def explain_session(app: Application, prefix: str, *, as_json: bool) -> int:
    """Prints the tables. Raises `SessionError` for a session that is not there."""
    from tallystick_agent.sessions.event_log import read_readable
    from tallystick_agent.sessions.explain import explain

    session_id = app.store.find(prefix)
    events, _ = read_readable(app.store.path(session_id))
    found = explain(events)
    if as_json:
        _print_json(found)
        return 0
    if not found.requests:
        click.echo(f"{session_id} has sent no request yet.")
        return 0
    from rich.console import Console

    console = Console()
    console.print(f"[bold]{session_id}[/bold]  {shown(found.model)}  {shown(found.workspace)}", highlight=False)
    _turns(console, found.turns)
    for turn in found.turns:
        _brought(console, turn)
    chat = [one for one in found.requests if one.purpose != "probe"] or list(found.requests)
    _request(console, chat[-1])
    _outlook(console, app, found)
    return 0


def _turns(console: "Console", turns: "tuple[TurnUse, ...]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", title="By turn", title_justify="left", title_style="bold")
    for name in ("turn", "requests", "input", "cached", "output", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("task", no_wrap=True)
    for one in turns:
        use = one.usage
        table.add_row(
            str(one.number),
            f"{one.requests:,}",
            f"{use.input_tokens:,}" + ("*" if use.source == "estimated" else ""),
            cached(use.cached_tokens, use.input_tokens),
            f"{use.output_tokens:,}",
            money(one.cost_nanos) if one.cost_known else "unknown",
            Text(_short(shown(" ".join(one.prompt.split())))),
        )
    console.print(table)


def _short(text: str) -> str:
    """Cut by us: a table that is too wide shortens its numbers too."""
    return text if len(text) <= LONGEST_TASK else f"{text[: LONGEST_TASK - 1]}…"


def _brought(console: "Console", turn: "TurnUse") -> None:
    """What stood before the prompt and in which form, and what was condensed."""
    from rich.text import Text

    if turn.shown:
        console.print(Text(f"Turn {turn.number} brought:", style="bold"))
    for one in turn.shown:
        console.print(Text(f"  {shown(one.name)}  {one.form}" + (f"  ({one.reason})" if one.form != "whole" else "")))
    for item in turn.compactions:
        change = f"{item.tokens_before:,} → {item.tokens_after:,} tokens"
        what = "brought back" if item.restores else "condensed"
        console.print(Text(f"Turn {turn.number}: the window was {what}, {change}: {item.reason}", style="yellow"))


def _request(console: "Console", one: "Request") -> None:
    from rich.table import Table
    from rich.text import Text

    use = one.finished.usage
    title = f"Request {one.number} ({one.purpose}, {one.endpoint})"
    table = Table(box=None, pad_edge=False, header_style="dim", title=title, title_justify="left", title_style="bold")
    table.add_column("part", overflow="fold")
    for name in ("planned", "share", "sent before", "reported"):
        table.add_column(name, justify="right", no_wrap=True)
    whole = sum(part.planned for part in one.parts) or 1
    said = [part for part in one.parts if part.name.startswith("output:")]
    sent = [part for part in one.parts if not part.name.startswith("output:")]
    for part in sent[:MOST_PARTS]:
        planned = f"{part.planned:,}" if part.planned else ""
        share = f"{100 * part.planned / whole:.1f} %" if part.planned else ""
        # The factor that is learned from reports moves all counts a little from one request to the next.
        known = part.before >= part.planned * 0.95
        before = "" if not part.before else "yes" if known else f"{part.before:,}"
        table.add_row(Text(shown(part.name)), planned, share, before, f"{part.reported:,}")
    if rest := sent[MOST_PARTS:]:
        table.add_row(f"{len(rest)} more", f"{sum(p.planned for p in rest):,}", "", "", f"{sum(p.reported for p in rest):,}")
    planned = f"{whole:,}" if one.planned else ""
    table.add_row("[bold]input[/bold]", planned, "", "", f"[bold]{sum(p.reported for p in sent):,}[/bold]")
    for part in said:
        table.add_row(Text(shown(part.name)), "", "", "", f"{part.reported:,}")
    console.print(table)
    source = "reported" if use.source == "reported" else "estimated"
    told = f"{use.input_tokens:,} in ({use.cached_tokens:,} cached) + {use.output_tokens:,} out"
    console.print(f"{source}: {told}", style="dim", highlight=False)
    if one.planned is not None:
        _planned(console, one.planned)


def _planned(console: "Console", plan: "RequestPlanned") -> None:
    window = f" of a window of {plan.window_tokens:,}" if plan.window_tokens else ""
    likely = f", input likely {money(plan.input_cost_nanos)}" if plan.input_cost_nanos is not None else ""
    at_most = f", at most {money(plan.max_cost_nanos)}" if plan.max_cost_nanos is not None else ""
    size = f"{plan.input_tokens:,} ± {100 * plan.error_band:.0f} % in, {plan.reserved_output_tokens:,} kept for the answer"
    console.print(f"planned: {size}{window}{likely}{at_most}", style="dim", highlight=False)


def _outlook(console: "Console", app: Application, found: "Explained") -> None:
    look = app.outlook(found)
    lines: list[str] = []
    if look.tokens_per_request:
        lines.append(f"The history grows by about {look.tokens_per_request:,.0f} tokens a request.")
    if look.requests_to_window is not None:
        turns = f" ({look.turns_to_window:,} turns like these)" if look.turns_to_window else ""
        lines.append(f"The window lasts about {look.requests_to_window:,} more requests{turns}.")
    if look.turns_to_budget is not None:
        lines.append(f"The money limit lasts about {look.turns_to_budget:,} more turns like these.")
    for line in lines:
        console.print(line, highlight=False)


def _print_json(found: "Explained") -> None:
    for turn in found.turns:
        brought = [{"name": one.name, "form": one.form, "reason": one.reason} for one in turn.shown]
        row: dict[str, Any] = {
            "turn": turn.number,
            "requests": turn.requests,
            "input_tokens": turn.usage.input_tokens,
            "cached_tokens": turn.usage.cached_tokens,
            "output_tokens": turn.usage.output_tokens,
            "source": turn.usage.source,
            "cost_usd": f"{usd(turn.cost_nanos):f}" if turn.cost_known else None,
            "context": brought,
            "compactions": [
                {"before": one.tokens_before, "after": one.tokens_after, "reason": one.reason, "restores": one.restores}
                for one in turn.compactions
            ],
            "parts": {one.name: one.tokens for one in turn.parts},
        }
        click.echo(json.dumps(row, ensure_ascii=False))
    for one in found.requests:
        parts = [{"name": p.name, "planned": p.planned, "sent_before": p.before, "reported": p.reported} for p in one.parts]
        row = {"request": one.number, "turn": one.turn, "purpose": one.purpose, "endpoint": one.endpoint, "parts": parts}
        click.echo(json.dumps(row, ensure_ascii=False))
