"""The official clients leave in the middle of an answer. Run by the python of `.venv-clients`; knows none of our code.

Reads ROOT, API_KEY, MODEL and PROMPT; prints the wires on which the first words were heard before it left.
"""

import importlib
import os
from typing import Any

openai: Any = importlib.import_module("openai")
anthropic: Any = importlib.import_module("anthropic")
ROOT, KEY, MODEL = os.environ["ROOT"], os.environ["API_KEY"], os.environ["MODEL"]
ASKED: Any = [{"role": "user", "content": os.environ["PROMPT"]}]

client = openai.OpenAI(base_url=f"{ROOT}/v1", api_key=KEY, max_retries=0)
with client.chat.completions.create(model=MODEL, messages=ASKED, stream=True) as chunks:
    next(chunk for chunk in chunks if chunk.choices[0].delta.content)
    print("chat")
with client.responses.create(model=MODEL, input=ASKED, stream=True) as events:
    next(event for event in events if event.type == "response.output_text.delta")
    print("responses")
other = anthropic.Anthropic(base_url=ROOT, api_key=KEY, max_retries=0)
with other.messages.stream(model=MODEL, messages=ASKED, max_tokens=5_000) as stream:
    next(iter(stream.text_stream))
    print("messages")
