"""The client libraries: each runs a script of ours that knows only the library, asks for a tool, a stream and more."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.support.gateway_clients.client import Came, Client, Place, modules, node_program, venv
from tests.support.gateway_clients.model import DONE, HALVES, PLAIN

HERE: Final = Path(__file__).parent
CALL: Final = "weather Zürich"
Run = Callable[[Place], Came]


def variables(place: Place, *, v1: bool = True) -> dict[str, str]:
    return {"BASE_URL": place.base if v1 else place.root, "API_KEY": place.key, "MODEL": place.model}


def judged(printed: str, answers: int, shaped: int) -> Came:
    """A script has heard a call, what followed it, plain answers, and JSON of a schema."""
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    wanted = [CALL, DONE, *[PLAIN] * answers, *[HALVES] * shaped]
    assert found["heard"] == wanted, f"heard {found['heard']}"
    return Came(version=found["version"], told=(found["told"]["input"], found["told"]["output"]))


def python(script: str, answers: int, *, shaped: int = 0, v1: bool = True) -> Run:
    def run(place: Place) -> Came:
        command = [str(venv("clients", "python")), "-I", str(HERE / "python" / script)]
        return judged(place.run(command, variables(place, v1=v1)), answers, shaped)

    return run


def javascript(script: str, answers: int, *, shaped: int = 0) -> Run:
    def run(place: Place) -> Came:
        # Modules are looked for beside the script.
        (place.folder / "node_modules").symlink_to(modules("node-clients"))
        copy = place.folder / script
        copy.write_text((HERE / "node" / script).read_text("utf-8"), "utf-8")
        return judged(place.run([node_program(), copy], variables(place)), answers, shaped)

    return run


FUNCTION: Final = 'def weather(city: str) -> str:\n    "Tells it."\n    return "Sunny in " + city\n'


def llm(place: Place) -> Came:
    """The `llm` program with a model of its own file: streamed, whole and going on, and with a tool."""
    program = str(venv("clients", "llm"))
    models = [
        {
            "model_id": "tally",
            "model_name": place.model,
            "api_base": place.base,
            "api_key_name": "tally",
            "supports_tools": True,
            "headers": {"HTTP-Referer": "https://llm.datasette.io", "X-Title": "LLM"},
        }
    ]
    # JSON is YAML.
    (place.home / "extra-openai-models.yaml").write_text(json.dumps(models), "utf-8")
    env = {"LLM_USER_PATH": str(place.home)}
    place.run([program, "keys", "set", "tally", "--value", place.key], env)
    ask = [program, "-m", "tally"]
    assert place.run([*ask, "What has a stick?"], env).strip() == PLAIN
    assert place.run([*ask, "--no-stream", "-c", "And then?"], env).strip() == PLAIN
    assert place.run([*ask, "--functions", FUNCTION, "How is the weather in Zürich?"], env).strip() == DONE
    return Came(version=place.run([program, "--version"], env).split()[-1])


LIBRARIES: Final = (
    Client(
        name="openai-python",
        app="key",
        wire="chat, responses",
        streaming="both",
        package="clients",
        run=python("openai_sdk.py", 4, shaped=2),
    ),
    Client(
        name="openai-node",
        app="key",
        wire="chat, responses",
        streaming="both",
        package="node-clients",
        run=javascript("openai_sdk.mjs", 2),
    ),
    Client(
        name="anthropic-python",
        app="key",
        wire="messages",
        streaming="both",
        package="clients",
        run=python("anthropic_sdk.py", 1, v1=False),
    ),
    Client(
        name="langchain-python",
        app="key",
        wire="chat",
        streaming="both",
        package="clients",
        run=python("langchain_chat.py", 1, shaped=1),
    ),
    Client(
        name="langchain-js",
        app="key",
        wire="chat",
        streaming="both",
        package="node-clients",
        run=javascript("langchain_chat.mjs", 1),
    ),
    Client(name="llm", app="llm.datasette.io", wire="chat", streaming="both", package="clients", run=llm),
)
