"""What a host may ask of a session. A closed union; nothing else goes in. Owns no behaviour."""

from dataclasses import dataclass
from typing import Literal

from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.modes import WorkMode
from tallystick_agent.protocol.usage import Budget

Decision = Literal["allow_once", "allow_always", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the user typed, and what the host knows of where they were."""

    text: str
    context: str = ""
    """Selection, open documents and the like, already as text for the model."""
    budget: Budget = Budget()
    purpose: str = "chat"
    mode: WorkMode | None = None
    """Of this turn alone; `None` takes the session's."""
    kind: Literal["prompt"] = "prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """Go on with a turn that a crash or an interrupt cut short."""

    budget: Budget = Budget()
    kind: Literal["continue"] = "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The user's answer to a question that the model asked. Empty means there was nobody to ask."""

    call_id: CallId
    text: str
    kind: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """The user's word on one permission. It binds to the digest that was shown."""

    call_id: CallId
    digest: str
    decision: Decision
    by: Literal["user", "policy", "timeout"] = "user"
    kind: Literal["decide"] = "decide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Stop the running turn; what was done stays done and is logged."""

    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compact:
    """Make the context window small now. `focus` says what must stay in view."""

    focus: str = ""
    kind: Literal["compact"] = "compact"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreWindow:
    """Bring back the context window before the last compaction, with what came since."""

    kind: Literal["restore_window"] = "restore_window"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetModel:
    slug: str
    kind: Literal["set_model"] = "set_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMode:
    """How the turns from now on may work."""

    mode: WorkMode
    kind: Literal["set_mode"] = "set_mode"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBudget:
    """Limits of each turn from now on; what is `None` stays as the settings say."""

    budget: Budget
    kind: Literal["set_budget"] = "set_budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """Another title for the session."""

    title: str
    kind: Literal["rename"] = "rename"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Take back what the last turn that changed files did to them; a turn of its own, which asks no model."""

    kind: Literal["undo"] = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSession:
    kind: Literal["close_session"] = "close_session"


Operation = (
    Prompt
    | Continue
    | Answer
    | Decide
    | Cancel
    | Compact
    | RestoreWindow
    | SetModel
    | SetMode
    | SetBudget
    | Rename
    | Undo
    | CloseSession
)
