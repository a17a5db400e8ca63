"""The one tree of settings. Owns names, defaults and checks; reads no environment and no file of the workspace.

Precedence, weakest first: the defaults here, the user's `settings.toml`, the environment's conventional variables, the
command line or the editor. Keys and base URLs come from the user's scope alone (ARCHITECTURE.md, trust).
"""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.setting_errors import sentence
from tallystick_agent.protocol.usage import Budget, nanos_from_usd
from tallystick_agent.setting_sections import HardBudgetSettings, LedgerSettings
from tallystick_agent.setting_sections import Section as _Section

Rule = Literal["allow", "ask", "deny"]


class PermissionSettings(_Section):
    """What may happen without asking."""

    read: Rule = "allow"
    """Reading, listing and searching files of the workspace."""
    edit: Rule = "ask"
    """Changing files of the workspace."""
    command: Rule = "ask"
    """Commands that no list below names."""
    allow_commands: tuple[str, ...] = ()
    """Word prefixes that run without asking, e.g. `npm test`."""
    deny_commands: tuple[str, ...] = ()
    """Word prefixes that never run."""
    answer_timeout_s: float = Field(default=600.0, gt=0)
    """Seconds after which a question without an answer means no."""


class BudgetSettings(_Section):
    """Hard limits of one turn."""

    max_cost_usd: Decimal | None = Field(default=None, ge=0)
    """US dollars."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Input and output tokens together."""
    max_requests: int = Field(default=60, gt=0)
    """Model requests."""
    timeout_s: float | None = Field(default=None, gt=0)
    """Seconds of wall time."""

    def limits(self) -> Budget:
        """The same, as a turn is given them."""
        cost = nanos_from_usd(self.max_cost_usd) if self.max_cost_usd is not None else None
        return Budget(max_cost_nanos=cost, max_tokens=self.max_tokens, max_requests=self.max_requests, timeout_s=self.timeout_s)


class NetworkSettings(_Section):
    connect_timeout_s: float = Field(default=10.0, gt=0)
    """Seconds to wait for a connection."""
    idle_timeout_s: float = Field(default=60.0, gt=0)
    """Seconds without one byte after which an attempt is closed and tried again."""
    max_attempts: int = Field(default=5, gt=0)
    """Attempts at one endpoint, the first included; each further endpoint that may serve allows one more."""
    backoff_s: float = Field(default=0.5, ge=0)
    """First pause in seconds between attempts where the provider names none; it doubles up to 8 s."""
    request_timeout_s: float = Field(default=1_800.0, gt=0)
    """Seconds that one attempt may take in all."""
    max_retry_after_s: float = Field(default=120.0, ge=0)
    """A provider that asks for a longer pause in seconds ends the request."""


class ContextSettings(_Section):
    tool_output_bytes: int = Field(default=12_000, ge=500)
    """Bytes of one tool's output that the model sees; the rest is kept under a handle."""
    output_tokens: int = Field(default=8_192, ge=256)
    """Tokens reserved for one answer where the model allows as many."""
    file_list: int = Field(default=60, ge=0)
    """Paths named to the model with the first prompt; of a larger workspace its largest folders."""
    map_tokens: int = Field(default=800, ge=0)
    """Tokens for a map of the code that the first prompt is about, in workspaces too large to be listed; 0 makes none."""
    find_tokens: int = Field(default=1_500, ge=200)
    """Tokens of code that one call of `find_code` gives."""
    prompt_tokens: int = Field(default=16_000, ge=0)
    """Tokens that rules, map and what a prompt names with `@` may take together; a small window allows less."""
    compact_at: float = Field(default=0.8, gt=0.1, le=1)
    """Share of a window's room above which older messages are condensed before the next request."""
    compact_to: float = Field(default=0.4, gt=0.05, lt=1)
    """Share of that room that the history is then brought to."""
    summary: Literal["none", "model"] = "none"
    """Whether a model also writes a summary of what is condensed; that costs requests, and what must survive needs none."""
    local_urls: bool = False
    """Let `@http://…` in a prompt read pages of this machine and of private networks: a prompt may hold words of others."""
    rules: bool = True
    """Read the project's rules (AGENTS.md, CLAUDE.md, …) in folders that you trust."""


