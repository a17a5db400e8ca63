"""Requests through a gateway whose provider fails now and then, and which is killed now and then: is every one in the books once?

`python -m benchmarks.gateway.endurance --requests 10000 --kills 5`. The provider fails one request in twenty: a refusal, a
server's fault, a stream that is cut, one that goes silent until its caller leaves. It notes each request that reached it by a
number in the prompt, which is also the request's task in the books. At the end each number has as many rows as the provider saw
attempts: none lost, none doubled.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

SAID = b"data: " + json.dumps({"id": "g", "choices": [{"index": 0, "delta": {"content": "word "}}]}).encode() + b"\n\n"
ENDED = (
    b"data: " + json.dumps({"id": "g", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).encode() + b"\n\n"
    b"data: "
    + json.dumps({"id": "g", "choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}}).encode()
    + b"\n\ndata: [DONE]\n\n"
)
SILENT = 3
"""The fault that only the caller ends."""
PATIENCE_S = 2
"""Seconds after which a caller leaves an answer that is silent by intent."""
NUMBER = re.compile(rb"number (\d+)\.")


class Provider:
    """Counts what reached it, by the number in the prompt."""

    def __init__(self) -> None:
        self.seen: collections.Counter[int] = collections.Counter()
        self.whole = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
                found = NUMBER.search(await reader.readexactly(length))
                assert found is not None
                number = int(found[1])
                self.seen[number] += 1
                if not await self._answer(number, reader, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def _answer(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open. A second attempt always succeeds."""
        fault = number % 20 == 7 and self.seen[number] == 1
        kind = number // 20 % 4
        if fault and kind < 2:
            status = b"429 Too Many" if kind else b"500 Fault"
            writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\n{}")
            await writer.drain()
            return True
        body = SAID * 3 + ENDED
        size = str(len(body)).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: " + size + b"\r\n\r\n" + SAID)
        await writer.drain()
        if fault:
            if kind == SILENT:
                # Ends when the gateway hangs up.
                await reader.read(1)
            return False
        await asyncio.sleep(0.002)
        writer.write(SAID * 2 + ENDED)
        await writer.drain()
        self.whole += 1
        return True


class Gateway:
    """One gateway process after the other, on one home."""

    def __init__(self, home: str) -> None:
        self._home = home
        self.process: subprocess.Popen[str] | None = None
        self.port, self.key = 0, ""

    def start(self) -> None:
        command = [sys.executable, "-I", "-m", "tallystick_server", "gateway", "--port", str(self.port)]
        environment = {**os.environ, "TALLYSTICK_HOME": self._home}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        self.port = int(re.findall(r":(\d+)/", first)[0])
        if not self.key:
            self.key = re.findall(r"tally-\S+", self.process.stdout.readline())[0]

    def end(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(30)


async def ask(gateway: Gateway, number: int) -> None:
    body = {"model": "work/coder", "stream": True, "messages": [{"role": "user", "content": f"This is number {number}."}]}
    data = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {gateway.key}\r\n"
        f"x-tallystick-task: {number}\r\nconnection: close\r\n"
    )
    try:
        silent = number % 20 == 7 and number // 20 % 4 == SILENT
        async with asyncio.timeout(PATIENCE_S if silent else 60):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            with contextlib.closing(writer):
                writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
                await reader.read(-1)
    except TimeoutError:
        pass
    except OSError:
        # It was killed: whether the request had begun is for the books to say.
        await asyncio.sleep(0.2)


def settle(home: str, base: str) -> None:
    settings = f'[endpoints."work/coder"]\nbase_url = "{base}"\nmodel = "scripted"\nprice = {{ input = "1", output = "2" }}\n'
    Path(home, "settings.toml").write_text(settings + "[network]\nbackoff_s = 0.01\n[gateway]\nmax_requests = 1000\n")


async def run(requests: int, kills: int, together: int) -> None:
    provider = Provider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    with tempfile.TemporaryDirectory() as home:
        await asyncio.to_thread(settle, home, base)
        gateway = Gateway(home)
        await asyncio.to_thread(gateway.start)
        numbers = iter(range(requests))

        async def worker() -> None:
            for number in numbers:
                await ask(gateway, number)

        async def killer() -> None:
            for turn in range(1, kills + 1):
                while len(provider.seen) < requests * turn // (kills + 1):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                await asyncio.to_thread(gateway.end, signal.SIGKILL)
                await asyncio.to_thread(gateway.start)

        killing = asyncio.ensure_future(killer())
        await asyncio.gather(*(worker() for _ in range(together)))
        await killing
        await asyncio.to_thread(gateway.end, signal.SIGTERM)
        # What the last kill left open is booked by whoever opens the books next.
        doctor = [sys.executable, "-I", "-m", "tallystick_server", "doctor"]
        await asyncio.to_thread(subprocess.run, doctor, env={**os.environ, "TALLYSTICK_HOME": home}, capture_output=True)
        report(provider, Path(home, "ledger.sqlite3"), requests)
    server.close()


def report(provider: Provider, ledger: Path, requests: int) -> None:
    connection = sqlite3.connect(ledger)
    rows, twice = connection.execute(
        "SELECT count(*), count(*) - count(DISTINCT request_id || ' ' || attempt) FROM requests WHERE correction = 0"
    ).fetchone()
    by_finish = connection.execute("SELECT finish, count(*) FROM requests GROUP BY 1 ORDER BY 2 DESC").fetchall()
    named = dict(connection.execute("SELECT task, count(*) FROM requests WHERE correction = 0 GROUP BY 1"))
    booked = collections.Counter({int(task): count for task, count in named.items()})
    # Number by number: a row too many here must not hide one that is missing there.
    lost, more = provider.seen - booked, booked - provider.seen
    open_at_kill = dict(connection.execute("SELECT task, count(*) FROM requests WHERE finish = 'lost' GROUP BY 1"))
    # An attempt that was open at a kill and had not reached the provider yet is a row too: it may have.
    unsent = collections.Counter({number: min(count, open_at_kill.get(str(number), 0)) for number, count in more.items()})
    doubled = (more - unsent).total() + twice
    whole = dict(by_finish).get("stop", 0)
    print(f"{requests:,} requests; the provider saw {provider.seen.total():,} attempts and gave {provider.whole:,} whole answers")
    print(f"rows {rows:,}: {', '.join(f'{name} {count:,}' for name, count in by_finish)}")
    print(f"lost {lost.total():,} {sorted(lost)[:9]}, doubled {doubled:,}, open at a kill and never sent {unsent.total():,}")
    print(f"whole answers {provider.whole:,}, rows that say so {whole:,}; the difference was in flight at a kill")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--together", type=int, default=32)
    given = parser.parse_args()
    asyncio.run(run(given.requests, given.kills, given.together))


if __name__ == "__main__":
    main()
