"""What a session sent last, and who made what came back. Owns the comparison of two requests; pure."""

from dataclasses import dataclass, replace

from tallystick_agent.context.assemble import xray
from tallystick_agent.protocol.chat import ChatRequest, Reply
from tallystick_agent.protocol.messages import ReasoningPart
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.tokens.counter import Counter


def made_by(endpoint: Endpoint, reply: Reply) -> Reply:
    """The reply with its thoughts signed by who served it: a router may have taken another model, which alone gets them back."""
    parts = tuple(
        replace(part, endpoint=endpoint.slug) if isinstance(part, ReasoningPart) else part for part in reply.message.parts
    )
    return replace(reply, message=replace(reply.message, parts=parts))


@dataclass(slots=True)
class Sent:
    """The last request of a session's conversation that was answered, and by which endpoint; as long as the session is open."""

    last: ChatRequest | None = None
    endpoint: str = ""

    def repeated(self, request: ChatRequest, endpoint: str, counter: Counter) -> int:
        """Tokens at the start of `request` that the last one had too: tools, system, messages until the first that differs.

        Another endpoint has seen none of it.
        """
        last = self.last
        if last is None or self.endpoint != endpoint or (last.system, last.tools) != (request.system, request.tools):
            return 0
        same = 0
        for before, now in zip(last.messages, request.messages, strict=False):
            if before is not now and before != now:
                break
            same += 1
        return xray(replace(request, messages=request.messages[:same]), counter).input_tokens
