"""Filling a gap in code over plain completions. Owns the markers of each model family and the request's JSON.

The stream has the same chunks as chat with `text` in place of `delta`, and is read by the same decoder.
"""

from typing import Any, Final

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.dialects import Dialect, dialect_of
from tallystick_agent.providers.wire import openai_chat
from tallystick_agent.providers.wire.base import Wire, no_headers

PATH = "/completions"
MARKERS: Final[dict[str, tuple[str, str, str]]] = {"qwen": ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")}
"""Prefix, suffix and middle, in the order prefix, suffix, middle."""


def encode(request: ChatRequest, endpoint: Endpoint, dialect: Dialect) -> dict[str, Any]:
    """Raises `ProviderError` for a family whose markers are not known."""
    markers = MARKERS.get(endpoint.token_family)
    if markers is None or request.infill is None:
        raise ProviderError(f"{endpoint.slug} cannot fill gaps.", code="provider_rejected")
    prefix, suffix, middle = markers
    prompt = prefix + _plain(request.infill.prefix) + suffix + _plain(request.infill.suffix) + middle
    body: dict[str, Any] = {
        "model": endpoint.model,
        "prompt": prompt,
        "stream": True,
        "max_tokens": request.max_output_tokens,
    }
    if dialect.ask_usage:
        body["stream_options"] = {"include_usage": True}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.seed is not None and dialect.seed:
        body["seed"] = request.seed
    if request.stop:
        body["stop"] = list(request.stop)
    return body


def _plain(text: str) -> str:
    # A marker inside a file must stay text: split it, so that the server does not read it as one.
    return text.replace("<|", "< |")


def _path(request: ChatRequest, endpoint: Endpoint) -> str:
    return PATH


def _encode(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    return encode(request, endpoint, dialect_of(endpoint.dialect))


WIRE: Final = Wire(path=_path, headers=no_headers, encode=_encode, decoder=openai_chat.WIRE.decoder)
