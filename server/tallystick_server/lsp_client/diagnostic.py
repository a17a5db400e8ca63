"""Diagnostics in the shape of LSP, read into values. Pure; what is misshapen is left out, since whoever sent it is not ours."""

from collections.abc import Mapping
from typing import Any, Final, cast

from tallystick_agent.protocol.diagnostics import Diagnostic, Severity

MOST: Final = 500
"""Of one document."""
MOST_MESSAGE: Final = 2_000
_SEVERITIES: Final[dict[int, Severity]] = {1: "error", 2: "warning", 3: "information", 4: "hint"}


def diagnostics_of(given: Any, path: str, source: str) -> tuple[Diagnostic, ...]:
    """`given` is the array; `source` stands for those that name none. Errors are kept first where there are too many."""
    if not isinstance(given, list):
        return ()
    items: list[Any] = given  # pyright: ignore[reportUnknownVariableType]
    found = [one for item in items if (one := _diagnostic(item, path, source)) is not None]
    if len(found) > MOST:
        found = sorted(found, key=lambda one: one.severity != "error")[:MOST]
    return tuple(found)


def _diagnostic(item: Any, path: str, source: str) -> Diagnostic | None:
    one = _object(item)
    start = _object(_object(one.get("range")).get("start"))
    line, column, message = start.get("line"), start.get("character"), one.get("message")
    # A client that knows markup may be sent a message of that kind.
    message = _object(message).get("value") if isinstance(message, dict) else message
    if not isinstance(line, int) or not isinstance(message, str) or line < 0:
        return None
    code, by, severity = one.get("code"), one.get("source"), one.get("severity")
    return Diagnostic(
        path=path,
        line=line + 1,
        column=column + 1 if isinstance(column, int) and column >= 0 else 1,
        # The protocol leaves it to the client where none is given.
        severity=_SEVERITIES.get(severity, "error") if isinstance(severity, int) else "error",
        message=message[:MOST_MESSAGE],
        source=by[:80] if isinstance(by, str) and by else source,
        code=str(code)[:80] if isinstance(code, str | int) else "",
    )


def _object(value: Any) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
