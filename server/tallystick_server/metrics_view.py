"""The page `/metrics` of a gateway. Owns what lies between two readings of it; the text is `usage/prometheus.py`'s."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tallystick_agent import __version__
from tallystick_agent.ports import Clock
from tallystick_agent.usage.prometheus import Gauge, begin, exposition, query

if TYPE_CHECKING:
    from tallystick_agent.usage.ledger import Ledger

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_DAY_S: Final = 86_400


class MetricsView:
    """Counts from the moment that it is made. Blocks; safe to call from threads. Raises `StorageError`.

    Gateways that share a ledger say the same sums: ask one of them.
    """

    def __init__(self, ledger: "Ledger", clock: Clock) -> None:
        self._ledger = ledger
        self._query = query(int(clock.now().timestamp()) // _DAY_S)
        self._reading = begin(ledger.sums(self._query))
        self._guard = threading.Lock()

    def text(self, gauges: Sequence[Gauge] = ()) -> str:
        with self._guard:
            sums, apps = self._ledger.sums(self._query), self._ledger.apps()
            return exposition(self._reading, sums, apps, gauges, version=__version__)