class LocalSettings(_Section):
    """The model that runs on this machine."""

    window_tokens: int = Field(default=8_192, ge=2_048)
    """Context window in tokens."""
    threads: int | None = Field(default=None, gt=0)
    """Threads for the model; unset means the idle cores, and 1 where CI is set."""
    attempts: int = Field(default=10, gt=0)
    """Candidates tried against the tests before giving up."""
    repair_tokens: int = Field(default=3_000, gt=0)
    """Tokens after which no further candidate is asked for."""


class TestSettings(_Section):
    command: str | None = None
    """The repository's test command; unset means it is looked for."""
    timeout_s: float = Field(default=300.0, gt=0)
    """Seconds after which a test run is ended."""


class DiagnosticsSettings(_Section):
    """Errors that an edit makes are told to the model. Where they come from: docs/diagnostics.md."""

    timeout_s: float = Field(default=8.0, ge=0)
    """Seconds that the checks of one edit may take, before and after it together; 0 checks nothing."""
    most: int = Field(default=10, gt=0)
    """New errors of one edit that the model is told; of the rest only their number."""
    warnings: bool = False
    """Tell it new warnings too."""


LinterFormat = Literal["cargo", "eslint", "gcc", "mypy", "pyright", "ruff", "sarif", "tsc"]


class LinterSettings(_Section):
    """A program that checks a file. One called eslint, mypy, pyright, ruff or shellcheck needs nothing but its section."""

    command: tuple[str, ...] = ()
    """Its words; `{path}` is the file, `{root}` the workspace, `{copy}` a file with the text as it is in the editor."""
    globs: tuple[str, ...] = ()
    """The files that it checks, e.g. `*.py`."""
    format: LinterFormat | None = None
    """How it prints what it found; `gcc` is `file:line:column: error: message`."""
    stdin: bool | None = None
    """It reads the text from its standard input."""
    trusted_only: bool | None = None
    """Run it only in folders that you trust. False says that nothing in a folder can make it run anything."""


class LanguageServerSettings(_Section):
    """A language server that is started for its diagnostics, in folders that you trust."""

    command: tuple[str, ...] = Field(min_length=1)
    """Its words, e.g. `["pyright-langserver", "--stdio"]`."""
    globs: tuple[str, ...] = Field(min_length=1)
    """The files that it checks, e.g. `*.py`."""
    language: str = ""
    """The language id that it is told; unset goes by the end of the file's name."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What it gets where it asks for its configuration, by section."""
    idle_s: float = Field(default=600.0, gt=0)
    """Seconds without a question after which it is ended."""


class AttributionSettings(_Section):
    """How requests name this app to the provider."""

    title: str = "Tallystick"
    """The name that a provider's rankings show."""
    url: str = "https://github.com/tallystick/tallystick"
    """The address that tells this app from others; never one of this machine."""
    categories: tuple[str, ...] = ("cli-agent", "ide-extension")
    """At most two are sent."""


class CompletionSettings(_Section):
    """Suggestions at the cursor while you type. Each is a request that stands in the books under `completion`."""

    enabled: Literal["local"] | bool = "local"
    """`local`: only by a model that costs nothing and runs on this machine or in its network; true: also by others."""
    model: str | None = None
    """The model that completes; unset takes a llama.cpp server that runs on its usual port. `local/NAME` starts a pulled one."""
    debounce_ms: int = Field(default=150, ge=0, le=5_000)
    """Milliseconds without a key before a model is asked."""
    max_tokens: int = Field(default=96, ge=8, le=1_024)
    """Tokens of a suggestion at most."""
    prefix_tokens: int = Field(default=1_024, ge=64, le=16_384)
    """Tokens of the text before the cursor; a llama.cpp server with its usual settings reads no more than 1,536."""
    suffix_tokens: int = Field(default=64, ge=0, le=4_096)
    """Tokens of the text behind the cursor, which is read anew at every key."""
    timeout_s: float = Field(default=30.0, gt=0)
    """Seconds after which a suggestion is given up; a cold model may read a file for as long as that."""
    warm: bool = True
    """Let a local server read a file when it is opened, so that the first suggestion does not wait for it."""


