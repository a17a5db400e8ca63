"""Fenced blocks of the documents, so that tests run what people copy."""

import re
from pathlib import Path

EDITORS = Path(__file__).resolve().parents[2] / "docs/editors"


def snippets(page: str, language: str) -> list[str]:
    """The blocks of one language in a page of docs/editors."""
    text = (EDITORS / f"{page}.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
