"""The part of a prompt that is somebody's words: without code, paths and addresses. Pure."""

import re
from typing import Final

MOST_PROSE: Final = 900
"""Characters; a language shows itself in far fewer."""
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)
_CODE_LINES: Final = re.compile(
    r"^(?:.*[{};\\]|.*\) *->.*|\s*(?:def|class|import|from|return|elif|else|#include|fn|func|const|let|var|package|using) .*"
    r"|.*\w\(.*\):?|.* [=!<>]=? .*|\s*[@+\-$>#|].*[(=/].*| {4}.*|\t.*|\s*(?:if|for|while|with|try|except)\b.*:|\s*File \".*)$",
    re.MULTILINE,
)
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def prose(text: str) -> str:
    """What of a text is prose, from its beginning."""
    head = _CODE.sub(" ", text[: 4 * MOST_PROSE])[: 2 * MOST_PROSE]
    return _CODE_LINES.sub(" ", head)[:MOST_PROSE] if "\n" in head else head[:MOST_PROSE]


def words(text: str) -> list[str]:
    """In lower case, in order."""
    return _WORD.findall(text.lower().replace("’", "'"))
