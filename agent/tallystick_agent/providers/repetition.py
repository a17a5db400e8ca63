"""When a model has begun to repeat itself without end. Owns the rule; pure, fed with the stream.

Two forms were measured with small models: one line over and over with other letters in it, and one line that never ends
(`.replace("?", "").replace("!", "")…`). Both are seen in the masked text: string literals, digits and names are blanked,
so that the form counts and not the letters.

Honest code has rows of one form as well: fields, imports, entries of a dict, rows of a table. None of these calls anything,
so a form without a call must repeat far more often before it counts, unless its lines are the same letter by letter.
"""

import re
import zlib

SAME_LINES = 8
SAME_ROWS = 60
LONGEST_LINE = 1_600
TAIL = 600
_MASK = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|[A-Za-z_]+|\d+")


class RepetitionGuard:
    """`feed` returns True once the text should be cut."""

    def __init__(self) -> None:
        self._line = ""
        self._last = ""
        self._last_form = ""
        self._same = 0
        self._same_form = 0
        self._checked = 0

    def feed(self, text: str) -> bool:
        *closed, rest = (self._line + text).split("\n")
        self._line = rest
        if closed:
            self._checked = 0
        return any(map(self._close, closed)) or self._endless()

    def _close(self, line: str) -> bool:
        bare = line.strip()
        form = _MASK.sub("w", bare)
        if not form:
            return False
        self._same = self._same + 1 if bare == self._last else 1
        self._same_form = self._same_form + 1 if form == self._last_form else 1
        self._last = bare
        self._last_form = form
        # Short closers such as `}` or `]` do repeat in honest code.
        if len(form) <= 3:
            return False
        return self._same >= SAME_LINES or self._same_form >= (SAME_LINES if "(" in form else SAME_ROWS)

    def _endless(self) -> bool:
        length = len(self._line)
        if length > LONGEST_LINE:
            return True
        if length < TAIL or length - self._checked < 100:
            return False
        self._checked = length
        masked = _MASK.sub("w", self._line[-TAIL:]).encode()
        return len(masked) > 60 and len(zlib.compress(masked)) < 0.2 * len(masked)
