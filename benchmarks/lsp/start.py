"""What it costs to have the language server started: CPU seconds and peak memory, from the start to the exit. Prints a table.

    python benchmarks/lsp/start.py [--runs N]

Beside it a pygls server that does nothing, and copilot-language-server where it is on the path. CPU is user and system time
of the process and the children that it waited for; medians. Goals: at most 0.6 CPU seconds and 80 MB.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

NO_OP = "from pygls.lsp.server import LanguageServer; LanguageServer('no-op', '1').start_io()"
INITIALIZE: dict[str, Any] = {
    "processId": None,
    "rootUri": None,
    "capabilities": {},
    "initializationOptions": {"editorInfo": {"name": "b", "version": "1"}, "editorPluginInfo": {"name": "b", "version": "1"}},
}


def talk(child: "subprocess.Popen[bytes]") -> None:
    """initialize, initialized, shutdown, exit; each answer is waited for, as an editor does."""
    say(child, {"id": 1, "method": "initialize", "params": INITIALIZE})
    hear(child, 1)
    say(child, {"method": "initialized", "params": {}})
    say(child, {"id": 2, "method": "shutdown", "params": None})
    hear(child, 2)
    say(child, {"method": "exit", "params": None})


def say(child: "subprocess.Popen[bytes]", message: dict[str, Any]) -> None:
    assert child.stdin is not None
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    child.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    child.stdin.flush()


def hear(child: "subprocess.Popen[bytes]", number: int) -> None:
    assert child.stdout is not None
    while True:
        size = 0
        while (line := child.stdout.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(child.stdout.read(size)) if size else {"id": number}
        if message.get("id") == number and "method" not in message:
            return


def measure(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    child = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    talk(child)
    assert child.stdin is not None
    child.stdin.close()
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    if child.stdout is not None:
        child.stdout.close()
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    runs: int = parser.parse_args().runs
    commands = {
        "tallystick": [sys.executable, "-I", "-m", "tallystick_server", "lsp"],
        "a pygls server that does nothing": [sys.executable, "-I", "-c", NO_OP],
    }
    copilot = shutil.which("copilot-language-server")
    if copilot is not None:
        commands["copilot-language-server"] = [copilot, "--stdio"]
    print(f"| start to exit, median of {runs} | CPU s | peak MB |\n| --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "TALLYSTICK_HOME": home}
        for name, command in commands.items():
            seen = [measure(command, environment) for _ in range(runs)]
            cpu, memory = (statistics.median(values) for values in zip(*seen, strict=True))
            print(f"| {name} | {cpu:.2f} | {memory:.0f} |")
    if copilot is None:
        print("\ncopilot-language-server is not on the path: left out.")


if __name__ == "__main__":
    main()
