"""JSON in and out for events and operations, and their JSON Schema. Owns the flat form of an event on a line.

On a line the envelope and the body are one object: `{"v":1,"seq":7,"kind":"notice",…}`. What comes in is checked by
pydantic; a line of a newer kind raises `ValueError`, which the caller turns into its own error.
"""

import json
from functools import cache
from typing import Any, cast

from tallystick_agent.protocol.events import Event, EventBody
from tallystick_agent.protocol.operations import Operation

VERSION = 1
_ENVELOPE = ("session_id", "turn_id", "seq", "time")


@cache
def _bodies() -> Any:
    from typing import Annotated

    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[EventBody, Field(discriminator="kind")])


@cache
def _operations() -> Any:
    from typing import Annotated

    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Operation, Field(discriminator="kind")])


def event_to_dict(event: Event) -> dict[str, Any]:
    """The flat JSON object of an event."""
    envelope = {name: getattr(event, name) for name in _ENVELOPE}
    body: dict[str, Any] = _bodies().dump_python(event.body, mode="json")
    return {"v": VERSION, **envelope, **body}


def event_to_line(event: Event) -> bytes:
    """One JSON line, with its newline, UTF-8; lone surrogates are escaped so that any file name survives."""
    data = event_to_dict(event)
    try:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(data, separators=(",", ":")).encode() + b"\n"


def event_from_line(line: bytes | str) -> Event:
    """Raises `ValueError` (pydantic's included) on anything that is not an event of this version."""
    parsed: Any = json.loads(line)
    data = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else dict[str, Any]()
    if data.pop("v", None) != VERSION:
        raise ValueError("not an event of version 1")
    envelope = {name: data.pop(name) for name in _ENVELOPE if name in data}
    if len(envelope) != len(_ENVELOPE):
        raise ValueError("an event lacks its envelope")
    return Event(**envelope, body=_bodies().validate_python(data))


def operation_from_json(data: Any) -> Operation:
    """Raises `ValueError` on anything that is not an operation."""
    operation: Operation = _operations().validate_python(data)
    return operation


def operation_to_dict(operation: Operation) -> dict[str, Any]:
    data: dict[str, Any] = _operations().dump_python(operation, mode="json")
    return data


def json_schema() -> dict[str, Any]:
    """Schema of both unions, for `docs/protocol.schema.json` and the TypeScript types made from it."""
    events = _bodies().json_schema(mode="serialization", ref_template="#/$defs/{model}")
    operations = _operations().json_schema(mode="validation", ref_template="#/$defs/{model}")
    definitions = {**events.pop("$defs"), **operations.pop("$defs")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tallystick protocol",
        "version": VERSION,
        "$defs": dict(sorted(definitions.items())),
        "eventBody": events,
        "operation": operations,
    }
