"""Asking for a call by schema or as text, and reading it back: what goes out comes back, and nothing is ever mended."""

import json
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.chat import ChatRequest, Finish, Reply, ToolSpec
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    ToolResultPart,
    UserMessage,
    text_of,
)
from tallystick_agent.protocol.model_info import CallMode
from tallystick_agent.providers.call_modes import adapt, branches, read
from tallystick_agent.tools.registry import LARGE, SMALL

jsonschema: Any = import_module("jsonschema")  # it has no types of its own
READ = ToolSpec(
    name="read_file",
    description="Read a file.",
    parameters={"type": "object", "properties": {"path": {"type": "string"}, "start": {"type": "integer"}}, "required": ["path"]},
)
LIST = ToolSpec(
    name="list_files", description="List files.", parameters={"type": "object", "properties": {"folder": {"type": "string"}}}
)
TOOLS = (READ, LIST)
ASK = UserMessage(parts=(TextPart(text="fix it"),))


def reply(text: str, finish: Finish = "stop") -> Reply:
    return Reply(message=AssistantMessage(parts=(TextPart(text=text),)), finish=finish, generation_id="gen-1")


def calls(answer: Reply) -> list[tuple[str, Any]]:
    return [(part.name, json.loads(part.arguments)) for part in answer.message.parts if isinstance(part, ToolCallPart)]


def test_a_native_request_passes_unchanged() -> None:
    request = ChatRequest(system="S", messages=(ASK,), tools=TOOLS)
    assert adapt(request, "native") is request


@pytest.mark.parametrize("mode", ["schema", "text"])
def test_without_tools_there_is_nothing_to_adapt(mode: CallMode) -> None:
    request = ChatRequest(system="S", messages=(ASK,))
    assert adapt(request, mode) is request


@pytest.mark.parametrize("mode", ["schema", "text"])
def test_the_tools_move_into_the_system_text(mode: CallMode) -> None:
    made = adapt(ChatRequest(system="S", messages=(ASK,), tools=TOOLS), mode)
    assert made.tools == ()
    assert made.system.startswith("S\n\n")
    assert "read_file(path, start?): Read a file." in made.system
    assert "list_files(folder?): List files." in made.system
    assert (made.response_schema is not None) == (mode == "schema")


def test_the_schema_has_one_branch_a_tool_and_one_for_the_answer() -> None:
    schema = branches(TOOLS)
    for good in (
        {"tool": "read_file", "path": "a.py"},
        {"tool": "read_file", "path": "a.py", "start": 3},
        {"tool": "list_files"},
        {"tool": "answer", "text": "Done."},
    ):
        jsonschema.validate(good, schema)
    bad_ones: list[object] = [
        {"tool": "read_file"},
        {"tool": "rm", "path": "a"},
        {"tool": "answer"},
        {"tool": "list_files", "path": "a"},
        {},
        [],
    ]
    for bad in bad_ones:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
    assert [next(iter(branch["properties"])) for branch in schema["anyOf"]] == ["tool", "tool", "tool"]


def test_the_schema_of_every_real_tool_is_a_schema() -> None:
    for tools in (LARGE, SMALL):
        jsonschema.Draft202012Validator.check_schema(branches(tuple(tool.spec for tool in tools)))


PATHS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(PATHS, st.integers())
def test_a_schema_call_comes_back_whole(path: str, start: int) -> None:
    answer = read(reply(json.dumps({"tool": "read_file", "path": path, "start": start})), "schema", TOOLS)
    assert calls(answer) == [("read_file", {"path": path, "start": start})]
    assert answer.finish == "tool_calls"


@given(
    PATHS,
    st.integers(),
    st.sampled_from(["{}", "```json\n{}\n```", "```\n{}\n```", "```tool_call\n{}\n```", "<tool_call>{}</tool_call>"]),
)
def test_a_text_call_comes_back_whole_from_each_wrapping(path: str, start: int, wrapping: str) -> None:
    raw = json.dumps({"name": "read_file", "arguments": {"path": path, "start": start}})
    answer = read(reply(wrapping.replace("{}", raw)), "text", TOOLS)
    assert calls(answer) == [("read_file", {"path": path, "start": start})]


@given(PATHS, st.sampled_from(["schema", "text"]), st.data())
def test_a_cut_call_is_never_a_call(path: str, mode: CallMode, data: st.DataObject) -> None:
    schema = json.dumps({"tool": "read_file", "path": path})
    text = "```json\n" + json.dumps({"name": "read_file", "arguments": {"path": path}}) + "\n```"
    whole = schema if mode == "schema" else text
    end = len(whole) if mode == "schema" else len(whole) - len("\n```")
    cut = whole[: data.draw(st.integers(0, end - 1))]
    assert calls(read(reply(cut), mode, TOOLS)) == []


@pytest.mark.parametrize("finish", ["length", "repetition"])
@pytest.mark.parametrize("mode", ["schema", "text"])
def test_an_answer_that_was_cut_is_not_read_for_calls_even_where_one_stands_in_it(mode: CallMode, finish: Finish) -> None:
    raw = json.dumps({"tool": "list_files"} if mode == "schema" else {"name": "list_files", "arguments": {}})
    answer = reply(raw, finish)
    assert read(answer, mode, TOOLS) is answer


