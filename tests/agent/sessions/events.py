"""Events in a few words, for the tests of sessions."""

from tallystick_agent.protocol.events import (
    Event,
    EventBody,
    ItemFinished,
    ItemStarted,
    MessageItem,
    SessionOpened,
    ToolCallItem,
    TurnStarted,
)
from tallystick_agent.protocol.ids import CallId, ItemId, SessionId, TurnId

SESSION = SessionId("s-1")
TURN = TurnId("t-1")


def event(seq: int, body: EventBody, *, turn: TurnId | None = TURN) -> Event:
    return Event(session_id=SESSION, turn_id=turn, seq=seq, time=f"2026-11-23T12:00:{seq % 60:02d}.000Z", body=body)


def numbered(*bodies: EventBody) -> list[Event]:
    return [event(seq, body) for seq, body in enumerate(bodies, 1)]


def opened(workspace: str = "/w") -> SessionOpened:
    return SessionOpened(workspace=workspace, model="scripted/m", app="cli")


def prompt(text: str, **fields: bool) -> TurnStarted:
    return TurnStarted(prompt=text, **fields)  # type: ignore[arg-type]


def said(text: str) -> ItemFinished:
    return ItemFinished(item_id=ItemId("i"), item=MessageItem(text=text))


def told(text: str) -> ItemFinished:
    return ItemFinished(item_id=ItemId("i"), item=MessageItem(text=text, origin="engine"))


def call(call_id: str, name: str = "read_file", arguments: str = "{}") -> ItemStarted:
    return ItemStarted(item_id=ItemId(f"i-{call_id}"), item=ToolCallItem(call_id=CallId(call_id), name=name, arguments=arguments))


def result(call_id: str, output: str, name: str = "read_file") -> ItemFinished:
    item = ToolCallItem(call_id=CallId(call_id), name=name, arguments="{}", status="ok", output=output)
    return ItemFinished(item_id=ItemId(f"i-{call_id}"), item=item)
