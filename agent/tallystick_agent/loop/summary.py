"""A model's summary of messages that leave the window. Owns the asking; what must survive does not depend on it.

The record is read in pieces that fit the window, each with the summary so far, so a full window is no obstacle. A summary that
fails, rambles or is empty is no summary: the digest stands without it, and the user is told.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from tallystick_agent.loop.ask import Asker
from tallystick_agent.prompts import load
from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.messages import AssistantMessage, Message, TextPart, ToolMessage, UserMessage, text_of
from tallystick_agent.protocol.model_info import Endpoint

MOST_SUMMARY: Final = 600
"""Tokens."""
MOST_PIECES: Final = 8
TIMEOUT_S: Final = 120.0
LEAST_RECORD: Final = 400
"""Tokens of record below which nothing is asked."""


class NoSummary(Exception):
    """Why there is none, in words."""


async def summarise(
    asker: Asker,
    endpoint: Endpoint,
    messages: tuple[Message, ...],
    *,
    window: int,
    earlier: str,
    focus: str,
    count: Callable[[str], int],
) -> str:
    """A summary of at most `MOST_SUMMARY` tokens. Raises `NoSummary`; cancellation goes through."""
    piece = max(300, window // 2 - MOST_SUMMARY - 400)
    told = earlier
    pieces = list(_pieces(messages, piece, count))[-MOST_PIECES:]
    if sum(count(text) for text in pieces) < LEAST_RECORD:
        raise NoSummary("there is too little to condense")
    try:
        async with asyncio.timeout(TIMEOUT_S):
            for text in pieces:
                told = await _ask(asker, endpoint, text, told, focus)
                if not told.strip():
                    raise NoSummary("the model wrote nothing")
                if count(told) > MOST_SUMMARY:
                    raise NoSummary("the model wrote more than it was asked for")
    except TimeoutError:
        raise NoSummary(f"it took longer than {TIMEOUT_S:g} s") from None
    except TallystickError as error:
        raise NoSummary(error.message) from error
    return told.strip()


async def _ask(asker: Asker, endpoint: Endpoint, record: str, told: str, focus: str) -> str:
    parts = [f"Summary so far:\n{told}" if told else "", f"Above all keep: {focus}" if focus else "", f"Record:\n{record}"]
    parts.append("Write the summary of all of it in at most 200 words.")
    asked = UserMessage(parts=(TextPart(text="\n\n".join(part for part in parts if part)),))
    request = ChatRequest(system=load("summary"), messages=(asked,), max_output_tokens=MOST_SUMMARY)
    answer = await asker.ask(request, endpoint, "compaction", show=False)
    if answer.reply.finish == "length":
        raise NoSummary("the model wrote more than it was asked for")
    return text_of(answer.reply.message)


def _pieces(messages: tuple[Message, ...], most: int, count: Callable[[str], int]) -> Iterator[str]:
    """The record as text, in pieces of at most about `most` tokens; one long message is cut short, not split."""
    lines: list[str] = []
    size = 0
    for message in messages:
        text = _said(message)
        tokens = count(text)
        if tokens > most // 2:
            share = len(text) * (most // 2) // max(1, tokens)
            text = f"{text[: share // 2]}\n…\n{text[-(share // 2) :]}"
            tokens = count(text)
        if lines and size + tokens > most:
            yield "\n".join(lines)
            lines, size = [], 0
        lines.append(text)
        size += tokens
    if lines:
        yield "\n".join(lines)


def _said(message: Message) -> str:
    match message:
        case UserMessage():
            return f"USER: {text_of(message)}"
        case AssistantMessage():
            calls = [f"CALL {part.name} {part.arguments}" for part in message.parts if part.kind == "tool_call"]
            return "\n".join([f"AGENT: {text_of(message)}", *calls])
        case ToolMessage():
            return f"RESULT: {text_of(message)}"
