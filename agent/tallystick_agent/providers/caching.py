"""Where a request is marked for a provider's prompt cache. Owns the placing of marks; pure.

Marks stand where the request will be the same next time: after the tools, after the system text, and on the last
messages, so that the next request finds the longest prefix that was written. A mark looks back over at most 20 blocks, so
long runs of tool results get one on the way.
"""

from dataclasses import dataclass
from typing import Final

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.model_info import Endpoint

LOOK_BACK: Final = 15
"""Messages between two marks: a little less than the 20 blocks that a mark looks back, since a message may be several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    tools: bool = False
    system: bool = False
    messages: frozenset[int] = frozenset()
    """Indexes into the request's messages."""


NONE: Final = Marks()


def marks_for(request: ChatRequest, endpoint: Endpoint) -> Marks:
    """The marks of a request; none for an endpoint that caches by itself, or not at all.

    A system text covers the tools before it, so these have a mark of their own only where there is no system text.
    """
    rule = endpoint.capabilities.cache
    if rule is None or rule.style == "automatic" or rule.most_marks <= 0:
        return NONE
    system = bool(request.system)
    if rule.style == "breakpoints":
        # The provider marks the end of each request by itself; ours keeps what all sessions share.
        return Marks(system=system)
    tools = bool(request.tools) and not system
    left = rule.most_marks - (system or tools)
    place = len(request.messages) - 1
    places: list[int] = []
    while left > 0 and place >= 0:
        places.append(place)
        place = _end_of_previous(request) if len(places) == 1 else place - LOOK_BACK
        left -= 1
    return Marks(tools=tools, system=system, messages=frozenset(places))


def _end_of_previous(request: ChatRequest) -> int:
    """Where the request before this one ended: what stands before the last answer. That prefix is in the cache now."""
    for place in range(len(request.messages) - 1, 0, -1):
        if request.messages[place].role == "assistant":
            return place - 1
    return -1
