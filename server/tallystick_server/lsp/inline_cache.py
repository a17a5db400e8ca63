"""Suggestions that were made, by where: whoever types along one gets the rest of it without a request. Pure; bounded."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from tallystick_agent.ports import Filled

DOCUMENTS: Final = 32
EACH: Final = 8
"""Suggestions that are kept of a document."""
_MOST_CLOSED: Final = 3
_NEAR: Final = 2_000
"""Characters on each side of the cursor that must be the same; beyond them the lengths must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    length: int
    """Of the text before the cursor."""
    before: str
    after: tuple[int, str]
    filled: Filled

    def rest(self, before: str, after: tuple[int, str]) -> Filled | None:
        """What is left of it at another cursor; `None` where it does not lead there."""
        if len(before) < self.length or before[max(0, self.length - _NEAR) : self.length] != self.before:
            return None
        closed = self._closed(after)
        typed = before[self.length :]
        if closed is None or (closed and not typed):
            return None
        if not typed:
            return self.filled
        left = self.filled.text.removeprefix(typed) if self.filled.text.startswith(typed) else ""
        if closed and ("\n" in left or not left.endswith(closed)):
            return None
        left = left.removesuffix(closed)
        return Filled(text=left, replaces_rest=self.filled.replaces_rest) if left.strip() else None

    def _closed(self, after: tuple[int, str]) -> str | None:
        """The brackets and quotes that the editor closed behind the cursor by itself; `None` where more is different."""
        more = after[0] - self.after[0]
        if not 0 <= more <= _MOST_CLOSED:
            return None
        closed, rest = after[1][:more], after[1][more:]
        same = rest == self.after[1][: len(rest)] and (len(rest) == len(self.after[1]) or len(after[1]) == _NEAR)
        return closed if same and all(char in ")]}\"'`" for char in closed) else None


class SuggestionCache:
    def __init__(self) -> None:
        self._made: OrderedDict[str, list[_Made]] = OrderedDict()

    def put(self, uri: str, before: str, after: str, filled: Filled) -> None:
        made = self._made.setdefault(uri, [])
        made.append(_Made(length=len(before), before=before[-_NEAR:], after=_shape(after), filled=filled))
        del made[:-EACH]
        self._made.move_to_end(uri)
        while len(self._made) > DOCUMENTS:
            self._made.popitem(last=False)

    def get(self, uri: str, before: str, after: str) -> Filled | None:
        """The newest that leads here; one with an empty text says that nothing is suggested here."""
        shape = _shape(after)
        for made in reversed(self._made.get(uri, ())):
            found = made.rest(before, shape)
            if found is not None:
                return found
        return None

    def drop(self, uri: str) -> None:
        self._made.pop(uri, None)


def _shape(after: str) -> tuple[int, str]:
    return len(after), after[:_NEAR]
