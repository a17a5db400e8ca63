"""Which wire an endpoint speaks. Owns the table of formats."""

from collections.abc import Mapping
from typing import Final

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.model_info import Endpoint, WireName
from tallystick_agent.providers.wire import (
    anthropic,
    gemini,
    llama_infill,
    ollama,
    openai_chat,
    openai_infill,
    openai_responses,
    suffix_infill,
)
from tallystick_agent.providers.wire.base import Wire
from tallystick_agent.providers.wire.verbatim import passing

WIRES: Final[Mapping[WireName, Wire]] = {
    "openai_chat": openai_chat.WIRE,
    "openai_responses": openai_responses.WIRE,
    "anthropic": anthropic.WIRE,
    "gemini": gemini.WIRE,
    "ollama": ollama.WIRE,
    "llama_infill": llama_infill.WIRE,
    "suffix_infill": suffix_infill.WIRE,
}


def wire_of(endpoint: Endpoint, request: ChatRequest) -> Wire:
    """The format for this request; filling a gap has its own, on llama.cpp's server and on those of OpenAI's kind."""
    if request.verbatim is not None and request.verbatim.wire == endpoint.wire:
        return passing(WIRES[endpoint.wire])
    if request.infill is None or endpoint.wire in ("llama_infill", "suffix_infill"):
        return WIRES[endpoint.wire]
    return openai_infill.WIRE
