"""Real Neovim, headless, playing a Lua story of `tests/e2e` against the real server. Owns its command line and environment."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support.scripted_provider import ScriptedProvider

STORIES = Path(__file__).parents[1] / "e2e"


def play(nvim: str, story: str, home: Path, provider: ScriptedProvider, *arguments: str) -> dict[str, Any]:
    """What was seen; `home` is the person's home folder. Fails with what Neovim said where the story has a problem."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TALLYSTICK_HOME": str(home / "home"),
        "OPENAI_API_KEY": "sk-test-123456",
        "OPENAI_BASE_URL": provider.url,
    }
    command = [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-l", str(STORIES / story), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    shown = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert shown, f"{done.stdout}\n{done.stderr}"
    seen: dict[str, Any] = json.loads(shown[-1])
    assert done.returncode == 0, f"{seen}\n{done.stderr}"
    return seen
