"""Making the history smaller without losing what matters. Owns the plan; pure. The loop carries it out as an event.

First, tool output is dropped, oldest first: words and calls stay as they are. Where that is not enough, all but the newest
messages become a digest (`context.digest`). Messages are cut only where no call is parted from its result, and a plan that
would not make the window smaller is no plan.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, cast

from tallystick_agent.context.digest import Facts, digest
from tallystick_agent.protocol.events import CompactionItem
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    ImagePart,
    JsonValue,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    ToolResultPart,
    UserMessage,
)
from tallystick_agent.sessions.replay import is_stub, stub, window_after

UNCHANGED: Final = "Unchanged since you read it:"
"""How `read_file` begins where it points at a call whose output is in the window."""
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
    sizes = [
        (part.call_id, count(part.text) - max(count(stub(part.call_id, kept=kept)) for kept in (True, False)))
        for message in messages
        if isinstance(message, ToolMessage)
        for part in message.parts
        if not is_stub(part.text)
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


TAIL_SHARE: Final = 0.4
"""Of the window that is aimed at, what the newest messages may take as they are."""
NEWEST_SHARE: Final = 0.7
"""The same for the newest message alone; beyond it, its outputs are dropped too."""
IMAGE_TOKENS: Final = 1_500
MESSAGE_TOKENS: Final = 4


def weight(message: Message, count: Callable[[str], int]) -> int:
    """About what a message takes in a request, in tokens."""
    total = MESSAGE_TOKENS
    for part in message.parts:
        match part:
            case TextPart() | ToolResultPart() | ReasoningPart():
                total += count(part.text)
            case ToolCallPart():
                total += count(part.name + part.arguments)
            case ImagePart():
                total += IMAGE_TOKENS
    return total


def condense(
    messages: tuple[Message, ...], facts: Facts, *, target: int, count: Callable[[str], int], reason: str, summary: str = ""
) -> CompactionItem | None:
    """The compaction that brings `messages` to about `target` tokens: by dropping output where that is enough, else by a digest.

    `None` where nothing gets smaller. What it gives is always smaller, and at most `target` where anything can be.
    """
    sizes = [weight(message, count) for message in messages]
    before = sum(sizes)
    dropping = plan(messages, save_tokens=max(1, before - target), count=count)
    if dropping is not None and before - dropping.saved_tokens <= target and not summary:
        item = CompactionItem(dropped_calls=dropping.dropped, tokens_before=before, tokens_after=0, reason=reason, handles=True)
        return _measured(item, messages, before, count)
    best: CompactionItem | None = None
    for share in (TAIL_SHARE, TAIL_SHARE / 2, 0.0):
        start = _tail(messages, sizes, int(target * share))
        tail = messages[start:]
        size = sum(sizes[start:])
        calls: tuple[CallId, ...] = ()
        if size > target * NEWEST_SHARE and (small := plan(tail, save_tokens=size, count=count)) is not None:
            calls, size = small.dropped, size - small.saved_tokens
        text = digest(facts, room=target - size - MESSAGE_TOKENS, count=count, summary=summary, kept=_prompts(tail))
        item = CompactionItem(
            dropped_calls=calls,
            tokens_before=before,
            tokens_after=0,
            reason=reason,
            handles=True,
            digest=text,
            kept_from=start,
            summary=summary,
        )
        made = _measured(item, messages, before, count)
        if made is not None and (best is None or made.tokens_after < best.tokens_after):
            best = made
        if best is not None and best.tokens_after <= target:
            break
    return best


def _measured(
    item: CompactionItem, messages: tuple[Message, ...], before: int, count: Callable[[str], int]
) -> CompactionItem | None:
    after = sum(weight(message, count) for message in window_after(messages, item))
    return replace(item, tokens_after=after) if after < before else None


def _tail(messages: tuple[Message, ...], sizes: list[int], most: int) -> int:
    """Where the newest messages begin that stay: a prompt, or a reply with all its results after it.

    Within `most` tokens, but the newest one stays in any case: its results are what the model waits for. With 0, none does.
    """
    start = len(messages)
    size = 0
    for at in range(len(messages) - 1, -1, -1) if most > 0 else ():
        size += sizes[at]
        if size > most and start < len(messages):
            break
        if not isinstance(messages[at], ToolMessage):
            start = at
    return start


def _prompts(tail: tuple[Message, ...]) -> int:
    """How many prompts of the user are in the tail, so that the digest need not repeat them."""
    return sum(isinstance(message, UserMessage) and message.origin == "prompt" for message in tail)


def superseded(messages: tuple[Message, ...]) -> tuple[CallId, ...]:
    """Reads whose output a later call replaced: the same lines were read again, or the file changed, since. The newest stays."""
    named: dict[CallId, ToolCallPart] = {}
    for message in messages:
        if isinstance(message, AssistantMessage):
            named |= {part.call_id: part for part in message.parts if isinstance(part, ToolCallPart)}
    results = [result for message in messages if isinstance(message, ToolMessage) for result in message.parts]
    calls = [named.get(result.call_id) for result in results]
    changed: dict[str, int] = {}
    read: dict[str, int] = {}
    for at, (call, result) in enumerate(zip(calls, results, strict=True)):
        if call is None or result.status != "ok" or not (path := read_path(call)):
            continue
        if call.name == "read_file":
            # One that only points at what was read before replaces nothing.
            if not result.text.startswith(UNCHANGED):
                read[_lines_of(call)] = at
        elif call.name in ("edit", "write_file", "define"):
            changed[path] = at
    stale: list[CallId] = []
    for at, (call, result) in enumerate(zip(calls, results, strict=True)):
        if call is None or call.name != "read_file" or is_stub(result.text) or not (path := read_path(call)):
            continue
        if max(changed.get(path, at), read.get(_lines_of(call), at)) > at:
            stale.append(result.call_id)
    return tuple(stale)


def read_path(call: ToolCallPart) -> str:
    """The path that a call names; empty where it names none."""
    path = _arguments(call).get("path", "")
    return path.strip().removeprefix("./") if isinstance(path, str) else ""


def _lines_of(call: ToolCallPart) -> str:
    """What a call reads: its path, and which lines of it."""
    arguments = _arguments(call)
    return json.dumps([read_path(call), arguments.get("start", 1), arguments.get("lines")])


def _arguments(call: ToolCallPart) -> dict[str, JsonValue]:
    """A call's arguments; none where they are no object."""
    try:
        found: JsonValue = json.loads(call.arguments)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, JsonValue], found) if isinstance(found, dict) else {}
