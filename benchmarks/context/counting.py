"""Counting tokens: one line of a long file changes, and the count is exact again. Prints microseconds and mismatches.

    python benchmarks/context/counting.py [--corpus FOLDER]

The corpus is every text file below the folder (this project by default): each is counted whole and by segments.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from tallystick_agent.tokens.encodings import o200k
from tallystick_agent.tokens.segments import CountedText, SegmentCounter

ROOT = Path(__file__).resolve().parents[2]


def microseconds(act: Callable[[], object], times: int) -> float:
    seen: list[float] = []
    for _ in range(times):
        start = time.process_time_ns()
        act()
        seen.append((time.process_time_ns() - start) / 1_000)
    return sorted(seen)[len(seen) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=ROOT / "agent")
    given = parser.parse_args()

    def whole(text: str) -> int:
        return len(o200k().encode_ordinary(text))

    counter = SegmentCounter(whole)
    texts: list[str] = []
    for path in sorted(given.corpus.rglob("*")):
        if path.is_file() and path.stat().st_size < 2_000_000:
            try:
                texts.append(path.read_bytes().decode("utf-8"))
            except UnicodeDecodeError:
                continue
    wrong = sum(counter.text(text) != whole(text) for text in texts)
    lines = [line for text in texts for line in text.split("\n")][:5_000]
    source = "\n".join(lines)
    counted = CountedText(source, counter)
    middle = counted.segments // 2
    number = 0

    def edit() -> None:
        nonlocal number
        number += 1
        counted.replace(middle, middle + 1, f"    changed_value = {number}\n")

    full = microseconds(lambda: whole(source), 15)
    print("| what | value |\n|---|---|")
    print(f"| texts counted both ways | {len(texts):,} |\n| mismatches | {wrong} |")
    print(f"| whole count of {len(lines):,} lines, µs | {full:,.0f} |")
    print(f"| count after one line changed (segments kept), µs | {microseconds(edit, 200):,.1f} |")
    print(f"| count of the whole text, its segments known, µs | {microseconds(lambda: counter.text(source), 15):,.0f} |")
    assert counted.tokens == whole(counted.text())


if __name__ == "__main__":
    main()
