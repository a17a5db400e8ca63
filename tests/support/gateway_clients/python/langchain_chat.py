"""LangChain for Python at a gateway. Run by the python of `.venv-clients`; knows none of our code.

Reads BASE_URL (with `/v1`), API_KEY and MODEL. Prints JSON: what was heard, and the tokens that the client itself was told.
"""

import importlib.metadata
import json
import os
from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

heard: list[str] = []
told = {"input": 0, "output": 0}


@tool
def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"Sunny in {city}."


def add(message: Any) -> None:
    told["input"] += message.usage_metadata["input_tokens"]
    told["output"] += message.usage_metadata["output_tokens"]


chat = ChatOpenAI(
    model=os.environ["MODEL"],
    base_url=os.environ["BASE_URL"],
    api_key=SecretStr(os.environ["API_KEY"]),
    max_retries=0,
    stream_usage=True,
)
messages: list[Any] = [HumanMessage("How is the weather in Zürich?")]
with_tools = chat.bind_tools([weather])
first = with_tools.invoke(messages)
add(first)
messages.append(first)
for call in first.tool_calls:
    heard.append(f"{call['name']} {call['args']['city']}")
    messages.append(ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"]))
last = with_tools.invoke(messages)
add(last)
heard.append(str(last.text))

whole: Any = None
for piece in chat.stream("Say it in pieces."):
    whole = piece if whole is None else whole + piece
add(whole)
heard.append(str(whole.text))
print(json.dumps({"heard": heard, "told": told, "version": importlib.metadata.version("langchain-openai")}))
