"""Real folders, repositories and indexes for the tests of the code index. Owns no assertion."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tallystick_agent.context.code.code_index import CodeIndex, View
from tallystick_agent.context.code.code_map import MapMaker
from tallystick_agent.context.code.store import IndexStore
from tallystick_agent.git.repo import Repo
from tallystick_agent.ports import Files
from tallystick_agent.protocol.code import Hints
from tallystick_agent.tokens.encodings import o200k
from tallystick_agent.tokens.segments import SegmentCounter
from tallystick_server.local.disk import DiskWorkspace

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
COUNTER = SegmentCounter(lambda text: len(o200k().encode_ordinary(text)))
SHOP = {
    "shop/cart.py": (
        "class Cart:\n"
        "    def __init__(self):\n"
        "        self.items = []\n\n"
        "    def total(self, currency):\n"
        "        return sum(convert(item.price, currency) for item in self.items)\n"
    ),
    "shop/currency.py": "def convert(amount, currency):\n    return amount * RATES[currency]\n\n\nRATES = {'euro': 1.1}\n",
    "shop/mail.py": "def send_receipt(address, total):\n    return f'{address}: {total}'\n",
    "tests/test_cart.py": "def test_total():\n    assert Cart().total('euro') == convert(3, 'euro')\n",
    "README.md": "# Shop\n\nA shop with a cart.\n",
}


def git(root: Path, *arguments: str, given: str | None = None) -> str:
    """Git with an author and without the user's configuration."""
    names = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**ENVIRONMENT, **names, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": "file"}
    done = subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True, text=True, input=given)
    return done.stdout.strip()


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def commit(root: Path, message: str, **files: str) -> str:
    """Commits everything; `__` in a name stands for `/`, and `.py` is added. Gives the commit's hash."""
    write(root, {f"{name.replace('__', '/')}.py": text for name, text in files.items()})
    if not (root / ".git").exists():
        git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", "-", given=message)
    return git(root, "rev-parse", "HEAD")


@dataclass
class Place:
    """An index over a folder."""

    root: Path
    store: IndexStore = field(default_factory=lambda: IndexStore(None))
    day: int = 1
    files: Files | None = None
    """In place of those of the disk."""

    def __post_init__(self) -> None:
        self.workspace = DiskWorkspace(self.root, ENVIRONMENT)
        self.index = CodeIndex(self.store, str(self.root), Repo(self.root, ENVIRONMENT), day=lambda: self.day)

    def now(self) -> Files:
        return self.files or self.workspace.now()

    def refresh(self) -> View:
        return self.index.refresh(self.now())

    def paths(self) -> list[str]:
        return sorted(self.refresh().corpus.numbers)

    def order(self, text: str, hints: Hints | None = None) -> list[str]:
        """Paths, best first."""
        view = self.refresh()
        ranking = self.index.ask(text, view, hints)
        return [view.corpus.paths[number] for number in ranking.files.tolist() if view.corpus.paths[number]]

    def definitions(self, text: str, hints: Hints | None = None) -> list[tuple[str, int, float]]:
        """Path, first line and score of every living chunk, best first."""
        view = self.refresh()
        ranking = self.index.ask(text, view, hints)
        corpus = view.corpus
        return [
            (corpus.paths[corpus.file_of[chunk]], int(corpus.first[chunk]), float(ranking.chunk_scores[chunk]))
            for chunk in ranking.chunks.tolist()
            if corpus.alive[chunk]
        ]

    def maker(self, text: str) -> MapMaker:
        view = self.refresh()
        return MapMaker(self.index, view, self.index.ask(text, view), self.now(), COUNTER.text, text)
