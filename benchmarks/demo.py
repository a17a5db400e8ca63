"""`make demo`, some times over: wall seconds of the run, and whether the model mended the test. Prints a table.

    python benchmarks/demo.py [--runs N] [--model local]

The model must have been pulled: what is timed is what comes after the download.
"""

import argparse
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--model", default="local")
    options = parser.parse_args()
    seconds: list[float] = []
    solved = 0
    print(f"{'run':>4} {'seconds':>8} {'exit':>5} {'tokens':>7}  mended")
    for number in range(1, options.runs + 1):
        start = time.monotonic()
        command = [sys.executable, str(ROOT / "demo/run.py"), "--model", options.model]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        seconds.append(time.monotonic() - start)
        mended = done.returncode == 0 and "The tests pass" in done.stdout
        solved += mended
        tokens = re.search(r"([\d,]+) tokens in", done.stdout)
        used, word = tokens[1] if tokens else "?", "yes" if mended else "no"
        print(f"{number:>4} {seconds[-1]:>8.1f} {done.returncode:>5} {used:>7}  {word}", flush=True)
    print(f"\nmended {solved} of {options.runs}; median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s")


if __name__ == "__main__":
    main()
