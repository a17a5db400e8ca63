"""Makes docs/demo.svg: a real run of `make demo MODEL=scripted` in a terminal, as a picture."""

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent


def capture() -> str:
    """What a terminal would be sent, spinner frames left out."""
    pieces: list[bytes] = []
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100", "LINES": "60", "TERM": "xterm-256color"}
    command = [sys.executable, str(ROOT / "demo/run.py"), "--model", "scripted"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        while True:
            try:
                data = os.read(ours, 65_536)
            except OSError:
                break
            if not data:
                break
            pieces.append(data)
    os.close(ours)
    text = b"".join(pieces).decode("utf-8", "replace").replace("\r\n", "\n")
    text = re.sub(r"\x1b\[\?25[lh]", "", text)
    lines = [re.split(r"\r\x1b\[2K|\x1b\[2K", line)[-1] for line in text.split("\n")]
    kept = [re.sub(r"/tmp/tallystick-demo-\w+", "/tmp/demo", line).lstrip("\r") for line in lines]
    return "\n".join(line for line in kept if not re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", line))


def main() -> None:
    console = Console(record=True, width=100, force_terminal=True, file=io.StringIO())
    console.print(Text.from_ansi(capture().strip()))
    svg = console.export_svg(title="make demo MODEL=scripted")
    # The picture carries no font of its own from elsewhere.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (ROOT / "docs/demo.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    main()
