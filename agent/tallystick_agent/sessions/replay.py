"""State as a fold of events. Owns `SessionState` and how each event changes it; pure.

Resume, the running loop and the tests all use this one fold, so what was logged is what is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tallystick_agent.protocol.events import (
    AttemptFailed,
    CompactionItem,
    Event,
    FileChange,
    FilesChanged,
    Item,
    ItemDelta,
    ItemFinished,
    ItemStarted,
    MessageItem,
    Notice,
    PermissionDecided,
    PermissionRequested,
    PlanItem,
    QuestionAsked,
    ReasoningItem,
    RequestFinished,
    RequestPlanned,
    RequestStarted,
    SessionClosed,
    SessionOpened,
    SessionRenamed,
    ToolCallItem,
    TurnFinished,
    TurnStarted,
)
from tallystick_agent.protocol.ids import CallId, TurnId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    ToolResultPart,
    UserMessage,
)
from tallystick_agent.protocol.modes import WorkMode
from tallystick_agent.protocol.usage import Budget, Usage

DROPPED = "[This output was dropped to save context. Call the tool again if you need it.]"
MOST_CALLS = 400
"""Calls that are remembered for a digest."""
MOST_CHANGES = 200
"""Changes of files that can be taken back."""
MOST_WINDOWS = 4
"""Windows that can be brought back."""


def handle_of(call_id: str) -> str:
    """The name under which a call's whole output is kept."""
    return "output:" + "".join(char if char.isalnum() or char in "-_" else "_" for char in call_id)[:80]


def stub(call_id: str, *, kept: bool) -> str:
    """What stands for a dropped output."""
    return f"[Dropped to save context. read_file {handle_of(call_id)} shows it.]" if kept else DROPPED


