"""What a request is about, for its row in the ledger. Owns what of a request the rules get to see; pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.messages import TextPart, UserMessage
from tallystick_agent.protocol.usage import Segment
from tallystick_agent.usage.classify import Kinds, classify

OURS: Final = "programming"
"""What our own agent is for, whatever a prompt says."""


def kinds_of(request: ChatRequest, segments: Iterable[Segment], *, ours: bool) -> Kinds:
    """`segments`: the request's own, whose names tell its files. `ours`: it is of our agent, and of no other app's."""
    files = (one.name.partition(":")[2] for one in segments if one.name.startswith("file:"))
    found = classify("" if ours else request.system, _said(request), files)
    return replace(found, use_case=OURS) if ours else found


def _said(request: ChatRequest) -> str:
    """The last words of a person: what comes with a prompt has a name, and is nobody's words."""
    for message in reversed(request.messages):
        if isinstance(message, UserMessage) and message.origin == "prompt":
            return "\n".join(part.text for part in message.parts if isinstance(part, TextPart) and not part.name)
    return ""
