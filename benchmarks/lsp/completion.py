"""How long a suggestion takes at each key: cold, after reading ahead, typing on, typing along. Prints a table.

    python benchmarks/lsp/completion.py --url http://127.0.0.1:8080 [--pad 20] [--settle 30]

The real language server over a llama.cpp server that is running. `asked` is whether a model was asked, `read` the tokens of
the input that were not in the server's cache. Times are of this machine: compare rows.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.server.lsp.typist import INLINE, Typist  # noqa: E402
from tests.support.lsp_client import started  # noqa: E402
from tests.support.scripted_provider import ScriptedProvider  # noqa: E402

HEAD = '"""Orders of a small shop."""\n\nfrom dataclasses import dataclass\n\n\n'
PAD = "def discount_{0}(price: float) -> float:\n    return price * (1 - {0} / 100)\n\n\n"
CLASS = "@dataclass\nclass Order:\n    name: str\n    price: float\n    count: int\n\n    def total(self) -> float:\n        "
TAIL = "\n\n\ndef main() -> None:\n    print(Order('tea', 2.5, 4).total())\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    what: str
    seconds: float
    asked: bool
    read: int
    tokens: int
    shown: str


async def measure(url: str, pad: int, settle: float, *, warm: bool) -> list[Row]:
    """One file, opened and typed in."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="completion") as folder, ScriptedProvider([]) as nobody:
        root, home = Path(folder) / "work", Path(folder) / "home"
        root.mkdir()
        home.mkdir()
        on = "true" if warm else "false"
        (home / "settings.toml").write_text(f"[completion]\ndebounce_ms = 0\ntimeout_s = 120\nwarm = {on}\n")
        async with started({"TALLYSTICK_HOME": str(home), "LLAMACPP_BASE_URL": url}) as client:
            await client.initialize(root, INLINE)
            at = Typist(client, root, home, nobody)
            # A first line of its own, so that nothing of an earlier run is in the server's cache.
            before = f"# {time.time_ns()}\n{HEAD}" + "".join(PAD.format(number) for number in range(pad)) + CLASS
            uri = at.open("shop.py", before + "|" + TAIL)
            if warm:
                await client.until(at.books)
                rows.append(row("reading ahead (background)", at, 0, at.books()[-1]["latency_ms"] / 1000, ""))
            cursor = len(before)
            for typed in ("", "r", "eturn ", "self.price * ", "2"):
                cursor = at.type(uri, cursor, typed) if typed else cursor
                known = len(at.books())
                begun = time.perf_counter()
                items = await at.suggested(uri, cursor)
                took = time.perf_counter() - begun
                what = f"typed {typed!r}" if typed else "first suggestion"
                rows.append(row(what, at, known, took, items[0]["insertText"] if items else ""))
            await client.stop()
    await asyncio.sleep(settle)
    return rows


def row(what: str, at: Typist, known: int, seconds: float, shown: str) -> Row:
    new = at.books()[known:]
    read = sum(one["input_tokens"] - one["cached_tokens"] for one in new)
    tokens = sum(one["output_tokens"] for one in new)
    return Row(what=what, seconds=seconds, asked=bool(new), read=read, tokens=tokens, shown=shown)


def show(title: str, rows: list[Row]) -> None:
    print(f"\n{title}\n\n| step | seconds | asked | read | written | shown |\n| --- | ---: | --- | ---: | ---: | --- |")
    for one in rows:
        shown = one.shown.replace("\n", "⏎").replace("|", "\\|")
        print(f"| {one.what} | {one.seconds:.2f} | {'yes' if one.asked else 'no'} | {one.read} | {one.tokens} | `{shown}` |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="A llama.cpp server.")
    parser.add_argument("--pad", type=int, default=20, help="Functions above the cursor.")
    parser.add_argument("--settle", type=float, default=0.0, help="Seconds between the two runs.")
    given = parser.parse_args()
    show("Cold", asyncio.run(measure(given.url, given.pad, given.settle, warm=False)))
    show("Read ahead", asyncio.run(measure(given.url, given.pad, 0.0, warm=True)))


if __name__ == "__main__":
    main()
