"""What every request of a session is made of, and how much room that leaves for a prompt's context. Pure."""

from typing import Final

from tallystick_agent.context.budget import Allowance, allowance
from tallystick_agent.prompts import load
from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.messages import Message
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.resolve import Target
from tallystick_agent.settings import Settings
from tallystick_agent.tools.base import Tool

SMALL_OUTPUT: Final = 1_024
"""Tokens that a small model's answer may have."""


def base_request(settings: Settings, endpoint: Endpoint, tools: tuple[Tool, ...], messages: tuple[Message, ...]) -> ChatRequest:
    """Stable first: tools, system, then the history, which only grows."""
    small = endpoint.scale == "small"
    return ChatRequest(
        system=load("system_small" if small else "system"),
        messages=messages,
        tools=tuple(tool.spec for tool in tools),
        max_output_tokens=SMALL_OUTPUT if small else settings.context.output_tokens,
        temperature=0.0 if small else None,
    )


def allowed_context(settings: Settings, target: Target, request: int, output: int, band: float) -> Allowance:
    """What a prompt's fragments may take, by the smallest window that may serve and the first price edge."""
    windows = [one.window_tokens for one in target.candidates if one.window_tokens is not None]
    reasoning = target.reasoning.max_tokens if target.reasoning is not None and target.reasoning.max_tokens else 0
    return allowance(
        window=min(windows) if windows else None,
        request=request,
        output=output,
        reasoning=reasoning,
        band=band,
        price=target.endpoint.price,
        most=settings.context.prompt_tokens,
    )
