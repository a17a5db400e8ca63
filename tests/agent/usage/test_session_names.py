"""Which session is meant: the newest, or the one whose id begins so. On every database."""

from tests.support.made_ledger import at, booked

from tallystick_agent.protocol.usage import Usage
from tallystick_agent.usage.ledger import Ledger

NOON = at("2026-11-25")


def test_the_newest_and_those_that_begin_so(ledger: Ledger) -> None:
    assert ledger.newest_session() == ""
    assert ledger.sessions_named("s") == []
    ledger.append_many([
        *(booked(Usage(input_tokens=1), when=NOON, session=name) for name in ("s-10", "s-1", "S-10", "s_10", "", "é%_日")),
        booked(Usage(input_tokens=1), when=NOON, session="completion-1", purpose="completion"),
    ])  # fmt: skip
    assert ledger.newest_session() == "é%_日"
    assert ledger.sessions_named("s-1") == ["s-1"], "exactly this one"
    assert sorted(ledger.sessions_named("s", most=9)) == ["s-1", "s-10", "s_10"], "no letter stands for another"
    assert ledger.sessions_named("é%") == ["é%_日"]
    assert len(ledger.sessions_named("s")) == 2
