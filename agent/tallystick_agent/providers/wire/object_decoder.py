"""What reading a stream of JSON objects has in common, whatever the wire. Owns the way from a payload to an object and its
errors; what an object means is the format's.
"""

from abc import ABC, abstractmethod
from typing import Any, cast

from tallystick_agent.protocol.chat import StreamEvent
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.wire.answer import Answer
from tallystick_agent.providers.wire.base import ODD_SHAPE, odd_chunk, parsed


class ObjectDecoder(ABC):
    """A `Decoder` but for its `finish`; a format says in `_feed` what an object brings."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._answer = Answer(endpoint.slug)

    @property
    def partial(self) -> str:
        return self._answer.partial

    @property
    def started(self) -> bool:
        return self._answer.started

    @property
    def running(self) -> Usage | None:
        return self._answer.usage

    @property
    def ended(self) -> bool:
        return self._answer.finish is not None

    def feed(self, data: str) -> list[StreamEvent]:
        if data.strip() == "[DONE]":
            return []
        found = self._unwrapped(parsed(data))
        if not isinstance(found, dict):
            return []
        try:
            return self._feed(cast(dict[str, Any], found))
        except ODD_SHAPE as error:
            raise odd_chunk(error) from error

    def _unwrapped(self, found: object) -> object:
        return found

    @abstractmethod
    def _feed(self, found: dict[str, Any], /) -> list[StreamEvent]: ...
