"""Real Kate under Xvfb, driven by keys: Send and Approve are code actions, since Kate shows no messages with buttons.

Only with TALLYSTICK_TEST_KATE=1: it needs a display, and Kate's menus have to be hit.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.scripted_provider import Reply, ScriptedProvider
from tests.support.snippets import snippets

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.environ.get("TALLYSTICK_TEST_KATE") != "1", reason="TALLYSTICK_TEST_KATE is not 1"),
]
HINT = "apt-get install --no-install-recommends kate xvfb xdotool dbus"


@contextmanager
def running(command: list[str], environment: dict[str, str], cwd: Path) -> Generator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(command, env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def until(what: str, holds: Callable[[], bool], again: Callable[[], object] = lambda: None) -> None:
    """Tries `again` every few seconds until it holds."""
    for _ in range(15):
        again()
        for _ in range(40):
            if holds():
                return
            time.sleep(0.1)
    raise AssertionError(f"waited in vain for {what}")


def prepare(home: Path, run: Path, root: Path) -> None:
    [settings] = snippets("kate", "json")
    command = json.loads(settings)["servers"]["markdown"]["command"]
    config = home / ".config/kate/lspclient"
    config.mkdir(parents=True)
    (config / "settings.json").write_text(settings)
    # Else Kate asks whether the command may be started.
    (home / ".config/katerc").write_text(
        "[General]\nShow welcome view for new window=false\n[Kate Plugins]\nlspclientplugin=true\n"
        f"[lspclient]\nAllowedServerCommandLines={' '.join(command)}\n"
    )
    (home / "tallystick").mkdir()
    (home / "tallystick/settings.toml").write_text('model = "openai/scripted"\n')
    run.mkdir(mode=0o700)
    (root / ".git").mkdir(parents=True)
    (root / "a.py").write_text("x = 1\n")
    (root / "talk.tally.md").write_text("## You\n\nmake x 2\n")


def test_a_chat_in_kate(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    kate, xvfb, xdotool, dbus = (need_tool(name, HINT) for name in ("kate", "Xvfb", "xdotool", "dbus-run-session"))
    home, run, root = tmp_path / "home", tmp_path / "run", tmp_path / "work"
    prepare(home, run, root)
    replies: list[Reply | str] = [
        'I look.\ncall read_file {"path": "a.py"}',
        'call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = 2"}]}',
        "Now it is 2.",
    ]
    chat = root / "talk.tally.md"
    with ScriptedProvider(replies) as provider:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_RUNTIME_DIR": str(run),
            "LC_ALL": "C.UTF-8",
            "TALLYSTICK_HOME": str(home / "tallystick"),
            "OPENAI_API_KEY": "sk-test-123456",
            "OPENAI_BASE_URL": provider.url,
        }
        with running([xvfb, "-displayfd", "1", "-screen", "0", "1280x800x24"], environment, tmp_path) as display:
            assert display.stdout is not None
            environment["DISPLAY"] = f":{display.stdout.readline().decode().strip()}"

            def keys(*names: str) -> None:
                for name in names:
                    subprocess.run([xdotool, *name.split()], env=environment, check=False, capture_output=True)
                    time.sleep(0.5)

            first_action = ("key Escape", "mousemove 300 118 click 1", "key alt+Return", "key Down", "key Return")
            with running([dbus, "--", kate, "-n", "--block", str(chat)], environment, root):
                until("the prompt to be sent", lambda: bool(provider.requests), lambda: keys(*first_action))
                until("the edit to be asked about", lambda: len(provider.requests) == 2)
                until("the approval", lambda: len(provider.requests) == 3, lambda: keys(*first_action))
                until(
                    "the answer",
                    lambda: "openai/scripted*" in chat.read_text(),
                    lambda: keys("key Escape", "mousemove 600 400 click 1", "key ctrl+s"),
                )
                keys("key ctrl+q")
    said = chat.read_text()
    assert "- edit a.py: Changed a.py (+1 -1).\n" in said
    assert "\nNow it is 2.\n" in said
    assert (root / "a.py").read_text() == "x = 2\n", "a file that is not open is changed on the disk"
