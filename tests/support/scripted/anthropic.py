"""Anthropic Messages. Owns that JSON; its `input_tokens` leaves out what was read from and written to the cache."""

from typing import Any

from tests.support.scripted.reply import SIGNATURE, Reply, Said, Tokens, pieces, sse

COMMENT = sse({"type": "ping"}, "ping")
CONTENT_TYPE = "text/event-stream"
_STOP = {"length": "max_tokens", "content_filter": "refusal", "stop": "end_turn", "tool_calls": "tool_use"}


def usage_of(reply: Reply, tokens: Tokens) -> dict[str, Any] | None:
    """The usage of a whole message."""
    if reply.usage is not None:
        return reply.usage or None
    cache = {"ephemeral_5m_input_tokens": tokens.cache_write, "ephemeral_1h_input_tokens": 0}
    return {**_counts(tokens), "cache_creation": cache, "service_tier": "standard"}


def _counts(tokens: Tokens) -> dict[str, Any]:
    return {
        "input_tokens": tokens.input - tokens.cached - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
        **({"output_tokens_details": {"thinking_tokens": tokens.reasoning}} if tokens.reasoning else {}),
        **({"cost": tokens.cost} if tokens.cost is not None else {}),
    }


def error_of(reply: Reply) -> dict[str, Any]:
    return {"type": "error", "error": {"type": reply.error_code or "overloaded_error", "message": reply.error_after}}


def blocks(reply: Reply) -> list[dict[str, Any]]:
    """The finished blocks of a message. Broken arguments stand in `input` as text: no whole message can hold them."""
    said = Said.of(reply)
    found: list[dict[str, Any]] = []
    if said.reasoning:
        found.append({"type": "thinking", "thinking": said.reasoning, "signature": reply.signature or SIGNATURE})
    if reply.redacted:
        found.append({"type": "redacted_thinking", "data": reply.redacted})
    text = said.text + said.refusal
    if text:
        found.append({"type": "text", "text": text, "citations": None})
    for call in said.calls:
        given = call.parsed
        value: Any = call.arguments if given is None else given
        found.append({"type": "tool_use", "id": call.call_id, "name": call.name, "input": value})
    return found


def _stop(reply: Reply) -> str:
    said = Said.of(reply)
    usual = "refusal" if said.refusal else "tool_use" if said.calls else "end_turn"
    return _STOP.get(reply.finish, reply.finish) or usual


def _details(stop: str) -> dict[str, Any] | None:
    return {"type": "refusal", "category": None, "explanation": None} if stop == "refusal" else None


def _message(model: str, reply_id: str, usage: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": f"msg_{reply_id}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        **({"usage": usage} if usage is not None else {}),
    }


def whole(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> dict[str, Any]:
    """The answer to a request that asked for no stream."""
    if reply.error_after:
        return error_of(reply)
    stop = _stop(reply)
    message = _message(model, reply_id, usage_of(reply, tokens))
    return {**message, "content": blocks(reply), "stop_reason": stop, "stop_details": _details(stop)}


def events(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> list[dict[str, Any]]:
    usage = usage_of(reply, tokens)
    # Numbers of a message that has only begun: a little output, and no part of it known.
    early = {key: value for key, value in (usage or {}).items() if key not in ("output_tokens_details", "cost")}
    first = {**early, "output_tokens": 1} if usage is not None else None
    found: list[dict[str, Any]] = [{"type": "message_start", "message": _message(model, reply_id, first)}]
    found.append({"type": "ping"})
    arguments = iter([call.arguments for call in Said.of(reply).calls])
    for index, block in enumerate(blocks(reply)):
        opened, changes = _block(block, arguments)
        found.append({"type": "content_block_start", "index": index, "content_block": opened})
        found += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in changes]
        found.append({"type": "content_block_stop", "index": index})
    if reply.error_after:
        return [*found, error_of(reply)]
    stop = _stop(reply)
    delta = {"stop_reason": stop, "stop_sequence": None, "stop_details": _details(stop)}
    counts = _counts(tokens) if reply.usage is None else reply.usage
    found.append({"type": "message_delta", "delta": delta, **({"usage": counts} if counts else {})})
    return [*found, {"type": "message_stop"}]


def _block(block: dict[str, Any], arguments: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts, and its deltas."""
    match block["type"]:
        case "thinking":
            changes = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
            changes.append({"type": "signature_delta", "signature": block["signature"]})
            return {"type": "thinking", "thinking": "", "signature": ""}, changes
        case "text":
            return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        case "tool_use":
            parts = ["", *pieces(next(arguments))]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
        case _:
            return block, []


def frames(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> list[bytes]:
    """The events of a stream, as bytes."""
    return [sse(event, event["type"]) for event in events(reply, tokens, model=model, reply_id=reply_id)]
