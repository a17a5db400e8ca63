"""Roo Code as its requests look on the wire, written anew after its source: it lives in VS Code and has no program of its own.

Owns those requests; the answers are read as its client library reads them, by chunks.
"""

import json
from typing import Any, Final, cast

import httpx

from tests.support.gateway_clients.client import Came, Client, Place
from tests.support.gateway_clients.model import DONE, TASK

VERSION: Final = "3.53.0"
Json = dict[str, Any]


def function(name: str, **properties: str) -> Json:
    """A tool as it offers them: strict, every property required."""
    shape = {name: {"type": kind, "description": "Given."} for name, kind in properties.items()}
    schema = {"type": "object", "properties": shape, "required": list(properties), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": "Does it.", "parameters": schema, "strict": True}}


TOOLS: Final = [
    function("read_file", path="string"),
    function("write_to_file", path="string", content="string"),
    function("attempt_completion", result="string"),
]
KEPT: Final = {"cache_control": {"type": "ephemeral"}}


def headers(place: Place) -> dict[str, str]:
    return {
        "HTTP-Referer": "https://github.com/RooVetGit/Roo-Cline",
        "X-Title": "Roo Code",
        "User-Agent": f"RooCode/{VERSION}",
        "Authorization": f"Bearer {place.key}",
        "Accept": "application/json",
        "X-Stainless-Lang": "js",
        "X-Stainless-Retry-Count": "0",
    }


def body(place: Place, history: list[Json], *, by_openrouter: bool) -> Json:
    """One request; as an OpenRouter user's it has more fields."""
    system = {"role": "system", "content": [{"type": "text", "text": "You are Roo.", **KEPT}]}
    common: Json = {
        "model": place.model,
        "temperature": 0,
        "messages": [system, *history],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": TOOLS,
        "tool_choice": "auto",
        "parallel_tool_calls": False,
    }
    more: Json = {"max_tokens": 8_192, "top_p": 1, "transforms": ["middle-out"], "reasoning": {"effort": "medium"}}
    return {**common, **more} if by_openrouter else common


def heard(text: str) -> Json:
    """The assistant's message out of a stream, as it goes back with the next request."""
    said, calls = "", cast(dict[int, Json], {})
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]", lines[-1]
    chunks: list[Json] = [json.loads(line) for line in lines[:-1]]
    assert any(chunk.get("usage") for chunk in chunks), "no usage came"
    for choice in (one for chunk in chunks for one in chunk["choices"]):
        delta: Json = choice["delta"]
        said += delta.get("content") or ""
        for piece in cast(list[Json], delta.get("tool_calls") or []):
            call = calls.setdefault(piece["index"], {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
            call["id"] = piece.get("id") or call["id"]
            for part in ("name", "arguments"):
                call["function"][part] += piece["function"].get(part) or ""
    return {"role": "assistant", "content": said, **({"tool_calls": list(calls.values())} if calls else {})}


def run(place: Place) -> Came:
    """Reads, writes and ends, by tools alone."""
    details = {"type": "text", "text": "<environment_details>\n# Visible files\n</environment_details>", **KEPT}
    history: list[Json] = [{"role": "user", "content": [{"type": "text", "text": f"<task>\n{TASK}\n</task>"}, details]}]
    with httpx.Client(trust_env=False, timeout=60, headers=headers(place)) as client:
        listed = client.get(f"{place.base}/models")
        assert place.model in [one["id"] for one in listed.json()["data"]], listed.text[:500]
        for step in range(3):
            answer = client.post(f"{place.base}/chat/completions", json=body(place, history, by_openrouter=step % 2 == 0))
            assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:500]}"
            message = heard(answer.text)
            history.append(message)
            (call,) = message["tool_calls"]
            given: Json = json.loads(call["function"]["arguments"])
            done = {"role": "tool", "tool_call_id": call["id"], "content": "Read."}
            match call["function"]["name"]:
                case "write_to_file":
                    (place.repository / "calc.py").write_text(given["content"], "utf-8")
                case "attempt_completion":
                    assert given == {"result": DONE}
                    break
                case _:
                    pass
            history.append(done)
    assert place.mended
    return Came(version=f"as of {VERSION}, by its wire")


ROO: Final = Client(name="roo", app="github.com/RooVetGit/Roo-Cline", wire="chat", streaming="streamed", package="", run=run)
