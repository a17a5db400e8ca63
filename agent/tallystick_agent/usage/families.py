"""To which family of parts a segment belongs, for charts over many requests. Pure; the names are made in `context.assemble`."""

from typing import Final, Literal, get_args

Family = Literal[
    "system", "tools", "rules", "map", "files", "prompt", "history", "tool_output", "reasoning", "output", "other"
]  # fmt: skip
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)
_HEADS: Final[dict[str, Family]] = {
    "system": "system",
    "framing": "system",
    "tool": "tools",
    "rules": "rules",
    "map": "map",
    "file": "files",
    "files": "files",
    "folder": "files",
    "symbol": "files",
    "commit": "files",
    "url": "files",
    "diff": "files",
    "terminal": "tool_output",
    "diagnostics": "tool_output",
    "environment": "system",
    "prompt": "prompt",
    "infill": "prompt",
    "image": "prompt",
    "assistant": "history",
    "earlier_prompt": "history",
    "tool_call": "history",
    "digest": "history",
    "tool_output": "tool_output",
    "reasoning": "reasoning",
    "output": "output",
}
"""By what a name has before its colon."""


def family_of(name: str) -> Family:
    """`other` for what no family is known for: corrections, notices, tokens that nothing is told of."""
    return "reasoning" if name == "output:reasoning" else _HEADS.get(name.partition(":")[0], "other")
