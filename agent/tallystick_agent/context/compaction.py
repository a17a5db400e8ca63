"""Making the history smaller without losing what matters. Owns the plan; pure. The loop carries it out as an event.

First, tool output is dropped, oldest first: words and calls stay as they are. Where that is not enough, all but the newest
messages become a digest (`context.digest`). Messages are cut only where no call is parted from its result, and a plan that
would not make the window smaller is no plan.
"""

import json
import re
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
from tallystick_agent.sessions.replay import carried, is_stub, stub, window_after

UNCHANGED: Final = "Unchanged since you read it:"
"""How `read_file` begins where it points at a call whose output is in the window."""
KEEP_NEWEST = 1
"""Results that are dropped only when nothing else is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionPlan:
    dropped: tuple[CallId, ...]
    saved_tokens: int


def unseen(messages: tuple[Message, ...]) -> frozenset[CallId]:
    """Calls whose results no reply has followed: the model waits for them."""
    replies = [at for at, message in enumerate(messages) if isinstance(message, AssistantMessage)]
    after = messages[replies[-1] :] if replies else ()
    return frozenset(part.call_id for message in after if isinstance(message, ToolMessage) for part in message.parts)


def plan(
    messages: tuple[Message, ...],
    *,
    save_tokens: int,
    count: Callable[[str], int],
    keep: frozenset[CallId] = frozenset(),
    slack: float = 1.5,
) -> CompactionPlan | None:
    """The fewest old results whose stubs save `save_tokens`, by `slack` more so that it is not needed each turn.

    Those of `keep` stay. `None` when nothing can be saved. A plan may save less than asked when no more is there.
    """
    sizes = [
        (part.call_id, count(part.text) - max(count(stub(part.call_id, kept=kept)) for kept in (True, False)))
        for message in messages
        if isinstance(message, ToolMessage)
        for part in message.parts
        if not is_stub(part.text) and part.call_id not in keep
    ]
    candidates = [(call, saved) for call, saved in sizes if saved > 0]
    older, newest = candidates[:-KEEP_NEWEST], candidates[-KEEP_NEWEST:]
    dropped: list[CallId] = []
    saved = 0
    for call, size in older:
        if saved >= save_tokens * slack:
            break
        dropped.append(call)
        saved += size
    for call, size in newest:
        if saved < save_tokens:
            dropped.append(call)
            saved += size
    return CompactionPlan(dropped=tuple(dropped), saved_tokens=saved) if dropped else None


TAIL_SHARES: Final = (0.4, 0.2)
"""Of the window that is aimed at, what the newest messages may take as they are."""
NOTHING: Final[frozenset[CallId]] = frozenset()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rung:
    """A way to condense: messages from `start` on stay, and the digest gets what they leave of `goal`."""

    start: int
    goal: int
    keep: frozenset[CallId]
    """Calls whose results stay."""
    sparing: bool = False
    """Drop only as many results as must be."""


def condense(
    messages: tuple[Message, ...],
    facts: Facts,
    *,
    target: int,
    count: Callable[[str], int],
    reason: str,
    summary: str = "",
    limit: int | None = None,
) -> CompactionItem | None:
    """The compaction that brings `messages` to about `target` tokens: by dropping output where that is enough, else by a digest.

    `limit` is what really fits, the target where it is not given. What the model waits for is given up above that alone. `None`
    where nothing gets smaller. What it gives is always smaller, and at most the limit where anything can be.
    """
    limit = max(target, limit or target)
    sizes = [weight(message, count) for message in messages]
    before = sum(sizes)
    waited = unseen(messages)
    dropping = plan(messages, save_tokens=max(1, before - target), count=count, keep=waited)
    if dropping is not None and before - dropping.saved_tokens <= target and not summary:
        item = CompactionItem(dropped_calls=dropping.dropped, tokens_before=before, tokens_after=0, reason=reason, handles=True)
        return _measured(item, messages, before, count)
    newest = _newest_reply(messages) if waited else _tail(messages, sizes, 1)
    soft = [_Rung(start=min(_tail(messages, sizes, int(target * s)), newest), goal=target, keep=waited) for s in TAIL_SHARES]
    soft += [_Rung(start=newest, goal=goal, keep=waited) for goal in (target, limit)]
    hard = [
        _Rung(start=newest, goal=limit, keep=NOTHING, sparing=True),
        _Rung(start=newest, goal=limit, keep=NOTHING),
        _Rung(start=len(messages), goal=limit, keep=NOTHING),
    ]
    found: list[tuple[CompactionItem, bool]] = []
    for rung in soft if waited else [*soft, *hard]:
        made = _on(rung, messages, sizes, facts, count, reason, summary)
        if made is not None:
            found.append(made)
            if made[1] and made[0].tokens_after <= rung.goal:
                return made[0]
    if any(item.tokens_after <= limit for item, _ in found) or (waited and before <= limit):
        return _best(found, limit) if found else None
    found += [made for rung in hard if (made := _on(rung, messages, sizes, facts, count, reason, summary)) is not None]
    return _best(found, limit)


def _on(
    rung: _Rung,
    messages: tuple[Message, ...],
    sizes: list[int],
    facts: Facts,
    count: Callable[[str], int],
    reason: str,
    summary: str,
) -> tuple[CompactionItem, bool] | None:
    """The compaction of a rung, and whether every word of the user is in it; `None` where it is no smaller."""
    kept = messages[rung.start :]
    size = sum(sizes[rung.start :]) + sum(count(part.text) for part in carried(messages[: rung.start]))
    calls: tuple[CallId, ...] = ()
    save, slack = size, 1.5
    if rung.sparing:
        save, slack = size + count(digest(facts, room=0, count=count)) + MESSAGE_TOKENS - rung.goal, 1.0
    if size > rung.goal * NEWEST_SHARE and save > 0:
        small = plan(kept, save_tokens=save, count=count, keep=rung.keep, slack=slack)
        calls, size = (small.dropped, size - small.saved_tokens) if small is not None else (calls, size)
    text = digest(facts, room=rung.goal - size - MESSAGE_TOKENS, count=count, summary=summary, kept=_prompts(kept))
    item = CompactionItem(
        dropped_calls=calls,
        tokens_before=sum(sizes),
        tokens_after=0,
        reason=reason,
        handles=True,
        digest=text,
        kept_from=rung.start,
        summary=summary,
    )
    made = _measured(item, messages, sum(sizes), count)
    told = all(one in text for one in facts.prompts[: len(facts.prompts) - _prompts(kept)])
    return None if made is None else (made, told)


def _newest_reply(messages: tuple[Message, ...]) -> int:
    """Where the last reply begins: its results, and what was said to them, come after it."""
    return next((at for at in range(len(messages) - 1, -1, -1) if isinstance(messages[at], AssistantMessage)), len(messages))


def _best(found: list[tuple[CompactionItem, bool]], limit: int) -> CompactionItem | None:
    """What fits and has every word of the user; else the first that fits; else the smallest."""
    fit = [(item, told) for item, told in found if item.tokens_after <= limit]
    whole = next((item for item, told in fit if told), None)
    if whole is not None or fit:
        return whole or fit[0][0]
    return min((item for item, _ in found), key=lambda item: item.tokens_after, default=None)


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
    """Reads whose output a later one replaced: of the same lines, or of the file after it changed. The newest stays.

    A change alone replaces nothing: a model goes on from what it read and what it changed.
    """
    named: dict[CallId, ToolCallPart] = {}
    for message in messages:
        if isinstance(message, AssistantMessage):
            named |= {part.call_id: part for part in message.parts if isinstance(part, ToolCallPart)}
    results = [result for message in messages if isinstance(message, ToolMessage) for result in message.parts]
    calls = [named.get(result.call_id) for result in results]
    changed: dict[str, int] = {}
    after: dict[str, int] = {}
    """Per path the last change that a read followed."""
    read: dict[str, int] = {}
    for at, (call, result) in enumerate(zip(calls, results, strict=True)):
        if call is None or result.status != "ok" or not (path := read_path(call)):
            continue
        if call.name == "read_file":
            # One that only points at what was read before replaces nothing.
            if not result.text.startswith(UNCHANGED):
                read[_lines_of(call)] = at
                if path in changed:
                    after[path] = changed[path]
        elif call.name in ("edit", "write_file", "define"):
            changed[path] = at
    stale: list[CallId] = []
    for at, (call, result) in enumerate(zip(calls, results, strict=True)):
        if call is None or call.name != "read_file" or is_stub(result.text) or not (path := read_path(call)):
            continue
        if max(after.get(path, at), read.get(_lines_of(call), at)) > at:
            stale.append(result.call_id)
    return tuple(stale)


def pointed_at(text: str, messages: tuple[Message, ...]) -> str:
    """The output that a pointer of `read_file` stands for; any other output is itself."""
    found = re.match(re.escape(UNCHANGED) + r" call (\S+) above", text)
    if found is None:
        return text
    parts = (part for message in messages if isinstance(message, ToolMessage) for part in message.parts)
    return next((part.text for part in parts if part.call_id == found[1]), text)


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
