"""`tallystick growth`: why a session's tokens grow. Owns the chart and the sentences; the figures are those of the JSON."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import click

from tallystick_agent.protocol.display import shown
from tallystick_agent.protocol.usage import nanos_from_usd
from tallystick_server.cli.columns import columns, lay_out, note, terminal_width
from tallystick_server.cli.option_types import USD
from tallystick_server.cli.rankings import cost, percent
from tallystick_server.compose import Application
from tallystick_server.growth_view import session_growth, which_session

Json = dict[str, Any]
MOST_LINES: Final = 24
"""Lines of the chart; where there are more turns, some share one."""
MOST_BAR, LEAST_BAR, PLAIN_WIDTH = 60, 12, 100
_KINDS: Final = (
    ("fixed", "█", "blue", ("system", "tools", "rules", "map")),
    ("history", "▓", "cyan", ("history", "prompt")),
    ("tool output", "▒", "yellow", ("tool_output",)),
    ("files", "░", "green", ("files",)),
    ("reasoning", "▚", "magenta", ("reasoning",)),
    ("answer", "▪", "white", ("output",)),
    ("other", "·", "bright_black", ("other",)),
)
"""What a bar is made of: name, sign, colour, families."""
_WORDS: Final = {"tool_output": "tool output", "output": "answers"}


@click.command(name="growth")
@click.argument("session", required=False)
@click.option("--budget", type=USD, help="An amount of money to look ahead to; else the limit of the settings.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; numbers as decimal strings, null where unknown.")
def command(session: str | None, budget: Decimal | None, as_json: bool) -> int:
    """Show a session's tokens by turn, what they are made of, and how long its window and money last.

    SESSION is an id or its beginning; the newest session, if not given.
    """
    app = Application.load()
    session_id = which_session(app, session)
    if not session_id:
        nothing: Json = {"session": None, "data": [], "turns": [], "forecast": None}
        click.echo(json.dumps(nothing) if as_json else "No session has used anything yet.")
        return 0
    found = session_growth(app, session_id, budget_nanos=nanos_from_usd(budget) if budget is not None else None)
    app.ledger.close()
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _show(found)
    return 0


def _show(found: Json) -> None:
    total, width = found["session"], terminal_width()
    click.secho(f"Session {shown(total['session_id'])}", bold=True)
    models = total["models"]
    more = f" and {len(models) - 1} more" if len(models) > 1 else ""
    facts = [
        shown(total["title"] or total["app"]),
        f"{shown(models[-1])}{more}",
        f"{int(total['tokens']):,} tokens",
        f"{_count(int(total['turns']), 'turn')}, {_count(int(total['requests']), 'request')}",
        cost(total["cost_usd"], total["unpriced"]),
    ]
    click.secho(note(" · ".join(one for one in facts if one), width=width), dim=True)
    _chart(found["turns"])
    for line in _sentences(total, found["forecast"]):
        click.echo(note(line, width=width))
    if total["estimated"]:
        click.secho(note("* partly counted by us: the provider did not say", width=width), dim=True)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _chart(turns: Sequence[Json]) -> None:
    each = -(-len(turns) // MOST_LINES)
    groups = [turns[at : at + each] for at in range(0, len(turns), each)]
    rows = [_cells(group) for group in groups]
    head = ("turn", "requests", "tokens", "so far", "cached", "cost")
    first, *lines = lay_out(head, rows, width=None)
    room = (terminal_width() or PLAIN_WIDTH) - max(map(columns, (first, *lines))) - 2
    size = min(MOST_BAR, room)
    click.secho(first, dim=True)
    most = max(sum(int(one["tokens"]) for one in group) for group in groups) or 1
    used: set[str] = set()
    widest = max(map(columns, (first, *lines)))
    for line, group in zip(lines, groups, strict=True):
        click.echo(line + (" " * (widest - columns(line) + 2) + _bar(group, most, size, used) if size >= LEAST_BAR else ""))
    legend = "  ".join(click.style(sign, fg=colour) + f" {name}" for name, sign, colour, _ in _KINDS if name in used)
    if legend:
        click.echo(f"{' ' * (widest + 2) if widest + 2 + 56 <= (terminal_width() or PLAIN_WIDTH) else ''}{legend}")


def _cells(group: Sequence[Json]) -> tuple[str, ...]:
    first, last = group[0], group[-1]
    name = f"{first['turn']}" if len(group) == 1 else f"{first['turn']}–{last['turn']}"
    read, cached = (sum(int(one[field]) for one in group) for field in ("input_tokens", "cached_tokens"))
    costs = [one["cost_usd"] for one in group]
    unpriced = sum(int(one["unpriced"]) for one in group)
    known = sum((Decimal(one) for one in costs if one is not None), Decimal(0))
    mark = "*" if any(one["estimated"] for one in group) else ""
    return (
        name,
        f"{sum(one['requests'] for one in group):,}",
        f"{sum(int(one['tokens']) for one in group):,}{mark}",
        f"{int(last['cumulative']):,}",
        f"{cached / read:.0%}" if read else "",
        "unknown" if all(one is None for one in costs) else cost(str(known)) + ("+?" if unpriced else ""),
    )


def _bar(group: Sequence[Json], most: int, width: int, used: set[str]) -> str:
    """A bar of the tokens of some turns, each kind with as many columns as its share is, by largest remainders."""
    amounts = [sum(int(one["segments"].get(family, 0)) for one in group for family in families) for _, _, _, families in _KINDS]
    whole = sum(amounts)
    if whole <= 0:
        return ""
    cells = max(1, round(whole * width / most))
    exact = [max(0, amount) * cells / whole for amount in amounts]
    sizes = [int(one) for one in exact]
    for at in sorted(range(len(sizes)), key=lambda at: sizes[at] - exact[at])[: cells - sum(sizes)]:
        sizes[at] += 1
    parts: list[str] = []
    for (name, sign, colour, _), size in zip(_KINDS, sizes, strict=True):
        if size:
            used.add(name)
            parts.append(click.style(sign * size, fg=colour))
    return "".join(parts)


def _sentences(total: Json, ahead: Json) -> list[str]:
    lines: list[str] = []
    grown = sorted(((name, int(tokens)) for name, tokens in total["grown"].items()), key=lambda item: -item[1])
    more = [f"{tokens:+,} {_WORDS.get(name, name)}" for name, tokens in grown if tokens > 0][:4]
    less = [f"{tokens:+,} {_WORDS.get(name, name)}" for name, tokens in grown if tokens < 0][-2:]
    if more or less:
        lines.append(f"From the first request to the last, the input changed by {', '.join((*more, *less))} tokens.")
    if int(total["sent_before_tokens"]):
        lines.append(f"{percent(total['sent_before_share'])} of all input had been sent before.")
    if int(total["cached_tokens"]):
        lines.append(f"{percent(total['cached_share'])} of it came from a cache, {_savings(total)}.")
    if ahead["tokens_per_request"] != "0":
        lines.append(f"The input grows by about {int(ahead['tokens_per_request']):,} tokens a request.")
    if ahead["turns_left"] is not None:
        left = _count(ahead["requests_left"], "more request")
        until = f"until turn {ahead['last_turn']:,}, if it goes on so"
        lines.append(f"The window of {int(ahead['window']):,} tokens lasts about {left}: {until}.")
    elif ahead["window"] is None:
        lines.append("How long the window lasts is not known: the model's window is not.")
    if ahead["budget_usd"] is not None:
        lines.append(_budget(ahead))
    return lines


def _savings(total: Json) -> str:
    unknown = int(total["saved_unknown"])
    if total["saved_usd"] is None:
        return "and what that saved is not known"
    nanos = nanos_from_usd(total["saved_usd"])
    amount = cost(str(abs(Decimal(total["saved_usd"]))))
    what = f"which saved {amount}" if nanos >= 0 else f"which cost {amount} more than it saved"
    return what + (f" (without {_count(unknown, 'request')} of unknown price)" if unknown else " (writing to it taken off)")


def _budget(ahead: Json) -> str:
    amount = cost(ahead["budget_usd"])
    if ahead["budget_turns_left"] is None:
        return f"How long {amount} lasts is not known."
    if ahead["budget_turns_left"] == 0:
        return f"The limit of {amount} does not last for another turn."
    return (
        f"The limit of {amount} lasts about {_count(ahead['budget_turns_left'], 'more turn')}: "
        f"until turn {ahead['budget_last_turn']:,}, each dearer than the one before as so far."
    )
