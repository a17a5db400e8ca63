"""What single turns of a chat used, for hover and inlay hints: finds the turn of a usage line. Owns a small cache of logs."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.events import Event, RequestFinished, TurnFinished, TurnStarted
from tallystick_agent.protocol.usage import Segment
from tallystick_server.lsp.chat_answer import usage_line
from tallystick_server.money import brief_money, cached

if TYPE_CHECKING:
    from tallystick_server.lsp.sessions import Sessions

MOST_PARTS = 12
MOST_KEPT = 8


@dataclass(slots=True, kw_only=True)
class TurnUse:
    """One turn: its line in the chat, and its requests."""

    line: str = ""
    ended: TurnFinished | None = None
    requests: list[RequestFinished] = field(default_factory=lambda: [])


def turns_of(events: list[Event]) -> list[TurnUse]:
    """The finished turns, in order."""
    found: list[TurnUse] = []
    model = ""
    open_turn = TurnUse()
    for event in events:
        match event.body:
            case TurnStarted() as body:
                open_turn, model = TurnUse(), body.model
            case RequestFinished() as body:
                open_turn.requests.append(body)
            case TurnFinished() as body:
                open_turn.ended, open_turn.line = body, usage_line(body, model)
                found.append(open_turn)
                open_turn = TurnUse()
            case _:
                continue
    return found


def hover_text(turn: TurnUse) -> str:
    """Markdown: each request, and what the input was spent on."""
    rows = ["| request | input | cached | output | cost |", "| --- | ---: | ---: | ---: | ---: |"]
    parts: dict[str, int] = {}
    for one in turn.requests:
        use = one.usage
        mark = " (estimated)" if use.source == "estimated" else ""
        name = f"{one.purpose}, {one.endpoint}".replace("|", "\\|")
        told = cached(use.cached_tokens, use.input_tokens)
        rows.append(f"| {name}{mark} | {use.input_tokens:,} | {told} | {use.output_tokens:,} | {brief_money(one.cost.nanos)} |")
        for segment in one.segments:
            parts[_name(segment)] = parts.get(_name(segment), 0) + segment.tokens
    total = sum(parts.values()) or 1
    spent = sorted(parts.items(), key=lambda part: (-part[1], part[0]))
    lines = [f"- {name.replace('`', '')}: {tokens:,} ({tokens / total:.0%})" for name, tokens in spent[:MOST_PARTS]]
    if len(spent) > MOST_PARTS:
        lines.append(f"- {len(spent) - MOST_PARTS} more: {sum(tokens for _, tokens in spent[MOST_PARTS:]):,}")
    return "\n".join([*rows, "", "Spent on:", "", *lines])


def _name(segment: Segment) -> str:
    return "tool definitions" if segment.name.startswith("tool:") else segment.name


class TurnUses:
    """Reads logs of sessions, each anew only when a turn of it has ended since."""

    def __init__(self, sessions: "Sessions") -> None:
        self._sessions = sessions
        self._known: dict[str, list[TurnUse]] = {}

    def forget(self, session_id: str) -> None:
        self._known.pop(session_id, None)

    async def of(self, session_id: str) -> list[TurnUse]:
        """Empty for a session that is not here."""
        if session_id not in self._known:
            from tallystick_server.session_view import session_events

            try:
                events = await asyncio.to_thread(session_events, await self._sessions.application(), session_id)
            except TallystickError:
                return []
            while len(self._known) >= MOST_KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[session_id] = turns_of(events)
        return self._known[session_id]
