"""The newest sessions with what each used. Owns that question: sums are read of the roll-up, times of the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tallystick_agent.usage.database import Work

_TOGETHER: Final = 400
"""Values in one statement; some builds of SQLite take 999."""
_SUMS: Final = "max(day), sum(opens_turn), sum(requests), sum(input_tokens + output_tokens), sum(cost_nanos), sum(unpriced)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEntry:
    """One session's use in a window. Where it had several apps or models, those with the most tokens are told."""

    session_id: str
    app: str
    model: str
    models: int
    turns: int
    requests: int
    tokens: int
    cost_nanos: int
    """Of the priced requests."""
    unpriced: int
    first_ms: int
    """Over all its time, as `last_ms`."""
    last_ms: int


def newest(
    work: Work, first_day: int, last_day: int, *, app: str | None, model: str | None, most: int, offset: int
) -> tuple[list[SessionEntry], int]:
    """A page of them, by the last day that counts and then by their last request, and how many there are."""
    where, values = ["day >= ?", "day <= ?", "session_id <> ''"], list[Any]((first_day, last_day))
    for column, wanted in (("app", app), ("model", model)):
        if wanted is not None:
            where.append(f"{column} = ?")
            values.append(wanted)
    rows = work.all(
        f"SELECT session_id, app, model, {_SUMS} FROM session_days WHERE {' AND '.join(where)} GROUP BY 1, 2, 3", values
    )
    parts: dict[str, list[tuple[Any, ...]]] = {}
    for session, *rest in rows:
        parts.setdefault(session, []).append(tuple(rest))
    days = {session: max(int(one[2]) for one in found) for session, found in parts.items()}
    ordered = sorted(days, key=lambda session: (-days[session], session))
    if not ordered[offset:]:
        return [], len(ordered)
    # Within a day the rows tell who is newer, so that all sessions of the page's last day are asked for.
    edge = days[ordered[min(offset + most, len(ordered)) - 1]]
    times = _times(work, [session for session in ordered if days[session] >= edge])
    page = sorted(times, key=lambda session: (-days[session], -times[session][1], session))[offset : offset + most]
    return [_entry(session, parts[session], times[session]) for session in page], len(ordered)


def _times(work: Work, sessions: Sequence[str]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for at in range(0, len(sessions), _TOGETHER):
        some = sessions[at : at + _TOGETHER]
        marks = ", ".join("?" * len(some))
        sql = f"SELECT session_id, min(time_ms), max(time_ms) FROM requests WHERE session_id IN ({marks}) GROUP BY 1"
        found |= {session: (int(first), int(last)) for session, first, last in work.all(sql, some)}
    return found


def _entry(session: str, parts: Iterable[tuple[Any, ...]], times: tuple[int, int]) -> SessionEntry:
    ordered = sorted(parts, key=lambda one: (-int(one[5]), one[0], one[1]))
    turns, requests, tokens, cost, unpriced = (sum(int(one[at]) for one in ordered) for at in range(3, 8))
    return SessionEntry(
        session_id=session, app=ordered[0][0], model=ordered[0][1], models=len({one[1] for one in ordered}), turns=turns,
        requests=requests, tokens=tokens, cost_nanos=cost, unpriced=unpriced, first_ms=times[0], last_ms=times[1],
    )  # fmt: skip
