"""What is kept beside the rows equals the rows: whatever comes in, in any order and batch, from any number of connections."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.usage.conftest import Place
from tests.agent.usage.test_ledger import MIDDAY, row

from tallystick_agent.loop.reconcile import correction
from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.providers.account import Generation
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.reports import GroupBy
from tallystick_agent.usage.sums import AppEntry, Dimension, Query, SegmentSum, SessionSum

DAY = 86_400_000
NAMES = st.sampled_from(["", "a", "b", "it's \0 odd \ud800 ü", "x" * 600])
COSTS = st.none() | st.integers(0, 10**12)


def filled(request: int, attempt: int, usage: Usage, cost: Cost, who: Attribution, odd: LedgerRow) -> LedgerRow:
    made = row(usage, cost=cost, request=f"r-{request}", time_ms=odd.time_ms, finish=odd.finish, error=odd.error_code)
    return replace(
        made, attempt=attempt, attribution=who, tool_calls=odd.tool_calls, images=odd.images, opens_turn=odd.opens_turn,
        task=odd.task, session_id=odd.session_id, latency_ms=odd.latency_ms, use_case=odd.use_case,
    )  # fmt: skip


ATTRIBUTIONS = st.builds(
    Attribution,
    door=st.sampled_from(["cli", "gateway"]),
    app=NAMES,
    title=NAMES,
    url=st.sampled_from(["", "https://a.example"]),
    categories=st.lists(st.sampled_from([f"c-{number}" for number in range(12)]), max_size=2).map(tuple),
    key=NAMES,
    user=NAMES,
)


def odd(time_ms: int, ending: tuple[str, str], calls: int, images: int, opens: bool, task: str, latency: int) -> LedgerRow:
    return replace(
        row(Usage()), time_ms=time_ms, finish=ending[0], error_code=ending[1], tool_calls=calls, images=images, opens_turn=opens,
        task=task, session_id=task or "s", latency_ms=latency, use_case=task,
    )  # fmt: skip


ODD = st.builds(
    odd,
    st.integers(MIDDAY - 3 * DAY, MIDDAY + 3 * DAY),
    st.sampled_from([("stop", ""), ("failed", "provider_timeout"), ("aborted", "interrupted")]),
    st.integers(0, 2),
    st.integers(0, 1),
    st.booleans(),
    st.sampled_from(["", "t-1", "t-2"]),
    st.integers(0, 9_999),
)  # fmt: skip
USAGES = st.builds(
    Usage,
    input_tokens=st.integers(0, 2 * 10**6),
    output_tokens=st.integers(0, 10**5),
    reasoning_tokens=st.integers(0, 2),
    source=st.sampled_from(["reported", "estimated"]),
)
ROWS = st.builds(
    filled,
    st.integers(1, 6),
    st.integers(1, 2),
    USAGES,
    st.builds(Cost, provider_nanos=COSTS, priced_nanos=COSTS),
    ATTRIBUTIONS,
    ODD,
)
TRUTHS = st.builds(
    Generation, usage=USAGES, cost_nanos=st.none() | st.integers(0, 10**9), model=st.just("m"), served_by=st.just("p"),
    cancelled=st.booleans(),
)  # fmt: skip
STEPS = st.lists(st.tuples(st.lists(ROWS, max_size=4), st.none() | TRUTHS, st.booleans()), max_size=6)
"""A batch, and what the provider says of some estimated row afterwards; by one of two connections."""
EVERY: tuple[Dimension, ...] = (
    "day", "door", "app", "key", "client", "user", "workspace", "purpose", "use_case", "natural_language", "programming_language",
    "model", "endpoint", "provider", "author", "bucket", "calls_tools", "has_images", "reasons", "free",
)  # fmt: skip
GROUPS: tuple[GroupBy, ...] = (
    "app", "door", "key", "model", "purpose", "session", "provider", "workspace", "day", "client",
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_roll_ups_are_the_sums_of_the_rows(
    places: Callable[[], Place], steps: list[tuple[list[LedgerRow], Generation | None, bool]]
) -> None:
    place = places()
    pair = place.ledger(), place.ledger()
    booked: dict[tuple[str, int, bool], LedgerRow] = {}
    for batch, truth, second in steps:
        rows = [*batch]
        guesses = pair[0].unreconciled("openrouter", 1)
        if truth is not None and guesses:
            rows.insert(len(rows) // 2, correction(guesses[0], truth))
        fresh = pair[second].append_many(rows)
        before = len(booked)
        for one in rows:
            booked.setdefault((one.request_id, one.attempt, one.correction), one)
        assert fresh == len(booked) - before
    ledger = pair[0]
    assert ledger.differing() == dict.fromkeys(ledger.differing(), 0)
    assert ledger.unbalanced() == 0
    kept = list(booked.values())
    for pair_of in PAIRS:
        found_by = ledger.sums(Query(by=pair_of))
        assert sum(one.tokens for one in found_by) == sum(one.usage.total_tokens for one in kept), pair_of
        assert sum(one.cost_nanos for one in found_by) == sum(one.cost.nanos or 0 for one in kept), pair_of
    for found in ledger.sums(Query()):
        assert found.requests == sum(not one.correction for one in kept)
        assert found.tokens == sum(one.usage.total_tokens for one in kept)
        assert found.cost_nanos == sum(one.cost.nanos or 0 for one in kept)
    before_rebuild = everything(ledger)
    ledger.rebuild()
    assert everything(ledger) == before_rebuild
    for since in (MIDDAY - 2 * DAY, MIDDAY - 12_345):
        for by in GROUPS:
            rows_since = [one for one in kept if one.time_ms >= since]
            totals = ledger.totals(by, since_ms=since)
            assert sum(one.input_tokens for one in totals) == sum(one.usage.input_tokens for one in rows_since)
            assert sum(one.requests for one in totals) == sum(not one.correction for one in rows_since)
            assert sum(one.cost_nanos for one in totals) == sum(one.cost.nanos or 0 for one in rows_since)
        segments = sum(one.tokens for one in ledger.by_segment(since_ms=since))
        assert segments == sum(one.usage.total_tokens for one in kept if one.time_ms >= since)
    for connection in pair:
        connection.close()


PAIRS: tuple[tuple[Dimension, ...], ...] = (
    (), ("day",), ("model",), ("app", "model"), ("key",), ("user", "workspace"), ("bucket",), ("use_case", "app"),
    ("app", "user"), ("bucket", "model"), ("free", "purpose"), ("client", "door"),
)  # fmt: skip
"""Questions that different roll-ups answer."""


def everything(ledger: Ledger) -> list[object]:
    whole = (-(10**6), 10**6)
    return [
        {one.group: one for one in ledger.sums(Query(by=EVERY))},
        [ledger.sums(Query(by=by)) for by in PAIRS],
        ledger.apps(),
        ledger.sessions(*whole),
        ledger.segments(*whole),
        [ledger.totals(by) for by in GROUPS],
        ledger.by_segment(),
    ]


def test_a_row_that_is_booked_twice_counts_once(ledger: Ledger) -> None:
    one = row(Usage(input_tokens=10), request="r")
    assert (ledger.append(one), ledger.append(one), ledger.append(replace(one, attempt=2))) == (True, False, True)
    assert ledger.append_many([one, replace(one, attempt=3), replace(one, attempt=3)]) == 1
    assert ledger.sums(Query())[0].requests == 3


def test_a_row_comes_back_as_it_was_booked(ledger: Ledger) -> None:
    who = Attribution(
        door="gateway", app="a.example", title="A", url="https://a.example", categories=("game", "legal"), key="desk",
        client="c", user="u", workspace="/w",
    )  # fmt: skip
    usage = Usage(
        input_tokens=1_500, cached_tokens=5, cache_write_tokens=4, cache_write_1h_tokens=3, output_tokens=2, reasoning_tokens=1
    )
    one = replace(
        row(usage, cost=Cost(provider_nanos=3)), attribution=who, task="T-1", served_by="p", use_case="u", natural_language="de",
        programming_language="python", tools=4, tool_calls=2, images=1, opens_turn=True, first_token_ms=7, bucket=1_000_000,
    )  # fmt: skip
    ledger.append(one)
    plain = row(usage)
    ledger.append(plain)
    assert [booked.row for booked in ledger.rows()] == [one, replace(plain, bucket=10_000)]


def test_rows_come_in_pages_in_the_order_of_booking(ledger: Ledger) -> None:
    ledger.append_many([row(Usage(input_tokens=n), time_ms=MIDDAY - n, session=f"s-{n % 2}") for n in range(10)])
    first = ledger.rows(most=4)
    rest = ledger.rows(after_id=first[-1].id)
    assert [one.row.usage.input_tokens for one in (*first, *rest)] == list(range(10))
    assert [one.row.usage.input_tokens for one in ledger.rows(session_id="s-1")] == [1, 3, 5, 7, 9]
    assert [one.row.usage.input_tokens for one in ledger.rows(since_ms=MIDDAY - 2, until_ms=MIDDAY)] == [1, 2]


def test_sums_by_dimension_and_where(ledger: Ledger) -> None:
    day = MIDDAY // DAY
    small, big = row(Usage(input_tokens=10)), row(Usage(input_tokens=20_000), time_ms=MIDDAY + DAY, app="lsp")
    ledger.append_many([small, big])
    assert [(one.group, one.tokens) for one in ledger.sums(Query(by=("door", "bucket")))] == [
        (("lsp", "100000"), 20_000),
        (("cli", "1000"), 10),
    ]
    assert [one.group for one in ledger.sums(Query(by=("day",), first_day=day, last_day=day))] == [(str(day),)]
    assert [one.tokens for one in ledger.sums(Query(where=(("bucket", "1000"), ("user", "ana"))))] == [10]
    assert ledger.sums(Query(where=(("door", "nobody"),))) == []


def test_an_app_keeps_its_newest_title_and_its_first_ten_categories(ledger: Ledger) -> None:
    def of(app: str, title: str, time_ms: int, *categories: str) -> LedgerRow:
        who = Attribution(door="gateway", app=app, title=title, url="https://a", categories=categories)
        return replace(row(Usage(), time_ms=time_ms), attribution=who)

    ledger.append(of("a", "New", 2_000, "c-0", "c-1"))
    ledger.append(of("a", "Old", 1_000, "c-1", "c-2"))
    ledger.append(of("a", "", 3_000))
    ledger.append_many([of("a", "New", 2_500, f"c-{n}", f"c-{n + 1}") for n in range(3, 14)])
    ledger.append(of("", "Nobody", 2_000))
    (entry,) = ledger.apps()
    categories = tuple(f"c-{n}" for n in range(10))
    assert entry == AppEntry(app="a", title="New", url="https://a", categories=categories, first_ms=1_000, last_ms=3_000)


def test_sessions_by_week_and_segments_by_family(ledger: Ledger) -> None:
    # 1970-01-05 was a Monday.
    monday = 4
    rows = [replace(row(Usage(input_tokens=10), session="s"), time_ms=day * DAY, opens_turn=True) for day in (3, 4, 5, 10, 11)]
    ledger.append_many(rows)
    assert [(one.first_day, one.turns, one.tokens) for one in ledger.sessions(0, 20)] == [
        (monday, 3, 30),
        (monday - 7, 1, 10),
        (monday + 7, 1, 10),
    ]
    assert ledger.sessions(4, 4)[0] == SessionSum(
        first_day=4, session_id="s", app="cli.example", model="x/y", turns=1, requests=1, tokens=10, cost_nanos=30, unpriced=0
    )
    assert ledger.segments(0, 20) == [SegmentSum(family="prompt", tokens=35), SegmentSum(family="system", tokens=15)]
    assert ledger.segments(0, 20, app="nobody") == []


def test_a_wrong_sum_is_found_and_made_anew(place: Place) -> None:
    ledger = place.ledger()
    ledger.append(replace(row(Usage(input_tokens=10)), segments=(Segment(name="prompt", tokens=10),)))
    for table in ("days", "model_days", "kind_days", "people_days", "quarters", "session_days"):
        place.execute(f"UPDATE {table} SET input_tokens = input_tokens + 1")
        assert {name for name, wrong in ledger.differing().items() if wrong} == {table}
        ledger.rebuild()
        assert not any(ledger.differing().values())
    for table in ("segment_days", "spending"):
        place.execute(f"DELETE FROM {table}")
        assert ledger.differing()[table] > 0
        ledger.rebuild()
        assert not any(ledger.differing().values())
