"""What it costs to start: CPU seconds and memory of the program, and the tokens of a "hello". Prints tables.

    python benchmarks/startup.py [--runs N]

CPU is user and system time of the process itself; memory is its peak resident size. Medians; compare ratios, not machines.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.scripted_provider import Reply, ScriptedProvider  # noqa: E402

START = [sys.executable, "-I", "-m", "tallystick_server"]
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def run(command: list[str], environment: dict[str, str], **options: Any) -> tuple[float, float]:
    """(CPU seconds, peak MB) of a command that ends by itself."""
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def version(environment: dict[str, str]) -> tuple[float, float]:
    return run([*START, "--version"], environment)


def language_server(environment: dict[str, str]) -> tuple[float, float]:
    """initialize, initialized, shutdown, exit over stdio."""
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    ]
    framed = b""
    for message in messages:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        framed += b"Content-Length: %d\r\n\r\n" % len(body) + body
    with tempfile.TemporaryFile() as source:
        source.write(framed)
        source.seek(0)
        return run([*START, "lsp"], environment, stdin=source)


def first_request(environment: dict[str, str]) -> tuple[float, float]:
    """From the start of `tallystick run` to the arrival of its first request."""
    seen: list[float] = []
    children: list[subprocess.Popen[bytes]] = []

    def script(body: dict[str, Any], index: int) -> Reply:
        while not children:
            time.sleep(0.001)
        seen.append(cpu_of(children[0].pid))
        return Reply(lines="Hello.")

    with ScriptedProvider(script) as provider, tempfile.TemporaryDirectory() as folder:
        command = [*START, "run", "hello", "--repo", folder, "--model", "openai/scripted", "--json"]
        child = subprocess.Popen(command, env={**environment, "OPENAI_BASE_URL": provider.url}, stdout=subprocess.DEVNULL)
        children.append(child)
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
    return seen[0], usage.ru_maxrss / 1024


def hello_tokens(scale: str) -> int:
    """Tokens (o200k) of the first request's system prompt, tools and messages, counted over what went over the wire."""
    from tallystick_agent.tokens.counter import Counter

    with ScriptedProvider(["Hello."]) as provider, tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        mode = "schema" if scale == "small" else "native"
        text = f'[endpoints."openai/scripted"]\nscale = "{scale}"\ncall_mode = "{mode}"\n'
        (home / "settings.toml").write_text(text, "utf-8")
        repo = Path(folder) / "repo"
        repo.mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "TALLYSTICK_HOME": str(home),
            "OPENAI_API_KEY": "sk-benchmark-00",
            "OPENAI_BASE_URL": provider.url,
        }
        command = [*START, "run", "hello", "--repo", str(repo), "--model", "openai/scripted", "--json"]
        subprocess.run(command, env=environment, capture_output=True, check=False)
        body = provider.requests[0].body
    # The schema is not part of the prompt, but it is counted: it is the dearer reading.
    parts = [body.get("tools", []), body["messages"], body.get("response_format", {})]
    return sum(Counter().json(part) for part in parts if part)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs: int = parser.parse_args().runs
    measures: dict[str, Callable[[dict[str, str]], tuple[float, float]]] = {
        "bare python -I -c pass": lambda environment: run([sys.executable, "-I", "-c", "pass"], environment),
        "tallystick --version": version,
        "lsp: initialize to exit": language_server,
        "run: start to first request": first_request,
    }
    print(f"{'':30} {'CPU s':>7} {'peak MB':>8}   medians of {runs}")
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "TALLYSTICK_HOME": home, "OPENAI_API_KEY": "sk-benchmark-00"}
        for name, measure in measures.items():
            seen = [measure(environment) for _ in range(runs)]
            cpu, memory = (statistics.median(values) for values in zip(*seen, strict=True))
            print(f"{name:30} {cpu:7.2f} {memory:8.0f}")
    print(f"\n{'tokens of a hello request':30} {'large':>7} {'small':>8}")
    print(f"{'':30} {hello_tokens('large'):7} {hello_tokens('small'):8}")


if __name__ == "__main__":
    main()
