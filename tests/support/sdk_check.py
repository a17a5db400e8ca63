"""What the official clients make of the scripted provider. Run by the python of `.venv-sdks`; knows none of our code.

    python sdk_check.py SDK ROOT CASE…

Asks for each case twice through the real client, once as a stream and once whole, and reads the bytes of both again
strictly by the client's own types. Prints JSON: {case: {"stream": heard, "whole": heard, "problems": [path: what, …]}}.
`heard` has text, reasoning, calls as [name, arguments], finish as the client shows it, usage in neutral numbers, error.
"""

import functools
import importlib
import json
import sys
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

MODEL = "scripted"


@dataclass(slots=True)
class Heard:
    text: str = ""
    reasoning: str = ""
    calls: dict[str, list[str]] = field(default_factory=lambda: {})
    """By index or id: name and arguments."""
    finish: str = ""
    usage: dict[str, int] | None = None
    error: str = ""

    def call(self, key: Any, name: str | None, arguments: str | None) -> None:
        one = self.calls.setdefault(str(key), ["", ""])
        one[0] += name or ""
        one[1] += arguments or ""

    def as_json(self) -> dict[str, Any]:
        calls = [[name, json.loads(arguments or "{}")] for name, arguments in self.calls.values()]
        rest = {"finish": self.finish, "usage": self.usage, "error": self.error}
        return {"text": self.text, "reasoning": self.reasoning, "calls": calls, **rest}


def number(source: Any, *names: str) -> int:
    """A count behind attributes or keys; 0 where one is not there."""
    for name in names:
        source = cast(dict[str, Any], source).get(name) if isinstance(source, dict) else getattr(source, name, None)
    return source if isinstance(source, int) else 0


def text(value: Any) -> str:
    """A string as the client shows it; nothing for its marks of an absent value."""
    value = getattr(value, "value", value)
    return value if isinstance(value, str) else ""


def many(value: Any) -> list[Any]:
    return list(value or [])


def load(name: str) -> Any:
    return importlib.import_module(name)


# --- OpenAI's Chat Completions, read by four clients -------------------------------------------------------------------


def chat_usage(usage: Any) -> dict[str, int] | None:
    if not usage:
        return None
    return {
        "input": number(usage, "prompt_tokens"),
        "output": number(usage, "completion_tokens"),
        "cached": number(usage, "prompt_tokens_details", "cached_tokens"),
        "cache_write": number(usage, "prompt_tokens_details", "cache_write_tokens"),
        "reasoning": number(usage, "completion_tokens_details", "reasoning_tokens"),
    }


def chat_message(heard: Heard, message: Any, *, pieces: bool = False) -> None:
    """A whole message, or a delta with calls in pieces."""
    heard.text += text(getattr(message, "content", "")) + text(getattr(message, "refusal", ""))
    heard.reasoning += text(getattr(message, "reasoning", ""))
    for position, call in enumerate(many(getattr(message, "tool_calls", None))):
        heard.call(call.index if pieces else position, text(call.function.name), text(call.function.arguments))


def chat_chunks(chunks: Iterable[Any]) -> Heard:
    heard = Heard()
    for chunk in chunks:
        for choice in chunk.choices:
            chat_message(heard, choice.delta, pieces=True)
            heard.finish = text(choice.finish_reason) or heard.finish
        if getattr(chunk, "error", None):
            heard.error = chunk.error.message
        heard.usage = chat_usage(getattr(chunk, "usage", None)) or heard.usage
    return heard


def chat_whole(answer: Any) -> Heard:
    heard = Heard(finish=text(answer.choices[0].finish_reason), usage=chat_usage(answer.usage))
    chat_message(heard, answer.choices[0].message)
    extra: dict[str, Any] = getattr(answer.choices[0], "model_extra", None) or {}
    heard.error = extra["error"]["message"] if extra.get("error") else ""
    return heard


