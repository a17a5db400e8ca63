"""Every name that a request's parts have belongs to a family."""

import pytest

from tallystick_agent.context.fragments import ORDER
from tallystick_agent.usage.families import FAMILIES, family_of


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("system", "system"),
        ("framing", "system"),
        ("tool:read_file", "tools"),
        ("tool:described", "tools"),
        ("rules:AGENTS.md", "rules"),
        ("map", "map"),
        ("files", "files"),
        ("file:src/a.py", "files"),
        ("prompt", "prompt"),
        ("infill:prefix", "prompt"),
        ("image", "prompt"),
        ("assistant", "history"),
        ("tool_call", "history"),
        ("digest", "history"),
        ("tool_output:search", "tool_output"),
        ("reasoning", "reasoning"),
        ("output:reasoning", "reasoning"),
        ("output:text", "output"),
        ("output:tool_call", "output"),
        ("correction", "other"),
        ("unattributed", "other"),
        ("notice", "other"),
        ("", "other"),
    ],
)
def test_a_name_and_its_family(name: str, family: str) -> None:
    assert family_of(name) == family
    assert family in FAMILIES


def test_what_a_prompt_brings_is_never_other() -> None:
    assert all(family_of(kind) != "other" for kind in ORDER)
