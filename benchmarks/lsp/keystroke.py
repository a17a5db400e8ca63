"""How long an editor waits for us at a key: without a turn, and while a turn writes 200 tokens a second into a chat.

    python benchmarks/lsp/keystroke.py [--keys N]

At each key come a change, a completion and the code actions, as editors send them; the time is until both are answered. In a
small file and in one of 250,000 lines; no model completes, and the wait for a pause in the typing is off. Client, server and
provider are three processes. Goal: at the 99th percentile a turn adds at most 20 ms.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.lsp.provider import provider  # noqa: E402
from tests.support.lsp_client import LspClient, started  # noqa: E402

GAP_S = 0.03
"""Between two keys."""
RATE = 200
LINES = {"small file": 40, "250,000 lines": 250_000}


async def type_on(client: LspClient, uri: str, lines: int, keys: int) -> list[float]:
    """Milliseconds for each key. The client's own copy of the text is not kept up: only the server is measured."""
    place = {"line": lines // 2, "character": 0}
    version = client.documents[uri].version
    taken: list[float] = []
    document = {"uri": uri}
    for _ in range(keys):
        version += 1
        begun = time.perf_counter()
        change = {"range": {"start": place, "end": place}, "text": "x"}
        client.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]})
        place = {**place, "character": place["character"] + 1}
        context: dict[str, Any] = {"diagnostics": []}
        around = {"start": place, "end": place}
        waiting = [
            client.start_request("textDocument/completion", {"textDocument": document, "position": place})[1],
            client.start_request("textDocument/codeAction", {"textDocument": document, "range": around, "context": context})[1],
        ]
        await asyncio.gather(*waiting)
        taken.append((time.perf_counter() - begun) * 1_000)
        await asyncio.sleep(GAP_S)
    client.documents[uri].version = version
    return taken


async def measure(lines: int, keys: int, url: str) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder) / "work", Path(folder) / "home"
        root.mkdir()
        home.mkdir()
        (home / "settings.toml").write_text("[completion]\ndebounce_ms = 0\n")
        environment = {"TALLYSTICK_HOME": str(home), "OPENAI_API_KEY": "sk-benchmark-00", "OPENAI_BASE_URL": url}
        async with started({**environment, "LLAMACPP_BASE_URL": "http://127.0.0.1:9"}) as client:
            await client.initialize(root)
            code, chat = (root / "a.py").as_uri(), (root / "talk.tally.md").as_uri()
            client.open(code, "value = 1\n" * lines, "python")
            client.open(chat, "## You\n\ngo\n")
            await type_on(client, code, lines, 20)
            found = {"without a turn": await type_on(client, code, lines, keys)}
            command = {"command": "tallystick.send", "arguments": [chat]}
            turn = client.start_request("workspace/executeCommand", command)[1]
            await client.until(lambda: "word0000100" in client.documents[chat].text)
            found["during a turn"] = await type_on(client, code, lines, keys)
            assert not turn.done(), "the turn ended before the typing did"
            await client.request("workspace/executeCommand", {"command": "tallystick.stop", "arguments": [chat]})
            await turn
            await client.stop()
        return found


def at(taken: list[float], share: float) -> float:
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * share))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=500)
    keys: int = parser.parse_args().keys
    print("| key, ms | p50 | p90 | p99 | worst |\n| --- | ---: | ---: | ---: | ---: |")
    with provider(words=200_000, delay_s=1 / RATE) as url:
        for name, lines in LINES.items():
            found = asyncio.run(measure(lines, keys, url))
            for what, taken in found.items():
                figures = " | ".join(f"{at(taken, share):.1f}" for share in (0.5, 0.9, 0.99, 1.0))
                print(f"| {name}, {what} | {figures} |", flush=True)
            added = at(found["during a turn"], 0.99) - at(found["without a turn"], 0.99)
            print(f"| {name}: added at p99 | | | {added:.1f} | |", flush=True)


if __name__ == "__main__":
    main()
