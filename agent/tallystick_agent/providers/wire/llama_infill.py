"""Filling a gap over llama.cpp's own `/infill`: the request, and the reading of its stream. Owns that JSON.

The server sets the model's markers itself, and keeps of a prefix only the last 1,536 tokens (three quarters of a batch): a
longer one slides by a token at every key, and nothing of it is found in the cache again. Who asks keeps it shorter.

Traps it covers (each has a test): the base URL has no `/v1`; `tokens_cached` is what the slot holds at the end, and what came
from the cache is `timings.cache_n`; the last chunk repeats the whole prompt unless it is told not to; the progress of reading
counts the input exactly before the first token, which is all that is known of an answer that is stopped early.
"""

from typing import Any, Final, cast

from tallystick_agent.protocol.chat import ChatRequest, Finish, Reply, StreamEvent
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.classify import classify_body
from tallystick_agent.providers.wire.base import Decoder, Wire, count, no_headers, part_of
from tallystick_agent.providers.wire.object_decoder import ObjectDecoder

PATH: Final = "/infill"
MOST_PREFIX: Final = 1_536
"""Tokens of a prefix that a server with its usual batch of 2,048 reads."""
_LAST: Final = ("content", "stop", "stop_type", "tokens_predicted", "tokens_evaluated", "timings", "model")
"""What the last chunk is to hold."""


def base_of(base_url: str) -> str:
    """Where `/infill` begins, from the base URL of the server's API."""
    return base_url.rstrip("/").removesuffix("/v1")


def encode(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    """Raises `ProviderError` for a request that is no gap."""
    gap = request.infill
    if gap is None:
        raise ProviderError(f"{endpoint.slug} fills gaps and does nothing else.", code="provider_rejected")
    body: dict[str, Any] = {"model": endpoint.model}
    if gap.extra:
        body["input_extra"] = [{"filename": name, "text": text} for name, text in gap.extra]
    body |= {"input_prefix": gap.prefix, "input_suffix": gap.suffix, "n_predict": request.max_output_tokens}
    body |= {"stream": request.stream, "cache_prompt": True, "response_fields": list(_LAST)}
    if request.stream:
        body["return_progress"] = True
    if gap.most_ms is not None:
        body["t_max_predict_ms"] = gap.most_ms
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p), ("seed", request.seed)):
        if value is not None:
            body[name] = value
    if request.stop:
        body["stop"] = list(request.stop)
    return body


class LlamaInfillDecoder(ObjectDecoder):
    """Chunks of a stream, or the one object of an answer that does not stream."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._running: Usage | None = None

    @property
    def started(self) -> bool:
        return self._answer.started or self._running is not None

    @property
    def running(self) -> Usage | None:
        return self._running

    def _feed(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        if chunk.get("error"):
            raise classify_body(status=200, body=chunk)
        answer = self._answer
        content = chunk.get("content")
        events: list[StreamEvent] = [answer.say(content)] if isinstance(content, str) and content else []
        self._count(chunk)
        if chunk.get("stop") is True:
            answer.model = str(chunk.get("model") or "")
            reason: Finish = "length" if chunk.get("stop_type") == "limit" else "stop"
            answer.finish = reason
            answer.usage = self._running
        return events

    def _count(self, chunk: dict[str, Any]) -> None:
        """Takes the newest figures; a chunk without any changes nothing."""
        inputs, outputs = count(chunk.get("tokens_evaluated")), count(chunk.get("tokens_predicted"))
        if inputs is None or outputs is None:
            return
        cached = self._running.cached_tokens if self._running is not None else 0
        progress = cast(dict[str, Any], chunk.get("prompt_progress") or {})
        timings = cast(dict[str, Any], chunk.get("timings") or {})
        told = timings.get("cache_n", progress.get("cache"))
        cached = part_of(told, inputs) if told is not None else min(cached, inputs)
        self._running = Usage(input_tokens=inputs, cached_tokens=cached, output_tokens=outputs)

    def finish(self, *, cut: bool = False) -> Reply:
        return self._answer.whole(cut=cut)


def _path(request: ChatRequest, endpoint: Endpoint) -> str:
    return PATH


def _decoder(endpoint: Endpoint) -> Decoder:
    return LlamaInfillDecoder(endpoint)


WIRE: Final = Wire(path=_path, headers=no_headers, encode=encode, decoder=_decoder)
