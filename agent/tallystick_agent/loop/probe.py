"""Finding out how a model can be asked for a tool call. Owns the one probe request and its reading.

A server's own word is not enough: one reported `supports_tools: true` where none of twelve calls came. So an endpoint of
unknown mode is asked for one trivial call, natively and then by schema, and what worked is remembered.
"""

import json

from tallystick_agent.loop.ask import Asker
from tallystick_agent.loop.parts import EngineParts
from tallystick_agent.protocol.chat import ChatRequest, ToolSpec
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.messages import TextPart, ToolCallPart, UserMessage
from tallystick_agent.protocol.model_info import CallMode, Endpoint
from tallystick_agent.providers.call_modes import adapt, read

_TOOL = ToolSpec(
    name="report",
    description="Report a number to the user.",
    parameters={"type": "object", "properties": {"value": {"type": "integer"}}, "required": ["value"]},
)
_MODES: tuple[CallMode, ...] = ("native", "schema")


async def call_mode_of(endpoint: Endpoint, parts: EngineParts, asker: Asker) -> CallMode:
    """The mode to use. Raises `ProviderError` when the endpoint cannot be asked at all."""
    if endpoint.capabilities.call_mode is not None:
        return endpoint.capabilities.call_mode
    known = parts.known_call_modes.get(endpoint)
    if known is not None:
        return known
    found: CallMode = "text"
    for mode in _MODES:
        if await _works(mode, endpoint, asker):
            found = mode
            break
    parts.known_call_modes.put(endpoint, found)
    return found


async def _works(mode: CallMode, endpoint: Endpoint, asker: Asker) -> bool:
    request = ChatRequest(
        system="Use the tool.",
        messages=(UserMessage(parts=(TextPart(text="Report the number 7."),)),),
        tools=(_TOOL,),
        max_output_tokens=96,
    )
    try:
        asked = await asker.ask(adapt(request, mode), endpoint, "probe", show=False)
    except ProviderError as error:
        # A server that knows no tools says so with a 400; any other failure is the endpoint's, not the mode's.
        if error.status in (400, 422, 501):
            return False
        raise
    calls = [part for part in read(asked.reply, mode, (_TOOL,)).message.parts if isinstance(part, ToolCallPart)]
    if len(calls) != 1 or calls[0].name != "report":
        return False
    try:
        return bool(json.loads(calls[0].arguments) == {"value": 7})
    except ValueError:
        return False
