"""The diagnostics that we publish. Owns what stands at each document, by who put it there.

Publishing replaces all of a document's, so one place must know them all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "information"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    line: int
    message: str
    level: Level = "information"


class Marks:
    """`publish` takes what belongs into textDocument/publishDiagnostics."""

    def __init__(self, publish: Callable[[str, tuple[Mark, ...]], None]) -> None:
        self._publish = publish
        self._shown: dict[str, dict[str, tuple[Mark, ...]]] = {}

    def put(self, uri: str, owner: str, marks: Sequence[Mark]) -> None:
        """Replaces the marks of one owner in a document; nothing is sent where they are the same."""
        here = self._shown.get(uri, {})
        if here.get(owner, ()) == tuple(marks):
            return
        here = {**here, owner: tuple(marks)} if marks else {name: kept for name, kept in here.items() if name != owner}
        if here:
            self._shown[uri] = here
        else:
            self._shown.pop(uri, None)
        self._publish(uri, tuple(mark for kept in here.values() for mark in kept))
