"""Where telemetry goes and with which headers, from the user's settings, environment and keys. Owns the reading of `OTEL_*`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from tallystick_agent.ports import SecretStore
from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.providers.catalog import providers
from tallystick_agent.providers.http import origin_of
from tallystick_agent.settings import Settings, TelemetrySettings
from tallystick_server.telemetry.send import Collector, Signal, endpoints
from tallystick_server.telemetry.words import Server

Signals = Literal["both", "traces", "metrics"]
_PORTS: Final = {"https": 443, "http": 80}
_BASE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
_SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics")


def configured(settings: TelemetrySettings, keys: SecretStore) -> Collector:
    """The collector of the settings. Raises `ConfigurationError` where a key is missing."""
    headers = dict(settings.headers)
    for header, name in settings.key_headers.items():
        key = keys.get(name, origin_of(settings.endpoint))
        if key is None:
            raise ConfigurationError(
                f"There is no {name} for {settings.endpoint}.",
                code="provider_auth",
                remedy=f"Set {name} in the environment, or run: tallystick keys set {name}",
            )
        headers[header] = key
    traces, metrics = endpoints(settings.endpoint)
    return Collector(
        traces_url=traces if settings.signals != "metrics" else "",
        metrics_url=metrics if settings.signals != "traces" else "",
        headers=headers,
        packed=settings.compression == "gzip",
    )


def asked(endpoint: str | None, settings: TelemetrySettings, keys: SecretStore, environment: Mapping[str, str]) -> Collector:
    """The collector of a command: the address that was given, else that of the environment, else that of the settings.

    Headers go where they were meant to go: those of the settings to the settings' origin, those of the environment to the
    environment's, or to an address that was given where the environment names none. Raises `ConfigurationError`.
    """
    named = {signal: environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "").strip() for signal in _SIGNALS}
    base = environment.get(_BASE, "").strip()
    if endpoint is None and not base and not any(named.values()):
        if not settings.endpoint:
            raise ConfigurationError(
                "There is no collector to send to.",
                remedy=f"Give --endpoint URL, or set {_BASE}, or telemetry.endpoint in settings.toml.",
            )
        return configured(settings, keys)
    if endpoint is not None and settings.endpoint and origin_of(endpoint) == origin_of(settings.endpoint):
        return configured(settings.model_copy(update={"endpoint": endpoint}), keys)
    if endpoint is not None:
        traces, metrics = endpoints(endpoint)
    else:
        traces, metrics = endpoints(base) if base else ("", "")
        # An address of one signal is taken as it stands.
        traces, metrics = named["traces"] or traces, named["metrics"] or metrics
    for url in filter(None, (traces, metrics)):
        _check(url)
    origins = {origin_of(url) for url in (base, *named.values()) if url}
    meant = not origins or {origin_of(url) for url in (traces, metrics) if url} <= origins
    headers = _pairs(environment.get(_HEADERS, "")) if meant else {}
    return Collector(traces_url=traces, metrics_url=metrics, headers=headers, packed=settings.compression == "gzip")


def only(collector: Collector, signals: Signals | None) -> Collector:
    """The collector for one of the signals. Raises `ConfigurationError` where nothing is left to send."""
    found = replace(
        collector,
        traces_url="" if signals == "metrics" else collector.traces_url,
        metrics_url="" if signals == "traces" else collector.metrics_url,
    )
    if not found.traces_url and not found.metrics_url:
        raise ConfigurationError(f"The collector has no address for {signals or 'anything'}.", remedy="Give --endpoint URL.")
    return found


def servers(settings: Settings, bases: Mapping[str, str]) -> dict[str, Server]:
    """Where each provider is reached from here."""
    urls = {one.name: bases.get(one.name, one.base_url) for one in providers().values()}
    urls |= {name: one.base_url for name, one in settings.providers.items()}
    found: dict[str, Server] = {}
    for name, url in urls.items():
        try:
            parts = urlsplit(url)
            if parts.hostname:
                found[name] = Server(address=parts.hostname, port=parts.port or _PORTS.get(parts.scheme, 0))
        except ValueError:
            continue
    return found


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{url} is no address of a collector.", remedy="Give it as http://HOST:PORT or https://HOST.")


def _pairs(text: str) -> dict[str, str]:
    """`name=value` pairs with commas between them, values as in a URL."""
    found: dict[str, str] = {}
    for pair in text.split(","):
        name, there, value = pair.partition("=")
        if there and name.strip():
            found[name.strip()] = unquote(value.strip())
    return found
