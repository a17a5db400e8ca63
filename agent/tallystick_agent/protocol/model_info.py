"""Models and endpoints as values. Owns no table of them: that is `providers.catalog`.

An endpoint is a provider, a model, a wire format, a base URL, a price, limits and capabilities. What is not known is
`None`, and is never guessed to be 0.
"""

from dataclasses import dataclass
from typing import Literal

from tallystick_agent.protocol.usage import Price

CallMode = Literal["native", "schema", "text"]
"""How a model is asked for a tool call: its own `tools`, a JSON schema with a branch per tool, or fenced text."""

WireName = Literal["openai_chat", "openai_responses", "anthropic", "gemini", "ollama", "llama_infill", "suffix_infill"]
"""The last two carry gaps to fill and nothing else."""
AuthStyle = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How hard a model is to think, weakest first."""

EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningRule:
    """How an endpoint takes a wish for reasoning."""

    style: Literal["effort", "budget", "adaptive", "toggle"] = "effort"
    """A named effort, a number of tokens, the model's own measure with an effort beside it, or just on and off."""
    efforts: tuple[Effort, ...] = ("low", "medium", "high")
    """Those that the endpoint accepts; others become the nearest."""
    least_budget: int = 1_024
    most_budget: int = 128_000
    mandatory: bool = False
    """It always thinks: a wish for none becomes the weakest it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRule:
    """How an endpoint caches prompts."""

    style: Literal["automatic", "cache_control", "breakpoints"] = "automatic"
    """By itself, by Anthropic's marks, or by OpenAI's marks of GPT-5.6 and later."""
    least_tokens: int = 1_024
    """A shorter prompt is not cached, and no error says so."""
    most_marks: int = 4
    ttl_s: float = 300.0
    """Seconds that an entry lives without use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an endpoint can do. `None` is not known."""

    call_mode: CallMode | None = "native"
    """`None`: not known yet; one probe request decides and is remembered."""
    tools: bool | None = None
    reasoning: ReasoningRule | None = None
    images: bool | None = None
    structured: bool | None = None
    """Follows a JSON Schema that the request gives."""
    web: bool = False
    """Can search the web on the provider's side."""
    infill: bool = False
    """Completes between a prefix and a suffix: a code model served with raw completions."""
    sampling: bool = True
    """False where the endpoint rejects `temperature`."""
    cache: CacheRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPolicy:
    """What the provider does with prompts. `None` is not known, and counts as the worse answer where one is asked for."""

    stores: bool | None = None
    """Keeps prompts, or trains on them."""
    zdr: bool | None = None
    """Promises zero data retention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What an account may send to an endpoint. `None` is no limit that we know of."""

    requests: int | None = None
    """Requests in any `window_s`."""
    tokens: int | None = None
    """Tokens in any `window_s`."""
    window_s: float = 60.0
    requests_per_day: int | None = None
    """By the UTC day."""
    account: str = ""
    """What the limits belong to: endpoints with the same name share them."""

    @property
    def any(self) -> bool:
        return self.requests is not None or self.tokens is not None or self.requests_per_day is not None


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
    auth: AuthStyle = "bearer"
    key_name: str | None = None
    """The secret's name (`OPENROUTER_API_KEY`), or `None` where no key is sent."""
    window_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    token_family: str = "o200k"
    capabilities: Capabilities = Capabilities()
    data: DataPolicy = DataPolicy()
    quantization: str = "unknown"
    limits: RateLimits = RateLimits()
    parameters: frozenset[str] | None = None
    """Request fields that it takes, where a list of them is known."""
    idle_timeout_s: float = 60.0
    """Seconds without one byte, comments included, after which the attempt is closed."""
    scale: Literal["small", "large"] = "large"
    """`small` models get a small prompt, forced calls and test feedback."""
    aggregator: bool = False
    """A provider that itself chooses among providers, such as OpenRouter: it takes routing wishes on."""
    local: bool = False
    """Runs on this machine or in this network, without a price."""

    @property
    def author(self) -> str:
        """Who made the model: the first part of an OpenRouter-like name, else the provider."""
        return self.model.split("/", 1)[0] if "/" in self.model else self.provider

    @property
    def free(self) -> bool:
        """Costs nothing, as far as its price is known."""
        price = self.price
        return price is not None and price.rates.input == 0 and price.rates.output == 0 and price.request_usd == 0
