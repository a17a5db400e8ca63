"""Gemini's `generateContent`. Owns that JSON; its candidates' tokens leave out the thoughts."""

from typing import Any

from tests.support.scripted.reply import SIGNATURE, Reply, Said, Tokens, pieces, sse

COMMENT = b""
"""The format has none: its own client breaks on one."""
CONTENT_TYPE = "text/event-stream"
_FINISH = {"length": "MAX_TOKENS", "content_filter": "SAFETY", "stop": "STOP", "tool_calls": "STOP"}


def usage_of(reply: Reply, tokens: Tokens, *, share: float = 1.0) -> dict[str, Any] | None:
    """The running usage after a share of the answer."""
    if reply.usage is not None:
        return reply.usage or None
    thoughts = round(tokens.reasoning * min(1.0, share * 2))
    candidates = round((tokens.output - tokens.reasoning) * share)
    return {
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": candidates,
        "totalTokenCount": tokens.input + candidates + thoughts,
        **({"cachedContentTokenCount": tokens.cached} if tokens.cached else {}),
        **({"thoughtsTokenCount": thoughts} if thoughts else {}),
    }


def error_of(reply: Reply) -> dict[str, Any]:
    return {"error": {"code": 503, "message": reply.error_after, "status": reply.error_code or "UNAVAILABLE"}}


def _calls(reply: Reply, said: Said) -> list[dict[str, Any]]:
    """The parts of a batch of calls: whole, and only the first one signed. What is no object is left out."""
    found: list[dict[str, Any]] = []
    for call in said.calls:
        given = call.parsed
        if given is not None:
            named = {"id": call.call_id} if reply.call_id else {}
            signed = {} if found else {"thoughtSignature": reply.signature or SIGNATURE}
            found.append({"functionCall": {**named, "name": call.name, "args": given}, **signed})
    return found


def _finish(reply: Reply, said: Said) -> str:
    broken = any(call.parsed is None for call in said.calls)
    usual = "MALFORMED_FUNCTION_CALL" if broken else "SAFETY" if said.refusal else "STOP"
    return _FINISH.get(reply.finish, reply.finish) or usual


def frames(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> list[bytes]:
    """The events of a stream, as bytes: each a whole response, each with the usage so far."""
    said = Said.of(reply)
    parts: list[list[dict[str, Any]]] = [[{"text": piece, "thought": True}] for piece in pieces(said.reasoning)]
    parts += [[{"text": piece}] for piece in pieces(said.text + said.refusal)]
    batch = _calls(reply, said)
    parts += [batch] if batch else []
    head = {"modelVersion": model, "responseId": reply_id}
    total = len(parts) + 1
    found: list[bytes] = []
    for number, some in enumerate(parts, 1):
        candidate = {"content": {"role": "model", "parts": some}, "index": 0}
        found.append(sse({"candidates": [candidate], **_usage(reply, tokens, number / total), **head}))
    if reply.error_after:
        return [*found, sse(error_of(reply))]
    last = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": _finish(reply, said), "index": 0}
    return [*found, sse({"candidates": [last], **_usage(reply, tokens, 1.0), **head})]


def _usage(reply: Reply, tokens: Tokens, share: float) -> dict[str, Any]:
    usage = usage_of(reply, tokens, share=share)
    return {"usageMetadata": usage} if usage is not None else {}


def whole(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> dict[str, Any]:
    """The answer to a request that asked for no stream."""
    if reply.error_after:
        return error_of(reply)
    said = Said.of(reply)
    parts: list[dict[str, Any]] = [{"text": said.reasoning, "thought": True}] if said.reasoning else []
    text = said.text + said.refusal
    parts += [{"text": text}] if text else []
    parts += _calls(reply, said)
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": _finish(reply, said), "index": 0}
    return {"candidates": [candidate], **_usage(reply, tokens, 1.0), "modelVersion": model, "responseId": reply_id}
