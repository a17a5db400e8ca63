"""What every wire format offers: where to post, how to sign, what to send, how to read. Owns the shape, and no format."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tallystick_agent.protocol.chat import ChatRequest, Reply, StreamEvent
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage

MOST_TOKENS: Final = 2**40
"""More than any report can mean: such a count is taken as none."""
ODD_SHAPE: Final = (AttributeError, TypeError, KeyError, IndexError, ValueError, OverflowError, RecursionError)
"""What reading an unknown shape raises."""


class Decoder(Protocol):
    """Payloads in, typed events out, and at the end one `Reply`."""

    @property
    def partial(self) -> str:
        """What was said so far, for estimates of a stream that broke."""
        ...

    @property
    def started(self) -> bool:
        """Whether anything of an answer, or its usage, has come."""
        ...

    @property
    def running(self) -> Usage | None:
        """What the provider has counted so far: exact for the input where it tells that first, and no end for the output."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the provider said that nothing follows."""
        ...

    def feed(self, data: str) -> list[StreamEvent]:
        """One payload: an event of a stream, or a whole answer. Raises `ProviderError`."""
        ...

    def finish(self, *, cut: bool = False) -> Reply:
        """The whole answer. Raises `ProviderError` when the stream ended without saying why.

        `cut` is ours: we stopped reading on purpose, so there is no finish and no usage to wait for.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A wire format as pure functions."""

    path: Callable[[ChatRequest, Endpoint], str]
    """What follows the base URL."""
    headers: Callable[[ChatRequest, Endpoint], dict[str, str]]
    """Headers beyond the key's and the app's."""
    encode: Callable[[ChatRequest, Endpoint], dict[str, Any]]
    decoder: Callable[[Endpoint], Decoder]


def no_headers(request: ChatRequest, endpoint: Endpoint) -> dict[str, str]:
    return {}


def odd_chunk(error: Exception) -> ProviderError:
    """The error for a chunk of a shape that nobody documented."""
    return ProviderError(f"The provider sent a chunk of an unknown shape ({type(error).__name__}).", retryable=True)


def no_json() -> ProviderError:
    return ProviderError("The provider sent something that is not JSON.", retryable=True)


_read: Final = json.JSONDecoder().raw_decode


def parsed(data: str) -> Any:
    """The one JSON value of a payload. Raises `ProviderError`; about twice as fast as `json.loads` on small ones."""
    try:
        value, end = _read(data)
        if end != len(data) and data[end:].strip():
            raise no_json()
    except (ValueError, RecursionError):
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise no_json() from error
    return value


def count(value: Any) -> int | None:
    """A token count as reported; `None` for what can be none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MOST_TOKENS:
        return None
    return int(value)


def part_of(value: Any, whole: int) -> int:
    """A count that is a part of another: absent is 0, and it is never more than the whole. Raises `TypeError` on no number."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a count is not a number")
    return max(0, min(int(value), whole))
