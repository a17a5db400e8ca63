"""The list of sessions is the same in every database: that of the rows, newest first, however it is paged and filtered."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.agent.usage.conftest import Place
from tests.support.page_books import APPS, MODELS, rows

from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.record import LedgerRow

DAY_MS = 86_400_000
MADE = rows()
LAST = max(row.time_ms for row in MADE) // DAY_MS
# A session of two apps that goes on for days.
LONG = [
    replace(MADE[at], session_id="s-long", request_id=f"long-{at}", time_ms=(LAST - back) * DAY_MS + 5)
    for back, at in enumerate(range(0, 400, 40))
]
ROWS = [*MADE, *LONG]


@pytest.fixture(scope="module")
def ledger(places: Callable[[], Place]) -> Ledger:
    ledger = places().ledger()
    ledger.append_many(ROWS)
    return ledger


def expected(first: int, last: int, app: str | None, model: str | None) -> list[tuple[str, int, int, int]]:
    """Session, tokens, requests, last time."""
    groups: dict[str, list[LedgerRow]] = defaultdict(list)
    newest: dict[str, int] = {}
    for row in ROWS:
        newest[row.session_id] = max(newest.get(row.session_id, 0), row.time_ms)
        fits = app in (None, row.attribution.app) and model in (None, row.model)
        if fits and first <= row.time_ms // DAY_MS <= last:
            groups[row.session_id].append(row)
    found = [(name, sum(row.usage.total_tokens for row in group), len(group), newest[name]) for name, group in groups.items()]
    days = {name: max(row.time_ms // DAY_MS for row in group) for name, group in groups.items()}
    return sorted(found, key=lambda one: (-days[one[0]], -one[3], one[0]))


@pytest.mark.parametrize(
    ("back", "app", "model"),
    [(0, None, None), (6, None, None), (29, APPS[2][0], None), (29, APPS[0][0], MODELS[0]), (6, "none", None)],
)
def test_pages_of_the_newest(ledger: Ledger, back: int, app: str | None, model: str | None) -> None:
    want = expected(LAST - back, LAST, app, model)
    found: list[tuple[str, int, int, int]] = []
    for offset in range(0, len(want) + 7, 7):
        page, count = ledger.session_list(LAST - back, LAST, app=app, model=model, most=7, offset=offset)
        assert count == len(want)
        found += [(one.session_id, one.tokens, one.requests, one.last_ms) for one in page]
    assert found == want
