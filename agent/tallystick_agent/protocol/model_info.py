"""Models and endpoints as values. Owns no table of them: that is `providers.catalog`.

An endpoint is a provider, a model, a wire format, a base URL, a price, limits and capabilities. What is not known is
`None`, and is never guessed to be 0.
"""

from dataclasses import dataclass
from typing import Literal

from tallystick_agent.protocol.usage import Price

CallMode = Literal["native", "schema", "text"]
"""How a model is asked for a tool call: its own `tools`, a JSON schema with a branch per tool, or fenced text."""

WireName = Literal["openai_chat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    call_mode: CallMode | None = "native"
    """`None`: not known yet; one probe request decides and is remembered."""
    reasoning: bool = False
    images: bool = False
    infill: bool = False
    """Completes between a prefix and a suffix: a code model served with raw completions."""
    sampling: bool = True
    """False where the endpoint rejects `temperature`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Somewhere a request can be sent. `slug` is `provider/model`, the name the user and the ledger use."""

    slug: str
    provider: str
    model: str
    """The name on the wire, which may differ from the slug."""
    base_url: str
    wire: WireName = "openai_chat"
    dialect: str = "openai"
    key_name: str | None = None
    """The secret's name (`OPENROUTER_API_KEY`), or `None` where no key is sent."""
    window_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    token_family: str = "o200k"
    capabilities: Capabilities = Capabilities()
    idle_timeout_s: float = 60.0
    """Seconds without one byte, comments included, after which the attempt is closed."""
    scale: Literal["small", "large"] = "large"
    """`small` models get a small prompt, forced calls and test feedback."""

    @property
    def author(self) -> str:
        """Who made the model: the first part of an OpenRouter-like name, else the provider."""
        return self.model.split("/", 1)[0] if "/" in self.model else self.provider
