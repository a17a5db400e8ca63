"""Filling a gap over completions that take a `suffix`: Mistral's own path, DeepSeek's beta, Ollama. Owns where and what is sent.

The provider sets its model's markers. The stream has the chunks of chat, with `delta` or `text`, and is read by that decoder.
A model that fills no gaps is refused with a 400 by all of them.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.wire import openai_chat
from tallystick_agent.providers.wire.base import Wire, no_headers

PATHS: Final = {"mistral": "/fim/completions", "deepseek": "/completions", "ollama": "/completions"}
"""What follows the base URL, by dialect."""


def base_of(endpoint: Endpoint) -> str:
    """The base URL for gaps: DeepSeek's own API has them at another one; a server that speaks as it does has not."""
    parts = urlsplit(endpoint.base_url)
    if endpoint.dialect == "deepseek" and (parts.hostname or "").endswith("api.deepseek.com"):
        return f"{parts.scheme}://{parts.netloc}/beta"
    return endpoint.base_url


def encode(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    """Raises `ProviderError` for a request that is no gap."""
    gap, dialect = request.infill, dialect_of(endpoint.dialect)
    if gap is None or endpoint.dialect not in PATHS:
        raise ProviderError(f"{endpoint.slug} fills gaps and does nothing else.", code="provider_rejected")
    body: dict[str, Any] = {"model": endpoint.model, "prompt": gap.prefix, "suffix": gap.suffix}
    body[dialect.max_tokens_field] = request.max_output_tokens
    if request.stream:
        body["stream"] = True
        if dialect.ask_usage and endpoint.dialect != "mistral":
            # Mistral counts unasked, and takes no field that it does not know.
            body["stream_options"] = {"include_usage": True}
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p)):
        if value is not None:
            body[name] = value
    if request.stop:
        body["stop"] = list(request.stop)
    return body


def _path(request: ChatRequest, endpoint: Endpoint) -> str:
    return PATHS.get(endpoint.dialect, "/completions")


WIRE: Final = Wire(path=_path, headers=no_headers, encode=encode, decoder=openai_chat.WIRE.decoder)
