"""Linters that are known by name: how they are run, on what, and what they may run of a folder. Owns that table.

What reads the folder's configuration may load plugins or start an interpreter that lies there, so it runs in trusted folders
alone. Ruff has no plugins and shellcheck runs nothing; both are kept from the folder's configuration where it is not trusted.
"""

from dataclasses import dataclass
from typing import Final

from tallystick_agent.settings import LinterFormat, LinterSettings

PYTHON: Final = ("*.py", "*.pyi")
SCRIPT: Final = ("*.js", "*.jsx", "*.mjs", "*.cjs", "*.ts", "*.tsx", "*.mts", "*.cts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Linter:
    """A linter ready to be run. `isolated` are the words that follow the first where the folder is not trusted."""

    name: str
    command: tuple[str, ...]
    globs: tuple[str, ...]
    format: LinterFormat
    stdin: bool = False
    trusted_only: bool = True
    isolated: tuple[str, ...] = ()


PRESETS: Final[dict[str, Linter]] = {
    one.name: one
    for one in (
        Linter(
            name="ruff",
            command=("ruff", "check", "--output-format", "json", "--no-cache", "--no-fix", "--stdin-filename", "{path}", "-"),
            globs=PYTHON,
            format="ruff",
            stdin=True,
            trusted_only=False,
            isolated=("--isolated",),
        ),
        Linter(
            name="mypy",
            command=(
                *("mypy", "--output", "json", "--no-error-summary", "--no-pretty", "--cache-dir", "{cache}"),
                *("--follow-imports", "silent", "--shadow-file", "{path}", "{copy}", "{path}"),
            ),
            globs=PYTHON,
            format="mypy",
        ),
        Linter(name="pyright", command=("pyright", "--outputjson", "{path}"), globs=PYTHON, format="pyright"),
        Linter(
            name="eslint",
            command=("eslint", "--format", "json", "--stdin", "--stdin-filename", "{path}"),
            globs=SCRIPT,
            format="eslint",
            stdin=True,
        ),
        Linter(
            name="shellcheck",
            command=("shellcheck", "--norc", "--format", "gcc", "-"),
            globs=("*.sh", "*.bash"),
            format="gcc",
            stdin=True,
            trusted_only=False,
        ),
    )
}


def linter_of(name: str, given: LinterSettings) -> Linter | str:
    """The linter that a section of the settings means, or what is missing in it."""
    known = PRESETS.get(name)
    if given.command:
        # The user's own words: what is known of the preset's safety does not hold for them.
        trusted_only = True if given.trusted_only is None else given.trusted_only
        stdin = bool(given.stdin)
        isolated: tuple[str, ...] = ()
        command = given.command
    elif known is not None:
        trusted_only = known.trusted_only if given.trusted_only is None else given.trusted_only
        stdin, isolated, command = known.stdin if given.stdin is None else given.stdin, known.isolated, known.command
    else:
        return f"linters.{name} has no `command`, and no linter is known by that name ({', '.join(sorted(PRESETS))})."
    globs = given.globs or (known.globs if known is not None else ())
    format = given.format or (known.format if known is not None else None)
    if not globs or format is None:
        return f"linters.{name} needs `{'globs' if not globs else 'format'}`."
    return Linter(
        name=name, command=command, globs=globs, format=format, stdin=stdin, trusted_only=trusted_only, isolated=isolated
    )
