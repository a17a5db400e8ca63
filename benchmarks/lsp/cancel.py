"""What it takes to end: the server's CPU from a cancel to its turn's last word, and seconds from the client's death to its end.

    python benchmarks/lsp/cancel.py [--times N]

The turn streams 200 tokens a second into a chat. Goals: 100 ms of CPU, of which the stream's own is part; 5 seconds.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.lsp.provider import provider  # noqa: E402
from tests.support.lsp_client import LspClient, LspError, started  # noqa: E402


def cpu_ms(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000 / os.sysconf("SC_CLK_TCK")


async def streaming(client: LspClient, root: Path) -> "tuple[int, asyncio.Future[object], str]":
    """A turn that is writing: its request and the chat."""
    chat = (root / "talk.tally.md").as_uri()
    client.open(chat, "## You\n\ngo\n")
    command = {"command": "tallystick.send", "arguments": [chat]}
    number, turn = client.start_request("workspace/executeCommand", command)
    await client.until(lambda: "word0000100" in client.documents[chat].text)
    return number, turn, chat


async def once(url: str, *, dies: bool) -> float:
    """Milliseconds of CPU for a cancel, or seconds until the server has ended."""
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder) / "work", Path(folder) / "home"
        root.mkdir()
        home.mkdir()
        environment = {"TALLYSTICK_HOME": str(home), "OPENAI_API_KEY": "sk-benchmark-00", "OPENAI_BASE_URL": url}
        async with started(environment) as client:
            await client.initialize(root)
            number, turn, chat = await streaming(client, root)
            if dies:
                assert client.process.stdin is not None
                begun = time.perf_counter()
                client.process.stdin.close()
                await client.process.wait()
                turn.cancel()
                return time.perf_counter() - begun
            before = cpu_ms(client.process.pid)
            client.notify("$/cancelRequest", {"id": number})
            with contextlib.suppress(LspError):
                await turn
            await client.until(lambda: "**Stopped** (cancelled)" in client.documents[chat].text)
            taken = cpu_ms(client.process.pid) - before
            await client.stop()
            return taken


async def run(times: int) -> None:
    with provider(100_000, 1 / 200) as url:
        print(f"{'':34}{'median':>9}{'most':>9}")
        for name, dies, unit in (
            ("CPU ms from a cancel to its last word", False, 0),
            ("s from the client's death to the end", True, 2),
        ):
            taken = [await once(url, dies=dies) for _ in range(times)]
            print(f"{name:38}{statistics.median(taken):9.{unit}f}{max(taken):9.{unit}f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    asyncio.run(run(parser.parse_args().times))


if __name__ == "__main__":
    main()
