"""What a request is about, by simple rules when it is booked: an estimate, cheap enough for every request. Pure.

`classify` is its one door. Whatever the rules are not sure of is empty.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tallystick_agent.usage.classify.natural import natural_language
from tallystick_agent.usage.classify.programming import programming_language
from tallystick_agent.usage.classify.prose import prose, words
from tallystick_agent.usage.classify.use_case import use_case

MOST_TEXT: Final = 6_000
"""Characters that are looked at of a prompt."""
LEAST_CODE: Final = 20
MOST_TOLD: Final = 600
"""Characters of the instructions, which say at their beginning what they are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """Lower-case English names; empty where unsure."""

    use_case: str = ""
    natural_language: str = ""
    programming_language: str = ""


def classify(system: str, last_user_text: str, file_names: Iterable[str] = ()) -> Kinds:
    """Of a request: its instructions, the last thing that a user said, and names of files that came with it."""
    text = last_user_text[:MOST_TEXT]
    plain = prose(text)
    said = words(plain)
    told = list(_told(system[:MOST_TOLD]))
    code = programming_language(text, said, file_names)
    # A prompt of which nothing is prose is code, whatever it is written in.
    coded = bool(code) or "```" in text or (len(text) >= LEAST_CODE and not said)
    return Kinds(
        use_case=use_case(told, said, text, code=coded),
        natural_language=natural_language(plain, said),
        programming_language=code,
    )


@lru_cache(maxsize=128)
def _told(system: str) -> tuple[str, ...]:
    """The same instructions come with every request of a session."""
    return tuple(words(system))
