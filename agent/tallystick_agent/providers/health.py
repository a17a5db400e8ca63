"""How well endpoints serve, from what was seen. Owns the rolling measures, the breaker, and the board of all endpoints.

Measures are means that forget: what was seen weighs half as much after each half-life. Success forgets in 2 minutes, since
an outage is short; time to first token and throughput in 5; faulty tool calls in a day, since they are the model's nature.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from tallystick_agent.protocol.errors import Code

SUCCESS_HALF_S: Final = 120.0
SPEED_HALF_S: Final = 300.0
TOOL_HALF_S: Final = 86_400.0
OUTAGE_S: Final = 30.0
"""Seconds after a failure of its own in which an endpoint counts as unstable."""
RECENT: Final = 50
"""Latencies and throughputs kept for percentiles, of the last five minutes."""
RECENT_S: Final = 300.0
TRIP_AT: Final = 3
"""Failures in a row that open the breaker."""
OPEN_S: Final = 30.0
LONGEST_OPEN_S: Final = 300.0

OUTAGES: Final[frozenset[Code]] = frozenset(
    {"provider_unavailable", "provider_timeout", "provider_stream_cut", "provider_failed"}
)
"""Failures that are the endpoint's. A limit, a bad key or a bad request says nothing of its health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One attempt as the board sees it. Times in seconds."""

    ok: bool
    code: Code | None = None
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    calls: int = 0
    faulty_calls: int = 0
    """Calls that were not valid JSON, or named no known tool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """A mean that forgets. `mean` is `None` before anything was seen."""

    half_s: float
    total: float = 0.0
    weight: float = 0.0
    at: float = 0.0

    def seen(self, value: float, now: float) -> "Rolling":
        fade = self._fade(now) if self.weight else 0.0
        at = max(self.at, now) if self.weight else now
        return Rolling(half_s=self.half_s, total=self.total * fade + value, weight=self.weight * fade + 1.0, at=at)

    @property
    def mean(self) -> float | None:
        return self.total / self.weight if self.weight > 0 else None

    def toward(self, usual: float, now: float) -> float:
        """The mean with one sighting of what is usual beside it: a single bad one is no verdict, and an old one none at all."""
        fade = self._fade(now)
        return (self.total * fade + usual) / (self.weight * fade + 1.0)

    def _fade(self, now: float) -> float:
        return math.pow(0.5, max(0.0, now - self.at) / self.half_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Closed lets through; open lets nothing through until `until`; then one attempt decides."""

    failures: int = 0
    opened: int = 0
    """Times it opened without a success in between: each doubles the pause."""
    until: float = 0.0

    def after(self, *, ok: bool, outage: bool, now: float) -> "Breaker":
        if ok:
            return Breaker()
        if not outage:
            return self
        failures = self.failures + 1
        if self.state(now) == "open":
            # An attempt that was under way when it opened: it was not the one that decides.
            return replace(self, failures=failures)
        if failures < TRIP_AT and self.opened == 0:
            return replace(self, failures=failures)
        pause = min(LONGEST_OPEN_S, OPEN_S * 2.0 ** min(self.opened, 10))
        return Breaker(failures=failures, opened=self.opened + 1, until=now + pause)

    def state(self, now: float) -> Literal["closed", "open", "half_open"]:
        if self.opened == 0:
            return "closed"
        return "open" if now < self.until else "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHealth:
    success: Rolling = field(default_factory=lambda: Rolling(half_s=SUCCESS_HALF_S))
    first_token: Rolling = field(default_factory=lambda: Rolling(half_s=SPEED_HALF_S))
    throughput: Rolling = field(default_factory=lambda: Rolling(half_s=SPEED_HALF_S))
    tool_faults: Rolling = field(default_factory=lambda: Rolling(half_s=TOOL_HALF_S))
    breaker: Breaker = Breaker()
    last_outage: float = -math.inf
    latencies: tuple[tuple[float, float], ...] = ()
    """(time, seconds to the first token), oldest first."""
    speeds: tuple[tuple[float, float], ...] = ()
    """(time, tokens per second), oldest first."""

    def after(self, outcome: Outcome, now: float) -> "EndpointHealth":
        """The health after one more attempt. `now` in seconds of any clock, always the same one."""
        outage = not outcome.ok and outcome.code in OUTAGES
        judged = outcome.ok or outage
        wait, speed, faults = outcome.first_token_s, outcome.tokens_per_s, self.tool_faults
        for number in range(outcome.calls):
            faults = faults.seen(1.0 if number < outcome.faulty_calls else 0.0, now)
        return EndpointHealth(
            success=self.success.seen(1.0 if outcome.ok else 0.0, now) if judged else self.success,
            breaker=self.breaker.after(ok=outcome.ok, outage=outage, now=now) if judged else self.breaker,
            last_outage=max(now, self.last_outage) if outage else self.last_outage,
            first_token=self.first_token.seen(wait, now) if wait is not None else self.first_token,
            latencies=_recent((*self.latencies, (now, wait)), now) if wait is not None else self.latencies,
            throughput=self.throughput.seen(speed, now) if speed is not None else self.throughput,
            speeds=_recent((*self.speeds, (now, speed)), now) if speed is not None else self.speeds,
            tool_faults=faults,
        )

    def stable(self, now: float) -> bool:
        """No failure of its own in the last 30 seconds."""
        return now - self.last_outage >= OUTAGE_S

    def latency_at(self, percentile: int, now: float) -> float | None:
        """Seconds to the first token that `percentile` percent of the last five minutes' attempts stayed within."""
        return _percentile(_recent(self.latencies, now), percentile)

    def speed_at(self, percentile: int, now: float) -> float | None:
        """Tokens per second that `percentile` percent of the last five minutes' attempts reached."""
        return _percentile(_recent(self.speeds, now), 100 - percentile)


def _recent(values: tuple[tuple[float, float], ...], now: float) -> tuple[tuple[float, float], ...]:
    kept = values[-RECENT:]
    if not kept or now - kept[0][0] <= RECENT_S:
        return kept
    return tuple(one for one in kept if now - one[0] <= RECENT_S)


def _percentile(values: tuple[tuple[float, float], ...], percentile: int) -> float | None:
    if not values:
        return None
    ordered = sorted(value for _, value in values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(percentile / 100 * len(ordered)) - 1))]


UNSEEN: Final = EndpointHealth()


class HealthBoard:
    """The one owner of what was seen, by endpoint slug. Readers get frozen values."""

    def __init__(self) -> None:
        self._known: dict[str, EndpointHealth] = {}
        self.seeded = False
        """Whether earlier attempts of other processes were told."""

    def seen(self, slug: str, outcome: Outcome, now: float) -> None:
        self._known[slug] = self._known.get(slug, UNSEEN).after(outcome, now)

    def snapshot(self) -> Mapping[str, EndpointHealth]:
        return dict(self._known)
