"""The scripted provider as a process of its own, so that what it does is not in the times of whoever measures.

    python benchmarks/lsp/provider.py WORDS DELAY_S

Answers every request with so many words, one piece after each delay. Prints its URL, and ends with its input.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.scripted_provider import Reply, ScriptedProvider  # noqa: E402


@contextlib.contextmanager
def provider(words: int, delay_s: float) -> Iterator[str]:
    """The URL of one that runs."""
    command = [sys.executable, str(Path(__file__).resolve()), str(words), str(delay_s)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()


def main() -> None:
    words, delay_s = int(sys.argv[1]), float(sys.argv[2])
    text = "".join(f"word{number:07d} " + ("\n" if number % 12 == 11 else "") for number in range(words))
    with ScriptedProvider(lambda body, index: Reply(lines=text, delay_s=delay_s)) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
