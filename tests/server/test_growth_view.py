"""Sessions as JSON: the list of a window, and which session a person means."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.made_ledger import CLINE, LUNA, at, booked

from tallystick_agent.protocol.errors import SessionError
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.settings import Settings
from tallystick_agent.usage.ledger import Ledger
from tallystick_server.compose import Application
from tallystick_server.growth_view import session_growth, session_rows, which_session
from tallystick_server.prices import offers

NOW = at("2026-11-25")


def test_which_session_is_meant(tmp_path: Path) -> None:
    app = Application(Settings(), tmp_path, {})
    assert which_session(app, None) == ""
    app.ledger.append_many([
        *(booked(Usage(input_tokens=1), when=NOW, session=name) for name in ("s-10", "s-1", "s-20", "é%_")),
        booked(Usage(input_tokens=1), when=NOW, session="completion-1", purpose="completion"),
    ])  # fmt: skip
    assert which_session(app, None) == "é%_"
    assert which_session(app, "s-2") == "s-20"
    assert which_session(app, "s-1") == "s-1", "an id that another one begins with"
    for begun in ("s-", "x", "%"):
        with pytest.raises(SessionError) as caught:
            which_session(app, begun)
        assert caught.value.remedy
    with pytest.raises(SessionError):
        session_growth(app, "x")
    app.ledger.close()


def test_a_long_session_is_read_to_its_end(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    ledger.append_many([booked(Usage(input_tokens=1), when=NOW, session="s") for _ in range(2_500)])
    assert sum(1 for _ in session_rows(ledger, "s")) == 2_500


def test_offers_by_the_names_that_stand_in_the_ledger(tmp_path: Path) -> None:
    """No key is needed, and a routing suffix or a free entry is what it is."""
    settings = Settings.model_validate({"endpoints": {"openai/mine": {"window_tokens": 9, "price": {"input": 1, "output": 2}}}})
    offer = offers(Application(settings, tmp_path, {}))
    luna = offer("openai/gpt-5.6-luna")
    assert luna.price is not None
    assert luna.window_tokens
    assert offer("openai/gpt-5.6-luna:nitro").price == luna.price
    own = offer("openai/mine")
    assert (own.price.rates.output if own.price else None, own.window_tokens) == (Decimal(2), 9)
    for free in ("local/anything", "openrouter/nobody/nothing:free"):
        price = offer(free).price
        assert price is not None
        assert price.rates.input == price.rates.output == 0
    assert offer("nobody/nothing").price is None


def test_apps_may_call_their_sessions_as_they_like(tmp_path: Path) -> None:
    """A name is no path, whatever it looks like; and one of a damaged log is answered from the ledger."""
    app = Application(Settings(), tmp_path, {})
    use = Usage(input_tokens=1_000, output_tokens=10)
    names = ("../../etc/passwd", "a b/c:d", "日本", "s-damaged")
    app.ledger.append_many([booked(use, when=NOW, who=CLINE, endpoint=LUNA, session=name) for name in names[:3]])
    app.ledger.append_many([booked(use, when=NOW, endpoint=LUNA, session=names[3])])
    log = app.store.path(names[3])
    log.parent.mkdir(parents=True)
    log.write_bytes(b"\x00 no event\n")
    for name in names:
        found = session_growth(app, which_session(app, name))
        assert (found["session"]["session_id"], found["session"]["tokens"]) == (name, "1010")
        assert int(found["forecast"]["window"]) > 1_000
    app.ledger.close()
