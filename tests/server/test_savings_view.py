"""What caches saved in a window: exact from sums where a price allows it, and unknown where nobody knows."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tests.support.page_books import MODELS, write

from tallystick_agent.protocol.usage import Price, Rates, Tier
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.repricing import saved
from tallystick_server.prices import Offer
from tallystick_server.rankings_query import read_window
from tallystick_server.savings_view import savings

NOW = datetime.now(UTC)
RATES = Rates(input=Decimal(3), output=Decimal(15), cache_read=Decimal("0.3"))
PLAIN = Price(rates=RATES)
TIERED = Price(rates=RATES, tiers=(Tier(above=200_000, rates=RATES),))


def offer(slug: str) -> Offer:
    prices = {f"openrouter/{MODELS[0]}": PLAIN, f"openrouter/{MODELS[1]}": TIERED}
    return Offer(slug=slug, price=prices.get(slug), window_tokens=None)


def test_savings_are_those_of_the_rows(tmp_path: Path) -> None:
    books = write(tmp_path)
    answer = savings(books, read_window({"period": "month", "model": MODELS[0]}, today=NOW.date()), offer, now=NOW)
    first = NOW.timestamp() // 86_400 * 86_400 - 29 * 86_400
    rows = [one.row for one in books.rows(since_ms=int(first * 1000), most=100_000) if one.row.model == MODELS[0]]
    assert rows
    assert Decimal(answer["meta"]["saved_usd"]) * 10**9 == sum(saved(row.usage, PLAIN) or 0 for row in rows)
    assert answer["meta"]["exact"]
    assert answer["meta"]["unknown_tokens"] == "0"
    assert [row["name"] for row in answer["data"]] == [f"openrouter/{MODELS[0]}"]


def test_a_price_by_length_is_a_mean_and_a_missing_one_is_unknown(tmp_path: Path) -> None:
    answer = savings(write(tmp_path), read_window({}, today=NOW.date()), offer, now=NOW)
    rows = {row["name"]: row for row in answer["data"]}
    assert not rows[f"openrouter/{MODELS[1]}"]["exact"]
    assert rows[f"openrouter/{MODELS[2]}"]["saved_usd"] is None
    assert int(answer["meta"]["unknown_tokens"]) > 0
    assert not answer["meta"]["exact"]
    assert answer["data"][0]["name"] == f"openrouter/{MODELS[0]}"


def test_nothing_saved_is_0_and_nothing_known_is_unknown(tmp_path: Path) -> None:
    nothing = savings(Ledger(tmp_path / "ledger.db"), read_window({}, today=NOW.date()), offer, now=NOW)
    assert (nothing["data"], nothing["meta"]["saved_usd"]) == ([], "0")
    (tmp_path / "books").mkdir()
    asked = read_window({"model": MODELS[2]}, today=NOW.date())
    assert savings(write(tmp_path / "books"), asked, offer, now=NOW)["meta"]["saved_usd"] is None
