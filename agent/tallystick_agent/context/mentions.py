"""What a prompt points at with `@`: files, folders, lines, symbols, changes, commits, addresses, output. Owns the grammar; pure.

    @src/cart.py   @src/cart.py:10-40   @"name with space.md"   @src/   @symbol:Cart.total   @diff   @staged   @commit:1a2b3c4
    @https://example.org/page   @terminal   @diagnostics

A word after `@` that names nothing here stays a word: addresses, decorators and package names are written like that too.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

MentionKind = Literal["file", "image", "folder", "symbol", "diff", "staged", "commit", "url", "terminal", "diagnostics"]
MOST: Final = 50
"""Mentions of one prompt."""
IMAGES: Final = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
_MENTION = re.compile(
    r"""(?<![\w@/.])@(?:
        "(?P<quoted>[^"\n]{1,300})" (?: :(?P<qa>\d{1,7})(?:-(?P<qb>\d{1,7}))? )?
      | (?P<url>https?://(?: \([^\s<>"'()\]]*\) | [^\s<>"'()\]] ){1,2000})
      | (?P<word>[^\s"'`,;()\[\]{}<>]{1,300})
    )""",
    re.VERBOSE,
)
_LINES = re.compile(r"^(?P<path>.+?)(?::|\#L)(?P<a>\d{1,7})(?:-L?(?P<b>\d{1,7}))?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """`target` is a path of the workspace, a name, a commit or an address; `lines` are first and last, from 1."""

    kind: MentionKind
    target: str = ""
    lines: tuple[int, int] | None = None


def mentions(prompt: str, files: Collection[str]) -> tuple[Mention, ...]:
    """What the prompt points at, each once, in order. `files` are the paths that there are."""
    if "@" not in prompt:
        return ()
    found: dict[Mention, None] = {}
    paths = _Paths(files)
    for match in _MENTION.finditer(prompt):
        if match["url"]:
            one: Mention | None = Mention(kind="url", target=match["url"].rstrip(".,;:!?"))
        elif match["quoted"]:
            one = paths.mention(match["quoted"], _range(match["qa"], match["qb"]))
        else:
            one = _word(match["word"].rstrip(".,;:!?"), paths)
        if one is not None:
            found[one] = None
    return tuple(found)[:MOST]


class _Paths:
    """The paths that there are. Looked up by their last part: a pasted text may hold thousands of words after an `@`."""

    def __init__(self, files: Collection[str]) -> None:
        self._files = frozenset(files)
        self._folders = {path[: at + 1] for path in files for at, char in enumerate(path) if char == "/"}
        self._named: dict[str, list[str]] = {}
        for path in files:
            self._named.setdefault(path.rpartition("/")[2], []).append(path)

    def mention(self, text: str, lines: tuple[int, int] | None) -> Mention | None:
        path = text.removeprefix("./").removeprefix("/")
        if path not in self._files:
            # A name alone is enough where one file ends with it.
            ending = [name for name in self._named.get(path.rpartition("/")[2], ()) if name.endswith(f"/{path}")]
            if len(ending) == 1:
                path = ending[0]
        if path in self._files:
            kind: MentionKind = "image" if path.rpartition(".")[2].lower() in IMAGES else "file"
            return Mention(kind=kind, target=path, lines=lines)
        folder = path if path.endswith("/") else f"{path}/"
        return Mention(kind="folder", target=folder) if folder in self._folders else None


def _word(word: str, paths: _Paths) -> Mention | None:
    match word:
        case "diff" | "changes":
            return Mention(kind="diff")
        case "staged":
            return Mention(kind="staged")
        case "terminal":
            return Mention(kind="terminal")
        case "diagnostics" | "problems":
            return Mention(kind="diagnostics")
        case _:
            pass
    for prefix in ("symbol:", "commit:"):
        if word.startswith(prefix) and (rest := word.removeprefix(prefix)):
            return Mention(kind="symbol" if prefix == "symbol:" else "commit", target=rest)
    if (one := paths.mention(word, None)) is not None:
        return one
    if ranged := _LINES.match(word):
        return paths.mention(ranged["path"], _range(ranged["a"], ranged["b"]))
    return None


def _range(first: str | None, last: str | None) -> tuple[int, int] | None:
    if first is None:
        return None
    a = max(1, int(first))
    return a, max(a, int(last)) if last else a
