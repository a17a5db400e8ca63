"""Anthropic's Python client at a gateway, on `/v1/messages`. Run by the python of `.venv-clients`; knows none of our code.

Reads BASE_URL (without `/v1`), API_KEY and MODEL. Prints JSON: what was heard, and the tokens that the client itself was told.
"""

import importlib
import json
import os
from typing import Any

anthropic: Any = importlib.import_module("anthropic")
MODEL = os.environ["MODEL"]
client: Any = anthropic.Anthropic(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"], max_retries=0)
heard: list[str] = []
told = {"input": 0, "output": 0}
tools: Any = [
    {
        "name": "weather",
        "description": "Tells it.",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
]


def add(usage: Any) -> None:
    """The input of this wire leaves out what a cache had part in."""
    told["input"] += usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    told["output"] += usage.output_tokens


def text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


messages: Any = [{"role": "user", "content": "How is the weather in Zürich?"}]
first = client.messages.create(model=MODEL, max_tokens=500, messages=messages, tools=tools)
add(first.usage)
call: Any = next(block for block in first.content if block.type == "tool_use")
heard.append(f"{call.name} {call.input['city']}")
messages.append({"role": "assistant", "content": first.content})
messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Sunny."}]})
last = client.messages.create(model=MODEL, max_tokens=500, messages=messages, tools=tools)
add(last.usage)
heard.append(text(last))

system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
asked: Any = [{"role": "user", "content": "Say it in pieces."}]
with client.messages.stream(model=MODEL, max_tokens=500, system=system, messages=asked) as events:
    streamed = "".join(events.text_stream)
    add(events.get_final_message().usage)
heard.append(streamed)

counted = client.messages.count_tokens(model=MODEL, messages=asked).input_tokens
print(json.dumps({"heard": heard, "told": told, "counted": counted, "version": anthropic.__version__}))