Ask = Callable[[str], Heard]
"""From a prompt to what the client heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    stream: Ask
    whole: Ask
    path: str
    """Behind the root, for the bytes of a stream."""
    whole_path: str = ""
    body: Callable[[str], dict[str, Any]] = lambda prompt: {"messages": [{"role": "user", "content": prompt}]}
    event: Any = None
    """The type of an event, and of an answer; without one, only what the client heard is checked."""
    answer: Any = None
    error: Any = None
    """The type of an error; a client without one reads the message alone."""
    skip: tuple[str, ...] = ()
    """Event types for which the client has no type, and which it passes over."""
    manner: str = "case"
    """How the prompt asks: `whole-calls` for a client that takes no call in pieces."""


def user(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def openai_chat(root: str) -> Sdk:
    openai, chat = load("openai"), load("openai.types.chat")
    create = openai.OpenAI(api_key="sk-scripted", base_url=f"{root}/v1", max_retries=0).chat.completions.create
    return Sdk(
        stream=lambda prompt: chat_chunks(create(model=MODEL, messages=user(prompt), stream=True)),
        whole=lambda prompt: chat_whole(create(model=MODEL, messages=user(prompt))),
        path="/v1/chat/completions",
        event=chat.ChatCompletionChunk,
        answer=chat.ChatCompletion,
    )


def groq(root: str) -> Sdk:
    create = load("groq").Groq(api_key="gsk-scripted", base_url=f"{root}/openai", max_retries=0).chat.completions.create
    return Sdk(
        stream=lambda prompt: chat_chunks(create(model=MODEL, messages=user(prompt), stream=True)),
        whole=lambda prompt: chat_whole(create(model=MODEL, messages=user(prompt))),
        path="/openai/v1/chat/completions",
    )


def mistral(root: str) -> Sdk:
    chat = load("mistralai.client").Mistral(api_key="scripted", server_url=root).chat
    return Sdk(
        stream=lambda prompt: chat_chunks(event.data for event in chat.stream(model=MODEL, messages=user(prompt))),
        whole=lambda prompt: chat_whole(chat.complete(model=MODEL, messages=user(prompt))),
        path="/v1/chat/completions",
        manner="whole-calls",
    )


def openrouter(root: str) -> Sdk:
    chat = load("openrouter").OpenRouter(api_key="sk-or-scripted", server_url=f"{root}/api/v1").chat
    components = load("openrouter.components")
    return Sdk(
        stream=lambda prompt: chat_chunks(chat.send(model=MODEL, messages=user(prompt), stream=True)),
        whole=lambda prompt: chat_whole(chat.send(model=MODEL, messages=user(prompt))),
        path="/api/v1/chat/completions",
        event=components.ChatStreamChunk,
        answer=components.ChatResult,
    )


# --- OpenAI's Responses ------------------------------------------------------------------------------------------------


def response_end(heard: Heard, response: Any) -> Heard:
    heard.finish = (response.incomplete_details.reason if response.incomplete_details else "") or response.status
    usage = response.usage
    if usage is not None:
        heard.usage = {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": number(usage, "input_tokens_details", "cached_tokens"),
            "cache_write": number(usage, "input_tokens_details", "cache_write_tokens"),
            "reasoning": number(usage, "output_tokens_details", "reasoning_tokens"),
        }
    heard.error = response.error.message if response.error else ""
    return heard


def response_events(events: Iterable[Any]) -> Heard:
    heard = Heard()
    for position, event in enumerate(events):
        assert event.sequence_number == position, f"{event.type} has the number {event.sequence_number}, not {position}"
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta":
                heard.text += event.delta
            case "response.reasoning_summary_text.delta":
                heard.reasoning += event.delta
            case "response.output_item.added" if event.item.type == "function_call":
                assert event.item.id != event.item.call_id, "an item's id is not its call's"
                heard.call(event.item.id, event.item.name, "")
            case "response.function_call_arguments.delta":
                heard.call(event.item_id, "", event.delta)
            case "response.completed" | "response.incomplete" | "response.failed":
                whole = response_whole(event.response)
                assert (whole.text, whole.reasoning) == (heard.text, heard.reasoning), "the end repeats what was streamed"
                response_end(heard, event.response)
            case _:
                pass
    return heard


def response_whole(response: Any) -> Heard:
    heard = Heard()
    for item in response.output:
        if item.type == "message":
            heard.text += "".join(part.text if part.type == "output_text" else part.refusal for part in item.content)
        elif item.type == "reasoning":
            heard.reasoning += "".join(part.text for part in item.summary)
        elif item.type == "function_call":
            heard.call(item.id, item.name, item.arguments)
    return response_end(heard, response)


def openai_responses(root: str) -> Sdk:
    create = load("openai").OpenAI(api_key="sk-scripted", base_url=f"{root}/v1", max_retries=0).responses.create
    types = load("openai.types.responses")
    return Sdk(
        stream=lambda prompt: response_events(create(model=MODEL, input=prompt, stream=True)),
        whole=lambda prompt: response_whole(create(model=MODEL, input=prompt)),
        path="/v1/responses",
        event=types.ResponseStreamEvent,
        answer=types.Response,
    )


# --- Anthropic, Gemini, Ollama -----------------------------------------------------------------------------------------


def message(answer: Any) -> Heard:
    heard = Heard(finish=answer.stop_reason)
    for block in answer.content:
        heard.text += getattr(block, "text", "")
        heard.reasoning += getattr(block, "thinking", "")
        if block.type == "tool_use":
            heard.call(block.id, block.name, json.dumps(block.input))
    usage = answer.usage
    cached, written = number(usage, "cache_read_input_tokens"), number(usage, "cache_creation_input_tokens")
    heard.usage = {
        "input": usage.input_tokens + cached + written,
        "output": usage.output_tokens,
        "cached": cached,
        "cache_write": written,
        "reasoning": number(usage, "output_tokens_details", "thinking_tokens"),
    }
    return heard


def anthropic(root: str) -> Sdk:
    messages = load("anthropic").Anthropic(api_key="sk-ant-scripted", base_url=root, max_retries=0).messages
    types = load("anthropic.types")

    def stream(prompt: str) -> Heard:
        with messages.stream(model=MODEL, max_tokens=100, messages=user(prompt)) as events:
            return message(events.get_final_message())

    return Sdk(
        stream=stream,
        whole=lambda prompt: message(messages.create(model=MODEL, max_tokens=100, messages=user(prompt))),
        path="/v1/messages",
        event=types.RawMessageStreamEvent,
        answer=types.Message,
        error=types.BetaErrorResponse,
        skip=("ping",),
    )


def contents(answers: Iterable[Any]) -> Heard:
    heard = Heard()
    for answer in answers:
        candidate = answer.candidates[0]
        for part in many(candidate.content.parts):
            if part.function_call:
                heard.call(len(heard.calls), part.function_call.name, json.dumps(part.function_call.args))
            elif part.thought:
                heard.reasoning += part.text
            else:
                heard.text += part.text or ""
        heard.finish = text(candidate.finish_reason) or heard.finish
        usage = answer.usage_metadata
        thoughts = number(usage, "thoughts_token_count")
        heard.usage = {
            "input": number(usage, "prompt_token_count"),
            "output": number(usage, "candidates_token_count") + thoughts,
            "cached": number(usage, "cached_content_token_count"),
            "cache_write": 0,
            "reasoning": thoughts,
        }
        assert number(usage, "total_token_count") == heard.usage["input"] + heard.usage["output"]
    return heard


def gemini(root: str) -> Sdk:
    # The client closes its connections when nobody holds it any more.
    client = load("google.genai").Client(api_key="scripted", http_options={"base_url": root})
    types = load("google.genai.types")
    path = f"/v1beta/models/{MODEL}"
    return Sdk(
        stream=lambda prompt: contents(client.models.generate_content_stream(model=MODEL, contents=prompt)),
        whole=lambda prompt: contents([client.models.generate_content(model=MODEL, contents=prompt)]),
        path=f"{path}:streamGenerateContent?alt=sse",
        whole_path=f"{path}:generateContent",
        body=lambda prompt: {"contents": [{"role": "user", "parts": [{"text": prompt}]}]},
        event=types.GenerateContentResponse,
        answer=types.GenerateContentResponse,
    )


def ollama_parts(answers: Iterable[Any]) -> Heard:
    heard = Heard()
    for answer in answers:
        heard.text += answer.message.content or ""
        heard.reasoning += answer.message.thinking or ""
        for call in many(answer.message.tool_calls):
            heard.call(len(heard.calls), call.function.name, json.dumps(call.function.arguments))
        if answer.done:
            heard.finish = answer.done_reason
            counts = {"input": answer.prompt_eval_count, "output": answer.eval_count}
            heard.usage = {**counts, "cached": 0, "cache_write": 0, "reasoning": 0}
    return heard


def ollama(root: str) -> Sdk:
    ollama = load("ollama")
    chat = ollama.Client(host=root).chat
    return Sdk(
        stream=lambda prompt: ollama_parts(chat(model=MODEL, messages=user(prompt), stream=True)),
        whole=lambda prompt: ollama_parts([chat(model=MODEL, messages=user(prompt))]),
        path="/api/chat",
        event=ollama.ChatResponse,
        answer=ollama.ChatResponse,
    )


# --- The bytes, read strictly ------------------------------------------------------------------------------------------


def fetch(url: str, body: dict[str, Any]) -> bytes:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        data: bytes = response.read()
        if response.headers.get("content-encoding") == "gzip":
            import gzip

            return gzip.decompress(data)
        return data


def payloads(stream: bytes) -> list[bytes]:
    """The JSON of each event or line."""
    lines = stream.splitlines()
    if any(line.startswith(b"data:") for line in lines):
        lines = [line.removeprefix(b"data:").strip() for line in lines if line.startswith(b"data:")]
    return [line for line in lines if line and line != b"[DONE]"]


@functools.cache
def reader(kind: Any) -> Any:
    return load("pydantic").TypeAdapter(kind)


def problems(kind: Any, payload: bytes) -> list[str]:
    """What the type does not know, and what it misses: paths without positions."""
    try:
        found = reader(kind).validate_json(payload, strict=True)
    except load("pydantic").ValidationError as error:
        return [f"{'.'.join(str(at) for at in one['loc'] if isinstance(at, str))}: {one['type']}" for one in error.errors()]
    return list(unknown(found, json.loads(payload), ""))


def unknown(found: Any, data: Any, path: str) -> Iterable[str]:
    """The fields of `data` that its model does not name."""
    if isinstance(data, list):
        for one, value in zip(many(found), many(data), strict=True):
            yield from unknown(one, value, path)
        return
    fields: Any = getattr(cast(object, found).__class__, "model_fields", None)
    if fields is None or not isinstance(data, dict):
        return
    given = cast(dict[str, Any], data)
    names = {field.alias or name: name for name, field in fields.items()}
    for key, value in given.items():
        if key not in names:
            yield f"{path}{key}: unknown"
        else:
            yield from unknown(getattr(found, names[key]), value, f"{path}{key}.")


def strictly(sdk: Sdk, root: str, prompt: str) -> list[str]:
    if sdk.event is None:
        return []
    body = {"model": MODEL, "input": prompt, **sdk.body(prompt)}
    whole = {"stream": False, **body}
    found = [(sdk.event, one) for one in payloads(fetch(root + sdk.path, {**body, "stream": True}))]
    found.append((sdk.answer, fetch(root + (sdk.whole_path or sdk.path), whole)))
    seen: set[str] = set()
    for kind, payload in found:
        head = json.loads(payload)
        is_error = head.get("type") == "error" or list(head) == ["error"]
        if is_error and sdk.error is not None:
            seen.update(problems(sdk.error, payload))
        elif not is_error and head.get("type") not in sdk.skip:
            seen.update(problems(kind, payload))
    return sorted(seen)


def heard(ask: Ask, prompt: str) -> dict[str, Any]:
    try:
        return ask(prompt).as_json()
    except AssertionError:
        raise
    except Exception as error:
        return {"error": str(error), "raised": type(error).__name__}


SDKS: dict[str, Callable[[str], Sdk]] = {
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "anthropic": anthropic,
    "gemini": gemini,
    "ollama": ollama,
    "openrouter": openrouter,
    "groq": groq,
    "mistral": mistral,
}


def main(name: str, root: str, cases: list[str]) -> None:
    sdk = SDKS[name](root)
    report: dict[str, Any] = {}
    for case in cases:
        prompt = f"{sdk.manner}:{case}"
        told = {"stream": heard(sdk.stream, prompt), "whole": heard(sdk.whole, prompt)}
        report[case] = {**told, "problems": strictly(sdk, root, prompt)}
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
