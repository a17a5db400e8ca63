"""`tallystick rankings`: who used the most, in order. Owns the words and bars of the tables; the figures are the JSON's."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date
from typing import Any, Final

import click

from tallystick_agent.protocol.display import shown
from tallystick_agent.protocol.usage import nanos_from_usd
from tallystick_server.cli.columns import columns, lay_out, note, terminal_width
from tallystick_server.cli.option_types import SLUG
from tallystick_server.compose import Application
from tallystick_server.money import brief_money
from tallystick_server.rankings_query import KINDS, SORTS, read_rankings
from tallystick_server.rankings_view import rankings

_KINDS: Final = tuple(kind.replace("_", "-") for kind in KINDS)
_TITLES: Final = {
    "models": "Models", "authors": "Authors", "apps": "Apps", "providers": "Providers", "purposes": "Purposes",
    "use_cases": "Use cases", "context": "Context length", "natural_languages": "Natural languages",
    "programming_languages": "Programming languages", "tool_calls": "Tool calls", "images": "Images", "reasoning": "Reasoning",
    "free": "Free and paid", "sessions": "Cost per session",
}  # fmt: skip
_NOTHING: Final = {
    "tokens": "No tokens were used",
    "reasoning": "No reasoning tokens were used",
    "tool calls": "No tools were called",
    "images": "No images were sent",
}
WIDE: Final = 110
"""Columns from which an app's address stands beside its title."""
LEAST_BAR: Final = 8
MOST_BAR: Final = 24
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
Json = dict[str, Any]


@click.command(name="rankings")
@click.argument("ranking", default="models", type=click.Choice(_KINDS), metavar="[RANKING]")
@click.option("--period", type=click.Choice(["day", "week", "month"]), help="1, 7 or 30 days.  [default: week]")
@click.option("--days", type=int, metavar="N", help="So many days instead, up to 366.")
@click.option("--date", "last", metavar="YYYY-MM-DD", help="The last day, in UTC.  [default: today]")
@click.option("--sort", type=click.Choice(SORTS), help="Apps: by volume, or by growth over the three windows before.")
@click.option("--category", metavar="NAME", help="Apps: only those of a category, or of a group such as coding.")
@click.option("--app", "only_app", metavar="APP", help="Only requests of this app: its address, or its title.")
@click.option("--model", "only_model", type=SLUG, help="Only this model's requests.")
@click.option("--limit", type=int, metavar="N", help="Rows, up to 50.")
@click.option("--offset", type=int, metavar="N", help="Rows to pass over.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; numbers as decimal strings, null where unknown.")
def command(ranking: str, last: str | None, only_app: str | None, only_model: str | None, as_json: bool, **given: Any) -> int:
    """Rank what was used: models, authors, apps, providers, purposes, use-cases, context, natural-languages,
    programming-languages, tool-calls, images, reasoning, free, sessions."""
    wanted = {name: str(value) for name, value in given.items() if value is not None}
    for name, value in (("date", last), ("app", only_app), ("model", only_model)):
        if value is not None:
            wanted[name] = value
    app = Application.load()
    now = app.clock.now().astimezone(UTC)
    query = read_rankings(ranking, wanted, today=now.date())
    found = rankings(app.ledger, query, now=now)
    app.ledger.close()
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    elif not found["data"]:
        click.echo(_nothing(found["meta"]))
    elif ranking == "sessions":
        _show_sessions(found)
    else:
        _show(found)
    return 0


def _nothing(meta: Json) -> str:
    where = ", ".join(f"{name} {shown(value)}" for name, value in meta["where"].items())
    if meta.get("sort") == "trending":
        what = "No app grew"
    elif meta["ranking"] == "sessions":
        what = "No session was used"
    else:
        what = _NOTHING[meta["unit"]]
    return f"{what} {span(meta)}" + (f" ({where})" if where else "") + "."


def span(meta: Json) -> str:
    """The window in words."""
    first, last = date.fromisoformat(meta["first_day"]), date.fromisoformat(meta["last_day"])
    if first == last:
        return f"on {_day(last)} {last.year} (UTC)"
    begin = _day(first) if first.year == last.year else f"{_day(first)} {first.year}"
    return f"from {begin} to {_day(last)} {last.year} (UTC)"


def _day(when: date) -> str:
    return f"{when.day} {'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split()[when.month - 1]}"


def cost(usd: str | None, unpriced: str = "0") -> str:
    if usd is None:
        return "unknown"
    nanos = nanos_from_usd(usd)
    text = "$0" if nanos == 0 else f"${nanos / 1e9:,.2f}" if abs(nanos) >= 10_000_000_000 else brief_money(nanos)
    return text + (f" + {int(unpriced):,} unpriced" if int(unpriced) > 0 else "")


def percent(share: str | None) -> str:
    return "" if share is None else f"{float(share):.1%}"


def heading(title: str, meta: Json, *facts: str) -> None:
    """The title, then what the table is about, dim."""
    width = terminal_width()
    where = [f"{name} {shown(value)}" for name, value in meta["where"].items()]
    line = " · ".join([span(meta), *where, *facts])
    click.secho(title, bold=True)
    click.secho(note(line, width=width), dim=True)


