"""One request of another app, and what came of it, as values. Owns no wire and no rules of routing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.chat import ChatRequest, Reply
from tallystick_agent.protocol.usage import Cost, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRequest:
    request: ChatRequest
    model: str
    """The slug that was asked for; empty takes the user's own model."""
    who: Attribution
    request_id: str
    session_id: str
    turn_id: str = ""
    step: int = 1
    """Counts the requests of the turn from 1."""
    task: str = ""
    fallbacks: tuple[str, ...] = ()
    """Models tried in order where the first fails."""
    routing: Mapping[str, Any] = field(default_factory=lambda: {})
    """Wishes in the words of the settings' `[routing]`; they narrow what the user set, and never widen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayAnswer:
    """A whole answer, in the books."""

    reply: Reply
    usage: Usage
    cost: Cost
    endpoint: str
    """The slug of who served."""
    provider: str
    passed: bool
    """It went to the caller's own wire: the payloads that were watched are the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An attempt begins at an endpoint. `passed`: what it says will come as payloads of the caller's own wire."""

    endpoint: str
    passed: bool
