"""`tally:` comments in code: where they are and what they ask. Pure; running one is a person's act elsewhere.

A comment is found by the language's own marks, outside strings as far as a few patterns can tell: what cannot be told apart
costs an offer too many or too few, never an action, since nothing here runs anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

MOST_COMMENTS = 50
MOST_TEXT = 2_000
MOST_CHARS = 500_000
"""A longer text is not searched: the search runs while the person types."""
_ASK = re.compile(r"[ \t*!/;#%-]*\btally:[ \t]*(.*)", re.IGNORECASE | re.DOTALL)
_NOT_TEXT = re.compile(r"[ \t]*[*!/;#%-]*[ \t]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyComment:
    """`first` and `last` are lines from 0; `text` is what it asks, without marks."""

    first: int
    last: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """Regular expressions. `lines` begin a comment to the line's end; `blocks` are opening and closing marks."""

    lines: tuple[str, ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    strings: tuple[str, ...] = ()


_DOUBLE: Final = r'"(?:\\.|[^"\\\n])*"?'
_SINGLE: Final = r"'(?:\\.|[^'\\\n])*'?"
_CHAR: Final = r"'(?:\\[^\n]{1,8}?|[^'\\\n])'"
_TEMPLATE: Final = r"`(?:\\.|[^`\\])*`?"
_RAW: Final = r"`[^`]*`?"
_TRIPLE: Final = (r'"""(?:\\.|[^\\])*?(?:"""|\Z)', r"'''(?:\\.|[^\\])*?(?:'''|\Z)")
_SLASH: Final = (r"//",)
_STAR: Final = ((r"/\*", r"\*/"),)
_HASH: Final = (r"#",)
_WORD_HASH: Final = (r"(?<![^\s;(&|])#",)
_TAG: Final = ((r"<!--", r"-->"),)

_C = Syntax(lines=_SLASH, blocks=_STAR, strings=(_DOUBLE, _CHAR))
_SCRIPT = Syntax(lines=_SLASH, blocks=_STAR, strings=(_TEMPLATE, _DOUBLE, _SINGLE))
_BRACED = Syntax(lines=_SLASH, blocks=_STAR, strings=(_TRIPLE[0], _DOUBLE, _CHAR))
_SHELL = Syntax(lines=_WORD_HASH, strings=(r'"(?:\\.|[^"\\])*"?', r"'[^']*'?"))
_PLAIN_HASH = Syntax(lines=_WORD_HASH, strings=(_DOUBLE, _SINGLE))
_LISP = Syntax(lines=(r";",), blocks=((r"#\|", r"\|#"),), strings=(r'"(?:\\.|[^"\\])*"?', r"#?\\."))
_MARKUP = Syntax(blocks=_TAG)
_FENCES: Final = (r"(?m:^ {0,3}(?P<fence>```+|~~~+)[^\n]*\n(?:.|\n)*?(?:^ {0,3}(?P=fence)[ \t]*$|\Z))", r"`[^`\n]+`")
_UNKNOWN = Syntax(lines=(r"(?m:(?<=^)[ \t]*(?://|#|--|;))",), blocks=(*_STAR, *_TAG))

_SYNTAX: Final[dict[str, Syntax]] = {
    **dict.fromkeys(("c", "cpp", "objective-c", "objective-cpp", "cuda-cpp", "java", "rust", "zig", "proto", "glsl"), _C),
    **dict.fromkeys(("csharp", "dart", "kotlin", "scala", "swift", "groovy"), _BRACED),
    **dict.fromkeys(("javascript", "javascriptreact", "typescript", "typescriptreact", "json", "jsonc", "json5"), _SCRIPT),
    "go": Syntax(lines=_SLASH, blocks=_STAR, strings=(_RAW, _DOUBLE, _CHAR)),
    "php": Syntax(lines=(r"//", r"#(?!\[)"), blocks=_STAR, strings=(_DOUBLE, _SINGLE)),
    "css": Syntax(blocks=_STAR, strings=(_DOUBLE, _SINGLE)),
    **dict.fromkeys(("scss", "less", "sass", "stylus"), Syntax(lines=(r"(?<!:)//",), blocks=_STAR, strings=(_DOUBLE, _SINGLE))),
    **dict.fromkeys(("python", "starlark", "gdscript"), Syntax(lines=_HASH, strings=(*_TRIPLE, _DOUBLE, _SINGLE))),
    **dict.fromkeys(("julia", "elixir"), Syntax(lines=_HASH, strings=(_TRIPLE[0], _DOUBLE))),
    **dict.fromkeys(("ruby", "crystal", "perl", "r", "nim", "coffeescript"), Syntax(lines=_HASH, strings=(_DOUBLE, _SINGLE))),
    **dict.fromkeys(("shellscript", "sh", "bash", "zsh", "fish"), _SHELL),
    **dict.fromkeys(
        ("yaml", "toml", "makefile", "dockerfile", "cmake", "powershell", "nix", "terraform", "properties"), _PLAIN_HASH
    ),
    "sql": Syntax(lines=(r"--",), blocks=_STAR, strings=(r"'(?:''|[^'])*'?", r'"[^"]*"?')),
    "lua": Syntax(lines=(r"--(?!\[=*\[)",), blocks=((r"--\[\[", r"\]\]"),), strings=(_DOUBLE, _SINGLE, r"\[\[[^\]]*\]\]")),
    **dict.fromkeys(
        ("haskell", "elm", "purescript"), Syntax(lines=(r"--+",), blocks=((r"\{-", r"-\}"),), strings=(_DOUBLE, _CHAR))
    ),
    **dict.fromkeys(("ada", "vhdl"), Syntax(lines=(r"--",), strings=(_DOUBLE, _CHAR))),
    **dict.fromkeys(("lisp", "commonlisp", "scheme", "clojure", "emacs-lisp", "racket"), _LISP),
    **dict.fromkeys(("ini", "asm"), Syntax(lines=(r"[;#]",), strings=(_DOUBLE,))),
    **dict.fromkeys(("html", "xml", "svg", "vue", "svelte", "astro"), _MARKUP),
    "markdown": Syntax(blocks=_TAG, strings=_FENCES),
    **dict.fromkeys(("tex", "latex"), Syntax(lines=(r"(?<!\\)%",))),
    **dict.fromkeys(("erlang", "matlab", "prolog"), Syntax(lines=(r"%",), strings=(_DOUBLE,))),
    "vim": Syntax(lines=(r'(?m:(?<=^)[ \t]*")',)),
    "ocaml": Syntax(blocks=((r"\(\*", r"\*\)"),), strings=(_DOUBLE,)),
}


def find_comments(text: str, language: str) -> tuple[TallyComment, ...]:
    """The comments that ask for something, in order. `text` has `\\n` for line breaks."""
    if len(text) > MOST_CHARS or "tally:" not in text.lower():
        return ()
    found: list[TallyComment] = []
    for one in _asks(text, _pattern(_SYNTAX.get(language.lower(), _UNKNOWN))):
        if one.text:
            found.append(replace(one, text=one.text[:MOST_TEXT]))
        if len(found) == MOST_COMMENTS:
            break
    return tuple(found)


@lru_cache(maxsize=64)
def _pattern(syntax: Syntax) -> re.Pattern[str]:
    """Strings, block and line comments, whichever comes first."""
    blocks = "|".join(rf"{begin}(?P<b{number}>[^\0]*?)(?:{end}|\Z)" for number, (begin, end) in enumerate(syntax.blocks))
    lines = "|".join(syntax.lines)
    parts = [f"(?:{one})" for one in syntax.strings]
    parts += [f"(?P<block>{blocks})"] if blocks else []
    parts += [rf"(?P<mark>{lines})(?P<line>[^\n]*)"] if lines else []
    return re.compile("|".join(parts), re.DOTALL)


def _asks(text: str, pattern: re.Pattern[str]) -> Iterator[TallyComment]:
    """A run of adjacent line comments is one text; so is a block. Each `tally:` in it asks up to the next one."""
    open_run: list[str] = []
    first = column = number = at = 0
    alone = False
    for match in pattern.finditer(text):
        number += text.count("\n", at, match.start())
        at = match.start()
        groups = match.groupdict()
        start = text.rfind("\n", 0, at) + 1
        stands_alone = not text[start:at].strip()
        if groups.get("block") is not None:
            yield from _run(open_run, first)
            open_run = []
            body = next(body for name, body in groups.items() if name[0] == "b" and name != "block" and body is not None)
            yield from _run(body.split("\n"), number)
        elif groups.get("line") is not None:
            if not (open_run and alone and stands_alone and number == first + len(open_run) and at - start == column):
                yield from _run(open_run, first)
                open_run, first, column, alone = [], number, at - start, stands_alone
            open_run.append(groups["line"])
    yield from _run(open_run, first)


def _run(lines: list[str], first: int) -> Iterator[TallyComment]:
    asked: TallyComment | None = None
    for number, line in enumerate(lines, first):
        begins = _ASK.match(line)
        more = line[match.end() :].rstrip() if (match := _NOT_TEXT.match(line)) else line.rstrip()
        if begins is not None:
            if asked is not None:
                yield asked
            asked = TallyComment(first=number, last=number, text=begins[1].strip())
        elif asked is not None and more:
            asked = replace(asked, last=number, text=f"{asked.text}\n{more}".strip())
        elif asked is not None:
            yield asked
            asked = None
    if asked is not None:
        yield asked
