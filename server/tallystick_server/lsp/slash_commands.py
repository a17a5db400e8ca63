"""The `/` commands of a chat: their names, what each does in a line, and the reading of a prompt for one. Pure.

Some are the engine's (`/compact`, `/plan` …) and go to it as they are; the others are answered by this host.
"""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    name: str
    takes: str
    """What may stand after the name, for people."""
    does: str
    by: Literal["engine", "host"] = "host"


COMMANDS: Final = (
    SlashCommand(name="plan", takes="[words]", does="read and plan; nothing is changed or run", by="engine"),
    SlashCommand(name="act", takes="[words]", does="change files and run commands again, as the settings allow", by="engine"),
    SlashCommand(name="model", takes="[slug]", does="show the models that can serve, or take another"),
    SlashCommand(name="route", takes="[slug]", does="show which endpoints would serve now, in which order and why"),
    SlashCommand(name="context", takes="", does="show what the last request was made of, and how long the window lasts"),
    SlashCommand(name="compact", takes="[what must stay in view]", does="condense the context window", by="engine"),
    SlashCommand(name="restore", takes="", does="bring the window before the last condensing back", by="engine"),
    SlashCommand(name="undo", takes="", does="take back what the last turn changed", by="engine"),
    SlashCommand(name="retry", takes="", does="ask the last prompt again, or go on with a turn that was cut short"),
    SlashCommand(name="usage", takes="[session | today | week | month | all]", does="show tokens and money by model and purpose"),
    SlashCommand(name="budget", takes="[$0.50 | 20000 tokens | 5 requests | off]", does="show or set the limits of a turn here"),
    SlashCommand(name="review", takes="[words]", does="review the changes since the last commit; nothing is changed"),
    SlashCommand(name="commit", takes="[words]", does="write a commit message for what is staged"),
    SlashCommand(name="rename", takes="title", does="give the session another title"),
    SlashCommand(name="export", takes="[markdown | jsonl]", does="write the whole session to a file beside the chat"),
    SlashCommand(name="help", takes="", does="show these commands"),
)
_NAMED: Final = {one.name: one for one in COMMANDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    command: SlashCommand
    rest: str
    """What stands after the name, white space at its ends left out."""


def called(prompt: str) -> Called | None:
    """The command that a prompt begins with; `None` for other text, a path such as `/tmp` among them."""
    text = prompt.strip()
    if not text.startswith("/"):
        return None
    name = text[1:].split(maxsplit=1)[0] if text[1:].strip() else ""
    command = _NAMED.get(name)
    return Called(command=command, rest=text[len(name) + 1 :].strip()) if command is not None else None


def mistyped(prompt: str) -> str | None:
    """The word after `/` where it is no command and no path: whoever typed it did not mean it for a model."""
    text = prompt.strip()
    words = text.split(maxsplit=1)
    word = words[0] if words else ""
    plain = word.startswith("/") and word[1:].isascii() and word[1:].isalpha() and word[1:].islower()
    return word if plain and word[1:] not in _NAMED and len(word) <= 12 and "\n" not in text else None
