"""Aider's RepoMap as a system to compare with. Run by a Python that has aider-chat; owns nothing of the ranking.

    PYTHON benchmarks/context/aider_map.py --serve [--tests yes|no]

As in its chat, the names of files and identifiers in a question are what steers its map; no file is in the chat. It ranks once
a question, and makes a map for every budget of that.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(1, str(Path(__file__).resolve().parents[2]))
sys.path.insert(1, str(Path(__file__).resolve().parents[2] / "agent"))

from benchmarks.context.serving import serve
from benchmarks.context.trees import git

from tallystick_agent.context.code.file_kinds import beside_the_code
from tallystick_agent.tokens.encodings import o200k


class Files:
    """What Aider reads files and reports with."""

    def read_text(self, path: str) -> str | None:
        try:
            return Path(path).read_text("utf-8")
        except (OSError, UnicodeError):
            return None

    def tool_output(self, *_: object, **__: object) -> None:
        """Says nothing."""

    tool_warning = tool_error = tool_output


class Tokens:
    """What Aider asks for the size of a text."""

    def token_count(self, text: str) -> int:
        return len(o200k().encode_ordinary(text))


def mentioned(coder: Any, query: str, files: list[str]) -> tuple[set[str], set[str]]:
    """Files and identifiers that a question names, found by the functions of Aider's chat."""
    chat = SimpleNamespace(
        get_all_relative_files=lambda: files,
        get_addable_relative_files=lambda: files,
        get_inchat_relative_files=list,
        get_rel_fname=lambda path: path,
        abs_read_only_fnames=[],
    )
    names: set[str] = coder.get_ident_mentions(chat, query)
    return set(coder.get_file_mentions(chat, query)) | set(coder.get_ident_filename_matches(chat, names)), names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", required=True)
    parser.add_argument("--tests", choices=("yes", "no"), default="yes", help="whether tests, examples and documents are ranked")
    given = parser.parse_args()
    coder: Any = importlib.import_module("aider.coders.base_coder").Coder
    repo_map: Any = importlib.import_module("aider.repomap").RepoMap

    def ask(repo: str, query: str, budgets: list[int]) -> tuple[list[str], dict[int, str]]:
        tracked = [path for path in git(Path(repo), "ls-files", "-z").split("\0") if path]
        files = [path for path in tracked if given.tests == "yes" or not beside_the_code(path)]
        paths, names = mentioned(coder, query, files)
        maker = repo_map(map_tokens=budgets[0], root=repo, main_model=Tokens(), io=Files())
        rank, kept = maker.get_ranked_tags, list[Any]()

        def once(*arguments: Any, **options: Any) -> list[Any]:
            if not kept:
                kept.extend(rank(*arguments, **options))
            return list(kept)

        maker.get_ranked_tags = once
        maps: dict[int, str] = {}
        for budget in budgets:
            maker.max_map_tokens = budget
            whole = [str(Path(repo) / path) for path in files]
            maps[budget] = maker.get_repo_map([], whole, mentioned_fnames=paths, mentioned_idents=names) or ""
        return list(dict.fromkeys(tag[0] for tag in kept)), maps

    with tempfile.TemporaryDirectory() as cache:
        # Else it would write into the repository, where others would find it.
        repo_map.TAGS_CACHE_DIR = cache
        serve(ask)


if __name__ == "__main__":
    main()
