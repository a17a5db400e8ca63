"""Rules that a project keeps for agents: which files they are, what of them applies, and how much of them is read. Pure.

They are read in trusted folders alone: whoever can write them tells the agent what to do. Files with the same text count once,
since many projects link one to the other. A file below the root applies once something beside or below it is worked on.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

MOST_CHARACTERS: Final = 16_000
"""Of one file; the rest is cut, and the model is told so."""
MOST_FILES: Final = 20
_NAMES: Final = ("AGENTS.md", "CLAUDE.md", "GEMINI.md", "TALLYSTICK.md", ".clinerules", ".cursorrules", ".windsurfrules")
_FOLDERS: Final = (".clinerules/", ".cursor/rules/", ".roo/rules/", ".tallystick/rules/")
_ENDINGS: Final = (".md", ".mdc", ".txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A file of rules and the folder that it is for; empty for the whole workspace."""

    path: str
    folder: str
    text: str


def rule_paths(files: Iterable[str]) -> tuple[str, ...]:
    """Of a listing, what holds rules, in a fixed order: by depth, then by kind, then by name."""
    found: list[tuple[int, int, str]] = []
    for path in files:
        name = path.rpartition("/")[2]
        if name in _NAMES:
            found.append((path.count("/"), _NAMES.index(name), path))
            continue
        for number, start in enumerate(_FOLDERS):
            inside = path.startswith(start) or f"/{start}" in path
            if inside and name.endswith(_ENDINGS):
                found.append((folder_of(path).count("/") + bool(folder_of(path)), len(_NAMES) + number, path))
                break
    return tuple(path for _, _, path in sorted(found))


def folder_of(path: str) -> str:
    """The folder that a file of rules is for."""
    for start in _FOLDERS:
        at = path.find(start)
        if at == 0 or (at > 0 and path[at - 1] == "/"):
            return path[: max(0, at - 1)]
    return path.rpartition("/")[0]


def applying(paths: Sequence[str], worked_on: str | None) -> tuple[str, ...]:
    """Those for the whole workspace; with a path, instead those that its folders add, outermost first."""
    if worked_on is None:
        return tuple(path for path in paths if not folder_of(path))[:MOST_FILES]
    return tuple(path for path in paths if folder_of(path) and worked_on.startswith(f"{folder_of(path)}/"))[:MOST_FILES]


def read_rule(path: str, text: str) -> Rule | None:
    """The rule in a file, without its front matter; `None` where it is empty or for other files than all."""
    head, body = _front_matter(text)
    if head and path.endswith(".mdc") and not re.search(r"^alwaysApply:[ \t]*true\s*(?:#.*)?$", head, re.MULTILINE):
        return None
    body = body.strip()
    return beginning(Rule(path=path, folder=folder_of(path), text=body), MOST_CHARACTERS) if body else None


def beginning(rule: Rule, most: int) -> Rule:
    """The rule, or its first `most` characters, by whole lines where it has any, and a word on where the rest is."""
    if len(rule.text) <= most:
        return rule
    lines = rule.text[:most].rpartition("\n")[0]
    return replace(rule, text=f"{lines or rule.text[:most]}\n[{rule.path} goes on; read_file shows the rest.]")


def distinct(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Each text once, the first file that has it."""
    found: dict[str, Rule] = {}
    for rule in rules:
        found.setdefault(rule.text, rule)
    return tuple(found.values())


def rule_text(rule: Rule) -> str:
    """As the model reads it."""
    where = f"for {rule.folder}/" if rule.folder else "of this project"
    return f'<rules from="{rule.path}">\nRules {where}, from its owner:\n{rule.text}\n</rules>'


def _front_matter(text: str) -> tuple[str, str]:
    found = re.match(r"\A---\r?\n(.*?\r?\n)---\r?\n?", text, re.DOTALL)
    return (found[1], text[found.end() :]) if found else ("", text)
