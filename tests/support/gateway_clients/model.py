"""A model that obliges: whatever client asks, it reads the file of the task, changes it and says that it is done.

Owns what it says and the book of what it cost; it goes by the tools that a request offers, so that it needs no script for each
client. It is a script for `ScriptedProvider`, and knows no gateway.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from tests.support.scripted_provider import Reply

FILE: Final = "calc.py"
BEFORE: Final = "def double(n):\n    return n + n + 1\n"
AFTER: Final = "def double(n):\n    return n + n\n"
OLD: Final = "    return n + n + 1"
NEW: Final = "    return n + n"
DONE: Final = "It is done."
PLAIN: Final = "Every stick has two halves."
"""What it says to those who offer no tools and have no file."""
HALVES: Final = '{"halves": 2}'
"""What it says to those who ask for JSON of a schema."""
INPUT_NANOS: Final = 1_000
OUTPUT_NANOS: Final = 2_000
"""What a token costs by our prices, in nano-dollars."""
ENDLESS: Final = "Talk without end."
"""Who asks for this gets an answer that takes minutes; it is in no book, for nobody hears its end."""
THOUGHT: Final = "A stick is split, and both halves are kept."
"""Its thoughts before every answer."""
TASK: Final = f"Mend double in {FILE}: it must return twice its number."

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one answer cost, as the provider told it."""

    input: int
    output: int
    cached: int
    reasoning: int
    nanos: int
    """Nano-dollars: what it says it charged, else what our prices make of it."""


def tools_of(body: Json) -> dict[str, Json]:
    """The offered tools: name to JSON schema, whatever the wire."""
    found: dict[str, Json] = {}
    for tool in cast(list[Json], body.get("tools") or []):
        inner: Json = tool.get("function") or tool
        found[str(inner.get("name", ""))] = inner.get("parameters") or inner.get("input_schema") or {}
    return found


def results_of(body: Json) -> int:
    """How many results of tools the request carries."""
    count = 0
    for message in cast(list[Any], body.get("messages") or body.get("input") or []):
        if not isinstance(message, dict):
            continue
        one = cast(Json, message)
        count += one.get("role") == "tool" or one.get("type") == "function_call_output"
        content = one.get("content")
        if isinstance(content, list):
            count += sum(block.get("type") == "tool_result" for block in cast(list[Json], content))
    return count


def shape_of(body: Json) -> str:
    """The form that is asked for, in the words of any wire; empty for plain text."""
    inner: list[Json] = [body.get(name) or {} for name in ("text", "output_config")]
    forms: list[Json] = [body.get("response_format") or {}, *(one.get("format") or {} for one in inner)]
    return next((str(form["type"]) for form in forms if form), "")


def reading(path: str) -> dict[str, Json]:
    """How the file is read, by the name of the tool."""
    return {
        "read": {"filePath": path},
        "read_files": {"files": [{"path": path}]},
        "read_file": {"path": path},
        "weather": {"city": "Zürich"},
    }


def writing(path: str) -> dict[str, Json]:
    """How it is changed."""
    return {
        "edit": {"filePath": path, "oldString": OLD, "newString": NEW},
        "editor": {"command": "str_replace", "path": path, "old_text": OLD, "new_text": NEW},
        "write_to_file": {"path": path, "content": AFTER},
    }


def ending() -> dict[str, Json]:
    """How the end is told, where words alone do not end a task."""
    return {"attempt_completion": {"result": DONE}, "submit_and_exit": {"summary": DONE, "verified": True}}


def call(offered: Mapping[str, Json], known: Mapping[str, Json]) -> str:
    """A line of script that calls the first tool which is both known and offered; nothing without one."""
    for name, arguments in known.items():
        if name in offered:
            return f"call {name} {json.dumps(arguments)}"
    return ""


def said(body: Json, path: str) -> str:
    """What is answered to a request."""
    if shape_of(body) == "json_schema":
        return HALVES
    offered, results = tools_of(body), results_of(body)
    if not offered:
        # A client without tools takes the file out of the answer's words; a side request for a title takes any words.
        asked = json.dumps(body)
        whole = FILE in asked and "```" in asked
        return f"{FILE}\n```\n{AFTER}```" if whole else PLAIN
    steps = [reading(path), writing(path), ending()]
    for known in steps[min(results, len(steps)) :]:
        line = call(offered, known)
        if line:
            return line
    return DONE


class ObligingModel:
    """A script, and the book of its answers. `folder` is where the client at hand works; with `charges` it tells its costs."""

    def __init__(self, *, charges: bool = True) -> None:
        self._charges = charges
        self.folder = Path("/nowhere")
        self.spent: list[Spent] = []
        self._lock = threading.Lock()

    def __call__(self, body: Json, index: int) -> Reply:
        if ENDLESS in json.dumps(body):
            return Reply(lines=f"{PLAIN}\n" * 2_000, delay_s=0.05)
        lines = said(body, str(self.folder / FILE))
        with self._lock:
            # No two answers cost the same, so that a row that is lost cannot be made up for by one that is doubled.
            number = len(self.spent)
            inputs, outputs = len(json.dumps(body)) // 4 + number, 20 + number % 7
            spent = Spent(
                input=inputs,
                output=outputs,
                cached=inputs // 2 if results_of(body) else 0,
                reasoning=1 + number % 3,
                nanos=1_000_003 + 7 * number if self._charges else inputs * INPUT_NANOS + outputs * OUTPUT_NANOS,
            )
            self.spent.append(spent)
        return Reply(
            lines=f"reasoning {THOUGHT}\n{lines}",
            input_tokens=spent.input,
            output_tokens=spent.output,
            cached=spent.cached,
            reasoning_tokens=spent.reasoning,
            cost=spent.nanos / 1_000_000_000 if self._charges else None,
        )