def is_stub(text: str) -> bool:
    return text == DROPPED or (text.startswith("[Dropped to save context. read_file output:") and len(text) < 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFact:
    """A call as a digest tells of it."""

    title: str
    status: str
    line: str
    """The first line of its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A change of a file, and the turn that made it."""

    turn_id: TurnId
    change: FileChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A context window that was compacted, and how many messages the new one began with."""

    messages: tuple[Message, ...]
    began: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """What a session's events add up to."""

    workspace: str = ""
    model: str = ""
    title: str = ""
    last_seq: int = 0
    last_time: str = ""
    turns: int = 0
    prompt: str = ""
    """What the last turn was asked."""
    last_stop: str = ""
    """How the last turn ended; empty while it runs."""
    budget: Budget = Budget()
    """The limits of the last turn."""
    open_turn: TurnId | None = None
    """A turn that has begun and not finished."""
    messages: tuple[Message, ...] = ()
    reply_at: int | None = None
    """Where in `messages` the reply stands that is still growing."""
    pending: dict[CallId, ToolCallItem] = field(default_factory=lambda: {})
    """Calls whose intent is logged and whose outcome is not."""
    usage: Usage = field(default_factory=Usage)
    cost_nanos: int = 0
    cost_known: bool = True
    requests: int = 0
    plan: PlanItem | None = None
    changed: tuple[str, ...] = ()
    """Paths changed so far, in order of their first change."""
    done: tuple[Done, ...] = ()
    """The last changes that were not taken back, in order."""
    mode: WorkMode = "act"
    """How the last turn could work."""
    session_mode: WorkMode = "act"
    """How turns may work that say nothing of their own."""
    asked_mode: WorkMode = "act"
    asked_purpose: str = "chat"
    """Mode and purpose of the last prompt."""
    prompts: tuple[str, ...] = ()
    """Every prompt of the session, as the user wrote it."""
    calls: tuple[CallFact, ...] = ()
    """The last calls, in order."""
    summary: str = ""
    """What a model last wrote of the parts that are no longer in the window."""
    windows: tuple[Window, ...] = ()
    """Earlier windows, the latest last."""
    call_ids: frozenset[CallId] = frozenset()
    """The ids of all calls so far, those that left the window too: none may come again."""
    turn_requests: tuple[int, ...] = ()
    """Requests of each turn so far."""
    inputs: tuple[int, ...] = ()
    """Input tokens of the last requests, as they were reported."""


def fold(events: Iterable[Event], state: SessionState | None = None) -> SessionState:
    current = state or SessionState()
    for event in events:
        current = step(current, event)
    return current


def step(state: SessionState, event: Event) -> SessionState:
    """The state after one more event."""
    state = replace(state, last_seq=event.seq, last_time=event.time)
    match event.body:
        case SessionOpened() as body:
            return replace(state, workspace=body.workspace, model=body.model)
        case TurnStarted() as body:
            return _turn_started(state, body, event.turn_id)
        case TurnFinished() as body:
            return replace(state, open_turn=None, reply_at=None, last_stop=body.stop)
        case RequestStarted():
            return replace(state, reply_at=None)
        case RequestFinished() as body:
            nanos = body.cost.nanos
            # A probe, a summary or an attempt that broke off is no step of the conversation.
            talks = body.purpose not in ("probe", "compaction", "completion", "title") and body.finish not in ("error", "aborted")
            return replace(
                state,
                turn_requests=_one_more(state.turn_requests) if talks else state.turn_requests,
                inputs=(*state.inputs, body.usage.input_tokens)[-200:] if talks else state.inputs,
                usage=state.usage.plus(body.usage),
                cost_nanos=state.cost_nanos + (nanos or 0),
                cost_known=state.cost_known and nanos is not None,
                requests=state.requests + 1,
            )
        case ItemStarted(item=ToolCallItem() as call):
            part = ToolCallPart(call_id=call.call_id, name=call.name, arguments=call.arguments)
            state = replace(_reply(state, part), call_ids=state.call_ids | {call.call_id}) if call.by == "model" else state
            return replace(state, pending={**state.pending, call.call_id: call})
        case ItemFinished(item=item):
            return _item(state, item)
        case FilesChanged() as body:
            return _files_changed(state, body, event.turn_id)
        case SessionRenamed() as body:
            return replace(state, title=body.title)
        case (
            SessionClosed() | RequestPlanned() | AttemptFailed() | ItemStarted() | ItemDelta() | PermissionRequested()
            | PermissionDecided() | QuestionAsked() | Notice()
        ):  # fmt: skip
            return state


def _files_changed(state: SessionState, body: FilesChanged, turn_id: TurnId | None) -> SessionState:
    if body.undoes is not None:
        return replace(state, done=tuple(one for one in state.done if one.turn_id != body.undoes))
    fresh = tuple(change.path for change in body.changes if change.path not in state.changed)
    done = tuple(Done(turn_id=turn_id, change=change) for change in body.changes) if turn_id is not None else ()
    every = (*state.done, *done)
    kept = every[-MOST_CHANGES:]
    if len(kept) < len(every) and every[-len(kept) - 1].turn_id == kept[0].turn_id:
        # A turn whose first changes are forgotten could only go back in part.
        kept = tuple(one for one in kept if one.turn_id != kept[0].turn_id)
    return replace(state, changed=(*state.changed, *fresh), done=kept)


def _one_more(turns: tuple[int, ...]) -> tuple[int, ...]:
    return (*turns[:-1], turns[-1] + 1) if turns else (1,)


def _turn_started(state: SessionState, body: TurnStarted, turn_id: TurnId | None) -> SessionState:
    state = replace(
        state,
        turns=state.turns + (not body.continued),
        open_turn=turn_id,
        reply_at=None,
        model=body.model or state.model,
        mode=body.mode,
        session_mode=body.mode if body.mode_lasts else state.session_mode,
    )
    state = replace(state, last_stop="", budget=body.given if body.given is not None else body.budget)
    if body.continued:
        return state
    state = replace(state, asked_mode=body.mode, asked_purpose=body.purpose)
    prompts, turns = (*state.prompts, body.prompt), (*state.turn_requests, 0)
    state = replace(state, prompt=body.prompt, prompts=prompts, turn_requests=turns)
    before = [(one.name, one.text) for one in body.shown] + ([("context", body.context)] if body.context else [])
    parts = [TextPart(text=f"{text}\n\n", name=name) for name, text in before]
    message = UserMessage(parts=(*parts, *body.images, TextPart(text=body.prompt)))
    return replace(state, title=state.title or body.prompt.strip()[:80], messages=(*state.messages, message))


def _item(state: SessionState, item: Item) -> SessionState:
    match item:
        case MessageItem(origin="assistant"):
            return _reply(state, TextPart(text=item.text)) if item.text else state
        case MessageItem():
            message = UserMessage(parts=(TextPart(text=item.text),), origin="notice")
            return replace(state, messages=(*state.messages, message), reply_at=None)
        case ReasoningItem():
            return _reply(state, ReasoningPart(text=item.text, native=item.native, endpoint=item.endpoint))
        case ToolCallItem():
            status = item.status if item.status != "running" else "unknown"
            result = ToolResultPart(call_id=item.call_id, name=item.name, text=item.output, status=status)
            pending = {key: call for key, call in state.pending.items() if key != item.call_id}
            if item.by == "engine":
                return replace(state, pending=pending)
            first = next((line.strip() for line in item.output.splitlines() if line.strip()), "")
            fact = CallFact(title=item.title or item.name, status=status, line=first[:120])
            state = replace(state, calls=(*state.calls, fact)[-MOST_CALLS:])
            return replace(state, messages=(*state.messages, ToolMessage(parts=(result,))), pending=pending)
        case PlanItem():
            return replace(state, plan=item)
        case CompactionItem():
            return _compacted(state, item)


def _reply(state: SessionState, part: TextPart | ReasoningPart | ToolCallPart) -> SessionState:
    """Adds a part to the reply that is growing: a second call belongs before the first one's result."""
    if state.reply_at is None:
        return replace(state, messages=(*state.messages, AssistantMessage(parts=(part,))), reply_at=len(state.messages))
    messages = list(state.messages)
    reply = messages[state.reply_at]
    assert isinstance(reply, AssistantMessage)
    messages[state.reply_at] = AssistantMessage(parts=(*reply.parts, part))
    return replace(state, messages=tuple(messages))


def _compacted(state: SessionState, item: CompactionItem) -> SessionState:
    if item.restores:
        if not state.windows:
            return state
        last = state.windows[-1]
        messages = (*last.messages, *state.messages[last.began :])
        return replace(state, messages=messages, windows=state.windows[:-1], reply_at=None)
    messages = window_after(state.messages, item)
    windows = (*state.windows, Window(messages=state.messages, began=len(messages)))[-MOST_WINDOWS:]
    return replace(state, messages=messages, windows=windows, summary=item.summary or state.summary, reply_at=None)


def window_after(messages: tuple[Message, ...], item: CompactionItem) -> tuple[Message, ...]:
    """The window that a compaction makes of these messages."""
    dropped = frozenset(item.dropped_calls)
    kept = tuple(_drop(message, dropped, kept=item.handles) for message in messages[item.kept_from :])
    if not item.digest:
        return kept
    parts = (*carried(messages[: item.kept_from]), TextPart(text=item.digest, name="digest"))
    return (UserMessage(parts=parts, origin="context"), *kept)


def carried(messages: tuple[Message, ...]) -> tuple[TextPart, ...]:
    """Of messages that leave a window, the project's rules: they hold for the whole session. Each file's once."""
    found: dict[str, TextPart] = {}
    for message in messages:
        for part in message.parts if isinstance(message, UserMessage) else ():
            if isinstance(part, TextPart) and (name := part.name or rules_name(part.text)).startswith("rules:"):
                found.setdefault(name, TextPart(text=f"{part.text.rstrip()}\n\n", name=name))
    return tuple(found.values())


def rules_name(text: str) -> str:
    """The name of rules that were told in the midst of a turn; empty for any other text."""
    return f"rules:{text[len(RULES) :].partition(chr(34))[0]}" if text.startswith(RULES) else ""


RULES = '<rules from="'


def _drop(message: Message, dropped: frozenset[CallId], *, kept: bool) -> Message:
    if not isinstance(message, ToolMessage) or not any(part.call_id in dropped for part in message.parts):
        return message
    parts = (replace(p, text=stub(p.call_id, kept=kept)) if p.call_id in dropped else p for p in message.parts)
    return ToolMessage(parts=tuple(parts))
