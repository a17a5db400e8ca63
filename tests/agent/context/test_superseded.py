"""Which outputs a later call has made useless: tables of calls in their order."""

import json

import pytest

from tallystick_agent.context.compaction import read_path, superseded
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import AssistantMessage, Message, ToolCallPart, ToolMessage, ToolResultPart
from tallystick_agent.sessions.replay import DROPPED

POINTER = "Unchanged since you read it: call c0 above has these lines as they are."
Step = tuple[str, str]
"""A tool and a path, with ` !` where it failed, and ` N+M` for M lines from N."""


def history(*steps: Step) -> tuple[Message, ...]:
    """Calls `c0`, `c1`, … with their results."""
    messages: list[Message] = []
    for number, (name, said) in enumerate(steps):
        path, *words = said.split(" ")
        arguments: dict[str, object] = {"path": path}
        for word in words:
            if "+" in word:
                first, _, lines = word.partition("+")
                arguments |= {"start": int(first), "lines": int(lines)}
        call_id = CallId(f"c{number}")
        call = ToolCallPart(call_id=call_id, name=name, arguments=json.dumps(arguments))
        text = DROPPED if "dropped" in words else POINTER if "unchanged" in words else f"output {number}"
        part = ToolResultPart(call_id=call_id, name=name, text=text, status="error" if "!" in words else "ok")
        messages += [AssistantMessage(parts=(call,)), ToolMessage(parts=(part,))]
    return tuple(messages)


READ, EDIT, WRITE, RUN = "read_file", "edit", "write_file", "run_command"


@pytest.mark.parametrize(
    ("steps", "stale"),
    [
        ([], []),
        ([(READ, "a.py")], []),
        ([(READ, "a.py"), (READ, "b.py")], []),
        ([(READ, "a.py"), (READ, "a.py")], ["c0"]),
        ([(READ, "a.py"), (READ, "./a.py")], ["c0"]),
        ([(READ, "a.py"), (READ, "a.py"), (READ, "a.py")], ["c0", "c1"]),
        # A change alone replaces nothing: a model goes on from what it read and what it changed.
        ([(READ, "a.py"), (EDIT, "a.py")], []),
        ([(READ, "a.py"), (WRITE, "a.py")], []),
        ([(READ, "a.py"), ("define", "a.py")], []),
        ([(READ, "a.py 1+100"), (EDIT, "a.py"), (READ, "a.py 101+100")], ["c0"]),
        ([(READ, "a.py"), (EDIT, "a.py"), (READ, "a.py"), (EDIT, "a.py")], ["c0"]),
        ([(READ, "a.py"), (EDIT, "a.py"), (READ, "a.py")], ["c0"]),
        ([(EDIT, "a.py"), (READ, "a.py")], []),
        ([(READ, "a.py"), (EDIT, "b.py")], []),
        # What failed replaced nothing.
        ([(READ, "a.py"), (EDIT, "a.py !")], []),
        ([(READ, "a.py"), (READ, "a.py !")], []),
        ([(READ, "a.py"), (READ, "a.py !"), (READ, "a.py")], ["c0", "c1"]),
        # Other lines of the same file are other text.
        ([(READ, "a.py 1+100"), (READ, "a.py 101+100")], []),
        ([(READ, "a.py 1+100"), (READ, "a.py 1+100")], ["c0"]),
        ([(READ, "a.py 1+100"), (READ, "a.py 101+100"), (READ, "a.py 1+100")], ["c0"]),
        ([(READ, "a.py 1+100"), (READ, "a.py 101+100"), (EDIT, "a.py")], []),
        # One that points at the first one needs it.
        ([(READ, "a.py"), (READ, "a.py unchanged")], []),
        ([(READ, "a.py"), (READ, "a.py unchanged"), (EDIT, "a.py")], []),
        # Commands and searches are never judged.
        ([(RUN, "a.py"), (RUN, "a.py")], []),
        ([("search", "a.py"), (EDIT, "a.py")], []),
        # What is gone already is not dropped again.
        ([(READ, "a.py dropped"), (READ, "a.py")], []),
    ],
)
def test_superseded(steps: list[Step], stale: list[str]) -> None:
    assert list(superseded(history(*steps))) == stale


def test_two_calls_in_one_reply() -> None:
    parts = tuple(ToolCallPart(call_id=CallId(name), name=READ, arguments='{"path": "a.py"}') for name in ("x", "y"))
    results = tuple(ToolMessage(parts=(ToolResultPart(call_id=part.call_id, name=READ, text="one"),)) for part in parts)
    assert superseded((AssistantMessage(parts=parts), *results)) == ("x",)


def test_a_result_whose_call_is_no_longer_in_the_window_is_left_alone() -> None:
    first, _, *rest = history((READ, "a.py"), (READ, "a.py"))
    assert superseded((first, *rest)) == ()
    result = ToolMessage(parts=(ToolResultPart(call_id=CallId("gone"), name=READ, text="one"),))
    assert superseded((result, *history((READ, "a.py")))) == ()


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ('{"path": "a.py"}', "a.py"),
        ('{"path": " ./a.py "}', "a.py"),
        ('{"path": 7}', ""),
        ('{"other": "a.py"}', ""),
        ('["a.py"]', ""),
        ("null", ""),
        ('{"path": "a.p', ""),
        ("", ""),
        ("[" * 100_000, ""),
    ],
)
def test_the_path_of_a_call(arguments: str, path: str) -> None:
    assert read_path(ToolCallPart(call_id=CallId("c"), name=READ, arguments=arguments)) == path
