"""What a checker says of a file, as values. Owns no source of it and no wording."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "information", "hint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One remark about one place."""

    path: str
    """Of the workspace, with `/` between its parts."""
    line: int
    """From 1."""
    column: int = 1
    """From 1, in the units of whoever made it: it is for people and names nothing."""
    severity: Severity
    message: str
    source: str
    """The checker, e.g. `ruff`."""
    code: str = ""
    """The checker's name for this kind of remark, e.g. `F821`; empty where it has none."""


Reports = dict[str, tuple[Diagnostic, ...]]
"""By source, what it says of one text. A source that is not in it could not say anything; an empty tuple finds nothing wrong."""
