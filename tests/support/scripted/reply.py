"""A scripted reply, and what it says. Owns the script language and the neutral numbers; no JSON of any provider.

A reply is written as lines: `call NAME {json}` is a tool call (its arguments are sent as they stand, broken ones too),
`reasoning TEXT` is reasoning, everything else is text.
"""

import json
from dataclasses import dataclass, field
from typing import Any, cast

PIECE = 12
"""Characters in one streamed piece."""
CREATED = 1_790_000_000
"""Seconds since 1970 at which every scripted answer is made."""
SIGNATURE = "c2NyaXB0ZWQtc2lnbmF0dXJl"
"""Stands in a thought's signature where a wire always has one; base64, as some wires need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. `status` other than 200 is sent with `body` as it is."""

    lines: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {})
    """Sent with every status; they win over the server's own."""
    body: str = ""
    call_id: str = ""
    """The id of the calls, instead of `call`; a number follows."""
    whole_calls: bool = False
    """Each call comes in one piece, where a wire has pieces."""
    finish: str = ""
    """Why the answer ended: `length` and `content_filter` in the wire's own word, anything else as it stands."""
    cut: bool = False
    """The connection breaks in the middle of the answer."""
    hang: bool = False
    """The connection stays open and nothing comes."""
    comments: int = 0
    """Keep-alive comments sent before the answer (pings, where the wire has these)."""
    delay_s: float = 0.0
    """Pause between pieces, in seconds."""
    usage: dict[str, Any] | None = None
    """The usage in the wire's own fields instead of the fake's own count; `{}` for no usage at all."""
    input_tokens: int = 0
    """Neutral numbers, each in the words of every wire; 0 for the fake's own count. Input and output are inclusive."""
    output_tokens: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning_tokens: int = 0
    cost: float | None = None
    """USD in the usage, where the wire can carry it."""
    refusal: str = ""
    """Words in the field that a wire has for declining; without one, text."""
    signature: str = ""
    """The signature or the encrypted form of the reasoning; base64."""
    redacted: str = ""
    """A thought that is only shown encrypted; base64."""
    error_after: str = ""
    """The message of an error inside the stream, after everything that was said."""
    error_code: str = ""
    """Its type or code, instead of the wire's word for an overload."""
    truncate_at: int | None = None
    """The body ends after so many bytes, and the connection closes."""
    raw: bytes | None = None
    """The body, as it is."""
    gzip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    call_id: str
    name: str
    arguments: str
    """As they stand in the script."""

    @property
    def parsed(self) -> dict[str, Any] | None:
        """The arguments as an object, for wires that send objects; `None` for what is none."""
        try:
            found = json.loads(self.arguments or "{}")
        except ValueError:
            return None
        return cast(dict[str, Any], found) if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A script taken apart. The order on every wire: reasoning, text, refusal, calls."""

    reasoning: str
    text: str
    refusal: str
    calls: tuple[Call, ...]

    @classmethod
    def of(cls, reply: Reply) -> "Said":
        reasoning: list[str] = []
        texts: list[str] = []
        calls: list[Call] = []
        for line in reply.lines.strip("\n").split("\n") if reply.lines.strip() else []:
            if line.startswith("call "):
                _, name, *rest = line.split(" ", 2)
                call_id = f"{reply.call_id or 'call'}_{len(calls)}"
                calls.append(Call(call_id=call_id, name=name, arguments=rest[0] if rest else ""))
            elif line.startswith("reasoning "):
                reasoning.append(line.removeprefix("reasoning "))
            else:
                texts.append(line)
        return cls(reasoning="\n".join(reasoning), text="\n".join(texts), refusal=reply.refusal, calls=tuple(calls))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Neutral numbers: `cached` and `cache_write` are parts of `input`, `reasoning` is a part of `output`."""

    input: int
    output: int
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    cost: float | None = None


def tokens_of(reply: Reply, *, inputs: int, outputs: int) -> Tokens:
    """What a reply costs; `inputs` and `outputs` stand where the reply names no numbers."""
    return Tokens(
        input=reply.input_tokens or max(1, inputs, reply.cached + reply.cache_write),
        output=reply.output_tokens or max(1, outputs, reply.reasoning_tokens),
        cached=reply.cached,
        cache_write=reply.cache_write,
        reasoning=reply.reasoning_tokens,
        cost=reply.cost,
    )


def pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def sse(data: dict[str, Any], event: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()
