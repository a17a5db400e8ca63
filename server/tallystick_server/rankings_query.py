"""What is asked of the rankings, read from the words that hosts get. Owns the limits and the refusals; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, cast, get_args

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.usage.rankings.categories import CATEGORIES, GROUPS
from tallystick_agent.usage.rankings.kinds import Kind
from tallystick_agent.usage.rankings.places import TOP
from tallystick_agent.usage.rankings.windows import DAYS, MOST_DAYS, Period, Window, bars, day_of, ending
from tallystick_agent.usage.sums import Dimension

Sort = Literal["popular", "trending"]
Stacked = Literal["model", "author", "app"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
STACKED: Final[tuple[Stacked, ...]] = get_args(Stacked)
FILTERS: Final[tuple[Dimension, ...]] = (
    "app", "model", "author", "provider", "endpoint", "purpose", "door", "key", "client", "user", "workspace",
)  # fmt: skip
MOST_APPS: Final = 500
"""Apps on one page; the other rankings have `TOP` places."""
_FIRST: Final = date(2020, 1, 1)
_USUAL_BARS: Final[dict[Period, int]] = {"day": 30, "week": 12, "month": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingsQuery:
    kind: Kind
    period: Period
    window: Window
    sort: Sort = "popular"
    limit: int = TOP
    offset: int = 0
    categories: frozenset[str] = frozenset()
    """Only apps with one of them; empty: all."""
    where: tuple[tuple[Dimension, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    by: Stacked
    period: Period
    windows: tuple[Window, ...]
    where: tuple[tuple[Dimension, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowQuery:
    """A period and filters alone."""

    period: Period
    window: Window
    where: tuple[tuple[Dimension, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsQuery:
    """A page of the sessions of a window."""

    window: Window
    app: str | None = None
    model: str | None = None
    limit: int = TOP
    offset: int = 0


def read_rankings(kind: str, given: Mapping[str, str], *, today: date) -> RankingsQuery:
    """Raises `ConfigurationError` (`bad_usage`)."""
    asked = cast(Kind, _one_of("ranking", kind.replace("-", "_"), KINDS))
    _only(given, {"period", "days", "date", "sort", "limit", "offset", "category", *FILTERS})
    sort = cast(Sort, _one_of("sort", given.get("sort") or "popular", SORTS))
    if asked != "apps" and ("sort" in given or "category" in given):
        raise bad("Only apps can be sorted or picked by category.", "Leave sort and category out, or ask for the apps.")
    period, window = _window(given, today, period="week")
    most = MOST_APPS if asked in ("apps", "sessions") else TOP
    return RankingsQuery(
        kind=asked,
        period=period,
        window=window,
        sort=sort,
        limit=_number("limit", given.get("limit"), least=1, most=most, usual=TOP),
        offset=_number("offset", given.get("offset"), least=0, most=100_000, usual=0),
        categories=_categories(given.get("category", "")),
        where=_filters(given),
    )


def read_series(given: Mapping[str, str], *, today: date) -> SeriesQuery:
    """Raises `ConfigurationError` (`bad_usage`)."""
    _only(given, {"by", "period", "count", "date", *FILTERS})
    by = cast(Stacked, _one_of("by", given.get("by") or "model", STACKED))
    period = _period(given, usual="week")
    most = MOST_DAYS // {"day": 1, "week": 7, "month": 30}[period]
    count = _number("count", given.get("count"), least=1, most=most, usual=_USUAL_BARS[period])
    return SeriesQuery(by=by, period=period, windows=bars(_last_day(given, today), period, count), where=_filters(given))


def read_window(given: Mapping[str, str], *, today: date, more: frozenset[str] = frozenset()) -> WindowQuery:
    """`more`: parameters that the caller reads itself. Raises `ConfigurationError` (`bad_usage`)."""
    _only(given, {"period", "days", "date", *FILTERS, *more})
    period, window = _window(given, today, period="week")
    return WindowQuery(period=period, window=window, where=_filters(given))


def read_sessions(given: Mapping[str, str], *, today: date) -> SessionsQuery:
    """Raises `ConfigurationError` (`bad_usage`)."""
    _only(given, {"period", "days", "date", "limit", "offset", "app", "model"})
    _, window = _window(given, today, period="week")
    return SessionsQuery(
        window=window,
        app=given.get("app") or None,
        model=given.get("model") or None,
        limit=_number("limit", given.get("limit"), least=1, most=MOST_APPS, usual=TOP),
        offset=_number("offset", given.get("offset"), least=0, most=100_000, usual=0),
    )


def bad(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, code="bad_usage", remedy=remedy)


def _only(given: Mapping[str, str], known: set[str]) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise bad(f"`{unknown[0]}` is no parameter here.", f"Known: {', '.join(sorted(known))}.")


def _one_of(what: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise bad(f"`{value}` is no {what}.", f"Known: {', '.join(known)}.")
    return value


def _period(given: Mapping[str, str], *, usual: Period) -> Period:
    return cast(Period, _one_of("period", given.get("period") or usual, tuple(DAYS)))


def _window(given: Mapping[str, str], today: date, *, period: Period) -> tuple[Period, Window]:
    named = _period(given, usual=period)
    days = _number("days", given["days"], least=1, most=MOST_DAYS, usual=0) if given.get("days") else None
    if days is not None and given.get("period"):
        raise bad("Both period and days say how long the window is.", "Give one of them.")
    return named, ending(_last_day(given, today), named, days)


def _last_day(given: Mapping[str, str], today: date) -> int:
    text = given.get("date")
    if not text:
        return day_of(today)
    try:
        when = date.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or len(text) != 10:
        raise bad(f"`{text}` is no date.", "Write it as YYYY-MM-DD.")
    if not _FIRST <= when <= today:
        raise bad(f"{text} is not a day that can be ranked.", f"Give one from {_FIRST} to {today} (UTC).")
    return day_of(when)


def _number(what: str, text: str | None, *, least: int, most: int, usual: int) -> int:
    if text is None or text == "":
        return usual
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    if not least <= number <= most:
        raise bad(f"`{text}` is no {what}.", f"Give a whole number from {least} to {most}.")
    return number


def _categories(text: str) -> frozenset[str]:
    """A group of categories, or one of them."""
    if not text:
        return frozenset()
    if text in GROUPS:
        return frozenset(GROUPS[text])
    _one_of("category or group of them", text, (*GROUPS, *CATEGORIES))
    return frozenset((text,))


def _filters(given: Mapping[str, str]) -> tuple[tuple[Dimension, str], ...]:
    return tuple((name, given[name]) for name in FILTERS if given.get(name))
