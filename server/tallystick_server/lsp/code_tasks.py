"""What a code action is about, taken from an open document: places, problems, comments. Owns no prompt's words and no chat."""

from pathlib import Path
from typing import Any, cast

from lsprotocol import types

from tallystick_server.lsp.code_prompts import MOST_EXCERPT_LINES, Place, Problem, enclosing
from tallystick_server.lsp.documents import OpenDocument
from tallystick_server.lsp.tally_comments import TallyComment, find_comments

MOST_KEPT = 50
QUICK_CHARS = 10_000
"""Of a text that is searched within a millisecond or two."""
_SEVERITY = {1: "error", 2: "warning", 3: "information", 4: "hint"}


class Comments:
    """The `tally:` comments of documents, found once for each state of a text."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[OpenDocument, tuple[TallyComment, ...]]] = {}

    def known(self, document: OpenDocument) -> tuple[TallyComment, ...]:
        """The same, for those who ask at every keystroke: in a long text that changed, none until somebody else has asked."""
        known = self._known.get(document.uri)
        if (known is not None and known[0] is document) or len(document.plain) <= QUICK_CHARS:
            return self.of(document)
        return ()

    def of(self, document: OpenDocument) -> tuple[TallyComment, ...]:
        known = self._known.pop(document.uri, None)
        if known is None or known[0] is not document:
            known = (document, find_comments(document.plain, document.language))
        self._known[document.uri] = known
        while len(self._known) > MOST_KEPT:
            del self._known[next(iter(self._known))]
        return known[1]


def place_of(document: OpenDocument, root: Path, selected: types.Range | None, *, widen: bool = False) -> Place:
    """The selected lines. Without a selection the definition at the cursor; `widen` takes that in any case."""
    lines = document.plain.split("\n")
    most = max(0, len(lines) - 2 if not lines[-1] else len(lines) - 1)
    if selected is None:
        first, last = 0, most
    else:
        first, last = min(selected.start.line, most), min(selected.end.line, most)
        if last > first and selected.end.character == 0 and selected.end.line <= most:
            last -= 1
        if widen or selected.start == selected.end:
            above, below = enclosing(lines, first)
            first, last = min(first, above), max(last, below)
    path = document.path
    inside = path is not None and path.is_relative_to(root)
    return Place(
        path=path.relative_to(root).as_posix() if path is not None and inside else None,
        first=first,
        last=last,
        excerpt="\n".join(lines[first : min(last + 1, first + MOST_EXCERPT_LINES)]),
        name=f"this part of {path.name}" if path is not None else "this text",
    )


def as_argument(diagnostic: types.Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON for a command."""
    return {
        "range": range_argument(diagnostic.range),
        "message": diagnostic.message,
        "severity": int(diagnostic.severity) if diagnostic.severity is not None else None,
        "source": diagnostic.source,
        "code": diagnostic.code,
    }


def range_argument(place: types.Range) -> dict[str, Any]:
    start, end = place.start, place.end
    return {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }


def range_from(value: object) -> types.Range | None:
    """A range that came as JSON. Raises `ValueError` for what is none."""
    if value is None:
        return None
    if isinstance(value, types.Range):
        return value
    ends = [_position(cast("dict[str, Any]", value).get(end)) if isinstance(value, dict) else None for end in ("start", "end")]
    if ends[0] is None or ends[1] is None:
        raise ValueError("no range")
    return types.Range(start=ends[0], end=ends[1])


def _position(value: object) -> types.Position | None:
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, Any]", value)
    line, character = fields.get("line"), fields.get("character")
    if isinstance(line, int) and isinstance(character, int) and line >= 0 and character >= 0:
        return types.Position(line=line, character=character)
    return None


def problem_from(value: object) -> tuple[Problem, types.Range]:
    """A diagnostic that came as JSON. Raises `ValueError` for what is none."""
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    place = range_from(fields.get("range"))
    message = fields.get("message")
    if place is None or not isinstance(message, str):
        raise ValueError("no diagnostic")
    severity = fields.get("severity")
    named = [str(fields[name]) for name in ("source", "code") if isinstance(fields.get(name), str | int)]
    name = _SEVERITY.get(severity, "problem") if isinstance(severity, int) else "problem"
    return Problem(line=place.start.line, message=message, severity=name, source=" ".join(named)), place
