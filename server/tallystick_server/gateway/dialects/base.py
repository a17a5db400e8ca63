"""What every dialect offers: reading a request, telling an answer whole or in pieces, and telling an error. Owns the shape."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tallystick_agent.protocol.chat import ChatRequest, Reply, StreamEvent
from tallystick_agent.protocol.errors import ConfigurationError, TallystickError
from tallystick_agent.protocol.messages import ReasoningPart
from tallystick_agent.protocol.relay import RelayAnswer

_SEALED: Final = "tallystick-v1:"
"""How thoughts are marked that go to a caller in a form which only we read back."""
MOST_SEALED: Final = 4 * 1024 * 1024
OUTPUT: Final = 32_000
"""Output tokens to reckon with where a caller sets no end and money has to be kept for it."""


class Body(BaseModel):
    """A part of a request. What is not named passes on to an endpoint of the same wire."""

    model_config = ConfigDict(extra="allow", frozen=True)


_OBJECTS: Final = TypeAdapter(list[dict[str, Any]])
Shape = TypeVar("Shape", bound=Body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was read."""

    request: ChatRequest
    model: str
    fallbacks: tuple[str, ...] = ()
    routing: Mapping[str, Any] = field(default_factory=lambda: {})
    session: str = ""
    """The caller's own name for the conversation; empty where it gives none."""
    user: str = ""
    wants_usage: bool = True
    """Whether a stream is to end with its usage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Payloads of the caller's own wire: those that go out at once, and those that wait until the answer is in the books."""

    now: bytes
    later: bytes


class Writer(Protocol):
    """One streamed answer."""

    def event(self, event: StreamEvent) -> bytes: ...

    def passed(self, data: tuple[str, ...]) -> Passed: ...

    def end(self, answer: RelayAnswer) -> bytes:
        """What ends an answer that we wrote; one that was passed on has ended itself."""
        ...

    def failure(self, error: TallystickError, status: int) -> bytes: ...

    def alive(self) -> bytes:
        """What keeps the line open while nothing is said."""
        ...


class Dialect(Protocol):
    name: str

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
        """Raises `ConfigurationError` (`bad_usage`) naming the field."""
        ...

    def writer(self, asked: Asked, answer_id: str) -> Writer: ...

    def whole(self, asked: Asked, answer: RelayAnswer, answer_id: str) -> dict[str, Any]: ...

    def error(self, error: TallystickError, status: int) -> dict[str, Any]: ...


def checked(model: type[Shape], body: Mapping[str, Any]) -> Shape:
    """The body in its shape. Raises `ConfigurationError` naming the first field that does not fit."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "body"
        raise ConfigurationError(
            f"{name}: {first['msg']}.", code="bad_usage", remedy="docs/gateway.md lists what a request may hold."
        ) from error


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects; nothing is an empty one. Raises `ConfigurationError` naming the field for anything else."""
    try:
        return _OBJECTS.validate_python([] if value is None else value, strict=True)
    except ValidationError as error:
        raise refused(f"{name}: a list of objects.") from error


def an_object(value: Any, name: str) -> dict[str, Any]:
    """An object; nothing is an empty one. Raises `ConfigurationError` naming the field for anything else."""
    if value is not None and not isinstance(value, dict):
        raise refused(f"{name}: an object.")
    return cast(dict[str, Any], value or {})


def refused(message: str) -> ConfigurationError:
    return ConfigurationError(message, code="bad_usage", remedy="docs/gateway.md lists what a request may hold.")


def sse(data: Mapping[str, Any], event: str = "") -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return (f"event: {event}\ndata: {text}\n\n" if event else f"data: {text}\n\n").encode("utf-8", "replace")


def raw_sse(data: str, event: str = "") -> bytes:
    return (f"event: {event}\ndata: {data}\n\n" if event else f"data: {data}\n\n").encode("utf-8", "replace")


def seal(part: ReasoningPart) -> str:
    """A model's own blocks of thoughts as one text that a caller keeps and gives back; empty where there are none."""
    if part.native is None:
        return ""
    packed = json.dumps({"endpoint": part.endpoint, "native": part.native}, separators=(",", ":")).encode()
    return _SEALED + base64.b64encode(packed).decode()


def unseal(text: str, sealed: str) -> ReasoningPart:
    """The thoughts that a caller gives back. What is not ours, or was changed, is thoughts without blocks."""
    native, endpoint = None, ""
    if sealed.startswith(_SEALED) and len(sealed) <= MOST_SEALED:
        try:
            found: Any = json.loads(base64.b64decode(sealed.removeprefix(_SEALED), validate=True))
            native, endpoint = found["native"], str(found["endpoint"])
        except (ValueError, LookupError, TypeError, RecursionError):
            pass
    return ReasoningPart(text=text, native=native, endpoint=endpoint)


def native_of(reply: Reply) -> str:
    return next((seal(part) for part in reply.message.parts if isinstance(part, ReasoningPart) and part.native), "")


def now_s() -> int:
    return int(time.time())


def kind_of(data: str) -> str:
    """The `type` of a payload; empty where it has none."""
    try:
        found: Any = json.loads(data)
    except ValueError:
        return ""
    return str(cast(dict[str, Any], found).get("type") or "") if isinstance(found, dict) else ""
