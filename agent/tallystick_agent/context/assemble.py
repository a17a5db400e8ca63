"""From a session's state to one request and its X-ray. Owns the order of parts; pure.

Order, most stable first so that a provider's cache holds: tools, system, then the history, which only grows. What the
user saw when they asked (open documents, the list of files) stands in that prompt and never changes afterwards.
"""

import base64
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick_agent.context.compaction import read_path
from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from tallystick_agent.protocol.usage import Segment
from tallystick_agent.sessions.replay import rules_name
from tallystick_agent.tokens.counter import MESSAGE_FRAME, REPLY_FRAME, TOOL_FRAME, TOOLS_FRAME, Counter
from tallystick_agent.tokens.images import image_size, image_tokens

EARLIER: Final = "earlier_prompt"
"""What was asked before the newest prompt: a part of the history, and in a chat the one that grows most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XRay:
    """Estimated tokens of a request by segment; `input_tokens` is their sum."""

    segments: tuple[Segment, ...]
    input_tokens: int


def xray(request: ChatRequest, counter: Counter) -> XRay:
    """Every token of `request` under a name. The first prompt's context is told apart from the prompt itself."""
    sums: dict[str, int] = {}

    def add(name: str, tokens: int) -> None:
        if tokens > 0:
            sums[name] = sums.get(name, 0) + tokens

    for tool in request.tools:
        size = counter.json({"name": tool.name, "description": tool.description, "parameters": tool.parameters})
        add(f"tool:{tool.name}", size + TOOL_FRAME)
    if request.system:
        described = counter.text(request.described_tools) if request.described_tools else 0
        add("tool:described", described)
        add("system", counter.text(request.system) - described)
    # A schema is forced on the sampler, not shown to the model, by every server that takes one in its own field.
    paths = {call.call_id: read_path(call) for message in request.messages for call in _reads(message)}
    newest = _newest_prompt(request.messages)
    for at, message in enumerate(request.messages):
        for name, text in _pieces(message, paths):
            add(EARLIER if name == "prompt" and at < newest else name, counter.text(text))
        for part in message.parts:
            if isinstance(part, ImagePart):
                add("image", _image(part, counter.family))
    if request.infill is not None:
        add("infill:prefix", counter.text(request.infill.prefix))
        add("infill:suffix", counter.text(request.infill.suffix))
    frames = MESSAGE_FRAME * (len(request.messages) + bool(request.system)) + REPLY_FRAME
    add("framing", frames + (TOOLS_FRAME if request.tools else 0))
    segments = tuple(Segment(name=name, tokens=tokens) for name, tokens in sums.items())
    return XRay(segments=segments, input_tokens=sum(sums.values()))


def _newest_prompt(messages: Sequence[Message]) -> int:
    """Where the newest prompt begins; users' messages one behind the other are one prompt."""
    prompts = [at for at, one in enumerate(messages) if isinstance(one, UserMessage) and one.origin == "prompt"]
    if not prompts:
        return 0
    newest = prompts[-1]
    while newest and isinstance(messages[newest - 1], UserMessage):
        newest -= 1
    return newest


UNSEEN_EDGE: Final = 1_024
"""Pixels of an image's edge where nobody told its size."""


def _image(part: ImagePart, family: str) -> int:
    """Tokens of a picture, by its pixels: told, read from its first bytes, or taken for a middling one."""
    width, height = part.width, part.height
    if not (width and height) and part.data:
        with contextlib.suppress(ValueError):
            # A size stands in the first bytes; JPEG may put a kilobyte of camera words before it.
            head = base64.b64decode(part.data[: 64 * 1024])
            width, height = image_size(head) or (0, 0)
    return image_tokens(family, width or UNSEEN_EDGE, height or UNSEEN_EDGE)


def _reads(message: Message) -> list[ToolCallPart]:
    parts = message.parts if isinstance(message, AssistantMessage) else ()
    return [part for part in parts if isinstance(part, ToolCallPart) and part.name == "read_file"]


def _pieces(message: Message, paths: Mapping[CallId, str]) -> list[tuple[str, str]]:
    """The texts of a message with their names. `paths`: of each call that read a file, which one."""
    match message:
        case UserMessage():
            plain = "notice" if message.origin == "notice" else "prompt"
            return [
                (part.name or rules_name(part.text) or plain, part.text) for part in message.parts if isinstance(part, TextPart)
            ]
        case ToolMessage():
            return [
                (f"file:{paths[part.call_id]}" if paths.get(part.call_id) else f"tool_output:{part.name}", part.text)
                for part in message.parts
            ]
        case AssistantMessage():
            pieces: list[tuple[str, str]] = []
            for part in message.parts:
                match part:
                    case TextPart():
                        pieces.append(("assistant", part.text))
                    case ReasoningPart():
                        pieces.append(("reasoning", part.text))
                    case ToolCallPart():
                        pieces.append(("tool_call", part.name + part.arguments))
            return pieces


def output_segments(message: AssistantMessage, counter: Counter) -> tuple[Segment, ...]:
    """What an answer's tokens were, by kind, before they are scaled to the reported number."""
    names = {"text": "output:text", "reasoning": "output:reasoning", "tool_call": "output:tool_call"}
    return tuple(
        Segment(
            name=names[part.kind],
            tokens=counter.text(part.name + part.arguments if isinstance(part, ToolCallPart) else part.text),
        )
        for part in message.parts
    )
