"""How well code is found for a task, and what that costs: Tallystick beside plain baselines and Aider. Prints Markdown tables.

    python benchmarks/context/run.py --data FIXES.jsonl --repos FOLDER_OF_CLONES [--systems tallystick-outline,bm25]
        [--only flask,gin] [--limit N] [--budgets 1000,2000] [--aider-python PATH] [--by-repo] [--jsonl OUT]
    python benchmarks/context/run.py --self-check

Every fix's parent is checked out in the clone, so nobody else may use the clones meanwhile. A system is one process for each
repository, which is asked for the fixes in the order of their dates. `--limit` takes that many of each repository, evenly.
Aider needs a Python that has aider-chat. The self-check makes its own small repository and takes a few seconds.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.context.score import score
from benchmarks.context.self_check import check, make_fix
from benchmarks.context.systems import Served, SystemFailedError, commands
from benchmarks.context.table import Row, failures, table
from benchmarks.context.trees import Fix, by_repo, check_out, git, read_fixes


def measure(root: Path, fixes: list[Fix], systems: dict[str, list[str]], budgets: list[int]) -> Iterator[Row]:
    """Every system's answer to every fix of one repository."""
    served = {name: Served(command) for name, command in systems.items()}
    try:
        for number, fix in enumerate(fixes):
            check_out(root, fix.parent)
            paths = frozenset(path for path in git(root, "ls-files", "-z").split("\0") if path)
            lines_of = cache(_reader(root))
            for name, command in systems.items():
                if not served[name].alive:
                    served[name].close()
                    served[name] = Served(command)
                measures, cpu, peak, error = {}, 0.0, 0.0, ""
                try:
                    answer, cpu = served[name].ask(root, fix.query, budgets)
                    measures, peak = score(answer, fix, paths, lines_of), served[name].peak_mb()
                except SystemFailedError as failed:
                    error = str(failed)
                yield Row(
                    repo=fix.repo,
                    commit=fix.commit,
                    system=name,
                    number=number,
                    measures=measures,
                    cpu=cpu,
                    peak_mb=peak,
                    error=error,
                )
    finally:
        for one in served.values():
            one.close()


def _reader(root: Path) -> Callable[[str], list[str]]:
    def lines_of(path: str) -> list[str]:
        try:
            return (root / path).read_text("utf-8", "replace").splitlines()
        except OSError:
            return []

    return lines_of


def evenly(fixes: list[Fix], limit: int) -> list[Fix]:
    return fixes[:: max(1, len(fixes) // limit)][:limit] if limit else fixes


def self_check(systems: dict[str, list[str]]) -> None:
    budgets = [1_000, 2_000]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = list(measure(root, [make_fix(root)], systems, budgets))
    print(table(rows, budgets))
    check(rows, budgets)
    print("The self-check passed.")


def compare(given: argparse.Namespace, systems: dict[str, list[str]]) -> None:
    budgets = [int(budget) for budget in given.budgets.split(",")]
    rows: list[Row] = []
    for repo, fixes in by_repo(read_fixes(given.data, frozenset(name for name in given.only.split(",") if name))):
        for row in measure((given.repos / repo).resolve(), evenly(fixes, given.limit), systems, budgets):
            rows.append(row)
            if given.jsonl:
                with given.jsonl.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(asdict(row)) + "\n")
        print(f"{repo}: done", file=sys.stderr, flush=True)
    print(table(rows, budgets))
    for repo in dict.fromkeys(row.repo for row in rows) if given.by_repo else ():
        print(f"\n{repo}\n\n{table([row for row in rows if row.repo == repo], budgets)}")
    if said := failures(rows):
        print(f"\nErrors:\n\n{said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--repos", type=Path)
    parser.add_argument("--systems", default="", help="names, with commas; all but Aider where it has no Python")
    parser.add_argument("--only", default="", help="repositories, with commas")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--budgets", default="1000,2000,4000,8000")
    parser.add_argument("--aider-python", type=Path)
    parser.add_argument("--by-repo", action="store_true")
    parser.add_argument("--jsonl", type=Path)
    parser.add_argument("--self-check", action="store_true")
    given = parser.parse_args()
    known = commands(given.aider_python)
    if given.self_check:
        self_check({name: command for name, command in known.items() if name != "aider"})
        return
    if given.data is None or given.repos is None:
        parser.error("give --data and --repos, or --self-check")
    names = [name for name in given.systems.split(",") if name] or list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no system {', '.join(unknown)}; there are {', '.join(known)} (aider with --aider-python)")
    compare(given, {name: known[name] for name in names})


if __name__ == "__main__":
    main()
