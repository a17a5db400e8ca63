"""What a whole small task costs in tokens: a failing test in a repository of ten files, mended in six requests.

    python benchmarks/context/fix_task.py

The model is a script behind a real HTTP server: read the test, read the source, run the tests, edit, run the tests, finish.
Tokens are those of o200k over the request bodies as they were sent. Beside them stand those of peers at the same task, measured
once on one machine (versions in the table), so compare sizes, not decimals.
"""

import json
import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.scripted_provider import ScriptedProvider  # noqa: E402

from tallystick_agent.tokens.encodings import o200k  # noqa: E402

PEERS = {
    "aider 0.86.2 (two files named, no tools)": (3_656, 3_656),
    "mini-swe-agent 2.4.6": (845, 10_919),
    "Claude Code 2.1.197 --bare": (1_160, 12_401),
    "pi 0.73.1": (1_307, 12_554),
    "Cline CLI 3.0.65": (4_577, 33_991),
    "opencode 1.18.33": (6_632, 45_541),
    "Codex CLI 0.169.0": (8_878, 59_365),
}
MODULES = "cart discounts orders prices products shipping stock taxes".split()
SCRIPT = [
    'call read_file {"path": "test_prices.py"}',
    'call read_file {"path": "prices.py"}',
    'call run_command {"command": "python3 -m unittest -q"}',
    'call edit {"path": "prices.py", "edits": [{"old": "return net - net * rate", "new": "return net + net * rate"}]}',
    'call run_command {"command": "python3 -m unittest -q"}',
    "The tax was subtracted; it is added now, and the tests pass.",
]


def make(folder: Path) -> Path:
    repo = folder / "shop"
    repo.mkdir()
    for name in MODULES:
        other = "\n\n".join(f'def {name}_{n}(value):\n    """Step {n} of {name}."""\n    return value + {n}' for n in range(6))
        (repo / f"{name}.py").write_text(f'"""Everything about {name}."""\n\n\n{other}\n', "utf-8")
    (repo / "prices.py").open("a", encoding="utf-8").write("\n\ndef gross(net, rate):\n    return net - net * rate\n")
    (repo / "test_prices.py").write_text(
        "import unittest\n\nfrom prices import gross\n\n\nclass Gross(unittest.TestCase):\n"
        "    def test_tax_is_added(self):\n        self.assertEqual(gross(100, 0.2), 120)\n",
        "utf-8",
    )
    (repo / "README.md").write_text("# Shop\n", "utf-8")
    subprocess.run(["git", "init", "-q"], cwd=repo, check=True)
    return repo


def tokens(body: dict[str, object]) -> int:
    return len(o200k().encode_ordinary(json.dumps(body, ensure_ascii=False, separators=(",", ":"))))


def main() -> None:
    with tempfile.TemporaryDirectory() as name, ScriptedProvider([*SCRIPT]) as provider:
        folder = Path(name)
        repo = make(folder)
        environment = {
            **os.environ,
            "TALLYSTICK_HOME": str(folder / "home"),
            "OPENAI_API_KEY": "scripted-0000",
            "OPENAI_BASE_URL": provider.url,
        }
        command = [sys.executable, "-I", "-m", "tallystick_server", "run", "make the tests pass", "--repo", str(repo)]
        subprocess.run(
            [*command, "--model", "openai/scripted", "--yes", "--json"], env=environment, check=True, capture_output=True
        )
        sent = [seen.body for seen in provider.requests]
    sizes = [tokens(body) for body in sent]
    shared = [prefix(before, after) for before, after in pairwise(sent)]
    print("| program | first request | whole task |\n|---|---|---|")
    print(f"| Tallystick | {sizes[0]:,} | {sum(sizes):,} |")
    for peer, (first, whole) in PEERS.items():
        print(f"| {peer} | {first:,} | {whole:,} |")
    print(f"\n{len(sizes)} requests; messages of each request that the next one begins with: {min(shared):.3f} at least.")


def prefix(before: dict[str, object], after: dict[str, object]) -> float:
    """The share of a request's messages and tools that stands unchanged at the beginning of the next."""
    one, two = json.dumps([before["tools"], before["messages"]])[:-2], json.dumps([after["tools"], after["messages"]])
    same = next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    return same / len(one)


if __name__ == "__main__":
    main()
