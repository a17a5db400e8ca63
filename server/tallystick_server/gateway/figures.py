"""What the books tell, by path and query, as JSON. Owns which view answers a path, and what a key without rights sees.

Knows no HTTP: whatever serves it maps errors to its statuses, and calls it in a thread.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_server import growth_view, rankings_view, savings_view, sessions_view, whatif_view
from tallystick_server.compose import Application
from tallystick_server.gateway import generation, keys_view
from tallystick_server.prices import asked_offer, offers
from tallystick_server.rankings_query import bad, read_rankings, read_series, read_sessions, read_window

Json = dict[str, Any]
_OWN: Final = frozenset(("rankings", "usage"))
"""What a key without rights may read, of its own use."""
_NAMES: Final = _OWN | {"sessions", "keys", "budgets"}


def figures(
    app: Application, known: Iterable[keys_view.Key], path: str, given: Mapping[str, str], *, only: str = "", now: datetime
) -> Json | None:
    """`path` is what follows `/v1/`; `None` where there is nothing of that name.

    `only` names a key that may not read everybody's use: it sees its own, and no sessions. Blocks. Raises `TallystickError`.
    """
    parts = path.split("/")
    if parts[0] not in _NAMES:
        return None
    if only:
        given = _own(parts, given, only)
    today, books = now.date(), app.ledger
    match parts:
        case ["rankings", "series"]:
            return rankings_view.series(books, read_series(given, today=today), now=now)
        case ["rankings", kind]:
            return rankings_view.rankings(books, read_rankings(kind, given, today=today), now=now)
        case ["usage", "summary"]:
            return rankings_view.summary(books, read_window(given, today=today), now=now)
        case ["usage", "savings"]:
            return savings_view.savings(books, read_window(given, today=today), offers(app), now=now)
        case ["usage", "whatif"]:
            return _whatif(app, given, now)
        case ["sessions"]:
            return sessions_view.sessions(books, read_sessions(given, today=today), now=now)
        case ["sessions", *session, "growth"] if session:
            # An app's id of a session may have any signs in it.
            return growth_view.session_growth(app, "/".join(session))
        case ["budgets"]:
            return generation.budgets(app)
        case ["keys"]:
            return keys_view.keys(books, known, read_window(given, today=today), now=now)
        case _:
            return None


def _own(parts: list[str], given: Mapping[str, str], only: str) -> Mapping[str, str]:
    if parts[0] not in _OWN or parts[-1] in ("sessions", "whatif") or given.get("key", only) != only:
        raise ConfigurationError(
            "This key reads its own rankings and usage, and nothing else.",
            code="permission_denied",
            remedy="Make one that may: tallystick gateway keys add NAME --reads",
        )
    return {**given, "key": only}


def _whatif(app: Application, given: Mapping[str, str], now: datetime) -> Json:
    slug = given.get("to", "")
    if not slug:
        raise bad("`to` is missing.", "Name the model to price with: to=PROVIDER/MODEL.")
    asked = whatif_view.read_whatif({name: value for name, value in given.items() if name != "to"}, today=now.date())
    return whatif_view.whatif(app.ledger, asked, asked_offer(app, slug), now=now)