class PriceSettings(_Section):
    """USD per million tokens."""

    input: Decimal = Field(ge=0)
    """USD per million input tokens."""
    output: Decimal = Field(ge=0)
    """USD per million output tokens."""
    cache_read: Decimal | None = Field(default=None, ge=0)
    """USD per million tokens read from the cache; unset takes the input price."""
    cache_write: Decimal | None = Field(default=None, ge=0)
    """USD per million tokens written to the cache; unset takes the input price."""
    cache_write_1h: Decimal | None = Field(default=None, ge=0)
    """The same for what is kept an hour or longer; unset takes the price of a cache write."""
    reasoning: Decimal | None = Field(default=None, ge=0)
    """USD per million tokens of thoughts; unset takes the output price."""


WireSetting = Literal["openai_chat", "openai_responses", "anthropic", "gemini", "ollama"]
AuthSetting = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key"]
EffortSetting = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class ProviderSettings(_Section):
    """A provider of the user's own; its models are named `name/model`."""

    base_url: str
    """Where its API begins, e.g. `http://10.0.0.5:8000/v1`."""
    dialect: str = "openai_compatible"
    """How it departs from plain Chat Completions, e.g. `vllm`."""
    wire: WireSetting = "openai_chat"
    """The wire format that it speaks."""
    auth: AuthSetting = "bearer"
    """The header that carries the key."""
    key_name: str | None = None
    """The name of the environment variable, or of the stored key; unset sends none."""
    local: bool = False
    """Runs on this machine or in this network: costs nothing, and may be slow to its first byte."""
    stores: bool | None = None
    """Whether it keeps prompts."""
    zdr: bool | None = None
    """Whether it promises zero data retention."""


class DataSettings(_Section):
    """What you know of a provider's handling of prompts, from its terms or your contract with it."""

    stores: bool | None = None
    """Whether it keeps prompts, or trains on them."""
    zdr: bool | None = None
    """Whether it promises zero data retention."""


class LimitSettings(_Section):
    """What an account may send; requests wait for their turn instead of being refused."""

    requests: int | None = Field(default=None, gt=0)
    """Requests in any window."""
    tokens: int | None = Field(default=None, gt=0)
    """Tokens in any window: input, and what an answer is likely to have."""
    window_s: float = Field(default=60.0, gt=0)
    """The window in seconds."""
    requests_per_day: int | None = Field(default=None, gt=0)
    """Requests in a UTC day."""


class MaxPriceSettings(_Section):
    """USD per million tokens; `request` in USD."""

    prompt: Decimal | None = Field(default=None, ge=0)
    """Leaves out endpoints that charge more USD per million input tokens, or whose price is not known."""
    completion: Decimal | None = Field(default=None, ge=0)
    """The same for output tokens."""
    request: Decimal | None = Field(default=None, ge=0)
    """The same for the fee of a request, in USD."""


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Threshold = Positive | dict[Literal["p50", "p75", "p90", "p99"], Positive]


