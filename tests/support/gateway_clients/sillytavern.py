"""SillyTavern: its real server, and its page in real Chromium, in which a person's five turns are typed."""

import json
import subprocess
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from time import monotonic, sleep
from typing import Any, Final

from tests.support.foreign_process import READY_S, free_port
from tests.support.gateway_clients.client import Came, Client, Place, end, modules, node_program
from tests.support.gateway_clients.model import PLAIN

TURNS: Final = 5
DRIVE: Final = Path(__file__).parent / "node" / "sillytavern.mjs"
HEADERS: Final = "HTTP-Referer: https://sillytavern.app\nX-Title: SillyTavern"


@contextmanager
def served(place: Place, program: Path, port: int) -> Generator[None]:
    """Its server, while the context lasts."""
    command = [str(node_program()), str(program / "src/server-global.js"), "--port", str(port), "--browserLaunchEnabled", "false"]
    with (place.folder / "server.log").open("ab") as log:
        child = subprocess.Popen(
            command,
            cwd=program,
            env=place.environment({"NODE_ENV": "production"}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            text=True,
        )
    try:
        until = monotonic() + READY_S
        while not answers(port):
            ended = child.poll() is not None or monotonic() > until
            assert not ended, (place.folder / "server.log").read_text("utf-8", "replace")[-2000:]
            sleep(0.2)
        yield
    finally:
        end(child)
        child.wait(10)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/csrf-token", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def configure(place: Place) -> None:
    """Writes what a person would set in its dialogs; the key is given by the page."""
    file = next(place.home.rglob("default-user/settings.json"))
    settings: dict[str, Any] = json.loads(file.read_text("utf-8"))
    settings |= {"firstRun": False, "username": "Tester", "main_api": "openai"}
    settings["power_user"]["auto_connect"] = True
    settings["oai_settings"] |= {
        "chat_completion_source": "custom",
        "custom_url": place.base,
        "custom_model": place.model,
        "custom_include_headers": HEADERS,
    }
    file.write_text(json.dumps(settings), "utf-8")


def run(place: Place) -> Came:
    chromium = which("chromium")
    assert chromium, "Chromium is missing: apt-get install chromium"
    program = modules("sillytavern") / "sillytavern"
    port = free_port()
    # The first start lays out its folders.
    with served(place, program, port):
        pass
    configure(place)
    given: dict[str, Any] = {"url": f"http://127.0.0.1:{port}/", "modules": str(modules("sillytavern")), "chromium": chromium}
    given |= {"key": place.key, "turns": TURNS, "shot": str(place.folder / "chat.png")}
    with served(place, program, port):
        printed = place.run([node_program(), DRIVE, json.dumps(given)])
    heard: list[str] = json.loads(printed.splitlines()[-1])
    assert heard == [PLAIN] * TURNS, heard
    package: dict[str, Any] = json.loads((program / "package.json").read_text("utf-8"))
    return Came(version=package["version"])


SILLYTAVERN: Final = Client(
    name="sillytavern",
    app="sillytavern.app",
    wire="chat",
    streaming="streamed",
    package="sillytavern",
    run=run,
    turns=TURNS,
)
