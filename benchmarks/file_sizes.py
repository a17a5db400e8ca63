"""How large our files are: median, 90th percentile and maximum of lines, for agent/ and server/. Prints a table."""

import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    print(f"{'':8} {'files':>6} {'median':>7} {'p90':>6} {'max':>6}  longest")
    for folder in ("agent", "server"):
        lengths = {path: len(path.read_text("utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
        ordered = sorted(lengths.values())
        longest = max(lengths, key=lambda path: lengths[path])
        p90 = ordered[int(len(ordered) * 0.9)]
        print(
            f"{folder:8} {len(ordered):6} {statistics.median(ordered):7.0f} {p90:6} {ordered[-1]:6}  {longest.relative_to(ROOT)}"
        )


if __name__ == "__main__":
    main()
