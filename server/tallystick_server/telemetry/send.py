"""One batch to a collector over OTLP/HTTP: packed, sent, tried again while that may help. Owns the pauses between attempts.

The transport is the product's own: no redirect is followed, and a header with a key goes to the collector's origin alone.
"""

import gzip
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.providers.http import Transport, host_of
from tallystick_server.telemetry.encode import refused

Signal = Literal["traces", "metrics"]
AGAIN: Final = frozenset({429, 502, 503, 504})
"""What the protocol says may be sent again."""
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
SMALL: Final = 1_024
"""Bytes below which nothing is packed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Where to send, and with what."""

    traces_url: str
    metrics_url: str
    """Either is empty where that signal is not wanted."""
    headers: Mapping[str, str]
    packed: bool = True
    """With gzip."""
    timeout_s: float = 10.0
    """Seconds for one attempt."""
    patience_s: float = 60.0
    """Seconds for a batch with all its attempts and pauses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a batch."""

    refused: int = 0
    """Spans or points of it that the collector did not want."""
    error: str = ""
    """Why it did not go at all, in a sentence."""


def endpoints(base: str) -> tuple[str, str]:
    """The addresses of both signals for a collector's base address."""
    base = base.rstrip("/")
    for path in ("/v1/traces", "/v1/metrics"):
        base = base.removesuffix(path)
    return f"{base}/v1/traces", f"{base}/v1/metrics"


async def send(
    transport: Transport,
    collector: Collector,
    signal: Signal,
    body: bytes,
    clock: Clock,
    hurry: Callable[[], bool] = lambda: False,
) -> Sent:
    """Never raises for what a collector does or does not do. `hurry`: what fails from now on is not tried again."""
    url = collector.traces_url if signal == "traces" else collector.metrics_url
    headers = {**collector.headers, "content-type": "application/x-protobuf"}
    content = body
    if collector.packed and len(body) > SMALL:
        content = gzip.compress(body, 6, mtime=0)
        headers["content-encoding"] = "gzip"
    begun, pause = clock.monotonic(), FIRST_PAUSE_S
    while True:
        wish: float | None = None
        try:
            answer = await transport.deliver(url, content, headers, timeout_s=collector.timeout_s)
        except ProviderError as error:
            if not error.retryable:
                return Sent(error=error.message)
            why = error.message
        else:
            if 200 <= answer.status < 300:
                return Sent(refused=refused(answer.body, signal))
            why = f"{host_of(url)} answered {answer.status}."
            if answer.status not in AGAIN:
                return Sent(error=why)
            wish = retry_after(answer.headers.get("retry-after", ""), clock.now())
        # Several processes that were refused at once do not come back at once.
        wait = wish if wish is not None else pause * random.uniform(0.5, 1.0)
        if hurry() or clock.monotonic() - begun + wait > collector.patience_s:
            return Sent(error=why)
        await clock.sleep(wait)
        pause = min(pause * 2, LONGEST_PAUSE_S)


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds that a collector asks to wait: a number, or a date; `None` where it is neither."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
