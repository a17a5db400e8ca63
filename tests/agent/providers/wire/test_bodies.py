"""The whole body of one conversation on every wire, thoughts included; and what is left of it at another endpoint."""

import json
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from tests.agent.providers.wire.conversation import EFFORTS, PARAMETERS, SCHEMA, body, conversation, endpoint

from tallystick_agent.protocol.model_info import WireName

DATA_URL = "data:image/png;base64,aW1n"
FUNCTION = {"name": "read_file", "description": "Read a file.", "parameters": PARAMETERS}


class Golden(NamedTuple):
    wire: WireName
    native: Any
    """What the endpoint had sent beside the words, and gets back."""
    body: dict[str, Any]
    stripped: list[dict[str, Any]]
    """The same answer at another endpoint."""


CALLS = [
    {"id": "c1", "type": "function", "function": {"name": "read_file", "arguments": '{"path": "a.py"}'}},
    {"id": "c2", "type": "function", "function": {"name": "read_file", "arguments": '{"path": "b.py"}'}},
]
DETAILS = [{"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "text": "Hm.", "signature": "s"}]
CHAT = Golden(
    wire="openai_chat",
    native={"reasoning_details": DETAILS},
    body={
        "model": "m",
        "tools": [{"type": "function", "function": FUNCTION}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": DATA_URL}},
                ],
            },
            {"role": "assistant", "content": "Looking.", "reasoning_details": DETAILS, "tool_calls": CALLS},
            {"role": "tool", "tool_call_id": "c1", "content": "alpha"},
            {"role": "tool", "tool_call_id": "c2", "content": "No such file."},
            {"role": "user", "content": "Go on."},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 4_000,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
        },
    },
    stripped=[{"role": "assistant", "content": "Looking.", "tool_calls": CALLS}],
)

ITEMS: list[dict[str, Any]] = [
    {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "e"},
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "phase": "commentary",
        "content": [{"type": "output_text", "text": "Looking.", "annotations": []}],
    },
    {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "c1",
        "name": "read_file",
        "arguments": '{"path": "a.py"}',
    },
    {
        "id": "fc_2",
        "type": "function_call",
        "status": "completed",
        "call_id": "c2",
        "name": "read_file",
        "arguments": '{"path": "b.py"}',
    },
]
RESPONSES = Golden(
    wire="openai_responses",
    native=ITEMS,
    body={
        "model": "m",
        "tools": [{"type": "function", **FUNCTION, "strict": False}],
        "instructions": "Be brief.",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is it?"},
                    {"type": "input_image", "image_url": DATA_URL, "detail": "auto"},
                ],
            },
            *ITEMS,
            {"type": "function_call_output", "call_id": "c1", "output": "alpha"},
            {"type": "function_call_output", "call_id": "c2", "output": "No such file."},
            {"role": "user", "content": [{"type": "input_text", "text": "Go on."}]},
        ],
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "max_output_tokens": 4_000,
        "text": {"format": {"type": "json_schema", "name": "reply", "strict": True, "schema": SCHEMA}},
    },
    stripped=[
        {"role": "assistant", "content": [{"type": "output_text", "text": "Looking."}]},
        {"type": "function_call", "call_id": "c1", "name": "read_file", "arguments": '{"path": "a.py"}'},
        {"type": "function_call", "call_id": "c2", "name": "read_file", "arguments": '{"path": "b.py"}'},
    ],
)

SAID: list[dict[str, Any]] = [
    {"type": "text", "text": "Looking."},
    {"type": "tool_use", "id": "c1", "name": "read_file", "input": {"path": "a.py"}},
    {"type": "tool_use", "id": "c2", "name": "read_file", "input": {"path": "b.py"}},
]
BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Hm.", "signature": "s"},
    {"type": "redacted_thinking", "data": "r"},
    *SAID,
]
ANTHROPIC = Golden(
    wire="anthropic",
    native=BLOCKS,
    body={
        "model": "m",
        "tools": [{"name": "read_file", "description": "Read a file.", "input_schema": PARAMETERS}],
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aW1n"}},
                ],
            },
            {"role": "assistant", "content": BLOCKS},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "alpha"},
                    {"type": "tool_result", "tool_use_id": "c2", "content": "No such file.", "is_error": True},
                    {"type": "text", "text": "Go on."},
                ],
            },
        ],
        "max_tokens": 4_000,
        "stream": True,
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    },
    stripped=[{"role": "assistant", "content": SAID}],
)

