"""Rows as CSV and as JSON Lines. Owns how values are written there; the file is the caller's.

A spreadsheet takes a cell that begins with `=` for a formula and runs it, and a title or a model's name is a stranger's
word: in CSV such text has a quote in front.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, Final

from tallystick_agent.usage.exports.columns import COLUMNS, NAMES, Entry, Kind, cells, time_text, usd_text

TOGETHER: Final = 500
"""Rows that are written at once."""
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet may run."""

Form = Callable[[Any], Any]


def write_csv(entries: Iterable[Entry], out: BinaryIO) -> int:
    """A head and the rows, in UTF-8, lines ending as RFC 4180 has them. Gives the number of rows."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(NAMES)
    forms = _forms(_CSV)
    count = 0
    for entry in entries:
        values = list(cells(entry))
        for place, form in forms:
            if values[place] is not None:
                values[place] = form(values[place])
        writer.writerow(values)
        count += 1
        if count % TOGETHER == 0:
            _flush(text, out)
    _flush(text, out)
    return count


def write_jsonl(entries: Iterable[Entry], out: BinaryIO) -> int:
    """One object a line; what is not known is null. Gives the number of rows."""
    forms = _forms(_JSON)
    waiting: list[str] = []
    count = 0
    for entry in entries:
        values = list(cells(entry))
        for place, form in forms:
            if values[place] is not None:
                values[place] = form(values[place])
        waiting.append(_compact(dict(zip(NAMES, values, strict=True))))
        count += 1
        if count % TOGETHER == 0:
            out.write(_lines(waiting))
            waiting.clear()
    if waiting:
        out.write(_lines(waiting))
    return count


def guarded(text: str) -> str:
    """The text, with a quote in front where a spreadsheet would run it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _flush(text: io.StringIO, out: BinaryIO) -> None:
    out.write(text.getvalue().encode("utf-8", "replace"))
    text.seek(0)
    text.truncate()


def _lines(objects: list[str]) -> bytes:
    """JSON lets these stand in a string as they are, and some programs take them for the end of a line."""
    text = "\n".join(objects) + "\n"
    if not text.isascii():
        text = text.replace("\x85", "\\u0085").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return text.encode("utf-8", "replace")


_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_CSV: Final[dict[Kind, Form]] = {
    "text": guarded,
    "money": usd_text,
    "time": time_text,
    "flag": lambda flag: "true" if flag else "false",
    "list": _compact,
    "map": _compact,
}
_JSON: Final[dict[Kind, Form]] = {"money": usd_text, "time": time_text}


def _forms(by_kind: dict[Kind, Form]) -> list[tuple[int, Form]]:
    return [(place, by_kind[one.kind]) for place, one in enumerate(COLUMNS) if one.kind in by_kind]
