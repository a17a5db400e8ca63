"""The coding agents: each mends a file in a repository of its own and tells nobody else about it."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.support.gateway_clients.client import Came, Client, Place, modules, venv
from tests.support.gateway_clients.model import FILE, TASK

WINDOW: Final = {"context": 128_000, "output": 8_192}


def mended(place: Place, printed: str) -> None:
    assert place.mended, f"{FILE} is as it was; the client printed:\n{printed[-1500:]}"


def provider(place: Place, headers: dict[str, str]) -> dict[str, Any]:
    """The settings of opencode and of Kilo, which comes from it."""
    return {
        "autoupdate": False,
        "share": "disabled",
        "model": f"tallystick/{place.model}",
        "small_model": f"tallystick/{place.model}",
        "enabled_providers": ["tallystick"],
        "provider": {
            "tallystick": {
                "npm": "@ai-sdk/openai-compatible",
                "name": "Tallystick",
                "options": {"baseURL": place.base, "apiKey": "{env:TALLYSTICK_KEY}", "headers": headers},
                "models": {place.model: {"name": "Scripted", "limit": WINDOW, "tool_call": True}},
            }
        },
    }


def configure(place: Place, path: str, settings: dict[str, Any]) -> None:
    file = place.home / ".config" / path
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(settings), "utf-8")


def opencode(place: Place) -> Came:
    program = modules("opencode") / "opencode-linux-x64/bin/opencode"
    headers = {"HTTP-Referer": "https://opencode.ai", "X-Title": "opencode"}
    configure(place, "opencode/opencode.json", provider(place, headers))
    env = {"TALLYSTICK_KEY": place.key}
    env |= {f"OPENCODE_DISABLE_{what}": "1" for what in ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS")}
    mended(place, place.run([program, "run", TASK], env))
    return Came(version=place.run([program, "--version"], env).strip())


def kilo(place: Place) -> Came:
    program = modules("kilo") / "@kilocode/cli-linux-x64/bin/kilo"
    # It names itself.
    configure(place, "kilo/kilo.json", provider(place, {}))
    env = {"TALLYSTICK_KEY": place.key, "KILO_TELEMETRY_LEVEL": "off"}
    env |= {f"KILO_DISABLE_{what}": "1" for what in ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS")}
    mended(place, place.run([program, "run", "--auto", "--format", "json", TASK], env))
    return Came(version=place.run([program, "--version"], env).strip())


def cline(place: Place) -> Came:
    program = modules("cline") / "@cline/cli-linux-x64/bin/cline"
    env = {"CLINE_TELEMETRY_DISABLED": "1", "CLINE_NO_AUTO_UPDATE": "1", "OTEL_SDK_DISABLED": "true"}
    place.run([program, "auth", "-p", "openai", "-k", place.key, "-m", place.model, "-b", place.base], env)
    # Towards strangers it is silent about itself, but sends what its settings say.
    settings = place.home / ".cline/data/settings/providers.json"
    told: dict[str, Any] = json.loads(settings.read_text("utf-8"))
    told["providers"]["openai-compatible"]["settings"]["headers"] = {"HTTP-Referer": "https://cline.bot", "X-Title": "Cline"}
    settings.write_text(json.dumps(told), "utf-8")
    try:
        printed = place.run([program, "--json", "-P", "openai-compatible", "-m", place.model, "-t", "200", TASK], env)
    finally:
        # It leaves a daemon of its own session.
        end_those_in(place.home)
    mended(place, printed)
    last: dict[str, Any] = json.loads(printed.splitlines()[-1])
    usage: dict[str, int] = last["usage"]
    version = place.run([program, "--version"], env).strip()
    return Came(version=version, told=(usage["inputTokens"], usage["outputTokens"]))


def end_those_in(home: Path) -> None:
    """Ends the processes whose home this is."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def aider(place: Place) -> Came:
    """By the name of OpenRouter, under which it tells who it is; its base URL is ours."""
    program = venv("aider", "aider")
    env = {"OPENROUTER_API_KEY": place.key, "OPENROUTER_API_BASE": place.base, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    off = ["check-update", "show-release-notes", "show-model-warnings", "gitignore", "pretty", "detect-urls"]
    options = ["--edit-format", "whole", "--yes-always", "--analytics-disable", *[f"--no-{what}" for what in off]]
    printed = place.run([program, "--model", f"openrouter/{place.model}", *options, "--message", TASK, FILE], env)
    mended(place, printed)
    return Came(version=place.run([program, "--version"], env).split()[-1])


AGENTS: Final = (
    Client(name="cline", app="cline.bot", wire="chat", streaming="streamed", package="cline", run=cline),
    Client(name="kilo", app="kilocode.ai", wire="chat", streaming="streamed", package="kilo", run=kilo),
    Client(name="opencode", app="opencode.ai", wire="chat", streaming="streamed", package="opencode", run=opencode),
    Client(name="aider", app="aider.chat", wire="chat", streaming="both", package="aider", run=aider),
)
