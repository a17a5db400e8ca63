"""A web page as text for a model: words without markup, scripts or styles. Pure.

It reads a page from front to back once, whatever stands in it: the standard library's parser needs minutes for some pages of
a megabyte, and gives up on others. Code keeps its indentation.
"""

import html as entities
import re
from typing import Final

_SKIPPED: Final = frozenset("noscript template svg head nav footer".split())
_RAW: Final = frozenset("script style".split())
"""Tags whose content is no markup; it is skipped too."""
_BREAKS: Final = frozenset("p div section article br li ul ol tr table h1 h2 h3 h4 h5 h6 pre blockquote dt dd body".split())
_CELLS: Final = frozenset("td th".split())
_NAME = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_IN_TAG = re.compile(r"""=\s*(["'])|>""")


class _Reader:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._skipping: list[str] = []
        self._code = 0

    def read(self, body: str) -> None:
        at = 0
        while at < len(body):
            start = body.find("<", at)
            self._words(body[at : start if start >= 0 else len(body)])
            if start < 0:
                return
            if body.startswith("<!--", start):
                at = _behind(body, "-->", start + 2)
            elif body.startswith(("<!", "<?"), start):
                at = _behind(body, ">", start)
            elif named := _NAME.match(body, start):
                at = self._tag(body, start, named[1].lower(), _tag_end(body, named.end()))
            else:
                self._words("<")
                at = start + 1

    def _tag(self, body: str, start: int, name: str, end: int) -> int:
        """Takes a tag; gives where to go on."""
        if body.startswith("</", start):
            if name in self._skipping:
                # Whatever was left open inside ends with it.
                del self._skipping[self._skipping.index(name) :]
            self._code -= name == "pre" and self._code > 0
        elif name in _RAW:
            closing = re.compile(f"</{name}", re.IGNORECASE).search(body, end)
            return closing.start() if closing else len(body)
        elif name in _SKIPPED and not body.endswith("/>", start, end):
            self._skipping.append(name)
        elif self._skipping == ["head"] and name in _BREAKS:
            # The end of a head may be left out: what can only stand in the body ends it.
            self._skipping.clear()
        if not self._skipping:
            self._code += name == "pre" and not body.startswith("</", start)
            if name in _BREAKS and not (name == "br" and body.startswith("</", start)):
                self.pieces.append("\n")
            elif name in _CELLS and not body.startswith("</", start):
                self._add(" ")
        return end

    def _words(self, text: str) -> None:
        if self._skipping or not text:
            return
        text = entities.unescape(text).replace("\xa0", " ")
        if self._code:
            self.pieces.append(text)
        else:
            self._add(re.sub(r" ?\n[ \n]*", "\n", re.sub(r"[ \t\r\f]+", " ", text)))

    def _add(self, text: str) -> None:
        """Words; a line does not begin with the space between two of them."""
        begins = not self.pieces or self.pieces[-1].endswith("\n")
        if text := text.lstrip(" ") if begins else text:
            self.pieces.append(text)


def _behind(body: str, mark: str, start: int) -> int:
    """Where the text behind a mark begins; the end where there is no such mark."""
    at = body.find(mark, start)
    return at + len(mark) if at >= 0 else len(body)


def _tag_end(body: str, at: int) -> int:
    """Where the text behind a tag begins: a `>` in a quoted value does not end it."""
    while found := _IN_TAG.search(body, at):
        if not found[1]:
            return found.end()
        at = _behind(body, found[1], found.end())
    return len(body)


def page_text(body: str, *, html: bool) -> str:
    """The page's words, blank lines and runs of spaces made short."""
    if html:
        reader = _Reader()
        reader.read(body)
        body = "".join(reader.pieces)
    return re.sub(r"\r?\n(?:[ \t\r]*\n)+", "\n\n", body).strip()
