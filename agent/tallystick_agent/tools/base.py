"""The shape of a tool. Owns the values that pass between a tool and the runner, and the strict reading of arguments.

A tool first *prepares*: it checks its arguments, reads what it must, and says what it would do, without doing it. The
runner judges that action and only then lets it *execute*.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tallystick_agent.policy.approvals import Action
from tallystick_agent.ports import CodeFinder, Terminal, Workspace
from tallystick_agent.protocol.chat import ToolSpec
from tallystick_agent.protocol.events import FileChange, PlanItem
from tallystick_agent.protocol.ids import CallId, ItemId
from tallystick_agent.protocol.messages import JsonValue
from tallystick_agent.sessions.replay import handle_of
from tallystick_agent.settings import Settings
from tallystick_agent.tools.error_gate import ErrorGate


class Arguments(BaseModel):
    """Arguments as the model wrote them: unknown names and wrong types are refused, never coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


A = TypeVar("A", bound=Arguments)


class ToolProblem(Exception):
    """The call cannot be carried out; the message tells the model what to do next."""


class MalformedCall(ToolProblem):
    """The arguments are not what the tool takes. Three in a row end the turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    text: str
    status: Literal["ok", "error"] = "ok"
    changes: tuple[FileChange, ...] = ()
    plan: PlanItem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What would happen, ready to be judged, shown and done."""

    action: Action
    title: str
    execute: Callable[[], Awaitable[Outcome]]
    detail: str = ""
    """What a person must see to decide: the command, or the diff."""
    intent: JsonValue = None
    """What recovery needs after a crash in the middle."""


@dataclass(slots=True, kw_only=True)
class ToolContext:
    """What the tools of one session share. `seen` (digests of the texts the model has read) and `items` change."""

    workspace: Workspace
    terminal: Terminal
    settings: Settings
    outputs: "OutputStore"
    ask: Callable[[CallId, str, tuple[str, ...]], Awaitable[str]]
    on_output: Callable[[CallId, str], None]
    finder: CodeFinder | None = None
    gate: ErrorGate | None = None
    """Finds the errors that an edit makes."""
    changed: Callable[[], tuple[str, ...]] = tuple
    """Paths that the session has changed so far."""
    in_window: Callable[[CallId], bool] | None = None
    """Whether the model still has a call's output before it; `None` where it is to be shown everything anew."""
    pages: dict[tuple[str, int, int], tuple[str, CallId]] = field(default_factory=lambda: {})
    """Per path, first line and number of lines: the digest of the text that was read so, and by which call."""
    seen: dict[str, str] = field(default_factory=lambda: {})
    items: dict[CallId, ItemId] = field(default_factory=lambda: {})
    """The item of each call that runs, for the output that it prints meanwhile."""


class Tool(Protocol):
    @property
    def spec(self) -> ToolSpec: ...

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        """Raises `ToolProblem`. Does nothing that needs a permission."""
        ...


class OutputStore:
    """Output that was too long for the model, kept under the call's id so that it can be paged through."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, call_id: CallId, text: str) -> str:
        """The handle under which `read_file` gives the text."""
        handle = handle_of(call_id)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / f"{handle.removeprefix('output:')}.txt").write_text(text, "utf-8", "replace")
        return handle

    def holds(self, call_id: CallId) -> bool:
        """Whether the output of a call is kept."""
        return (self._folder / f"{handle_of(call_id).removeprefix('output:')}.txt").is_file()

    def read(self, handle: str) -> str:
        """Raises `ToolProblem` for a handle that was never given."""
        path = self._folder / f"{handle.removeprefix('output:')}.txt"
        if "/" in handle or not path.is_file():
            raise ToolProblem(f"There is no kept output {handle}.")
        return path.read_text("utf-8", "replace")


def parse(model: type[A], raw: str) -> A:
    """Strict: text that is cut, or has anything else wrong with it, is refused with the reason and never mended."""
    try:
        data: Any = json.loads(raw) if raw.strip() else {}
        # Half of a surrogate pair is no text: it could be neither written nor sent back.
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedCall(
            f"The arguments are not valid JSON ({error}). The call was not run. Send the whole call again."
        ) from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "arguments"
        names = ", ".join(model.model_fields)
        raise MalformedCall(f"`{name}`: {first['msg']}. The call was not run. The arguments are: {names}.") from error


def spec_of(name: str, description: str, model: type[Arguments]) -> ToolSpec:
    """The tool as a model sees it: pydantic's schema without titles, references or defaults, which only cost tokens."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    parameters: dict[str, Any] = {"type": "object", "properties": _slim(schema["properties"], definitions, named=True)}
    if schema.get("required"):
        parameters["required"] = schema["required"]
    return ToolSpec(name=name, description=description, parameters=parameters)


def _slim(node: Any, definitions: dict[str, Any], *, named: bool = False) -> Any:
    if isinstance(node, list):
        return [_slim(one, definitions) for one in node]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(node, dict):
        return node
    fields: dict[str, Any] = node  # pyright: ignore[reportUnknownVariableType]
    if "$ref" in fields:
        return _slim(definitions[fields["$ref"].rsplit("/", 1)[-1]], definitions)
    if "anyOf" in fields and not named:
        kinds = [one for one in fields["anyOf"] if one != {"type": "null"}]
        if len(kinds) == 1:
            rest = {key: value for key, value in fields.items() if key != "anyOf"}
            return _slim({**kinds[0], **rest}, definitions)
    drop = () if named else ("title", "default", "additionalProperties")
    return {key: _slim(value, definitions, named=key == "properties") for key, value in fields.items() if key not in drop}
