"""`tallystick usage`: who used which tokens, from the ledger. Owns the periods and the table."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, cast

import click

from tallystick_agent.protocol.display import shown
from tallystick_server.cli.columns import lay_out, note, terminal_width
from tallystick_server.compose import Application
from tallystick_server.usage_view import Period, since_ms

if TYPE_CHECKING:
    from tallystick_agent.usage.reports import GroupBy, SegmentTotal, Total


@click.command(name="usage")
@click.option(
    "--by",
    default="model",
    show_default=True,
    type=click.Choice(["app", "door", "key", "model", "purpose", "session", "provider", "workspace", "client", "day", "segment"]),
)
@click.option("--period", default="week", show_default=True, type=click.Choice(["today", "week", "month", "all"]))
@click.option("--session", help="Only this session (an id or its beginning).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines; money as decimal strings, null where unknown.")
def command(by: str, period: str, session: str | None, as_json: bool) -> int:
    """Show tokens and money by app, model, purpose, session, day or request segment.

    A `door` is how requests came in: this command line, an editor, or the gateway; a `key` is the name of a gateway key.
    """
    app = Application.load()
    session_id = app.store.find(session) if session else None
    since = since_ms(cast(Period, period), datetime.now().astimezone())
    if by == "segment":
        segments = app.ledger.by_segment(since_ms=since, session_id=session_id)
        _show_segments(segments, as_json=as_json)
    else:
        totals = app.ledger.totals(cast("GroupBy", by), since_ms=since, session_id=session_id)
        titles = {one.app: one.title for one in app.ledger.apps() if one.title} if by == "app" else {}
        _show_totals(by, totals, titles, as_json=as_json)
    app.ledger.close()
    return 0


def _show_totals(by: str, totals: "list[Total]", titles: dict[str, str], *, as_json: bool) -> None:
    """`titles`: the names for people of what is grouped, where they have one."""
    from tallystick_agent.protocol.usage import usd

    if as_json:
        for one in totals:
            row = {name: getattr(one, name) for name in one.__dataclass_fields__ if name != "cost_nanos"}
            cost = None if one.unpriced == one.requests else f"{usd(one.cost_nanos):f}"
            title = {"title": titles[one.name]} if one.name in titles else {}
            click.echo(json.dumps({by: row.pop("name"), **title, **row, "cost_usd": cost}, ensure_ascii=False))
        return
    if not totals:
        click.echo("Nothing was used in this period.")
        return
    from tallystick_server.money import cached, money

    rows: list[tuple[str, ...]] = []
    for one in totals:
        cost = money(one.cost_nanos) + (f" + {one.unpriced} unpriced" if one.unpriced else "")
        if one.unpriced == one.requests:
            cost = "unknown"
        mark = "*" if one.estimated else ""
        rows.append(
            (
                _named(one.name, titles) + mark,
                *(f"{number:,}" for number in (one.requests, one.failed, one.input_tokens)),
                cached(one.cached_tokens, one.input_tokens),
                *(f"{number:,}" for number in (one.output_tokens, one.reasoning_tokens)),
                cost,
            )
        )
    _print((by, "requests", "failed", "input", "cached", "output", "reasoning", "cost"), rows)
    if any(one.estimated for one in totals):
        click.secho(note("* some requests were counted by us: the provider did not say", width=terminal_width()), dim=True)


def _named(name: str, titles: dict[str, str]) -> str:
    title = titles.get(name)
    return shown(f"{title} ({name})" if title and title != name else name) or "(none)"


def _print(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    first, *lines = lay_out(head, rows, width=terminal_width())
    click.echo("\n".join([click.style(first, dim=True), *lines]))


def _show_segments(segments: "list[SegmentTotal]", *, as_json: bool) -> None:
    if as_json:
        for one in segments:
            click.echo(json.dumps({"segment": one.name, "tokens": one.tokens}))
        return
    if not segments:
        click.echo("Nothing was used in this period.")
        return
    total = sum(one.tokens for one in segments)
    _print(
        ("segment", "tokens", "share"), [(shown(one.name), f"{one.tokens:,}", f"{one.tokens / total:.1%}") for one in segments]
    )