def _show(found: Json) -> None:
    meta, data = found["meta"], found["data"]
    total = meta["total"]
    trending = meta.get("sort") == "trending"
    heading(
        _TITLES[meta["ranking"]] + (", by growth" if trending else ""),
        meta,
        f"{int(total['tokens']):,} tokens",
        f"{int(total['requests']):,} requests",
        cost(total["cost_usd"], total["unpriced"]),
    )
    cells: list[tuple[str, Callable[[Json], str]]] = []
    unit = meta["unit"]
    if unit in ("tool calls", "images"):
        field = unit.replace(" ", "_")
        cells.append((unit, lambda row: f"{int(row[field]):,}"))
    if unit == "reasoning":
        cells.append(("reasoning", lambda row: f"{int(row['reasoning_tokens']):,}"))
        cells.append(("of output", lambda row: percent(row["reasoning_share"])))
    cells.append(("tokens", lambda row: f"{int(row['tokens']):,}"))
    cells.append(("share", lambda row: percent(row["share"])))
    if meta["ranking"] == "apps":
        cells.append(("growth", _growth))
    cells.append(("requests", lambda row: f"{int(row['requests']):,}"))
    cells.append(("cost", lambda row: cost(row["cost_usd"], row["unpriced"])))
    name = _names(data, meta)
    rows = [(name(row), *(of(row) for _, of in cells)) for row in data]
    shares = [float(row["share"] or 0) for row in data]
    print_table((f"     {meta['by']}", *(name for name, _ in cells)), rows, shares)
    _notes(meta, data)


def _names(data: Sequence[Json], meta: Json) -> Callable[[Json], str]:
    """What a row's first cell says. An app has its address beside its title where there is room, or where titles are alike."""
    width = terminal_width()
    titles = [shown(row.get("title", "")).lower() for row in data]
    ranked = meta["ranking"] != "context"

    def name(row: Json) -> str:
        mark = "*" if int(row["estimated"]) > 0 else ""
        if row["rank"] is None:
            return f"     {row['name']}{mark}"
        said, title = shown(row["name"]), shown(row.get("title", ""))
        if title and title.lower() != said.lower():
            narrow = width is not None and width < WIDE and titles.count(title.lower()) == 1
            said = title if narrow else f"{title}  {said}"
        said = said or ("(not told)" if meta["estimated"] else "(none)")
        return (f"{row['rank']:>3}  " if ranked else "     ") + said + mark

    return name


def _growth(row: Json) -> str:
    if row["growth_tokens"] is None:
        return ""
    tokens = int(row["growth_tokens"])
    return "new" if row["new"] else f"▲ {tokens:,}" if tokens > 0 else f"▼ {-tokens:,}" if tokens < 0 else "="


def _notes(meta: Json, data: Sequence[Json]) -> None:
    width = terminal_width()
    lines: list[str] = []
    if any(int(row["estimated"]) > 0 for row in data):
        lines.append("* some requests were counted by us: the provider did not say")
    if meta["estimated"]:
        lines.append("an estimate: what a request is about is judged by simple rules when it is booked")
    if meta["unit"] != "tokens":
        lines.append(f"share is that of all {'reasoning tokens' if meta['unit'] == 'reasoning' else meta['unit']}")
    for line in lines:
        click.secho(note(line, width=width), dim=True)


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[float], *, left: int = 0) -> None:
    """Aligned lines; a bar stands behind each where the terminal has room for it. `left`: further columns aligned left."""
    width = terminal_width()
    sides = frozenset(range(1, left + 1))
    first, *lines = lay_out(head, rows, width=width, left=sides)
    room = (
        0
        if width is None
        else min(MOST_BAR, width - 2 - max(columns(part) for line in (first, *lines) for part in line.split("\n")))
    )
    click.secho(first, dim=True)
    longest = max((*shares, 0.0)) or 1.0
    widest = max(columns(line.split("\n")[-1]) for line in (first, *lines))
    for line, part in zip(lines, shares, strict=True):
        blanks = " " * (widest - columns(line.split("\n")[-1]) + 2)
        click.echo(line + (blanks + click.style(bar(part / longest, room), fg="cyan") if room >= LEAST_BAR else ""))


def bar(part: float, width: int) -> str:
    """A bar of a fraction, to an eighth of a column; something is never nothing."""
    eighths = max(round(part * width * 8), 1 if part > 0 else 0)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _show_sessions(found: Json) -> None:
    heading(_TITLES["sessions"], found["meta"], "median by number of turns")
    rows: list[tuple[str, ...]] = []
    before = None
    for row in found["data"]:
        pair = f"{shown(row['app']) or '(none)'}  {shown(row['model'])}"
        between = f"{cost(row['least_usd'])} … {cost(row['most_usd'])}" if row["median_usd"] is not None else ""
        rows.append(
            (
                pair if pair != before else "",
                row["turns"],
                f"{int(row['sessions']):,}",
                cost(row["median_usd"])
                + (f" + {int(row['unpriced']):,} unpriced" if row["median_usd"] and int(row["unpriced"]) else ""),
                between,
                f"{int(row['tokens']):,}",
            )
        )
        before = pair
    head = ("app and model", "turns", "sessions", "median", "from … to", "tokens")
    first, *lines = lay_out(head, rows, width=terminal_width())
    click.echo("\n".join([click.style(first, dim=True), *lines]))
