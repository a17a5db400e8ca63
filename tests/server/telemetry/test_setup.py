"""Which collector is meant, and that no header with a key goes to another."""

import pytest

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.settings import Settings, TelemetrySettings
from tallystick_server.local.bases import origins
from tallystick_server.telemetry.send import endpoints
from tallystick_server.telemetry.setup import asked, configured, only, servers

ENDPOINT, HEADERS = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"


class Keys:
    def __init__(self, **keys: str) -> None:
        self._keys = keys
        self.asked: list[tuple[str, str]] = []

    def get(self, name: str, origin: str) -> str | None:
        self.asked.append((name, origin))
        return self._keys.get(name)

    def values(self) -> tuple[str, ...]:
        return tuple(self._keys.values())


@pytest.mark.parametrize(
    "base", ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces", "http://c:4318/v1/metrics", "http://c:4318/v1/traces/"]
)
def test_a_base_address_has_two_paths(base: str) -> None:
    assert endpoints(base) == ("http://c:4318/v1/traces", "http://c:4318/v1/metrics")


def test_the_settings_give_headers_and_keys() -> None:
    keys = Keys(TEAM_TOKEN="secret")
    telemetry = TelemetrySettings(
        endpoint="https://c.example/otel/v1/traces", signals="traces", headers={"x": "1"}, key_headers={"x-key": "TEAM_TOKEN"}
    )
    found = configured(telemetry, keys)
    assert (found.traces_url, found.metrics_url) == ("https://c.example/otel/v1/traces", "")
    assert found.headers == {"x": "1", "x-key": "secret"}
    assert keys.asked == [("TEAM_TOKEN", "https://c.example")]
    assert origins(Settings(telemetry=telemetry), {})["TEAM_TOKEN"] == {"https://c.example"}


def test_a_missing_key_is_an_error() -> None:
    telemetry = TelemetrySettings(endpoint="https://c.example", key_headers={"x-key": "TEAM_TOKEN"})
    with pytest.raises(ConfigurationError, match="There is no TEAM_TOKEN"):
        configured(telemetry, Keys())


@pytest.mark.parametrize(
    ("given", "environment", "traces", "headers"),
    [
        (None, {ENDPOINT: "http://e:1"}, "http://e:1/v1/traces", {}),
        (None, {ENDPOINT: "http://e:1", HEADERS: "a=b%20c, d = e"}, "http://e:1/v1/traces", {"a": "b c", "d": "e"}),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://e:1/x", HEADERS: "a=b"}, "http://e:1/x", {"a": "b"}),
        ("http://g:2", {HEADERS: "a=b"}, "http://g:2/v1/traces", {"a": "b"}),
        ("http://g:2", {ENDPOINT: "http://e:1", HEADERS: "a=b"}, "http://g:2/v1/traces", {}),
        ("http://e:1", {ENDPOINT: "http://e:1", HEADERS: "a=b"}, "http://e:1/v1/traces", {"a": "b"}),
        (None, {}, "https://set.example/v1/traces", {"x-key": "secret"}),
        ("https://set.example", {HEADERS: "a=b"}, "https://set.example/v1/traces", {"x-key": "secret"}),
        ("https://other.example", {}, "https://other.example/v1/traces", {}),
    ],
)
def test_headers_go_where_they_were_meant_to(
    given: str | None, environment: dict[str, str], traces: str, headers: dict[str, str]
) -> None:
    telemetry = TelemetrySettings(endpoint="https://set.example", key_headers={"x-key": "TEAM_TOKEN"})
    found = asked(given, telemetry, Keys(TEAM_TOKEN="secret"), environment)
    assert (found.traces_url, dict(found.headers)) == (traces, headers)


def test_no_collector_is_an_error_that_says_where_to_name_one() -> None:
    with pytest.raises(ConfigurationError) as caught:
        asked(None, TelemetrySettings(), Keys(), {})
    assert "--endpoint" in caught.value.remedy


@pytest.mark.parametrize("url", ["collector:4318", "ftp://c", "http://"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        asked(url, TelemetrySettings(), Keys(), {})
    with pytest.raises(ValueError, match="HOST"):
        TelemetrySettings(endpoint=url)


def test_servers_are_the_providers_hosts() -> None:
    found = servers(Settings(), {"openai": "http://10.0.0.5:8000/v1"})
    assert (found["openrouter"].address, found["openrouter"].port) == ("openrouter.ai", 443)
    assert (found["openai"].address, found["openai"].port) == ("10.0.0.5", 8000)


def test_one_signal_and_never_none() -> None:
    both = asked("http://c:1", TelemetrySettings(), Keys(), {})
    assert only(both, None) == only(both, "both") == both
    assert (only(both, "traces").metrics_url, only(both, "metrics").traces_url) == ("", "")
    traces = asked(None, TelemetrySettings(), Keys(), {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1/x"})
    with pytest.raises(ConfigurationError, match="no address for metrics"):
        only(traces, "metrics")
