"""Histories of sessions for the tests of compaction: written down, or drawn at random. Owns no assertion."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st
from tests.agent.sessions.events import event, opened, prompt, said, told

from tallystick_agent.protocol.events import (
    CompactionItem,
    EventBody,
    FileChange,
    FilesChanged,
    ItemFinished,
    ItemStarted,
    PlanItem,
    PlanStep,
    RequestStarted,
    ToolCallItem,
)
from tallystick_agent.protocol.ids import CallId, ItemId, RequestId
from tallystick_agent.protocol.messages import AssistantMessage, Message, TextPart, ToolCallPart, ToolMessage, UserMessage
from tallystick_agent.sessions.replay import SessionState, fold


def count(text: str) -> int:
    """Tokens, about: four characters each."""
    return (len(text) + 3) // 4


def words(tokens: int) -> str:
    return ("word" * tokens)[: tokens * 4]


def asked() -> RequestStarted:
    return RequestStarted(request_id=RequestId("r"), endpoint="p/m", reason="only candidate", attempt=1)


def calls(*outputs: str, first: int = 0, tool: str = "read_file") -> list[EventBody]:
    """One reply with as many calls, and then their results."""
    items = [
        ToolCallItem(call_id=CallId(f"c{first + n}"), name=tool, arguments="{}", title=f"{tool} {first + n}")
        for n in range(len(outputs))
    ]
    started = [ItemStarted(item_id=ItemId(item.call_id), item=item) for item in items]
    ended = [
        ItemFinished(item_id=ItemId(item.call_id), item=replace(item, status="ok", output=output))
        for item, output in zip(items, outputs, strict=True)
    ]
    # The intent of a call is logged when it begins, its outcome when it ends: one after the other.
    pairs = [body for pair in zip(started, ended, strict=True) for body in pair]
    return [asked(), *pairs]


def changed(*paths: str) -> FilesChanged:
    return FilesChanged(
        call_id=CallId("c0"), changes=tuple(FileChange(path=path, diff="", before="", after="x") for path in paths)
    )


def planned(*steps: tuple[str, str]) -> ItemFinished:
    return ItemFinished(
        item_id=ItemId("p"),
        item=PlanItem(steps=tuple(PlanStep(text=text, status=status) for text, status in steps)),  # type: ignore[arg-type]
    )


def state_of(*bodies: EventBody) -> SessionState:
    return then(SessionState(), opened(), *bodies)


def then(state: SessionState, *bodies: EventBody) -> SessionState:
    return fold([event(state.last_seq + number, body) for number, body in enumerate(bodies, 1)], state)


def compacted(state: SessionState, item: CompactionItem) -> SessionState:
    return then(state, ItemFinished(item_id=ItemId("x"), item=item))


def orphans(messages: Sequence[Message]) -> list[str]:
    """Results without their call before them, and calls without their result after them."""
    called: list[str] = []
    found: list[str] = []
    for message in messages:
        if isinstance(message, AssistantMessage):
            called += [part.call_id for part in message.parts if isinstance(part, ToolCallPart)]
        if isinstance(message, ToolMessage):
            found += [part.call_id for part in message.parts if part.call_id not in called]
            called = [one for one in called if one not in {part.call_id for part in message.parts}]
    return [*found, *called]


def visible(messages: Sequence[Message]) -> str:
    """What the window says in words of the user or of a digest."""
    users = (message for message in messages if isinstance(message, UserMessage))
    return "\n".join(part.text for message in users for part in message.parts if isinstance(part, TextPart))


PATHS = st.sampled_from([f"src/file{number}.py" for number in range(12)])
STEPS = st.sampled_from(["write the parser", "test it", "document it"])


@st.composite
def sessions(draw: st.DrawFn) -> SessionState:
    """A session of some turns: prompts, replies, parallel calls, edits, plans, notices."""
    bodies: list[EventBody] = []
    number = 0
    for turn in range(draw(st.integers(1, 4))):
        bodies.append(prompt(f"Task {turn}: {draw(st.sampled_from(['do it', 'never touch b.py. ' * 3, words(200)]))}"))
        for _ in range(draw(st.integers(0, 4))):
            match draw(st.sampled_from(["calls", "say", "change", "plan", "tell"])):
                case "calls":
                    outputs = [words(size) for size in draw(st.lists(st.integers(0, 600), min_size=1, max_size=3))]
                    bodies += calls(*outputs, first=number)
                    number += len(outputs)
                case "say":
                    bodies += [asked(), said(words(draw(st.integers(1, 100))))]
                case "change":
                    bodies.append(changed(draw(PATHS), draw(PATHS)))
                case "plan":
                    status = draw(st.sampled_from(["pending", "done"]))
                    bodies.append(planned((draw(STEPS), status)))
                case _:
                    bodies.append(told("Do something else."))
    return state_of(*bodies)
