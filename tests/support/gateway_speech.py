"""What the gateway's three dialects say, in words of a test's own. Owns how a test writes a request and reads an answer.

Nothing here is the product's: an answer is read by the published shapes, strictly.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

Json = dict[str, Any]
PATHS: Final = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
DIALECTS: Final = tuple(PATHS)
NATIVE: Final = {"chat": "openai_chat", "responses": "openai_responses", "messages": "anthropic"}
"""The wire on which a dialect is passed on."""
SCHEMA: Final[Json] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def request(dialect: str, model: str, prompt: str = "Hello?", *, stream: bool = False, **more: Any) -> Json:
    said: Json = {"role": "user", "content": prompt}
    if dialect == "chat":
        end: Json = {"stream_options": {"include_usage": True}} if stream else {}
        return {"model": model, "messages": [said], "stream": stream, **end, **more}
    if dialect == "responses":
        return {"model": model, "input": [said], "stream": stream, **more}
    return {"model": model, "messages": [said], "max_tokens": 500, "stream": stream, **more}


def tools(dialect: str) -> list[Json]:
    if dialect == "chat":
        return [{"type": "function", "function": {"name": "weather", "description": "Look.", "parameters": SCHEMA}}]
    if dialect == "responses":
        return [{"type": "function", "name": "weather", "description": "Look.", "parameters": SCHEMA}]
    return [{"name": "weather", "description": "Look.", "input_schema": SCHEMA}]


@dataclass(slots=True, kw_only=True)
class Heard:
    """One answer."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=lambda: [])
    """Id, name, arguments as JSON."""
    finish: str = ""
    usage: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Input, output, cached, reasoning; the input is inclusive. A dialect that has no word for reasoning tells 0."""
    history: list[Json] = field(default_factory=lambda: [])
    """What the caller puts into its history."""
    error: Json | None = None


def events_of(body: str) -> list[tuple[str, str]]:
    """Server-sent events: name and data."""
    found: list[tuple[str, str]] = []
    for block in body.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        name = next((line.removeprefix("event: ") for line in lines if line.startswith("event: ")), "")
        data = "\n".join(line.removeprefix("data: ") for line in lines if line.startswith("data: "))
        if data:
            found.append((name, data))
    return found


def heard(dialect: str, response: httpx.Response, *, stream: bool) -> Heard:
    assert response.status_code == 200, response.text
    kind = response.headers["content-type"].partition(";")[0]
    assert kind == ("text/event-stream" if stream else "application/json")
    if not stream:
        return _WHOLE[dialect](response.json())
    return _STREAM[dialect](events_of(response.text))


def _chat_usage(used: Json) -> tuple[int, int, int, int]:
    assert used["total_tokens"] == used["prompt_tokens"] + used["completion_tokens"]
    details: Json = used.get("completion_tokens_details") or {}
    return (
        used["prompt_tokens"],
        used["completion_tokens"],
        used["prompt_tokens_details"]["cached_tokens"],
        details.get("reasoning_tokens", 0),
    )


def _chat_whole(body: Json) -> Heard:
    assert body["object"] == "chat.completion"
    (choice,) = body["choices"]
    message: Json = choice["message"]
    assert message["role"] == "assistant"
    calls = [
        (one["id"], one["function"]["name"], json.loads(one["function"]["arguments"])) for one in message.get("tool_calls", [])
    ]
    return Heard(
        text=message["content"] or "",
        reasoning=message.get("reasoning", ""),
        calls=calls,
        finish=choice["finish_reason"],
        usage=_chat_usage(body["usage"]),
        history=[message],
    )


def _chat_stream(events: list[tuple[str, str]]) -> Heard:
    found, calls = Heard(), dict[int, Json]()
    message: Json = {"role": "assistant", "content": ""}
    assert all(name == "" for name, _ in events)
    if events[-1][1] == "[DONE]":
        events = events[:-1]
    else:
        assert '"error"' in events[-1][1], "a stream ends with [DONE] or with an error"
    for _, data in events:
        chunk: Json = json.loads(data)
        assert chunk["object"] == "chat.completion.chunk"
        if "error" in chunk:
            found.error = chunk["error"]
        if chunk.get("usage"):
            found.usage = _chat_usage(chunk["usage"])
        for choice in chunk["choices"]:
            assert not found.finish, "something is said after the end"
            delta: Json = choice["delta"]
            found.text += delta.get("content") or ""
            found.reasoning += delta.get("reasoning") or ""
            if delta.get("reasoning_details"):
                message.setdefault("reasoning_details", []).extend(delta["reasoning_details"])
            pieces: list[Json] = delta.get("tool_calls") or []
            for piece in pieces:
                one = calls.setdefault(
                    piece["index"], {"id": piece.get("id"), "type": "function", "function": {"name": "", "arguments": ""}}
                )
                one["function"]["name"] += piece["function"].get("name") or ""
                one["function"]["arguments"] += piece["function"].get("arguments") or ""
            found.finish = choice["finish_reason"] or ""
    found.calls = [(one["id"], one["function"]["name"], json.loads(one["function"]["arguments"])) for one in calls.values()]
    message["content"] = found.text
    found.history = [{**message, **({"tool_calls": list(calls.values())} if calls else {})}]
    return found


def _responses_whole(body: Json) -> Heard:
    assert body["object"] == "response"
    found = Heard(finish=body["status"], history=body["output"])
    for item in body["output"]:
        match item["type"]:
            case "message":
                found.text += "".join(part["text"] for part in item["content"])
            case "reasoning":
                found.reasoning += "".join(part["text"] for part in item["summary"])
            case "function_call":
                found.calls.append((item["call_id"], item["name"], json.loads(item["arguments"])))
            case other:
                raise AssertionError(other)
    used: Json | None = body.get("usage")
    if used is not None:
        assert used["total_tokens"] == used["input_tokens"] + used["output_tokens"]
        cached, thought = used["input_tokens_details"]["cached_tokens"], used["output_tokens_details"]["reasoning_tokens"]
        found.usage = used["input_tokens"], used["output_tokens"], cached, thought
    return found


def _responses_stream(events: list[tuple[str, str]]) -> Heard:
    parsed: list[Json] = [json.loads(data) for _, data in events]
    assert [one["type"] for one in parsed] == [name for name, _ in events]
    assert [one["sequence_number"] for one in parsed] == list(range(len(parsed)))
    assert [one["type"] for one in parsed[:2]] == ["response.created", "response.in_progress"]
    done = [one["item"] for one in parsed if one["type"] == "response.output_item.done"]
    told = "".join(one["delta"] for one in parsed if one["type"] == "response.output_text.delta")
    last = parsed[-1]
    assert last["type"] in ("response.completed", "response.incomplete", "response.failed")
    if last["type"] == "response.failed":
        return Heard(text=told, finish="failed", error=last["response"]["error"])
    assert last["response"]["output"] == done
    found = _responses_whole(last["response"])
    assert found.text == told
    return found


def _messages_usage(used: Json) -> tuple[int, int, int, int]:
    cached = used["cache_read_input_tokens"]
    details: Json = used.get("output_tokens_details") or {}
    return (
        used["input_tokens"] + cached + used["cache_creation_input_tokens"],
        used["output_tokens"],
        cached,
        details.get("thinking_tokens", 0),
    )


def _blocks(blocks: Iterable[Json]) -> Heard:
    found = Heard()
    for block in blocks:
        match block["type"]:
            case "text":
                found.text += block["text"]
            case "thinking":
                found.reasoning += block["thinking"]
            case "tool_use":
                found.calls.append((block["id"], block["name"], block["input"]))
            case other:
                raise AssertionError(other)
    return found


def _messages_whole(body: Json) -> Heard:
    assert (body["type"], body["role"]) == ("message", "assistant")
    found = _blocks(body["content"])
    found.finish, found.usage = body["stop_reason"], _messages_usage(body["usage"])
    found.history = [{"role": "assistant", "content": body["content"]}]
    return found


def _messages_stream(events: list[tuple[str, str]]) -> Heard:
    parsed: list[Json] = [json.loads(data) for _, data in events]
    assert [one["type"] for one in parsed] == [name for name, _ in events]
    assert parsed[0]["type"] == "message_start"
    blocks: list[Json] = []
    finish, usage, error, arguments = "", (0, 0, 0, 0), None, ""
    for one in parsed:
        match one["type"]:
            case "content_block_start":
                assert one["index"] == len(blocks)
                blocks.append(dict(one["content_block"]))
                arguments = ""
            case "content_block_delta":
                assert one["index"] == len(blocks) - 1
                for name in ("text", "thinking", "signature"):
                    if name in one["delta"]:
                        blocks[-1][name] = blocks[-1].get(name, "") + one["delta"][name]
                arguments += one["delta"].get("partial_json", "")
            case "content_block_stop" if blocks[-1]["type"] == "tool_use":
                blocks[-1]["input"] = json.loads(arguments or "{}")
            case "message_delta":
                finish, usage = one["delta"]["stop_reason"], _messages_usage(one["usage"])
            case "error":
                error = one["error"]
            case _:
                pass
    found = _blocks(blocks)
    found.finish, found.usage, found.error = finish, usage, error
    found.history = [{"role": "assistant", "content": blocks}]
    if error is None:
        assert parsed[-1]["type"] == "message_stop"
    return found


_WHOLE: Final = {"chat": _chat_whole, "responses": _responses_whole, "messages": _messages_whole}
_STREAM: Final = {"chat": _chat_stream, "responses": _responses_stream, "messages": _messages_stream}


def result(dialect: str, call_id: str, text: str) -> Json:
    """A tool's result as the next message."""
    if dialect == "chat":
        return {"role": "tool", "tool_call_id": call_id, "content": text}
    if dialect == "responses":
        return {"type": "function_call_output", "call_id": call_id, "output": text}
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": text}]}


def refusal(dialect: str, response: httpx.Response) -> str:
    """The message of an error in the shape of a dialect."""
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    body: Json = response.json()
    told: Json = body["error"]
    for name in ("message", "type"):
        assert isinstance(told[name], str)
        assert told[name]
    if dialect == "messages":
        assert body["type"] == "error"
        assert told["type"] == _KINDS.get(response.status_code, told["type"])
    else:
        assert told["code"] == response.status_code
        assert "param" in told
    return str(told["message"])


_KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    421: "invalid_request_error",
    429: "rate_limit_error",
}
