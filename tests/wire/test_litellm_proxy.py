"""A real LiteLLM proxy stands between a client and the scripted provider, and what the script says comes through.

It takes seconds to start, so what is to hold of it is a check in CHECKS, and all of them are one test: the run's workers
would start one proxy each for tests of their own.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.support.litellm_proxy import LiteLLMProxy, litellm_proxy
from tests.support.provider_client import Told, calls_of, endpoint_at, saying, text_of
from tests.support.provider_client import ask as send
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.protocol.chat import ToolSpec
from tallystick_agent.protocol.errors import ContextOverflow, ProviderError
from tallystick_agent.protocol.usage import Usage

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SAID = "The tally stands at seven, and nobody objects."
THOUGHT = "Let me count."
CALLS = 'Both.\ncall read_file {"path": "ä.py"}\ncall read_file {"path": "b.py"}'
NUMBERS: dict[str, Any] = {"input_tokens": 100, "output_tokens": 20}
READ = ToolSpec(
    name="read_file", description="Reads a file.", parameters={"type": "object", "properties": {"path": {"type": "string"}}}
)


def script(body: dict[str, Any], index: int) -> Reply:
    asked = body["messages"][0]["content"]
    if "refuse" in asked:
        return Reply(status=429, body='{"error": {"message": "slowly"}}', headers={"retry-after": "7"})
    if "too long" in asked:
        error = {"message": "This model's maximum context length is 8192 tokens.", "code": "context_length_exceeded"}
        return Reply(status=400, body=json.dumps({"error": error}))
    if "call" in asked:
        return Reply(lines=CALLS, cached=60, **NUMBERS)
    if "break off" in asked:
        return Reply(lines=SAID, error_after="Too many of you.")
    return Reply(lines=f"reasoning {THOUGHT}\n{SAID}" if "think" in asked else SAID, cached=60, reasoning_tokens=7, **NUMBERS)


def ask(proxy: LiteLLMProxy, text: str, *, stream: bool, key: str | None = None) -> httpx.Response:
    body: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": text}], "stream": stream}
    if stream:
        body["stream_options"] = {"include_usage": True}
    headers = {"authorization": f"Bearer {proxy.key if key is None else key}"}
    return httpx.post(f"{proxy.url}/chat/completions", json=body, headers=headers, timeout=60, trust_env=False)


def a_stream_says_what_the_script_says_and_reports_usage(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    response = ask(proxy, "say it", stream=True)
    assert response.status_code == 200, response.text
    data = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    chunks: list[dict[str, Any]] = [json.loads(line) for line in data[:-1]]
    assert "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]) == SAID
    assert [chunk["usage"]["completion_tokens"] > 0 for chunk in chunks if chunk.get("usage")] == [True]


def an_answer_in_one_piece_says_what_the_script_says(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    response = ask(proxy, "say it", stream=False)
    assert response.status_code == 200, response.text
    assert response.json()["choices"][0]["message"]["content"] == SAID
    assert response.json()["usage"]["completion_tokens"] > 0


def the_proxy_hands_on_the_upstream_key_and_not_its_own(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    ask(proxy, "say it", stream=True)
    assert {seen.headers["authorization"] for seen in provider.requests} == {"Bearer the-upstream-key"}
    assert {seen.body["model"] for seen in provider.requests} == {"scripted"}


def a_refusal_of_the_provider_is_asked_once_and_its_retry_after_comes_under_another_name(
    proxy: LiteLLMProxy, provider: ScriptedProvider
) -> None:
    before = len(provider.requests)
    response = ask(proxy, "refuse", stream=True)
    assert (response.status_code, len(provider.requests) - before) == (429, 1)
    assert "retry-after" not in response.headers
    assert response.headers["llm_provider-retry-after"] == "7"


def a_wrong_key_is_refused_before_the_provider_is_asked(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    before = len(provider.requests)
    assert ask(proxy, "say it", stream=False, key="sk-wrong").is_client_error
    assert len(provider.requests) == before


# --- The product's client ----------------------------------------------------------------------------------------------


def tell(proxy: LiteLLMProxy, text: str, *, key: str = "", model: str = "scripted", attempts: int = 1, **fields: Any) -> Told:
    return send(saying(text, **fields), endpoint_at(proxy.url, model=model), key=key or proxy.key, max_attempts=attempts)


def refused(told: Told) -> ProviderError:
    """The error of a request that was refused before a word, and that nobody charges for."""
    assert told.error is not None
    assert (told.visible, told.accepted, told.replies) == (False, 0, [])
    return told.error


def our_client_reads_text_thoughts_and_usage(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    for stream in (True, False):
        told = tell(proxy, "think, and say it", stream=stream)
        assert (told.shown, told.thought, text_of(told.reply)) == (SAID, THOUGHT, SAID)
        assert told.reply.usage == Usage(input_tokens=100, cached_tokens=60, output_tokens=20, reasoning_tokens=7)


def our_client_reads_calls(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    for stream in (True, False):
        reply = tell(proxy, "call it", stream=stream, tools=(READ,)).reply
        assert [json.loads(call.arguments) for call in calls_of(reply)] == [{"path": "ä.py"}, {"path": "b.py"}]
        assert (reply.finish, text_of(reply)) == ("tool_calls", "Both.")
        assert reply.usage == Usage(input_tokens=100, cached_tokens=60, output_tokens=20)


def our_client_waits_as_long_as_the_provider_behind_it_asks(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    before = len(provider.requests)
    told = tell(proxy, "refuse", attempts=2)
    error = refused(told)
    assert (error.code, error.status, error.retry_after_s) == ("provider_rate_limited", 429, 7.0)
    assert [event.retry_in_s is not None for event in told.ended] == [True, False]
    assert len(provider.requests) - before == 2


def our_client_knows_an_overflow_and_its_limit(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    error = refused(tell(proxy, "too long", attempts=2))
    assert isinstance(error, ContextOverflow)
    assert error.limit_tokens == 8192


def an_error_inside_a_stream_is_no_success(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    told = tell(proxy, "break off", attempts=2)
    assert (told.shown, told.replies, len(told.ended)) == (SAID, [], 1)
    assert told.error is not None
    assert "Too many of you." in told.error.message


def a_wrong_key_and_an_unknown_model_are_final(proxy: LiteLLMProxy, provider: ScriptedProvider) -> None:
    before = len(provider.requests)
    wrong = refused(tell(proxy, "say it", key="sk-wrong", attempts=2))
    # Without a database the proxy looks for one before it looks at the key, and says so with a 400.
    assert (wrong.code == "provider_auth", wrong.retryable) == (True, False)
    unknown = refused(tell(proxy, "say it", model="nobody", attempts=2))
    assert (unknown.code == "model_unknown", unknown.retryable) == (True, False)
    assert "nobody" in unknown.message
    assert len(provider.requests) == before


CHECKS: list[Callable[[LiteLLMProxy, ScriptedProvider], None]] = [
    a_stream_says_what_the_script_says_and_reports_usage,
    an_answer_in_one_piece_says_what_the_script_says,
    the_proxy_hands_on_the_upstream_key_and_not_its_own,
    a_refusal_of_the_provider_is_asked_once_and_its_retry_after_comes_under_another_name,
    a_wrong_key_is_refused_before_the_provider_is_asked,
    our_client_reads_text_thoughts_and_usage,
    our_client_reads_calls,
    our_client_waits_as_long_as_the_provider_behind_it_asks,
    our_client_knows_an_overflow_and_its_limit,
    an_error_inside_a_stream_is_no_success,
    a_wrong_key_and_an_unknown_model_are_final,
]


def test_through_litellm(subtests: pytest.Subtests) -> None:
    with (
        ScriptedProvider(script) as provider,
        litellm_proxy(provider.url, ["scripted"], upstream_key="the-upstream-key") as proxy,
    ):
        for check in CHECKS:
            with subtests.test(check.__name__):
                check(proxy, provider)
