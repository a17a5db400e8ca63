"""A whole session as a chat document, from its events. Pure. For exports, and for taking up a session of another host."""

from collections.abc import Iterable

from tallystick_agent.protocol.events import Event, TurnStarted
from tallystick_server.lsp.chat_answer import Answer, render, step
from tallystick_server.lsp.chat_document import YOU, quoted, with_session


def transcript(session_id: str, events: Iterable[Event]) -> str:
    """Markdown. It ends in a heading to write under; a turn that never ended is shown as far as it came."""
    parts: list[str] = []
    answer: Answer | None = None
    for event in events:
        match event.body:
            case TurnStarted() as body:
                if answer is not None:
                    parts.append(_closed(answer))
                parts.append(f"{YOU}\n\n{quoted(body.prompt.strip()) or '(goes on)'}\n\n")
                answer = step(Answer(), body)
            case _:
                answer = step(answer, event.body) if answer is not None else None
    if answer is not None:
        parts.append(_closed(answer))
    return with_session("".join(parts) + f"{YOU}\n\n", session_id)


def _closed(answer: Answer) -> str:
    """The answer without the heading for the next prompt."""
    text = render(answer)
    return text.removesuffix(f"{YOU}\n\n").rstrip("\n") + "\n\n"
