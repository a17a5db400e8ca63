"""LangChain for Python at a gateway. Run by the python of `.venv-clients`; knows none of our code.

Reads BASE_URL (with `/v1`), API_KEY and MODEL. Prints JSON: what was heard, and the tokens that the client itself was told.
"""

import importlib
import importlib.metadata
import json
import os
from typing import Any

messages_of: Any = importlib.import_module("langchain_core.messages")
tools: Any = importlib.import_module("langchain_core.tools")
chats: Any = importlib.import_module("langchain_openai")
heard: list[str] = []
told = {"input": 0, "output": 0}


def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"Sunny in {city}."


def add(message: Any) -> None:
    told["input"] += message.usage_metadata["input_tokens"]
    told["output"] += message.usage_metadata["output_tokens"]


chat: Any = chats.ChatOpenAI(
    model=os.environ["MODEL"],
    base_url=os.environ["BASE_URL"],
    api_key=os.environ["API_KEY"],
    max_retries=0,
    stream_usage=True,
)
messages: list[Any] = [messages_of.HumanMessage("How is the weather in Zürich?")]
offered: Any = tools.tool(weather)
with_tools = chat.bind_tools([offered])
first = with_tools.invoke(messages)
add(first)
messages.append(first)
for call in first.tool_calls:
    heard.append(f"{call['name']} {call['args']['city']}")
    messages.append(messages_of.ToolMessage(offered.invoke(call["args"]), tool_call_id=call["id"]))
last = with_tools.invoke(messages)
add(last)
heard.append(str(last.text))

whole: Any = None
for piece in chat.stream("Say it in pieces."):
    whole = piece if whole is None else whole + piece
add(whole)
heard.append(str(whole.text))

schema = {
    "title": "Stick",
    "type": "object",
    "properties": {"halves": {"type": "integer"}},
    "required": ["halves"],
    "additionalProperties": False,
}
shaped: Any = chat.with_structured_output(schema, method="json_schema", include_raw=True).invoke("How many halves?")
add(shaped["raw"])
heard.append(json.dumps(shaped["parsed"]))
print(json.dumps({"heard": heard, "told": told, "version": importlib.metadata.version("langchain-openai")}))
