"""Events and operations as JSON: every kind survives a line, and nothing else is taken for one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol import events, operations
from tallystick_agent.protocol.codec import (
    event_from_line,
    event_to_dict,
    event_to_line,
    json_schema,
    operation_from_json,
    operation_to_dict,
)
from tallystick_agent.protocol.events import Event, EventBody
from tallystick_agent.protocol.ids import CallId, ItemId, RequestId, SessionId, TurnId
from tallystick_agent.protocol.operations import Operation
from tallystick_agent.protocol.usage import Budget, Cost, Segment, Usage

USAGE = Usage(input_tokens=9, cached_tokens=1, cache_write_tokens=2, output_tokens=3, reasoning_tokens=1, source="estimated")
COST = Cost(provider_nanos=5, priced_nanos=None)
CALL = events.ToolCallItem(
    call_id=CallId("c"),
    name="edit",
    arguments='{"a": ',
    side_effect=True,
    intent={"files": [{"path": "a"}]},
    status="ok",
    output="done",
)
ITEMS: list[events.Item] = [
    events.MessageItem(text="a", origin="engine"),
    events.ReasoningItem(text="hm", native={"reasoning_details": [{"data": None, "n": 1.5}]}, endpoint="p/m"),
    CALL,
    events.PlanItem(steps=(events.PlanStep(text="one", status="done"), events.PlanStep(text="two"))),
    events.CompactionItem(dropped_calls=(CallId("c"),), tokens_before=9, tokens_after=4, reason="full"),
]
BODIES: list[EventBody] = [
    events.SessionOpened(workspace="/w", model="p/m", app="cli", client="vim", version="1", resumed=True),
    events.SessionClosed(),
    events.TurnStarted(
        prompt="p", context="c", model="p/m", purpose="edit", budget=Budget(max_tokens=5, timeout_s=1.5), continued=True
    ),
    events.TurnFinished(stop="gave_up", usage=USAGE, cost=COST, requests=2, detail="d", code="model_gave_up", remedy="r"),
    events.RequestPlanned(
        request_id=RequestId("r"),
        purpose="chat",
        segments=(Segment(name="system", tokens=5),),
        input_tokens=5,
        reserved_output_tokens=9,
        window_tokens=None,
        error_band=0.05,
        max_cost_nanos=None,
    ),
    events.RequestStarted(request_id=RequestId("r"), endpoint="p/m", reason="only candidate", attempt=1),
    events.AttemptFailed(
        request_id=RequestId("r"), endpoint="p/m", attempt=1, code="provider_timeout", message="m", retry_in_s=0.5
    ),
    events.RequestFinished(
        request_id=RequestId("r"),
        purpose="plan",
        endpoint="p/m",
        finish="stop",
        usage=USAGE,
        cost=COST,
        segments=(),
        generation_id="g",
        latency_ms=3,
    ),
    *(events.ItemStarted(item_id=ItemId("i"), item=item) for item in ITEMS),
    events.ItemDelta(item_id=ItemId("i"), text="t"),
    *(events.ItemFinished(item_id=ItemId("i"), item=item) for item in ITEMS),
    events.PermissionRequested(call_id=CallId("c"), tool="edit", title="t", detail="d", reason="r", digest="x"),
    events.PermissionDecided(call_id=CallId("c"), tool="edit", decision="allow_always", by="user", rule="r"),
    events.QuestionAsked(call_id=CallId("c"), question="q", options=("a", "b")),
    events.FilesChanged(call_id=CallId("c"), changes=(events.FileChange(path="a", diff="d", before="", after="x"),)),
    events.FilesChanged(call_id=CallId("c"), changes=(), undoes=TurnId("t")),
    events.SessionRenamed(title="t"),
    events.Notice(level="warning", code="c", message="m", remedy="r"),
]
OPERATIONS: list[Operation] = [
    operations.Prompt(text="t", context="c", budget=Budget(max_cost_nanos=5), purpose="edit", mode="answer"),
    operations.Continue(budget=Budget(max_requests=3)),
    operations.Answer(call_id=CallId("c"), text="yes"),
    operations.Decide(call_id=CallId("c"), digest="x", decision="allow_once", by="policy"),
    operations.Cancel(),
    operations.Compact(),
    operations.RestoreWindow(),
    operations.SetModel(slug="p/m"),
    operations.SetMode(mode="plan"),
    operations.SetBudget(budget=Budget(max_tokens=9)),
    operations.Rename(title="t"),
    operations.Undo(),
    operations.CloseSession(),
]


def event(body: EventBody) -> Event:
    return Event(session_id=SessionId("s-1"), turn_id=TurnId("t-1"), seq=7, time="2026-11-23T12:00:00.000Z", body=body)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_every_event_survives_a_line(body: EventBody) -> None:
    line = event_to_line(event(body))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert event_from_line(line) == event(body)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: type(operation).__name__)
def test_every_operation_survives_json(operation: Operation) -> None:
    assert operation_from_json(json.loads(json.dumps(operation_to_dict(operation)))) == operation


def test_the_tables_above_name_every_kind() -> None:
    assert {type(body) for body in BODIES} == set(EventBody.__args__)
    assert {type(item) for item in ITEMS} == set(events.Item.__args__)
    assert {type(operation) for operation in OPERATIONS} == set(Operation.__args__)


def test_on_a_line_envelope_and_body_are_one_object() -> None:
    data = json.loads(event_to_line(event(events.Notice(level="info", code="c", message="m"))))
    assert data == {
        "v": 1, "session_id": "s-1", "turn_id": "t-1", "seq": 7, "time": "2026-11-23T12:00:00.000Z",
        "level": "info", "code": "c", "message": "m", "remedy": "", "kind": "notice",
    }  # fmt: skip


def test_no_field_of_a_body_has_the_name_of_the_envelope() -> None:
    for body in BODIES:
        assert not {"v", "session_id", "turn_id", "seq", "time"} & set(type(body).__dataclass_fields__)


def change(**fields: Any) -> bytes:
    """A good line with some fields replaced; `None` takes a field out."""
    data = event_to_dict(event(events.Notice(level="info", code="c", message="m"))) | fields
    return json.dumps({name: value for name, value in data.items() if value is not None or name == "turn_id"}).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"garbage",
        b"null",
        b"[]",
        b"1",
        b"{}",
        b"\xff",
        change(v=2),
        change(v=None),
        change(kind="dream"),
        change(kind=None),
        change(seq=None),
        change(time=None),
        change(session_id=None),
        change(level="loud"),
        change(message=None),
        change(message=["m"]),
        change()[:-1],
    ],
)
def test_what_is_no_event_of_this_version_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        event_from_line(line)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "cancel",
        {},
        {"kind": "dream"},
        {"kind": "prompt"},
        {"kind": "answer", "call_id": "c"},
        {"kind": "decide", "call_id": "c", "digest": "x", "decision": "maybe"},
    ],
)
def test_what_is_no_operation_is_refused(data: Any) -> None:
    with pytest.raises(ValueError):
        operation_from_json(data)


TEXTS = st.text(st.characters(exclude_categories=[]), max_size=40)


@given(TEXTS)
def test_any_text_survives_lone_surrogates_too(text: str) -> None:
    body = events.Notice(level="info", code="c", message=text)
    line = event_to_line(event(body))
    assert line.count(b"\n") == 1
    assert event_from_line(line) == event(body)


@given(TEXTS)
def test_any_file_name_and_output_survives_inside_a_call(text: str) -> None:
    item = events.ToolCallItem(call_id=CallId("c"), name="edit", arguments=text, intent={"files": [{"path": text}]}, output=text)
    body = events.ItemFinished(item_id=ItemId("i"), item=item)
    assert event_from_line(event_to_line(event(body))) == event(body)


def test_the_schema_names_every_kind() -> None:
    schema = json_schema()
    for kind in (*EventBody.__args__, *Operation.__args__):
        assert kind.__name__ in schema["$defs"]
    assert json.loads(json.dumps(schema)) == schema
