"""Makes docs/pictures/neovim-*.png: a real Neovim with the lines of docs/editors/neovim.md, our server, a scripted provider."""

import os
import pty
import select
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyte
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests.support.scripted_provider import Reply, ScriptedProvider  # noqa: E402
from tests.support.snippets import snippets  # noqa: E402

COLUMNS, LINES, SIZE = 132, 33, 14
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono"
PAPER, INK = "e0e2ea", "24292f"
NAMED = {"black": "24292f", "red": "b3261e", "green": "2b6a30", "brown": "8a5a00", "blue": "1f5fa8", "magenta": "7a3e9d"}
CODE = "def total(prices):\n    return sum(prices)\n"
PROMPT = "Let `total` take a tax rate, 0 by default.\n"
REPLIES: list[Reply | str] = [
    'I will look at the function first.\ncall read_file {"path":"shop.py"}',
    'call edit {"path":"shop.py","edits":[{"old":"def total(prices):\\n    return sum(prices)",'
    '"new":"def total(prices, tax=0.0):\\n    return sum(prices) * (1 + tax)"}]}',
    "`total` now takes `tax`. Callers stay as they are: `total([1, 2])` is still 3.",
]
LOOK = """
vim.o.background, vim.o.termguicolors, vim.o.number, vim.o.showcmd, vim.o.ruler = "light", true, false, false, false
vim.opt.fillchars:append({ eob = " " })
"""


class Terminal:
    """Neovim in a terminal of its own."""

    def __init__(self, command: list[str], environment: dict[str, str], cwd: Path) -> None:
        self.screen: Any = pyte.Screen(COLUMNS, LINES)
        self._stream: Any = pyte.ByteStream(self.screen)
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (LINES, COLUMNS))
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=cwd)
        os.close(theirs)

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def keys(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, what: str, holds: Callable[[], bool], still_s: float = 0.6) -> None:
        """Until it holds, and nothing more was drawn for a while."""
        end, drawn = time.monotonic() + 60, time.monotonic()
        while time.monotonic() < end:
            if select.select([self._ours], [], [], 0.1)[0]:
                self._stream.feed(os.read(self._ours, 65_536))
                drawn = time.monotonic()
            elif holds() and time.monotonic() - drawn > still_s:
                return
        raise SystemExit(f"waited in vain for {what}:\n{self.text()}")

    def draw(self, path: Path) -> None:
        plain, bold = (ImageFont.truetype(f"{FONT}{style}.ttf", SIZE) for style in ("", "-Bold"))
        wide, high = int(plain.getlength("m")), SIZE + 4
        picture = Image.new("RGB", (COLUMNS * wide + 24, LINES * high + 24), f"#{PAPER}")
        pen = ImageDraw.Draw(picture)
        for row in range(LINES):
            for column in range(COLUMNS):
                cell = self.screen.buffer[row][column]
                ink, paper = colour(cell.fg, INK), colour(cell.bg, PAPER)
                if cell.reverse:
                    ink, paper = paper, ink
                left, top = 12 + column * wide, 12 + row * high
                if paper != PAPER:
                    pen.rectangle((left, top, left + wide - 1, top + high - 1), fill=f"#{paper}")
                pen.text((left, top + 1), cell.data, font=bold if cell.bold else plain, fill=f"#{ink}")
        path.parent.mkdir(exist_ok=True)
        picture.quantize(64).save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB")


def colour(name: str, default: str) -> str:
    return default if name == "default" else NAMED.get(name, name if len(name) == 6 else default)


def main() -> None:
    with tempfile.TemporaryDirectory() as place, ScriptedProvider(REPLIES) as provider:
        home, work = Path(place), Path(place) / "shop"
        (home / "config/nvim").mkdir(parents=True)
        (home / "config/nvim/init.lua").write_text(snippets("neovim", "lua")[0] + LOOK)
        (home / "tallystick").mkdir()
        (home / "tallystick/settings.toml").write_text('model = "openai/gpt-5-mini"\n')
        (work / ".git").mkdir(parents=True)
        (work / "shop.py").write_text(CODE)
        (work / "talk.tally.md").write_text(f"## You\n\n{PROMPT}")
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": place,
            **{f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")},
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
            "TALLYSTICK_HOME": str(home / "tallystick"),
            "OPENAI_API_KEY": "sk-scripted-1",
            "OPENAI_BASE_URL": provider.url,
        }
        command = ["nvim", "-i", "NONE", "-n", "-O", "talk.tally.md", "shop.py"]
        terminal = Terminal(command, environment, work)
        terminal.until("both files", lambda: "total(prices)" in terminal.text() and "## You" in terminal.text(), 3.0)
        terminal.keys("gra")
        terminal.until("the code actions", lambda: "Tallystick: Send" in terminal.text())
        terminal.keys("1\r")
        terminal.until("the question", lambda: "Allow once" in terminal.text())
        terminal.draw(ROOT / "docs/pictures/neovim-permission.png")
        terminal.keys("1\r")
        terminal.until("the answer", lambda: "3 requests" in terminal.text() and "tax=0.0" in terminal.text())
        terminal.draw(ROOT / "docs/pictures/neovim-answer.png")
        terminal.keys(":qall!\r")
        terminal.process.wait(timeout=20)


if __name__ == "__main__":
    main()
