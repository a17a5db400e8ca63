"""Commands that a prompt may be instead of words for the model: `/compact [focus]` and `/restore`. Owns their names; pure."""

from dataclasses import dataclass
from typing import Literal, cast, get_args

Name = Literal["compact", "restore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slash:
    name: Name
    rest: str
    """What stands after the name."""


def slash(prompt: str) -> Slash | None:
    """The command that a prompt is; `None` for any other text, a path like `/tmp` among them."""
    name, *rest = prompt.strip().removeprefix("/").split() or [""]
    if not prompt.lstrip().startswith("/") or name not in get_args(Name) or (name == "restore" and rest):
        return None
    return Slash(name=cast(Name, name), rest=" ".join(rest))
