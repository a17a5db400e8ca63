"""Commands that a prompt may be instead of words for the model, or before them. Owns their names; pure.

`/compact [focus]`, `/restore`, `/undo`; `/plan [words]` and `/act [words]` set how turns may work, and ask with the words.
"""

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

Name = Literal["compact", "restore", "undo", "plan", "act"]
_ALONE: Final = ("restore", "undo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slash:
    name: Name
    rest: str
    """What stands after the name."""


def slash(prompt: str) -> Slash | None:
    """The command that a prompt is; `None` for any other text, a path like `/tmp` among them."""
    text = prompt.strip()
    name, *_ = text.removeprefix("/").split(maxsplit=1) or [""]
    rest = text[len(name) + 1 :].strip()
    if not text.startswith("/") or name not in get_args(Name) or (name in _ALONE and rest):
        return None
    return Slash(name=cast(Name, name), rest=rest if name in ("plan", "act") else " ".join(rest.split()))
