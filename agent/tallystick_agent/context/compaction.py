"""Making the history smaller without losing what matters. Owns the plan; pure. The loop carries it out as an event.

Only tool output is dropped, oldest first, and the newest is kept longest. The user's words, the model's words and every
call stay as they are, so no call is ever parted from its result.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import Message, ToolMessage
from tallystick_agent.sessions.replay import DROPPED

KEEP_NEWEST = 1
"""Results that are dropped only when nothing else is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionPlan:
    dropped: tuple[CallId, ...]
    saved_tokens: int


def plan(messages: tuple[Message, ...], *, save_tokens: int, count: Callable[[str], int]) -> CompactionPlan | None:
    """The fewest old results whose stubs save `save_tokens`, then half as much again so that it is not needed each turn.

    `None` when nothing can be saved. A plan may save less than asked when no more is there.
    """
    stub = count(DROPPED)
    sizes = [
        (part.call_id, count(part.text) - stub)
        for message in messages
        if isinstance(message, ToolMessage)
        for part in message.parts
        if part.text != DROPPED
    ]
    candidates = [(call, saved) for call, saved in sizes if saved > 0]
    older, newest = candidates[:-KEEP_NEWEST], candidates[-KEEP_NEWEST:]
    dropped: list[CallId] = []
    saved = 0
    for call, size in older:
        if saved >= save_tokens * 1.5:
            break
        dropped.append(call)
        saved += size
    for call, size in newest:
        if saved < save_tokens:
            dropped.append(call)
            saved += size
    return CompactionPlan(dropped=tuple(dropped), saved_tokens=saved) if dropped else None
