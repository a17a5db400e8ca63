"""What the official clients make of a gateway's refusals. Run by the python of `.venv-clients`; knows none of our code.

Reads ROOT, API_KEY and MODEL. Prints JSON: for each case the client's own exception, its status and the message it read.
"""

import importlib
import json
import os
from collections.abc import Callable
from typing import Any

openai: Any = importlib.import_module("openai")
anthropic: Any = importlib.import_module("anthropic")
ROOT, KEY, MODEL = os.environ["ROOT"], os.environ["API_KEY"], os.environ["MODEL"]
ASKED: Any = [{"role": "user", "content": "Hello."}]
Ask = Callable[..., Any]
"""From a key, a model and other fields."""


def chat(key: str, model: str, **more: Any) -> Any:
    client = openai.OpenAI(base_url=f"{ROOT}/v1", api_key=key, max_retries=0)
    return client.chat.completions.create(**{"model": model, "messages": ASKED, **more})


def responses(key: str, model: str, **more: Any) -> Any:
    client = openai.OpenAI(base_url=f"{ROOT}/v1", api_key=key, max_retries=0)
    return client.responses.create(**{"model": model, "input": ASKED, **more})


def messages(key: str, model: str, **more: Any) -> Any:
    client = anthropic.Anthropic(base_url=ROOT, api_key=key, max_retries=0)
    return client.messages.create(**{"model": model, "messages": ASKED, "max_tokens": 50, **more})


def refused(ask: Callable[[], Any]) -> dict[str, Any]:
    try:
        ask()
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        body: Any = error.body
        inner = body.get("error", body)
        return {"raised": type(error).__name__, "status": error.status_code, "message": inner["message"], "type": inner["type"]}
    return {"raised": ""}


def cases(ask: Ask, words: str) -> dict[str, Callable[[], Any]]:
    """`words` is the field for what is asked, which gets a number."""
    return {
        "wrong key": lambda: ask("tally-wrong", MODEL),
        "wrong key, streamed": lambda: ask("tally-wrong", MODEL, stream=True),
        "unknown model": lambda: ask(KEY, "nobody/knows"),
        "no words": lambda: ask(KEY, MODEL, **{words: 7}),
    }


found: dict[str, dict[str, Any]] = {}
for name, ask, words in (("chat", chat, "messages"), ("responses", responses, "input"), ("messages", messages, "messages")):
    found.update({f"{name}: {case}": refused(one) for case, one in cases(ask, words).items()})
print(json.dumps(found))
