"""`/metrics` over a real ledger: what was booked before does not count, what comes after does."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.foreign_library import foreign
from tests.support.ledger_rows import plain_row

from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.prometheus import Gauge
from tallystick_server.local.system import SystemClock
from tallystick_server.metrics_view import MetricsView


def test_it_counts_what_is_booked_from_now_on(tmp_path: Path) -> None:
    parse = foreign("prometheus_client.parser").text_string_to_metric_families
    ledger, clock = Ledger(tmp_path / "ledger.sqlite3"), SystemClock()
    now = int(clock.now().timestamp() * 1000)
    ledger.append(plain_row(1, time_ms=now))
    view = MetricsView(ledger, clock)

    def requests() -> float:
        families = {one.name: one for one in parse(view.text([Gauge(name="tallystick_open", meaning="Open.", value=2)]))}
        assert families["tallystick_open"].samples[0].value == 2
        return sum(float(sample.value) for sample in families["tallystick_requests"].samples)

    assert requests() == 0
    ledger.append_many([plain_row(number, time_ms=now) for number in range(2, 12)])
    assert requests() == 10
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(requests) for _ in range(8)]
        assert {one.result() for one in waiting} == {10}
