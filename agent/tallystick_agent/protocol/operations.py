"""What a host may ask of a session. A closed union; nothing else goes in. Owns no behaviour."""

from dataclasses import dataclass
from typing import Literal

from tallystick_agent.protocol.ids import CallId
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
class CloseSession:
    kind: Literal["close_session"] = "close_session"


Operation = Prompt | Continue | Answer | Decide | Cancel | Compact | RestoreWindow | SetModel | CloseSession
