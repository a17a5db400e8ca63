"""Which wire a request speaks, by its path. Owns the table of wires, and no JSON."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from tests.support.scripted import anthropic, chat, gemini, infill, ollama, responses
from tests.support.scripted.reply import Reply, Tokens


class Frames(Protocol):
    def __call__(self, reply: Reply, tokens: Tokens, *, model: str = ..., reply_id: str = ...) -> list[bytes]: ...


class Whole(Protocol):
    def __call__(self, reply: Reply, tokens: Tokens, *, model: str = ..., reply_id: str = ...) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedWire:
    """The two forms of an answer, and what keeps a stream alive."""

    frames: Frames
    whole: Whole
    comment: bytes
    content_type: str
    """Of a stream; a whole answer is always JSON."""


def _wire(module: Any) -> ScriptedWire:
    return ScriptedWire(frames=module.frames, whole=module.whole, comment=module.COMMENT, content_type=module.CONTENT_TYPE)


WIRES: Final = {
    "chat": _wire(chat),
    "responses": _wire(responses),
    "anthropic": _wire(anthropic),
    "gemini": _wire(gemini),
    "ollama": _wire(ollama),
}
EVERY: Final = {**WIRES, "infill": _wire(infill)}
"""With the one that fills gaps and holds no conversation."""
_ENDS: Final = {
    "/chat/completions": "chat",
    "/responses": "responses",
    "/messages": "anthropic",
    "/api/chat": "ollama",
    "/infill": "infill",
}
_COUNTS: Final = {
    "/messages/count_tokens": "input_tokens",
    "/responses/input_tokens": "input_tokens",
    "/chat/completions/input_tokens": "input_tokens",
    ":countTokens": "totalTokens",
}


def wire_of(path: str, body: dict[str, Any]) -> tuple[str, bool]:
    """(name of the wire, whether a stream is asked for). A path that nobody knows is a stream of chat chunks."""
    bare = path.partition("?")[0]
    if bare.endswith((":streamGenerateContent", ":generateContent")):
        return "gemini", bare.endswith(":streamGenerateContent")
    for end, name in _ENDS.items():
        if bare.endswith(end):
            return name, bool(body.get("stream", name == "ollama"))
    return "chat", True


def count_field(path: str) -> str:
    """The field for the answer of a request that only counts; empty for any other request."""
    bare = path.partition("?")[0]
    return next((field for end, field in _COUNTS.items() if bare.endswith(end)), "")
