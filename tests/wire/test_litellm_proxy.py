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
from tests.support.scripted_provider import Reply, ScriptedProvider

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SAID = "The tally stands at seven, and nobody objects."


def script(body: dict[str, Any], index: int) -> Reply:
    if "refuse" in body["messages"][0]["content"]:
        return Reply(status=429, body='{"error": {"message": "slowly"}}', headers={"retry-after": "7"})
    return Reply(lines=SAID)


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


CHECKS: list[Callable[[LiteLLMProxy, ScriptedProvider], None]] = [
    a_stream_says_what_the_script_says_and_reports_usage,
    an_answer_in_one_piece_says_what_the_script_says,
    the_proxy_hands_on_the_upstream_key_and_not_its_own,
    a_refusal_of_the_provider_is_asked_once_and_its_retry_after_comes_under_another_name,
    a_wrong_key_is_refused_before_the_provider_is_asked,
]


def test_through_litellm(subtests: pytest.Subtests) -> None:
    with (
        ScriptedProvider(script) as provider,
        litellm_proxy(provider.url, ["scripted"], upstream_key="the-upstream-key") as proxy,
    ):
        for check in CHECKS:
            with subtests.test(check.__name__):
                check(proxy, provider)