class RoutingSettings(_Section):
    """Which endpoint serves where several can, in OpenRouter's words; sent on to it, and followed over our own endpoints."""

    policy: Literal["balanced", "price", "throughput", "latency", "exacto", "cost_per_answer", "order", "window"] = "balanced"
    """How those that can serve are ordered; `balanced` draws by price among the stable ones."""
    fallback_models: tuple[str, ...] = ()
    """Model slugs tried in order where the first fails."""
    elsewhere: bool = False
    """Let other providers with a key here serve the same model; a model named without its provider may always be."""
    order: tuple[str, ...] = ()
    """Providers tried first, in this order."""
    only: tuple[str, ...] = ()
    """The only providers that may serve."""
    ignore: tuple[str, ...] = ()
    """Providers that may not serve."""
    allow_fallbacks: bool = True
    """False takes the first endpoint alone, and its error is the answer."""
    require_parameters: bool = False
    """Only endpoints that are known to take every parameter of the request."""
    data_collection: Literal["allow", "deny"] = "allow"
    """`deny` leaves out providers that keep prompts, or are not known not to; `[data.NAME]` says what you know."""
    zdr: bool = False
    """Only endpoints that promise zero data retention."""
    quantizations: tuple[str, ...] = ()
    """Only endpoints of these quantizations, e.g. `fp8`."""
    max_price: MaxPriceSettings | None = None
    """Leaves out dearer endpoints, and those whose price is not known."""
    preferred_min_throughput: Threshold | None = None
    """Tokens per second, at p50 or by percentile; who misses it comes last."""
    preferred_max_latency: Threshold | None = None
    """Seconds to the first token, at p50 or by percentile; who misses it comes last."""
    fallback_after_refusal: bool = False
    """Let the next model answer what a filter refused."""


class CatalogSettings(_Section):
    refresh_hours: float = Field(default=24.0, ge=0)
    """Hours after which OpenRouter's list of models is fetched anew in the background, where OpenRouter serves; 0 is never."""


class ReasoningSettings(_Section):
    """How much a model thinks; unset leaves it to the model."""

    effort: EffortSetting | None = None
    """How hard it thinks; what a model does not know becomes the nearest it does."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Tokens for thoughts."""
    exclude: bool = False
    """Let it think, and do not send the thoughts."""

    @model_validator(mode="after")
    def _one_of_both(self) -> "ReasoningSettings":
        if self.effort is not None and self.max_tokens is not None:
            raise ValueError("give reasoning.effort or reasoning.max_tokens, not both")
        return self


class EndpointSettings(_Section):
    """An endpoint of the user's own, or values that replace the catalog's."""

    base_url: str | None = None
    """Where its API begins."""
    model: str | None = None
    """The name that is sent, where it is another than the slug's."""
    dialect: str | None = None
    """How it departs from plain Chat Completions."""
    wire: WireSetting | None = None
    """The wire format; `ollama` also sets the context size that an Ollama server uses."""
    auth: AuthSetting | None = None
    """The header that carries the key."""
    quantization: str | None = None
    """What it is quantized to, e.g. `fp8`."""
    key_name: str | None = None
    """The name of the environment variable, or of the line in the keys file, that holds the key."""
    window_tokens: int | None = Field(default=None, gt=0)
    """Context window in tokens."""
    max_output_tokens: int | None = Field(default=None, gt=0)
    """Output tokens that it gives at most."""
    price: PriceSettings | None = None
    call_mode: Literal["native", "schema", "text", "unknown"] | None = None
    """How tools are called; `unknown` finds out with one probe and remembers it."""
    scale: Literal["small", "large"] | None = None
    """`small` models get a small prompt, forced calls and test feedback."""


class ChatSettings(_Section):
    """Chat documents in editors."""

    folder: str = ".tally"
    """Where new chats go: absolute, or relative to the workspace folder."""


class GatewaySettings(_Section):
    """The API for other apps, on this machine alone."""

    port: int = Field(default=8_790, ge=0, le=65_535)
    """Port on 127.0.0.1; 0 takes any that is free."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names in the `Host` header, e.g. of a proxy in front of it."""
    allowed_origins: tuple[str, ...] = ()
    """Web origins whose pages may use it, e.g. `http://localhost:3000`."""
    max_body_mb: int = Field(default=64, ge=1, le=1_024)
    """MiB of one request at most."""
    max_requests: int = Field(default=256, ge=1)
    """Requests under way at once; more are refused with 429."""


