"""OpenAI Chat Completions, with what OpenRouter adds. Owns that JSON."""

import json
from typing import Any

from tests.support.scripted.reply import CREATED, Reply, Said, Tokens, pieces, sse

COMMENT = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"
CONTENT_TYPE = "text/event-stream"


def deltas(reply: Reply) -> list[dict[str, Any]]:
    """The choices of the chunks, without the last: text and arguments in small pieces."""
    said = Said.of(reply)
    found: list[dict[str, Any]] = [{"role": "assistant"}]
    found += _reasoning_deltas(reply, said)
    found += [{"content": piece} for piece in pieces(said.text)]
    found += [{"refusal": piece} for piece in pieces(said.refusal)]
    for index, call in enumerate(said.calls):
        first = call.arguments if reply.whole_calls else ""
        head = {"index": index, "id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": first}}
        found.append({"tool_calls": [head]})
        for piece in [] if reply.whole_calls else pieces(call.arguments):
            found.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    return found


def _reasoning_deltas(reply: Reply, said: Said) -> list[dict[str, Any]]:
    """Plain reasoning; its blocks too where the reply has something to sign or to hide."""
    signed = bool(reply.signature or reply.redacted)
    found: list[dict[str, Any]] = []
    for piece in pieces(said.reasoning):
        block = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "text": piece}
        found.append({"reasoning": piece, **({"reasoning_details": [block]} if signed else {})})
    found += [{"reasoning_details": [block]} for block in _blocks(reply, "")]
    return found


def _blocks(reply: Reply, text: str) -> list[dict[str, Any]]:
    """The last blocks of a stream; with `text`, all blocks of a whole answer."""
    kept: list[dict[str, Any]] = []
    form = "anthropic-claude-v1"
    if reply.signature or (text and reply.redacted):
        more: dict[str, Any] = {**({"text": text} if text else {}), **({"signature": reply.signature} if reply.signature else {})}
        kept.append({"type": "reasoning.text", "index": 0, "format": form, **more})
    if reply.redacted:
        kept.append({"type": "reasoning.encrypted", "index": 1, "format": form, "data": reply.redacted})
    return kept


def weight(reply: Reply) -> int:
    """The fake's own count of an answer, in tokens: on every wire the same."""
    return sum(len(json.dumps(delta)) for delta in [*deltas(reply), {}]) // 16


def usage_of(reply: Reply, tokens: Tokens) -> dict[str, Any] | None:
    if reply.usage is not None:
        return reply.usage or None
    written = {"cache_write_tokens": tokens.cache_write} if tokens.cache_write else {}
    thought = {"completion_tokens_details": {"reasoning_tokens": tokens.reasoning}} if tokens.reasoning else {}
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, **written},
        **thought,
        **({"cost": tokens.cost} if tokens.cost is not None else {}),
    }


def error_of(reply: Reply) -> dict[str, Any]:
    return {"code": 502, "message": reply.error_after, "metadata": {"error_type": reply.error_code or "provider_overloaded"}}


def _finish(reply: Reply, said: Said) -> str:
    return reply.finish or ("tool_calls" if said.calls else "stop")


def frames(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> list[bytes]:
    """The events of a stream, as bytes."""
    head = {"id": reply_id, "object": "chat.completion.chunk", "created": CREATED, "model": model}
    said = Said.of(reply)

    def chunk(delta: dict[str, Any], finish: str | None = None, **fields: Any) -> bytes:
        return sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields})

    found = [chunk(delta) for delta in deltas(reply)]
    if reply.error_after:
        return [*found, chunk({"content": ""}, "error", error=error_of(reply))]
    found.append(chunk({}, _finish(reply, said)))
    usage = usage_of(reply, tokens)
    if usage is not None:
        found.append(sse({**head, "choices": [], "usage": usage}))
    return [*found, DONE]


def whole(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> dict[str, Any]:
    """The answer to a request that asked for no stream."""
    said = Said.of(reply)
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": said.refusal or None}
    if said.reasoning:
        message["reasoning"] = said.reasoning
    blocks = _blocks(reply, said.reasoning)
    if blocks:
        message["reasoning_details"] = blocks
    if said.calls:
        message["tool_calls"] = [
            {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in said.calls
        ]
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": _finish(reply, said)}
    if reply.error_after:
        choice = {**choice, "finish_reason": "error", "error": error_of(reply)}
    usage = usage_of(reply, tokens)
    return {
        "id": reply_id,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "system_fingerprint": None,
        "choices": [choice],
        **({"usage": usage} if usage is not None else {}),
    }
