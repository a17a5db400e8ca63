"""What `/usage`, `/context`, `/model`, `/route`, `/budget` and `/help` say, as Markdown. Owns the words; asks no model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tallystick_agent.protocol.display import shown
from tallystick_agent.protocol.usage import Budget
from tallystick_server.lsp.slash_commands import COMMANDS
from tallystick_server.money import money

if TYPE_CHECKING:
    from tallystick_server.compose import Application
    from tallystick_server.usage_view import Period, UseRow

MOST_ROWS: Final = 15
PERIODS: Final = ("session", "today", "week", "month", "all")


def help_text() -> str:
    rows = [(f"`/{one.name}{f' {one.takes}' if one.takes else ''}`", one.does) for one in COMMANDS]
    more = "With `@` a prompt names files, folders, lines, `@symbol:…`, `@diff`, `@staged`, `@commit:…` and pages."
    return f"{_table(('command', 'what it does'), rows)}\n\n{more}"


def usage(app: "Application", rest: str, session_id: str | None) -> str:
    """Tokens and money of the session, or of a period. Raises `StorageError`."""
    from tallystick_server.usage_view import use_rows

    wanted = rest.strip().lower() or ("session" if session_id else "today")
    if wanted not in PERIODS:
        return f"`{shown(rest)}` is none of {', '.join(PERIODS)}."
    if wanted == "session" and session_id is None:
        return "This chat has no session yet: nothing was sent."
    period: Period = "today" if wanted == "today" else "week" if wanted == "week" else "month" if wanted == "month" else "all"
    only = session_id if wanted == "session" else None
    parts: list[str] = []
    for by in ("model", "purpose"):
        rows = use_rows(app, by, period=period, session_id=only)
        if not rows:
            return "Nothing was used in this time."
        parts.append(_table((by, "requests", "input", "cached", "output", "cost"), [_use(row) for row in rows[:MOST_ROWS]]))
        estimated = any(row.estimated for row in rows)
    note = "\n\n\\* partly counted by us: the provider did not say" if estimated else ""
    title = (
        "This session"
        if wanted == "session"
        else f"Everything, {'today' if wanted == 'today' else f'this {wanted}' if wanted != 'all' else 'ever'}"
    )
    return f"**{title}**\n\n" + "\n\n".join(parts) + note


def _use(row: "UseRow") -> tuple[str, ...]:
    name = (shown(row.name) or "(none)") + (" \\*" if row.estimated else "")
    return name, f"{row.requests:,}", f"{row.input_tokens:,}", row.cached, f"{row.output_tokens:,}", row.cost


def context(app: "Application", session_id: str | None) -> str:
    """What the last request was made of. Raises `SessionError`."""
    from tallystick_server.usage_view import explained

    if session_id is None:
        return "Nothing was sent yet in this chat."
    found, look = explained(app, session_id)
    talk = [one for one in found.requests if one.purpose not in ("probe", "compaction")]
    if not talk:
        return "Nothing was sent yet in this chat."
    last = talk[-1]
    sent = [part for part in last.parts if not part.name.startswith("output:")]
    tools = [part for part in sent if part.name.startswith("tool:")]
    rest = [part for part in sent if not part.name.startswith("tool:")]
    total = sum(part.reported for part in sent) or 1
    rows = [(shown(part.name), f"{part.reported:,}", f"{part.reported / total:.1%}") for part in rest[:MOST_ROWS]]
    if more := rest[MOST_ROWS:]:
        tokens = sum(part.reported for part in more)
        rows.append((f"{len(more)} more", f"{tokens:,}", f"{tokens / total:.1%}"))
    if tools:
        tokens = sum(part.reported for part in tools)
        rows.append((f"{len(tools)} tools", f"{tokens:,}", f"{tokens / total:.1%}"))
    rows.append(("**input**", f"**{sum(part.reported for part in sent):,}**", ""))
    lines = [f"**Request {last.number}** ({last.endpoint})", "", _table(("part", "tokens", "share"), rows), ""]
    if last.planned is not None and last.planned.window_tokens:
        share = total / last.planned.window_tokens
        lines.append(f"{share:.0%} of a window of {last.planned.window_tokens:,} tokens.")
    if look.tokens_per_request:
        lines.append(f"The history grows by about {look.tokens_per_request:,.0f} tokens a request.")
    if look.requests_to_window is not None:
        lines.append(f"The window lasts about {look.requests_to_window:,} more requests.")
    if look.turns_to_budget is not None:
        lines.append(f"The money limit lasts about {look.turns_to_budget:,} more turns like these.")
    return "\n".join(lines)


def models(app: "Application", present: str) -> str:
    """The models that a key or a server here can use."""
    from tallystick_server.model_view import ModelFilter, list_models

    found, _ = list_models(app, ModelFilter(usable=True, needs=frozenset(("tools",))))
    rows: list[tuple[str, ...]] = []
    for one in found[: 2 * MOST_ROWS]:
        window = one.row.get("window")
        rates = [one.rate(name) for name in ("input", "output")]
        price = " / ".join(f"${rate.normalize():f}" if rate is not None else "?" for rate in rates)
        rows.append((f"`{one.slug}`", f"{window:,}" if window else "?", price))
    lines = [f"Now: `{present}`. Take another with `/model provider/model`." if present else "No model was chosen yet."]
    if rows:
        lines += ["", _table(("model", "window", "$ per million in / out"), rows)]
    if len(found) > len(rows):
        lines += ["", f"{len(found) - len(rows):,} more: `tallystick models --usable`."]
    return "\n".join(lines)


def route(app: "Application", slug: str) -> str:
    """Who would serve a model. Raises `ConfigurationError`, `StorageError`."""
    from tallystick_server.model_view import explain

    lines = list(explain(app, app.target(slug), input_tokens=10_000, output_tokens=1_000, tools=True))
    rows = [
        (str(line.place) if line.place else "–", f"`{line.endpoint.slug}`", shown(line.reason)) for line in lines[: 2 * MOST_ROWS]
    ]
    return _table(("", "endpoint", "why"), rows) + "\n\nFor 10,000 tokens in and 1,000 out, with tools."


def budget(limits: Budget) -> str:
    """The limits of a turn in this chat."""
    told = [
        money(limits.max_cost_nanos) if limits.max_cost_nanos is not None else "",
        f"{limits.max_tokens:,} tokens" if limits.max_tokens is not None else "",
        f"{limits.max_requests:,} requests" if limits.max_requests is not None else "",
        f"{limits.timeout_s:g} s" if limits.timeout_s is not None else "",
    ]
    known = ", ".join(one for one in told if one)
    return f"A turn here may take at most {known}." if known else "A turn here has no limit."


def read_budget(rest: str) -> Budget | None:
    """`$0.50`, `20000 tokens` or `5 requests`; `None` for anything else."""
    from decimal import Decimal, InvalidOperation

    from tallystick_agent.protocol.usage import nanos_from_usd

    text = rest.replace(",", "").strip().lower()
    number, _, unit = text.removeprefix("$").partition(" ")
    try:
        value = Decimal(number)
    except InvalidOperation:
        return None
    if not value.is_finite() or value <= 0:
        return None
    if unit.strip() in ("token", "tokens") and value == int(value):
        return Budget(max_tokens=int(value))
    if unit.strip() in ("request", "requests") and value == int(value):
        return Budget(max_requests=int(value))
    if unit.strip() in ("", "usd", "$", "dollars") and value < 1_000_000:
        return Budget(max_cost_nanos=nanos_from_usd(value))
    return None


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"

    rule = (
        "| "
        + " | ".join("---" if number == 0 else "---:" if _numbers(rows, number) else "---" for number in range(len(head)))
        + " |"
    )
    return "\n".join([line(head), rule, *(line(row) for row in rows)])


def _numbers(rows: Sequence[Sequence[str]], column: int) -> bool:
    return all(not row[column] or row[column].strip("*$<~ ")[:1].isdigit() for row in rows)