def test_the_answer_branch_is_plain_text() -> None:
    answer = read(reply('{"tool": "answer", "text": "Done. It is 42."}'), "schema", TOOLS)
    assert text_of(answer.message) == "Done. It is 42."
    assert answer.finish == "stop"


IN_TEXT: list[tuple[str, list[tuple[str, Any]]]] = [
    ('Let me look.\n```json\n{"name": "list_files", "arguments": {}}\n```', [("list_files", {})]),
    ('```json\n{"name": "list_files", "arguments": {}}\n```\nThen I go on.', [("list_files", {})]),
    (
        'Like this: `x`.\n```python\nprint(1)\n```\n```json\n{"name": "list_files", "arguments": {}}\n```',
        [("list_files", {})],
    ),
    ('{"name": "list_files", "parameters": {"folder": "src"}}', [("list_files", {"folder": "src"})]),
    ('  {"name": "list_files", "arguments": {}}  \n', [("list_files", {})]),
    ('<tool_call>\n{"name": "list_files", "arguments": {}}\n</tool_call>', [("list_files", {})]),
    ('I would call {"name": "list_files", "arguments": {}} next.', []),
    ('```json\n{"name": "list_files", "arguments": {}}', []),
    ('```json\n{"name": "list_files", "arguments": {},}\n```', []),
    ('```json\n{"name": "no_such_tool", "arguments": {}}\n```', []),
    ('```json\n{"name": "list_files"}\n```', []),
    ('```json\n{"name": "list_files", "arguments": "{}"}\n```', []),
    ('```json\n{"name": "list_files", "arguments": [1]}\n```', []),
    ('```json\n{"arguments": {}}\n```', []),
    ('```json\n[{"name": "list_files", "arguments": {}}]\n```', []),
    ("```json\n{}\n```", []),
    ("All is done.", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), IN_TEXT)
def test_what_counts_as_a_call_in_text(text: str, expected: list[tuple[str, Any]]) -> None:
    assert calls(read(reply(text), "text", TOOLS)) == expected


def test_two_calls_in_a_text_are_none_since_nobody_knows_which_is_meant() -> None:
    one = '```json\n{"name": "list_files", "arguments": {}}\n```\n'
    answer = reply(one + one)
    assert read(answer, "text", TOOLS) is answer


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"path": "a.py"}', '{"tool": 3}', '{"tool": "read_file", "path": "a'])
def test_what_is_no_object_with_a_tool_is_left_as_text(text: str) -> None:
    answer = reply(text)
    assert read(answer, "schema", TOOLS) is answer


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "list_files", "arguments": {}}',
        '{"tool": "list_files"}',
        '```json\n{"name": "list_files", "arguments": {}}\n```',
        '<tool_call>{"name": "list_files", "arguments": {}}</tool_call>',
    ],
)
def test_an_object_in_the_text_of_a_native_answer_is_no_call(text: str) -> None:
    answer = reply(text)
    assert read(answer, "native", TOOLS) is answer


def test_a_native_call_is_left_alone() -> None:
    part = ToolCallPart(call_id=CallId("c1"), name="list_files", arguments="{}")
    answer = Reply(message=AssistantMessage(parts=(TextPart(text='{"tool": "list_files"}'), part)), finish="tool_calls")
    for mode in ("native", "schema", "text"):
        assert read(answer, mode, TOOLS) is answer


def test_reasoning_stays_beside_the_call_that_was_found() -> None:
    thought = ReasoningPart(text="hm")
    answer = Reply(message=AssistantMessage(parts=(thought, TextPart(text='{"tool": "list_files"}'))), finish="stop")
    assert read(answer, "schema", TOOLS).message.parts[0] == thought


@pytest.mark.parametrize("mode", ["schema", "text"])
def test_the_history_is_told_in_the_form_in_which_calls_are_made(mode: CallMode) -> None:
    part = ToolCallPart(call_id=CallId("c1"), name="read_file", arguments='{"path": "a.py"}')
    result = ToolMessage(parts=(ToolResultPart(call_id=CallId("c1"), name="read_file", text="   1 a = 1"),))
    made = adapt(ChatRequest(system="S", messages=(ASK, AssistantMessage(parts=(part,)), result), tools=TOOLS), mode)

    assert [message.role for message in made.messages] == ["user", "assistant", "user"]
    ending = "\nIf the task is done now, use answer." if mode == "schema" else ""
    assert text_of(made.messages[2]) == f"Result of read_file:\n   1 a = 1{ending}"
    assert calls(read(reply(text_of(made.messages[1])), mode, TOOLS)) == [("read_file", {"path": "a.py"})]


def test_an_earlier_answer_is_told_as_the_answer_branch() -> None:
    said = AssistantMessage(parts=(TextPart(text='It is "done".'),))
    made = adapt(ChatRequest(system="S", messages=(ASK, said), tools=TOOLS), "schema")
    assert text_of(read(reply(text_of(made.messages[1])), "schema", TOOLS).message) == 'It is "done".'
