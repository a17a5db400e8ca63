"""A tiny repository with one fix, and what every system must make of it. Owns the check that the benchmark itself works."""

import re
from pathlib import Path
from typing import Final

from benchmarks.context.table import Row
from benchmarks.context.trees import Fix, git

TARGET: Final = "shop/basket.py"
BEFORE: Final = {
    TARGET: '''"""A basket and its total."""


class Basket:
    def __init__(self) -> None:
        self.prices: list[int] = []

    def add_price(self, price: int) -> None:
        self.prices.append(price)

    def total_with_discount(self, percent: int) -> int:
        whole = sum(self.prices)
        return whole - whole * percent
''',
    "shop/mail.py": '''"""Letters to customers."""


def greeting(name: str) -> str:
    return f"Dear {name},"


def farewell() -> str:
    return "Yours, the shop"
''',
    "shop/stock.py": '''"""What is on the shelves."""


def shelf_of(article: str) -> int:
    return len(article) % 12
''',
}
WRONG, RIGHT = "whole * percent", "whole * percent // 100"
FIRST_LINE: Final = "def total_with_discount(self, percent: int) -> int:"


def make_fix(root: Path) -> Fix:
    """Two commits in `root`; the second one is the fix."""
    git(root, "init", "-q")
    for path, text in BEFORE.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, "utf-8")
    parent = _commit(root, "Sell things")
    (root / TARGET).write_text(BEFORE[TARGET].replace(WRONG, RIGHT), "utf-8")
    query = "Compute the discount of the basket's total as a percent"
    commit = _commit(root, query)
    said = git(root, "diff", "-U0", "--no-color", "--no-ext-diff", parent, commit)
    hunks = [(int(first), int(count or 1)) for first, count in re.findall(r"^@@ -(\d+)(?:,(\d+))? ", said, re.MULTILINE)]
    line = next(number for number, text in enumerate(BEFORE[TARGET].splitlines(), 1) if text.strip() == FIRST_LINE)
    return Fix(
        repo=root.name,
        parent=parent,
        commit=commit,
        date="",
        query=query,
        files=(TARGET,),
        symbols=((TARGET, line, FIRST_LINE),),
        hunks=tuple((TARGET, first, first + count - 1) for first, count in hunks),
    )


def _commit(root: Path, message: str) -> str:
    git(root, "add", "-A")
    git(root, "-c", "user.name=Check", "-c", "user.email=check@localhost", "commit", "-q", "--no-verify", "-m", message)
    return git(root, "rev-parse", "HEAD").strip()


def check(rows: list[Row], budgets: list[int]) -> None:
    """Fails where a figure cannot be right for so small a repository."""
    assert rows
    for row in rows:
        assert not row.error, f"{row.system}: {row.error}"
        assert row.measures["r@1"] == row.measures["mrr"] == 1.0, row
        assert row.cpu > 0, row
        assert row.peak_mb > 1, row
        for budget in budgets:
            assert 0 < row.measures[f"tok@{budget}"] <= budget, row
            assert row.measures[f"over@{budget}"] == 0.0, row
            assert row.measures[f"file@{budget}"] == row.measures[f"sym@{budget}"] == 1.0, row
            assert row.measures[f"line@{budget}"] == float(row.system == "tallystick-bodies"), row
