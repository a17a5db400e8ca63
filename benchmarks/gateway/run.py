"""Our gateway beside LiteLLM's proxy and Portkey's, in front of the same scripted server: `python -m benchmarks.gateway.run`.

Prints a table. CPU and memory are those of the gateway's process and its children. Ours books every request durably; the
others keep no books. LiteLLM and Portkey come from `scripts/foreign litellm portkey`; Portkey's folder is named by
`--portkey .foreign-portkey`.

Why Starlette on uvicorn with httptools and uvloop: one handler that reads and writes JSON, 32 at once, one worker, requests a
CPU second: uvicorn h11 asyncio 9,400; httptools asyncio 25,000; httptools uvloop 26,300; aiohttp asyncio 27,800, uvloop 29,400.
A gateway's request costs 40 times what the server takes of it, so aiohttp's tenth would not be seen.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.foreign_process import free_port, served
from tests.support.litellm_proxy import litellm_proxy

CHUNKS = 20
PROMPT = "Explain in two sentences what this function does, and name one thing that could go wrong with it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    name: str
    url: str
    headers: dict[str, str]
    model: str
    pid: int


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_s(pid: int) -> float:
    spent = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            spent += int(fields[11]) + int(fields[12])
    return spent / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{one}/status").read_text())
            total += int(found[1]) if found else 0
    return total / 1_024


@contextlib.contextmanager
def upstream() -> Generator[str]:
    command = [sys.executable, str(Path(__file__).parents[1] / "providers" / "server.py"), str(CHUNKS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@contextlib.contextmanager
def ours(base: str) -> Generator[Contender]:
    with tempfile.TemporaryDirectory() as home:
        settings = (
            f'[endpoints."work/coder"]\nbase_url = "{base}"\nmodel = "scripted"\nwindow_tokens = 32000\n'
            'price = { input = "1", output = "2" }\n'
        )
        Path(home, "settings.toml").write_text(settings)
        command = [sys.executable, "-I", "-m", "tallystick_server", "gateway", "--port", "0"]
        environment = {**os.environ, "TALLYSTICK_HOME": home}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            said = "".join(process.stdout.readline() for _ in range(4))
            url, key = re.findall(r"http://[\d.:]+", said)[0], re.findall(r"tally-\S+", said)[0]
            yield Contender(
                name="tallystick",
                url=f"{url}/v1/chat/completions",
                headers={"authorization": f"Bearer {key}"},
                model="work/coder",
                pid=process.pid,
            )
            process.terminate()


@contextlib.contextmanager
def litellm(base: str) -> Generator[Contender]:
    with litellm_proxy(base, ["scripted"]) as proxy:
        pid = next(one for one in tree(os.getpid())[::-1] if "litellm" in Path(f"/proc/{one}/cmdline").read_text())
        headers = {"authorization": f"Bearer {proxy.key}"}
        yield Contender(name="litellm proxy", url=f"{proxy.url}/chat/completions", headers=headers, model="scripted", pid=pid)


@contextlib.contextmanager
def portkey(base: str, folder: Path) -> Generator[Contender]:
    port = free_port()
    command = ["node", str(folder / "node_modules/@portkey-ai/gateway/build/start-server.js"), f"--port={port}", "--headless"]

    def ready(_: str) -> bool:
        import socket

        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    with served(command, ready, {"NODE_ENV": "production"}):
        pid = next(one for one in tree(os.getpid())[::-1] if "portkey" in Path(f"/proc/{one}/cmdline").read_text())
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": base, "authorization": "Bearer x"}
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        yield Contender(name="portkey", url=url, headers=headers, model="scripted", pid=pid)


def asked(one: Contender, count: int, together: int, *, stream: bool) -> dict[str, Any]:
    body = {"model": one.model, "stream": stream, "messages": [{"role": "user", "content": PROMPT}]}
    given = json.dumps({"url": one.url, "headers": one.headers, "body": body, "count": count, "together": together})
    before = cpu_s(one.pid) if one.pid else 0.0
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("load.py")), given], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:90]}
    spent = cpu_s(one.pid) - before if one.pid else 0.0
    return {**json.loads(done.stdout), "per_cpu": count / spent if spent else 0.0}


def measure(one: Contender, count: int) -> None:
    idle = rss_mb(one.pid) if one.pid else 0.0
    asked(one, 20, 1, stream=False)
    for stream in (False, True):
        for together in (1, 32):
            got = asked(one, count, together, stream=stream)
            label = f"{one.name:14} {'stream' if stream else 'whole':7} {together:3}"
            if "failed" in got:
                print(f"{label}  {got['failed']}")
                continue
            print(f"{label} {got['p50']:8.1f} {got['p99']:8.1f} {got['per_s']:8.0f} {got['per_cpu']:9.0f}", flush=True)
    if one.pid:
        print(f"{one.name:14} memory: {idle:.0f} MB at first, {rss_mb(one.pid):.0f} MB after", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--portkey", type=Path)
    given = parser.parse_args()
    print(f"{'gateway':14} {'answer':7} {'at':>3} {'p50 ms':>8} {'p99 ms':>8} {'per s':>8} {'per CPU s':>9}")
    with upstream() as base:
        bare = Contender(name="(none)", url=f"{base}/chat/completions", headers={}, model="scripted", pid=0)
        measure(bare, given.requests)
        with ours(base) as one:
            measure(one, given.requests)
        with litellm(base) as one:
            measure(one, given.requests)
        if given.portkey:
            with portkey(base, given.portkey) as one:
                measure(one, given.requests)


if __name__ == "__main__":
    main()
