"""Why a session grows, as JSON, for every door. Owns which session is meant, the forecast and what is unknown."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from tallystick_agent.protocol.errors import SessionError
from tallystick_agent.usage.families import Family
from tallystick_agent.usage.growth import Growth, Request, Turn, growth
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.repricing import saved
from tallystick_agent.usage.sums import Booked
from tallystick_server.compose import Application
from tallystick_server.prices import Offers, offers
from tallystick_server.rankings_view import money_text, share

if TYPE_CHECKING:
    from tallystick_agent.protocol.events import RequestPlanned

Json = dict[str, Any]
PAGE: Final = 1_000
SHARES: Final[tuple[Family, ...]] = ("history", "tool_output", "files", "reasoning")
"""Families whose share of a turn is told apart: those that grow."""


class Rows(Protocol):
    """What is read of a ledger here. Every question may raise `StorageError`, and blocks."""

    def rows(self, *, session_id: str | None = None, after_id: int = 0, most: int = PAGE) -> list[Booked]: ...


def which_session(app: Application, begun: str | None) -> str:
    """The session that is meant, of our agent or of any app: the newest where none is named. Raises `SessionError`."""
    if begun is None:
        return app.ledger.newest_session()
    found = app.ledger.sessions_named(begun)
    if len(found) == 1:
        return found[0]
    several = f"Several sessions begin with {begun}" if found else f"No session {begun} has used anything"
    raise SessionError(f"{several}.", code="session_missing", remedy="`tallystick usage --by session --period all` lists them.")


def session_rows(ledger: Rows, session_id: str) -> Iterator[LedgerRow]:
    """All rows of a session, in the order of their booking."""
    after = 0
    while page := ledger.rows(session_id=session_id, after_id=after, most=PAGE):
        yield from (one.row for one in page)
        after = page[-1].id


def session_growth(app: Application, session_id: str, *, budget_nanos: int | None = None) -> Json:
    """Why a session's tokens grow, and how long its window and a budget last. Raises `SessionError`, `StorageError`."""
    found = growth(session_rows(app.ledger, session_id))
    if not found.requests:
        raise SessionError(f"No session {session_id} has used anything.", code="session_missing", remedy="Check its id.")
    offer = offers(app)
    limit = app.settings.budget.max_cost_usd if budget_nanos is None else None
    window, reserved = _window(app, session_id, found, offer)
    ahead = _ahead(
        found,
        window=window,
        reserved=reserved,
        budget_nanos=budget_nanos if limit is None else int(limit * 1_000_000_000),
    )
    return growth_json(session_id, found, offer, ahead, now=app.clock.now())


def growth_json(session_id: str, found: Growth, offer: Offers, ahead: Json, *, now: datetime) -> Json:
    last, usage = found.requests[-1].row, found.usage
    savings = [saved(one.row.usage, offer(one.row.endpoint).price) for one in found.requests]
    unpriced = sum(one.unpriced for one in found.turns)
    cost = sum(one.cost_nanos for one in found.turns)
    again = sum(one.again for one in found.turns)
    about: Json = {
        "session_id": session_id,
        "app": last.attribution.app,
        "title": last.attribution.title,
        "workspace": last.attribution.workspace,
        "model": last.model,
        "models": list(dict.fromkeys(one.row.model for one in found.requests)),
        "turns": str(len(found.turns)),
        "requests": str(len(found.requests)),
        "tokens": str(usage.total_tokens),
        **_tokens(usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens),
        "cost_usd": None if unpriced == len(found.requests) else money_text(cost),
        "unpriced": str(unpriced),
        "estimated": usage.source == "estimated",
        "cached_share": share(usage.cached_tokens, usage.input_tokens),
        "sent_before_tokens": str(again),
        "sent_before_share": share(again, usage.input_tokens),
        "saved_usd": None if savings.count(None) == len(savings) else money_text(sum(one or 0 for one in savings)),
        "saved_unknown": str(savings.count(None)),
        "grown": {name: str(tokens) for name, tokens in found.grown.items()},
    }
    return {
        "session": about,
        "data": [_request(one, nanos) for one, nanos in zip(found.requests, savings, strict=True)],
        "turns": [_turn(one) for one in found.turns],
        "forecast": ahead,
        "meta": {"as_of": now.astimezone(UTC).isoformat(timespec="seconds")},
    }


