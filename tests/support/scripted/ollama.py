"""Ollama's own chat: one JSON object a line. Owns that JSON; calls have no ids, and counts of 0 are left out."""

import json
from typing import Any

from tests.support.scripted.reply import Reply, Said, Tokens, pieces

COMMENT = b""
"""The format has none."""
CONTENT_TYPE = "application/x-ndjson"
_CREATED_AT = "2026-09-21T14:13:20.000000Z"
_NS = 1_000_000
"""Nanoseconds that one scripted token takes."""


def usage_of(reply: Reply, tokens: Tokens) -> dict[str, Any] | None:
    """Counts, and durations in nanoseconds."""
    if reply.usage is not None:
        return reply.usage or None
    fresh = tokens.input - tokens.cached
    return {
        "total_duration": (fresh + tokens.output) * _NS + 1,
        "load_duration": 1,
        "prompt_eval_duration": fresh * _NS,
        "eval_duration": tokens.output * _NS,
        **({"prompt_eval_count": tokens.input} if tokens.input else {}),
        **({"eval_count": tokens.output} if tokens.output else {}),
    }


def _spoken(said: Said) -> tuple[str, list[dict[str, Any]]]:
    """The content and the calls: what is no object is shown as the words that the model said."""
    text = said.text + said.refusal
    calls: list[dict[str, Any]] = []
    for call in said.calls:
        given = call.parsed
        if given is None:
            text += f'{{"name": "{call.name}", "arguments": {call.arguments}}}'
        else:
            calls.append({"function": {"name": call.name, "arguments": given}})
    return text, calls


def lines(reply: Reply, tokens: Tokens, *, model: str = "scripted") -> list[dict[str, Any]]:
    said = Said.of(reply)
    text, calls = _spoken(said)
    messages: list[dict[str, Any]] = [{"content": "", "thinking": piece} for piece in pieces(said.reasoning)]
    messages += [{"content": piece} for piece in pieces(text)]
    messages += [{"content": "", "tool_calls": [call]} for call in calls]
    head = {"model": model, "created_at": _CREATED_AT}
    found = [{**head, "message": {"role": "assistant", **message}, "done": False} for message in messages]
    if reply.error_after:
        return [*found, {"error": reply.error_after}]
    end = {"done": True, "done_reason": reply.finish or "stop"}
    return [*found, {**head, "message": {"role": "assistant", "content": ""}, **end, **(usage_of(reply, tokens) or {})}]


def frames(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> list[bytes]:
    """The lines of a stream, as bytes. The format has no id of the answer."""
    return [json.dumps(line).encode() + b"\n" for line in lines(reply, tokens, model=model)]


def whole(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> dict[str, Any]:
    """The answer to a request that asked for no stream."""
    *_, last = lines(reply, tokens, model=model)
    if reply.error_after:
        return last
    said = Said.of(reply)
    text, calls = _spoken(said)
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if said.reasoning:
        message["thinking"] = said.reasoning
    if calls:
        message["tool_calls"] = calls
    return {**last, "message": message}
