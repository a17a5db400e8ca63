"""The days that a ranking covers. Owns what `day`, `week` and `month` mean; pure.

Days are UTC days, as those of public rankings, and are counted since 1970 as the ledger counts them. A window ends with a
day: a week is that day and the 6 before it, a month that day and the 29 before it, so that windows of one kind are equally
long and can be compared. Bars of a chart follow the calendar instead: weeks begin on Monday, months on the first.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

Period = Literal["day", "week", "month"]
DAYS: Final[dict[Period, int]] = {"day": 1, "week": 7, "month": 30}
MOST_DAYS: Final = 366
"""The longest window, and the longest row of bars."""
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Both days belong to it."""

    first_day: int
    last_day: int

    @property
    def days(self) -> int:
        return self.last_day - self.first_day + 1

    def before(self, times: int) -> "Window":
        """So many windows of the same length that end right before this one, as one."""
        return Window(first_day=self.first_day - times * self.days, last_day=self.first_day - 1)


def day_of(when: date) -> int:
    return (when - _EPOCH).days


def date_of(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def ending(last_day: int, period: Period, days: int | None = None) -> Window:
    """The window of a period, or of so many days, that ends with a day."""
    return Window(first_day=last_day - (days or DAYS[period]) + 1, last_day=last_day)


def bars(last_day: int, period: Period, count: int) -> tuple[Window, ...]:
    """So many days, calendar weeks or calendar months, oldest first; the last one holds `last_day` and ends with it."""
    found: list[Window] = []
    while len(found) < count:
        first = _begin(last_day, period)
        found.append(Window(first_day=first, last_day=last_day))
        last_day = first - 1
    return tuple(reversed(found))


def whole(bar: Window, period: Period) -> bool:
    """Whether a bar reaches the end of its week or month."""
    return _begin(bar.last_day + 1, period) == bar.last_day + 1


def _begin(day: int, period: Period) -> int:
    when = date_of(day)
    match period:
        case "day":
            return day
        case "week":
            return day - when.weekday()
        case "month":
            return day - when.day + 1