def _tokens(read: int, cached: int, written: int, thought: int) -> Json:
    return {
        "input_tokens": str(read),
        "cached_tokens": str(cached),
        "output_tokens": str(written),
        "reasoning_tokens": str(thought),
    }


def _request(one: Request, savings: int | None) -> Json:
    row, usage = one.row, one.row.usage
    return {
        "request": one.number,
        "turn": one.turn,
        "time": datetime.fromtimestamp(row.time_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "purpose": row.purpose,
        "model": row.model,
        "endpoint": row.endpoint,
        **_tokens(usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens),
        "sent_before_tokens": str(one.again),
        "cumulative": str(one.tokens_so_far),
        "cost_usd": money_text(row.cost.nanos),
        "saved_usd": money_text(savings),
        "estimated": usage.source == "estimated",
        "finish": row.finish,
        "segments": {name: str(tokens) for name, tokens in one.parts.items()},
    }


def _turn(one: Turn) -> Json:
    usage = one.usage
    return {
        "turn": one.number,
        "requests": one.requests,
        "tokens": str(usage.total_tokens),
        **_tokens(usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens),
        "largest_input": str(one.largest_input),
        "sent_before_tokens": str(one.again),
        "cumulative": str(one.tokens_so_far),
        "cost_usd": None if one.unpriced == one.requests else money_text(one.cost_nanos),
        "unpriced": str(one.unpriced),
        "estimated": usage.source == "estimated",
        "cached_share": share(usage.cached_tokens, usage.input_tokens),
        "segments": {name: str(tokens) for name, tokens in one.parts.items()},
        "shares": {name: share(one.parts.get(name, 0), usage.total_tokens) for name in SHARES},
    }


def _window(app: Application, session_id: str, found: Growth, offer: Offers) -> tuple[int | None, int]:
    """The window that the session's last request had, and what of it was kept for the answer."""
    last = (found.talk or found.requests)[-1].row
    if last.attribution.door != "gateway":
        # An app that comes through the gateway names its sessions itself, and has no log, whatever it calls them.
        with contextlib.suppress(SessionError):
            planned = _planned(app.store.path(session_id))
            if planned is not None:
                return planned.window_tokens, planned.reserved_output_tokens
    return offer(last.endpoint).window_tokens, 0


def _planned(log: Path) -> "RequestPlanned | None":
    """The last plan of a request in a session's log. Raises `SessionError`."""
    from tallystick_agent.protocol.events import RequestPlanned
    from tallystick_agent.sessions.event_log import read_readable

    if not log.is_file():
        return None
    plans = [event.body for event in read_readable(log)[0] if isinstance(event.body, RequestPlanned)]
    return plans[-1] if plans else None


def _ahead(found: Growth, *, window: int | None, reserved: int, budget_nanos: int | None) -> Json:
    """When the window and the budget end, counted in turns from the session's first."""
    from tallystick_agent.context.economics import forecast, turns_to_spend

    talk = found.talk
    per_turn = [sum(one.turn == turn.number for one in talk) for turn in found.turns]
    counted = [number for number in per_turn if number]
    inputs = [one.row.usage.input_tokens for one in talk]
    look = forecast(inputs, counted, window=window, reserved=reserved, cost_nanos=0, budget_nanos=None)
    now, left = len(found.turns), None
    if budget_nanos is not None and not any(one.unpriced for one in found.turns):
        costs = [one.cost_nanos for one in found.turns]
        left = turns_to_spend(costs, budget_nanos - sum(costs))
    to_window, steps = look.turns_to_window, look.tokens_per_request
    return {
        "window": str(window) if window is not None else None,
        "reserved": str(reserved),
        "used_share": share(inputs[-1], window) if inputs and window else None,
        "tokens_per_request": str(round(steps)),
        "tokens_per_turn": str(round(steps * sum(counted) / len(counted))) if counted else "0",
        "requests_left": look.requests_to_window,
        "turns_left": to_window,
        "last_turn": now + to_window if to_window is not None else None,
        "budget_usd": money_text(budget_nanos),
        "budget_turns_left": left,
        "budget_last_turn": now + left if left is not None else None,
    }
