"""A web page as text for a model: words without markup, scripts or styles. Pure."""

import re
from html.parser import HTMLParser
from typing import Final

_SKIPPED: Final = frozenset("script style noscript template svg head nav footer".split())
_BREAKS: Final = frozenset("p div section article br li ul ol tr table h1 h2 h3 h4 h5 h6 pre blockquote dt dd".split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipping.append(tag)
        elif tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skipping and tag == self._skipping[-1]:
            self._skipping.pop()
        elif tag in _BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.pieces.append(data)


def page_text(body: str, *, html: bool) -> str:
    """The page's words, blank lines and runs of spaces made short."""
    if html:
        reader = _Reader()
        reader.feed(body)
        reader.close()
        body = "".join(reader.pieces)
        body = re.sub(r"[ \t\xa0]+", " ", body)
    return re.sub(r"\n\s*\n\s*", "\n\n", body).strip()
