"""llama.cpp's `/infill` as its server of October 2026 sent it: chunks as server-sent events. Owns that JSON.

The reading of the prompt is told first, in two steps; `tokens_cached` at the end is what the slot holds, not what was read
from the cache. A whole answer repeats the prompt, which is left out here.
"""

from typing import Any

from tests.support.scripted.reply import Reply, Said, Tokens, pieces, sse

COMMENT = b""
CONTENT_TYPE = "text/event-stream"


def _chunk(content: str, tokens: Tokens, predicted: int, **more: Any) -> dict[str, Any]:
    counts = {"tokens_predicted": predicted, "tokens_evaluated": tokens.input}
    return {"index": 0, "content": content, "tokens": [0], "stop": False, "id_slot": -1, **counts, **more}


def _last(reply: Reply, tokens: Tokens, model: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "content": "",
        "model": model,
        "stop": True,
        "stop_type": "limit" if reply.finish == "length" else "eos",
        "tokens_predicted": tokens.output,
        "tokens_evaluated": tokens.input,
        "tokens_cached": tokens.input + tokens.output - 1,
        "timings": {"cache_n": tokens.cached, "prompt_n": tokens.input - tokens.cached, "predicted_n": tokens.output},
    }
    return {**found, **reply.usage} if reply.usage is not None else found


def frames(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> list[bytes]:
    """The events of a stream. The format has no id of the answer."""
    said = Said.of(reply).text
    found = [
        _chunk("", tokens, 0, prompt_progress={"total": tokens.input, "cache": tokens.cached, "processed": done, "time_ms": 0})
        for done in (tokens.cached, tokens.input)
    ]
    found += [_chunk(piece, tokens, number) for number, piece in enumerate(pieces(said), 1)]
    if reply.error_after:
        error = {"error": {"code": 500, "message": reply.error_after, "type": "server_error"}}
        return [*map(sse, found), sse(error)]
    return [*map(sse, found), sse(_last(reply, tokens, model))]


def whole(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> dict[str, Any]:
    """The answer to a request that asked for no stream."""
    return {**_last(reply, tokens, model), "content": Said.of(reply).text}
