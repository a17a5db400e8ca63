"""What a session tells its hosts and its log. A closed union of 17 kinds; nothing else comes out. Owns no behaviour.

Every event has an envelope (session, turn, sequence number, time); `body` says what happened. State is a fold of these.
"""

from dataclasses import dataclass
from typing import Literal

from tallystick_agent.protocol.errors import Code
from tallystick_agent.protocol.ids import CallId, ItemId, RequestId, SessionId, TurnId
from tallystick_agent.protocol.messages import ImagePart, JsonValue
from tallystick_agent.protocol.modes import WorkMode
from tallystick_agent.protocol.usage import Budget, Cost, Segment, Usage

StopReason = Literal[
    "end_turn",
    "max_tokens",
    "max_turn_requests",
    "refusal",
    "cancelled",
    "permission_denied",
    "budget_exhausted",
    "provider_failed",
    "context_cannot_fit",
    "gave_up",
    "internal_error",
]
"""The Agent Client Protocol's words, and ours where it has none."""

Purpose = Literal["chat", "edit", "plan", "probe", "compaction", "completion", "commit_message", "title", "subagent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    workspace: str
    model: str
    app: str
    """The host's name: `cli`, `lsp`, …"""
    client: str = ""
    """The editor or caller behind the host, as it named itself."""
    version: str = ""
    resumed: bool = False
    kind: Literal["session_opened"] = "session_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed:
    kind: Literal["session_closed"] = "session_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRenamed:
    title: str
    kind: Literal["session_renamed"] = "session_renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A piece of text that stands before a prompt: rules, a map of the code, a file that the prompt names."""

    name: str
    """`rules:AGENTS.md`, `files`, `map`, `file:src/a.py`, `commit:1a2b3c4`, …"""
    text: str
    form: Literal["whole", "excerpt", "outline"] = "whole"
    reason: str = ""
    """Why it is in this form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted:
    prompt: str
    shown: tuple[Shown, ...] = ()
    """What the engine put before the prompt, in order."""
    images: tuple[ImagePart, ...] = ()
    context: str = ""
    """What the host said of where the user is: open documents, selection."""
    model: str = ""
    purpose: str = "chat"
    budget: Budget = Budget()
    """The limits that the turn is under."""
    given: Budget | None = None
    """Those of them that were asked for with the turn; the others are the settings'. `None` in logs of before."""
    mode: WorkMode = "act"
    """How the turn may work."""
    mode_lasts: bool = True
    """Whether that is the session's mode; false where it was this turn's alone."""
    continued: bool = False
    """True when this takes up a turn that was cut short: the prompt is already in the history."""
    kind: Literal["turn_started"] = "turn_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished:
    stop: StopReason
    usage: Usage
    cost: Cost
    requests: int
    detail: str = ""
    code: Code | None = None
    remedy: str = ""
    kind: Literal["turn_finished"] = "turn_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlanned:
    """The X-ray: every segment of the request that is about to be sent, in estimated tokens."""

    request_id: RequestId
    purpose: Purpose
    segments: tuple[Segment, ...]
    input_tokens: int
    reserved_output_tokens: int
    window_tokens: int | None
    error_band: float
    """The share by which the count may be off either way, e.g. 0.05."""
    max_cost_nanos: int | None
    repeated_tokens: int = 0
    """Tokens at its start that the request before had too: a provider's cache may serve them."""
    input_cost_nanos: int | None = None
    """What the input is likely to cost, repeated tokens at the cache's price where there is one."""
    kind: Literal["request_planned"] = "request_planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStarted:
    request_id: RequestId
    endpoint: str
    reason: str
    attempt: int
    kind: Literal["request_started"] = "request_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    request_id: RequestId
    endpoint: str
    attempt: int
    code: Code
    message: str
    retry_in_s: float | None
    """Seconds until the next attempt, or `None` when there is none."""
    kind: Literal["attempt_failed"] = "attempt_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFinished:
    request_id: RequestId
    purpose: Purpose
    endpoint: str
    finish: str
    usage: Usage
    cost: Cost
    segments: tuple[Segment, ...]
    """Sum exactly to the usage: inputs to `input_tokens`, `output:*` to `output_tokens`."""
    generation_id: str = ""
    latency_ms: int = 0
    first_token_ms: int | None = None
    kind: Literal["request_finished"] = "request_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageItem:
    text: str = ""
    origin: Literal["assistant", "engine"] = "assistant"
    """`engine`: words of ours to the model, such as a correction or a test report."""
    kind: Literal["message"] = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningItem:
    text: str = ""
    native: JsonValue = None
    endpoint: str = ""
    kind: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallItem:
    """A tool call. Started is the intent; finished, with `status` and `output`, is the outcome."""

    call_id: CallId
    name: str
    arguments: str
    title: str = ""
    by: Literal["model", "engine"] = "model"
    """`engine`: a call that the model did not make, such as a test run; it is no part of the model's history."""
    side_effect: bool = False
    intent: JsonValue = None
    """What recovery needs to know after a crash: the digests of the files before and after."""
    status: Literal["running", "ok", "error", "denied", "unknown"] = "running"
    output: str = ""
    """What the model is told, already bounded."""
    kind: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    steps: tuple["PlanStep", ...]
    kind: Literal["plan"] = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    text: str
    status: Literal["pending", "in_progress", "done"] = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionItem:
    """A new context window. The log keeps everything, and the window before it can be brought back.

    The outputs of `dropped_calls` become a line; with a `digest`, that text stands for all messages before `kept_from`.
    """

    dropped_calls: tuple[CallId, ...]
    tokens_before: int
    tokens_after: int
    reason: str
    handles: bool = False
    """Whether the dropped outputs were kept, so that `read_file` shows them under the handle that the line names."""
    digest: str = ""
    kept_from: int = 0
    """Number of the first message that is kept as it is, counted in the window before."""
    summary: str = ""
    """What a model wrote of the part that went, where one was asked; it is part of `digest` and of the next summary."""
    restores: bool = False
    """This brings the window before the last compaction back, with what came since."""
    kind: Literal["compaction"] = "compaction"


Item = MessageItem | ReasoningItem | ToolCallItem | PlanItem | CompactionItem


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStarted:
    item_id: ItemId
    item: Item
    kind: Literal["item_started"] = "item_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDelta:
    item_id: ItemId
    text: str
    kind: Literal["item_delta"] = "item_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFinished:
    item_id: ItemId
    item: Item
    kind: Literal["item_finished"] = "item_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionRequested:
    """Somebody must say yes before the call runs. `detail` is shown whole: the command, or the diff."""

    call_id: CallId
    tool: str
    title: str
    detail: str
    reason: str
    digest: str
    kind: Literal["permission_requested"] = "permission_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionDecided:
    call_id: CallId
    tool: str
    decision: Literal["allow_once", "allow_always", "reject"]
    by: Literal["user", "policy", "timeout"]
    rule: str = ""
    kind: Literal["permission_decided"] = "permission_decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked:
    call_id: CallId
    question: str
    options: tuple[str, ...] = ()
    kind: Literal["question_asked"] = "question_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    path: str
    diff: str
    before: str
    """Digest of the text before, empty where the file did not exist."""
    after: str
    """Digest of the text after, empty where the file is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesChanged:
    call_id: CallId
    changes: tuple[FileChange, ...]
    undoes: TurnId | None = None
    """The turn whose changes these take back."""
    kind: Literal["files_changed"] = "files_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    level: Literal["info", "warning", "error"]
    code: str
    message: str
    remedy: str = ""
    kind: Literal["notice"] = "notice"


EventBody = (
    SessionOpened
    | SessionClosed
    | SessionRenamed
    | TurnStarted
    | TurnFinished
    | RequestPlanned
    | RequestStarted
    | AttemptFailed
    | RequestFinished
    | ItemStarted
    | ItemDelta
    | ItemFinished
    | PermissionRequested
    | PermissionDecided
    | QuestionAsked
    | FilesChanged
    | Notice
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    session_id: SessionId
    turn_id: TurnId | None
    seq: int
    """Counts from 1 without a gap within a session."""
    time: str
    """UTC, ISO 8601 with milliseconds."""
    body: EventBody
