"""What a model call costs in CPU: ours beside bare httpx, the openai SDK and LiteLLM, on the same scripted server. Prints tables.

    python benchmarks/providers/run.py [--calls N] [--rounds N]

Every contender is a process of its own and counts its own user and system time; the server is another process. Rounds take
turns, and the table shows medians and their ratio to bare httpx. The openai SDK and LiteLLM need `make foreign`; without
them their rows say so.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CHUNKS = 1_000
CONTENDERS = {
    "bare httpx": (Path(sys.executable), "bare_httpx"),
    "Tallystick": (Path(sys.executable), "ours"),
    "openai SDK": (ROOT / ".venv-sdks/bin/python", "openai_sdk"),
    "LiteLLM SDK": (ROOT / ".venv-litellm/bin/python", "litellm_sdk"),
}


def measure(python: Path, contender: str, url: str, calls: int) -> dict[str, float] | None:
    """One process: CPU to import, and CPU milliseconds for a call and for 1,000 chunks."""
    if not python.exists():
        return None
    command = [str(python), str(HERE / "contenders.py"), contender, url, str(calls)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode != 0:
        print(f"{contender}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(rows: dict[str, dict[str, float] | None]) -> None:
    base = rows["bare httpx"]
    columns = ("import_s", "call_ms", "call32_ms", "chunks_ms")
    print(f"{'':14}{'import CPU s':>14}{'ms a call':>22}{'ms a call, 32 at once':>24}{'ms per 1,000 chunks':>24}")
    for name, row in rows.items():
        if row is None:
            print(f"{name:14}not installed here: make foreign")
            continue
        cells: list[str] = []
        for column, width in zip(columns, (14, 22, 24, 24), strict=True):
            ratio = f" ({row[column] / base[column]:.2f}x)" if base and column != "import_s" else ""
            cells.append(f"{row[column]:.3f}{ratio}".rjust(width))
        print(f"{name:14}{''.join(cells)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, str(HERE / "server.py"), str(CHUNKS)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    try:
        for _ in range(options.rounds):
            for name, (python, contender) in CONTENDERS.items():
                found = measure(python, contender, url, options.calls)
                if found is not None:
                    seen[name].append(found)
    finally:
        server.terminate()
        server.wait(10)
    rows: dict[str, dict[str, float] | None] = {
        name: {key: statistics.median(one[key] for one in found) for key in found[0]} if found else None
        for name, found in seen.items()
    }
    table(rows)
    print()
    subprocess.run([sys.executable, str(HERE / "router.py")], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
