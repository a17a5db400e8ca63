"""OpenAI's Python client at a gateway. Run by the python of `.venv-clients`; knows none of our code.

Reads BASE_URL (with `/v1`), API_KEY and MODEL. Prints JSON: what was heard, and the tokens that the client itself was told.
"""

import importlib
import json
import os
from typing import Any

openai: Any = importlib.import_module("openai")
TOOL: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
MODEL = os.environ["MODEL"]
client: Any = openai.OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"], max_retries=0)
heard: list[str] = []
told = {"input": 0, "output": 0}


def add(usage: Any) -> None:
    """Both of its APIs, each in its own words."""
    of_chat = hasattr(usage, "prompt_tokens")
    told["input"] += usage.prompt_tokens if of_chat else usage.input_tokens
    told["output"] += usage.completion_tokens if of_chat else usage.output_tokens


def whole() -> None:
    """A tool is asked for, run and reported; the answer follows."""
    tools: Any = [{"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": TOOL}}]
    messages: Any = [{"role": "user", "content": "How is the weather in Zürich?"}]
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
    add(first.usage)
    message = first.choices[0].message
    call = message.tool_calls[0]
    heard.append(f"{call.function.name} {json.loads(call.function.arguments)['city']}")
    messages += [message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}]
    last = client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
    add(last.usage)
    heard.append(last.choices[0].message.content)


def stream() -> None:
    chunks = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say it in pieces."}],
        stream=True,
        stream_options={"include_usage": True},
        max_completion_tokens=500,
    )
    text = ""
    for chunk in chunks:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        if chunk.usage is not None:
            add(chunk.usage)
    heard.append(text)


def responses() -> None:
    answer = client.responses.create(model=MODEL, instructions="Be brief.", input="And here?")
    add(answer.usage)
    heard.append(answer.output_text)
    with client.responses.stream(model=MODEL, input="And in pieces?") as events:
        for _ in events:
            pass
        last = events.get_final_response()
    add(last.usage)
    heard.append(last.output_text)


def pictures() -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
    content: Any = [
        {"type": "text", "text": "What is on it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
    ]
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    add(answer.usage)
    heard.append(answer.choices[0].message.content)


def shaped() -> None:
    """JSON of a schema, on both APIs."""
    schema = {
        "type": "object",
        "properties": {"halves": {"type": "integer"}},
        "required": ["halves"],
        "additionalProperties": False,
    }
    shape = {"name": "stick", "strict": True, "schema": schema}
    asked: Any = [{"role": "user", "content": "How many halves?"}]
    form = {"type": "json_schema", "json_schema": shape}
    answer = client.chat.completions.create(model=MODEL, messages=asked, response_format=form)
    add(answer.usage)
    heard.append(answer.choices[0].message.content)
    other = client.responses.create(model=MODEL, input=asked, text={"format": {"type": "json_schema", **shape}})
    add(other.usage)
    heard.append(other.output_text)


assert MODEL in [model.id for model in client.models.list()]
whole()
stream()
responses()
pictures()
shaped()
print(json.dumps({"heard": heard, "told": told, "version": openai.__version__}))
