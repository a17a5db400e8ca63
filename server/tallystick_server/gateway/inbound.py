"""From a caller's request to what the relay takes: conversation, turn and step, and who asks. Pure.

A caller that names its conversation is believed. For the others a conversation is what begins with the same words of the
same app: its history grows, and its beginning stays.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.messages import AssistantMessage, ToolMessage, UserMessage, text_of
from tallystick_agent.protocol.relay import RelayRequest
from tallystick_agent.usage.attribution import inbound
from tallystick_server.gateway.dialects.base import Asked
from tallystick_server.gateway.keys import GatewayKey

_SESSION_HEADERS: Final = ("x-session-id", "session_id", "session-id", "conversation_id", "x-session-affinity")
LONGEST: Final = 256


def who_asks(headers: Mapping[str, str], key: GatewayKey, asked: Asked) -> tuple[Attribution, tuple[str, ...]]:
    """The app, and what of its headers was left out."""
    told = dict(headers)
    if key.url:
        told.setdefault("http-referer", key.url)
    if key.title:
        told.setdefault("x-title", key.title)
    who, notices = inbound(told, key=key.name)
    return replace(who, user=asked.user[:LONGEST]), notices


def session_of(headers: Mapping[str, str], asked: Asked, who: Attribution) -> str:
    named = next((headers[name] for name in _SESSION_HEADERS if headers.get(name)), "") or asked.session
    if named:
        # The name is the caller's: another app may have the same.
        return f"gw-{_digest(who.app, who.key, named)}"
    first = next((text_of(one) for one in asked.request.messages if isinstance(one, UserMessage)), "")
    return f"gw-{_digest(who.app, who.key, who.user, asked.request.system, first)}"


def turn_of(session_id: str, request: ChatRequest) -> tuple[str, int]:
    """The turn's id, and which request of it this is: a turn begins with words of the user."""
    prompts = steps = 0
    before: object = None
    for message in request.messages:
        match message:
            case UserMessage(origin="prompt"):
                # Pictures of a tool's result come as a user's, right behind it.
                if not isinstance(before, UserMessage | ToolMessage):
                    prompts, steps = prompts + 1, 0
            case AssistantMessage():
                steps += 1
            case _:
                pass
        before = message
    return f"{session_id}-{prompts}", steps + 1


def relayed(headers: Mapping[str, str], key: GatewayKey, asked: Asked, request_id: str) -> tuple[RelayRequest, tuple[str, ...]]:
    who, notices = who_asks(headers, key, asked)
    session_id = session_of(headers, asked, who)
    turn_id, step = turn_of(session_id, asked.request)
    made = RelayRequest(
        request=asked.request,
        model=asked.model,
        who=who,
        request_id=request_id,
        session_id=session_id,
        turn_id=turn_id,
        step=step,
        task=headers.get("x-tallystick-task", "")[:LONGEST],
        fallbacks=asked.fallbacks,
        routing=asked.routing,
    )
    return made, notices


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:24]