FIRST = {"functionCall": {"name": "read_file", "args": {"path": "a.py"}}}
SECOND = {"functionCall": {"name": "read_file", "args": {"path": "b.py"}}}
PARTS: list[dict[str, Any]] = [{"text": "Looking."}, {**FIRST, "thoughtSignature": "c2ln"}, SECOND]
GEMINI = Golden(
    wire="gemini",
    native=PARTS,
    body={
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "read_file", "description": "Read a file.", "parametersJsonSchema": PARAMETERS},
                ]
            }
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [{"text": "What is it?"}, {"inlineData": {"mimeType": "image/png", "data": "aW1n"}}],
            },
            {"role": "model", "parts": PARTS},
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "read_file", "response": {"output": "alpha"}}},
                    {"functionResponse": {"name": "read_file", "response": {"error": "No such file."}}},
                    {"text": "Go on."},
                ],
            },
        ],
        "generationConfig": {
            "maxOutputTokens": 4_000,
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
        },
    },
    stripped=[{"role": "model", "parts": [{"text": "Looking."}, FIRST, SECOND]}],
)

OBJECTS = [
    {"function": {"name": "read_file", "arguments": {"path": "a.py"}}},
    {"function": {"name": "read_file", "arguments": {"path": "b.py"}}},
]
OLLAMA = Golden(
    wire="ollama",
    native={"thinking": "Hm."},
    body={
        "model": "m",
        "tools": [{"type": "function", "function": FUNCTION}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is it?", "images": ["aW1n"]},
            {"role": "assistant", "content": "Looking.", "thinking": "Hm.", "tool_calls": OBJECTS},
            {"role": "tool", "tool_name": "read_file", "content": "alpha"},
            {"role": "tool", "tool_name": "read_file", "content": "No such file."},
            {"role": "user", "content": "Go on."},
        ],
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": {"num_predict": 4_000, "num_ctx": 8_192},
        "format": SCHEMA,
    },
    stripped=[{"role": "assistant", "content": "Looking.", "tool_calls": OBJECTS}],
)
GOLDEN = [CHAT, RESPONSES, ANTHROPIC, GEMINI, OLLAMA]
every = pytest.mark.parametrize("golden", GOLDEN, ids=[one.wire for one in GOLDEN])


def encoded(golden: Golden, slug: str) -> dict[str, Any]:
    at = replace(endpoint(golden.wire, reasoning=EFFORTS), window_tokens=8_192)
    return body(conversation(golden.native, slug), at)


@every
def test_a_whole_conversation_at_the_endpoint_that_thought_it(golden: Golden) -> None:
    assert encoded(golden, endpoint(golden.wire).slug) == golden.body


@every
def test_thoughts_are_left_out_at_any_other_endpoint(golden: Golden) -> None:
    """Signatures and sealed blocks are refused where they were not made."""
    field = next(name for name in ("messages", "contents", "input") if name in golden.body)
    answers = [one for one in encoded(golden, "other/m")[field] if one.get("role") in ("assistant", "model") or "name" in one]
    assert answers == golden.stripped


@every
def test_the_same_request_is_the_same_bytes_and_a_longer_one_begins_with_them(golden: Golden) -> None:
    """A cache matches bytes: nothing of an earlier turn is written anew."""
    request = conversation(golden.native, endpoint(golden.wire).slug)
    at = endpoint(golden.wire)
    longer = replace(request, messages=(*request.messages[:-1],))
    first, second = json.dumps(body(longer, at)), json.dumps(body(request, at))
    assert json.dumps(body(request, at)) == second
    place = first.index("No such file.")
    assert second.startswith(first[:place])


@every
def test_encoding_changes_nothing_of_what_is_kept(golden: Golden) -> None:
    before = json.dumps(golden.native)
    encoded(golden, endpoint(golden.wire).slug)
    assert json.dumps(golden.native) == before


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        ("openai_chat", "/chat/completions"),
        ("openai_responses", "/responses"),
        ("anthropic", "/messages"),
        ("gemini", "/models/m:streamGenerateContent?alt=sse"),
        ("ollama", "/api/chat"),
    ],
)
def test_where_it_is_posted(wire: WireName, path: str) -> None:
    from tallystick_agent.providers.wire.formats import wire_of

    at = endpoint(wire)
    request = conversation(None, at.slug)
    assert wire_of(at, request).path(request, at) == path
    whole = replace(request, stream=False)
    assert wire_of(at, whole).path(whole, at) == path.replace(":streamGenerateContent?alt=sse", ":generateContent")
    assert body(whole, at).get("stream", False) is False
