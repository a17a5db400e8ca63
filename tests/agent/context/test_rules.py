"""Rules that a project keeps for agents: which files hold them, which of them apply, and how much of one is read."""

import pytest

from tallystick_agent.context.rules import (
    MOST_CHARACTERS,
    MOST_FILES,
    applying,
    distinct,
    folder_of,
    read_rule,
    rule_paths,
    rule_text,
)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("AGENTS.md", ""),
        ("CLAUDE.md", ""),
        ("GEMINI.md", ""),
        ("TALLYSTICK.md", ""),
        (".cursorrules", ""),
        (".windsurfrules", ""),
        (".clinerules", ""),
        (".clinerules/style.md", ""),
        (".clinerules/deep/style.txt", ""),
        (".cursor/rules/style.mdc", ""),
        (".roo/rules/style.md", ""),
        (".tallystick/rules/style.md", ""),
        ("web/AGENTS.md", "web"),
        ("web/app/CLAUDE.md", "web/app"),
        ("web/.clinerules", "web"),
        ("web/.clinerules/style.md", "web"),
        ("web/.cursor/rules/style.mdc", "web"),
        ("web/app/.roo/rules/style.md", "web/app"),
    ],
)
def test_files_that_hold_rules_and_the_folder_that_they_are_for(path: str, folder: str) -> None:
    assert rule_paths([path, "src/a.py"]) == (path,)
    assert folder_of(path) == folder


@pytest.mark.parametrize(
    "path",
    ["README.md", "agents.md", "AGENTS.md.bak", "docs/AGENTS", ".cursor/settings.json", ".cursor/rules/a.py", "rules/a.md", ""],
)
def test_files_that_hold_none(path: str) -> None:
    assert rule_paths([path]) == ()


def test_the_order_is_by_depth_then_kind_then_name_however_they_are_listed() -> None:
    ordered = (
        "AGENTS.md",
        "CLAUDE.md",
        ".cursor/rules/a.mdc",
        ".cursor/rules/b.mdc",
        "a/AGENTS.md",
        "b/AGENTS.md",
        "a/b/AGENTS.md",
    )
    assert rule_paths(ordered) == ordered
    assert rule_paths(reversed(ordered)) == ordered


@pytest.mark.parametrize(
    ("worked_on", "expected"),
    [
        (None, ("AGENTS.md", ".roo/rules/a.md")),
        ("main.py", ()),
        ("web/main.py", ("web/AGENTS.md", "web/.clinerules")),
        ("web/app/main.py", ("web/AGENTS.md", "web/.clinerules", "web/app/AGENTS.md")),
        ("webapp/main.py", ()),
        ("other/main.py", ()),
    ],
)
def test_which_rules_apply(worked_on: str | None, expected: tuple[str, ...]) -> None:
    paths = rule_paths(("AGENTS.md", ".roo/rules/a.md", "web/AGENTS.md", "web/.clinerules", "web/app/AGENTS.md"))
    assert applying(paths, worked_on) == expected


def test_no_more_than_a_few_files() -> None:
    paths = rule_paths(f".roo/rules/{number:03}.md" for number in range(200))
    assert applying(paths, None) == paths[:MOST_FILES]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("AGENTS.md", "Use tabs.\n", "Use tabs."),
        ("AGENTS.md", "---\nname: x\n---\nUse tabs.", "Use tabs."),
        ("AGENTS.md", "---\nalwaysApply: false\n---\nUse tabs.", "Use tabs."),
        ("AGENTS.md", "Use tabs.\n---\nAnd no spaces.\n---\n", "Use tabs.\n---\nAnd no spaces.\n---"),
        ("AGENTS.md", "--- \nnot closed", "--- \nnot closed"),
        ("AGENTS.md", " \n\n", None),
        ("AGENTS.md", "---\nname: x\n---\n", None),
        (".cursor/rules/a.mdc", "Use tabs.", "Use tabs."),
        (".cursor/rules/a.mdc", "---\nalwaysApply: true\n---\nUse tabs.", "Use tabs."),
        (".cursor/rules/a.mdc", "---\r\ndescription: x\r\nalwaysApply: true\r\n---\r\nUse tabs.", "Use tabs."),
        (".cursor/rules/a.mdc", "---\nalwaysApply: true # always\n---\nUse tabs.", "Use tabs."),
        (".cursor/rules/a.mdc", "---\nalwaysApply: false\n---\nUse tabs.", None),
        (".cursor/rules/a.mdc", "---\nglobs: '*.ts'\n---\nUse tabs.", None),
        (".cursor/rules/a.mdc", "---\nglobs: alwaysApply: true\n---\nUse tabs.", None),
        (".cursor/rules/a.md", "---\nalwaysApply: false\n---\nUse tabs.", "Use tabs."),
    ],
)
def test_what_is_read_of_a_file(path: str, text: str, expected: str | None) -> None:
    rule = read_rule(path, text)
    assert (rule.text if rule else None) == expected


@pytest.mark.parametrize("line", ["A rule that goes on for a while.\n", "no line ends here "])
def test_a_long_file_is_cut_and_says_so(line: str) -> None:
    rule = read_rule("AGENTS.md", line * (40_000 // len(line)))
    assert rule is not None
    kept, _, note = rule.text.rpartition("\n")
    assert note == "[AGENTS.md goes on; read_file shows the rest.]"
    assert MOST_CHARACTERS - 100 < len(kept) <= MOST_CHARACTERS
    assert rule.text.startswith(line.strip())


def test_the_same_text_counts_once_for_the_first_file_that_has_it() -> None:
    read = [read_rule(path, text) for path, text in [("AGENTS.md", "A\n"), ("CLAUDE.md", " A"), ("GEMINI.md", "B")]]
    assert [rule.path for rule in distinct(rule for rule in read if rule is not None)] == ["AGENTS.md", "GEMINI.md"]


def test_how_a_model_reads_a_rule() -> None:
    root, below = read_rule("AGENTS.md", "A"), read_rule("web/AGENTS.md", "B")
    assert root is not None
    assert below is not None
    assert rule_text(root) == '<rules from="AGENTS.md">\nRules of this project, from its owner:\nA\n</rules>'
    assert rule_text(below) == '<rules from="web/AGENTS.md">\nRules for web/, from its owner:\nB\n</rules>'