class TelemetrySettings(_Section):
    """Requests as OpenTelemetry spans and metrics, sent to a collector of yours while they happen: docs/exports.md."""

    endpoint: str = ""
    """Where a collector takes OTLP over HTTP, e.g. `http://127.0.0.1:4318`; unset sends nothing."""
    signals: Literal["both", "traces", "metrics"] = "both"
    """What is sent."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of every request to it, for what is no secret."""
    key_headers: dict[str, str] = Field(default_factory=dict)
    """Headers that carry a key, each with the key's name, e.g. `wandb-api-key = "WANDB_API_KEY"`; it goes nowhere else."""
    resource: dict[str, str] = Field(default_factory=dict)
    """Attributes of the resource, e.g. `"service.name" = "tallystick-ana"`."""
    compression: Literal["gzip", "none"] = "gzip"
    """How batches are packed."""
    temporality: Literal["cumulative", "delta"] = "cumulative"
    """Whether metrics are sums since the start, as Prometheus wants them, or since the last time."""
    interval_s: float = Field(default=10.0, gt=0)
    """Seconds between two batches."""

    @field_validator("endpoint")
    @classmethod
    def _reachable(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("give it as http://HOST:PORT or https://HOST")
        return value


class Settings(_Section):
    """Everything a user may set."""

    model: str | None = None
    """The model used when none is named, as `provider/model`."""
    permissions: PermissionSettings = PermissionSettings()
    budget: BudgetSettings = BudgetSettings()
    network: NetworkSettings = NetworkSettings()
    context: ContextSettings = ContextSettings()
    local: LocalSettings = LocalSettings()
    tests: TestSettings = TestSettings()
    completion: CompletionSettings = CompletionSettings()
    diagnostics: DiagnosticsSettings = DiagnosticsSettings()
    attribution: AttributionSettings = AttributionSettings()
    catalog: CatalogSettings = CatalogSettings()
    ledger: LedgerSettings = LedgerSettings()
    chats: ChatSettings = ChatSettings()
    gateway: GatewaySettings = GatewaySettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    routing: RoutingSettings = RoutingSettings()
    reasoning: ReasoningSettings = ReasoningSettings()
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    """Providers by name, e.g. `[providers.work]`."""
    linters: dict[str, LinterSettings] = Field(default_factory=dict)
    """Linters by name, e.g. `[linters.ruff]`."""
    language_servers: dict[str, LanguageServerSettings] = Field(default_factory=dict)
    """Language servers by name, e.g. `[language_servers.pyright]`."""
    data: dict[str, DataSettings] = Field(default_factory=dict)
    """Handling of prompts by provider or endpoint slug, e.g. `[data.anthropic]`."""
    limits: dict[str, LimitSettings] = Field(default_factory=dict)
    """Limits by provider or endpoint slug, e.g. `[limits.groq]`."""
    budgets: dict[str, HardBudgetSettings] = Field(default_factory=dict)
    """Hard limits by name, e.g. `[budgets.team]`."""
    endpoints: dict[str, EndpointSettings] = Field(default_factory=dict)
    """Endpoints by slug, e.g. `[endpoints."work/coder"]`."""


def load_settings(path: Path, overrides: dict[str, Any] | None = None) -> Settings:
    """The settings of `path` (absent: the defaults) under `overrides`. Raises `ConfigurationError` naming the line or key."""
    data: dict[str, Any] = {}
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        pass
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is not valid TOML: {error}", remedy="Correct that line, or move the file away."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}", remedy="Check its permissions.") from error
    try:
        return Settings.model_validate(_merge(data, overrides or {}))
    except ValidationError as error:
        raise ConfigurationError(
            sentence(error.errors(), Settings),
            remedy=f"Correct it in {path}; docs/settings.md lists every setting.",
        ) from error


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = _merge(cast(dict[str, Any], below), cast(dict[str, Any], value)) if both else value
    return merged
