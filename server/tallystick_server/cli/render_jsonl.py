"""Events as JSON Lines on standard output: these events and nothing else. Answers no question."""

import sys

from tallystick_agent.protocol.codec import event_to_line
from tallystick_agent.protocol.events import Event, PermissionRequested, QuestionAsked
from tallystick_agent.protocol.operations import Decide


class JsonlRenderer:
    def show(self, event: Event) -> None:
        sys.stdout.buffer.write(event_to_line(event))
        sys.stdout.buffer.flush()

    async def ask_permission(self, body: PermissionRequested) -> Decide | None:
        return None

    async def ask_question(self, body: QuestionAsked) -> str:
        return ""

    def close(self) -> None:
        pass
