"""A commit message as text: what is taken of a model's answer, and how it comes into git's message file. Pure.

Nothing that stands in the file is ever taken away: the message goes above it, whatever character git's comments begin with.
"""

from typing import Final

from tallystick_server.lsp.positions import Change

MOST: Final = 4_000
"""Characters of a message."""
_COMMENTS: Final = ("#", ";")
"""Git's own comment character, and the one that people set instead."""


def plain_message(said: str) -> str:
    """The message without a fence that a model put around it in spite of what it was told, cut at a line if it is too long.

    A line that git would take for a comment of its own gets a space before it.
    """
    text = said.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()
    lines = text.split("\n")
    if len(lines) > 1 and lines[0].startswith("```") and lines[-1].strip() == "```":
        lines = "\n".join(lines[1:-1]).strip("\n").split("\n")
    text = "\n".join(f" {line.rstrip()}" if line.startswith(_COMMENTS) else line.rstrip() for line in lines)
    if len(text) > MOST:
        whole, _, _ = text[: MOST + 1].rpartition("\n")
        text = whole.rstrip() or text[:MOST]
    return text


def with_message(text: str, message: str) -> str:
    """The message, an empty line, and all that was there; a text that begins with the message stays as it is."""
    if text == message or text.startswith(f"{message}\n"):
        return text
    # Git leaves an empty line above its comments.
    return f"{message}\n{text}" if not text or text.startswith("\n") else f"{message}\n\n{text}"


class Insertion:
    """One insertion into an open document, which it follows: it is made once, however much is typed around it, and not at
    all into a document that was closed and opened anew."""

    def __init__(self) -> None:
        self._wanted: str | None = None
        self._over = False

    def opened(self, text: str) -> None:
        self._over = True

    def changed(self, change: Change, after: str) -> None:
        """Knows our own edit by its result, since it was bound to the text before."""
        self._over |= self._wanted is not None and after.replace("\r\n", "\n") == self._wanted.replace("\r\n", "\n")

    def into(self, text: str, message: str) -> str:
        """The text with the message, or as it is where the message came in already."""
        if self._over:
            return text
        wanted = with_message(text, message)
        self._wanted = wanted if wanted != text else None
        return wanted
