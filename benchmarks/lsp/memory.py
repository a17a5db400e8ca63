"""Whether the language server's memory stays flat: over turns of one session, of one chat document, and over sessions.

    python benchmarks/lsp/memory.py [--turns N] [--sessions N]

Resident megabytes after each tenth. The provider is a process of its own. What a session has to keep (its history) grows with
its turns; what must not grow is anything else.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.lsp.provider import provider  # noqa: E402
from tests.support.lsp_client import LspClient, started  # noqa: E402

WORDS = 20
Work = Callable[[LspClient, Path, Callable[[int], None], int], Awaitable[None]]


def resident_mb(client: LspClient) -> float:
    status = Path(f"/proc/{client.process.pid}/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def ended(client: LspClient) -> int:
    return sum(1 for one in client.all("tallystick/event") if one["event"]["kind"] == "turn_finished")


async def prompt(client: LspClient, session: str) -> None:
    before = ended(client)
    operation = {"kind": "prompt", "text": "go on"}
    await client.request("tallystick/submit", {"sessionId": session, "operation": operation})
    await client.until(lambda: ended(client) > before)
    client.heard.clear()


async def _session(client: LspClient) -> str:
    opened: dict[str, Any] = await client.request("tallystick/openSession", {"model": "openai/scripted"})
    return str(opened["sessionId"])


async def turns_of_a_session(client: LspClient, root: Path, tell: Callable[[int], None], count: int) -> None:
    session = await _session(client)
    for number in range(count):
        await prompt(client, session)
        tell(number)


async def turns_of_a_chat(client: LspClient, root: Path, tell: Callable[[int], None], count: int) -> None:
    chat = (root / "talk.tally.md").as_uri()
    client.open(chat, "## You\n\ngo on\n")
    for number in range(count):
        await client.request("workspace/executeCommand", {"command": "tallystick.send", "arguments": [chat]})
        text = client.documents[chat].text
        client.replace(chat, len(text), len(text), "go on\n")
        client.heard.clear()
        tell(number)


async def sessions(client: LspClient, root: Path, tell: Callable[[int], None], count: int) -> None:
    for number in range(count):
        session = await _session(client)
        await prompt(client, session)
        await client.request("tallystick/closeSession", {"sessionId": session})
        tell(number)


async def measure(work: Work, count: int, url: str) -> list[float]:
    found: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder) / "work", Path(folder) / "home"
        root.mkdir()
        (root / "a.py").write_text("x = 1\n")
        environment = {"TALLYSTICK_HOME": str(home), "OPENAI_API_KEY": "sk-benchmark-00", "OPENAI_BASE_URL": url}
        async with started(environment) as client:
            await client.initialize(root)

            def tell(number: int) -> None:
                if (number + 1) % max(1, count // 10) == 0:
                    found.append(resident_mb(client))

            await work(client, root, tell, count)
            await client.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=1_000)
    parser.add_argument("--sessions", type=int, default=1_000)
    asked = parser.parse_args()
    works: dict[str, tuple[Work, int]] = {
        f"{asked.sessions:,} sessions": (sessions, asked.sessions),
        f"{asked.turns:,} turns of a session": (turns_of_a_session, asked.turns),
        f"{asked.turns:,} turns of a chat": (turns_of_a_chat, asked.turns),
    }
    print(f"| resident MB after | {' | '.join(f'{tenth}0 %' for tenth in range(1, 11))} |\n| --- |{' ---: |' * 10}")
    with provider(words=WORDS, delay_s=0) as url:
        for name, (work, count) in works.items():
            found = asyncio.run(measure(work, count, url))
            print(f"| {name} | {' | '.join(f'{one:.0f}' for one in found)} |", flush=True)


if __name__ == "__main__":
    main()
