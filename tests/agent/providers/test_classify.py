"""What a failed answer means: tables of statuses, bodies and headers as the providers publish them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.errors import Code, ContextOverflow, ProviderError
from tallystick_agent.providers.classify import classify, classify_body, retry_after

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def failed(status: int, body: Any = "", **headers: str) -> ProviderError:
    text = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(status=status, headers=named, body=text, now=NOW)


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "provider_rejected", False),
        (401, "provider_auth", False),
        (402, "provider_auth", False),
        (403, "provider_auth", False),
        (404, "model_unknown", False),
        (408, "provider_timeout", True),
        (409, "provider_unavailable", True),
        (412, "provider_rejected", False),
        (413, "provider_rejected", False),
        (422, "provider_rejected", False),
        (429, "provider_rate_limited", True),
        (500, "provider_unavailable", True),
        (502, "provider_unavailable", True),
        (503, "provider_unavailable", True),
        (504, "provider_unavailable", True),
        (529, "provider_unavailable", True),
    ],
)
def test_a_bare_status(status: int, code: Code, retryable: bool) -> None:
    found = failed(status, "")
    assert (found.code, found.retryable, found.status) == (code, retryable, status)
    assert found.retryable or found.remedy


OVERFLOWS = [
    error("Your input is too long.", code="context_length_exceeded"),
    error("This model's maximum context length is 128000 tokens. However, you requested 130000."),
    error("Please reduce the length of the messages or completion."),
    error("Your input exceeds the context window of this model."),
    error("Input tokens exceed the configured limit of 272000 tokens."),
    error("prompt is too long: 210000 tokens > 200000 maximum", type="invalid_request_error"),
    error("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"),
    error("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
    error("Request payload size exceeds the limit: 20971520 bytes."),
    error("Input is too long for requested model."),
    error("too many tokens: 300000"),
    error("prompt tokens (9000) exceed model maximum (8192)"),
    error("The number of tokens in the prompt exceeds the model's limit."),
    error("Prompt contains 40000 tokens, use a shorter prompt."),
    error("the request exceeds the available context size, try increasing it", type="exceed_context_size_error", n_ctx=8192),
    error("invalid params, context window exceeds limit (2013)"),
    error("requested input length 9000 exceeds maximum input length 8192"),
    error("input too long: 9000 input tokens, limit is 8192"),
    error("The requested token count exceeds the model's maximum context."),
    error("Provider returned error", code=400, metadata={"error_type": "context_length_exceeded"}),
    error("Provider returned error", code=400, metadata={"error_type": "string_too_long"}),
    error("Request exceeds the maximum size", type="request_too_large"),
    {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "type": "BadRequestError", "code": 400},
    [error("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", code=400)],
]


@pytest.mark.parametrize("body", OVERFLOWS, ids=lambda body: json.dumps(body)[:70])
def test_a_request_that_is_too_long_is_told_apart(body: Any) -> None:
    found = failed(413 if "request_too_large" in json.dumps(body) else 400, body)
    assert isinstance(found, ContextOverflow)
    assert not found.retryable


def test_the_words_count_in_any_case_and_as_plain_text() -> None:
    assert isinstance(failed(400, "PROMPT IS TOO LONG"), ContextOverflow)
    assert isinstance(failed(500, error("the request exceeds the available context size")), ContextOverflow)


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (error("This model's maximum context length is 128000 tokens. However, you requested 130000."), 128000),
        (error("exceeds the available context size", n_ctx=8192, n_prompt_tokens=9000), 8192),
        (error("the request exceeds the available context size (4096 tokens)"), 4096),
        (error("prompt is too long"), None),
    ],
)
def test_the_window_is_learned_where_it_is_named(body: Any, limit: int | None) -> None:
    found = failed(400, body)
    assert isinstance(found, ContextOverflow)
    assert found.limit_tokens == limit


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, error("Rate limit: input too long for this minute")),
        (429, error("Too many tokens", code="context_length_exceeded")),
        (400, error("Request too large: tokens per minute limit, reduce the length of the messages")),
        (400, error("rate_limit: maximum context length per minute")),
        (400, error("Invalid 'user': string too long, maximum context length", code="string_above_max_length")),
        (400, error("tool_use ids were found without tool_result blocks")),
        (400, error("An assistant message with tool_calls must be followed by tool messages")),
        (500, error("failed to parse tool call arguments as json")),
    ],
)
def test_what_only_sounds_like_too_long(status: int, body: Any) -> None:
    assert not isinstance(failed(status, body), ContextOverflow)


@pytest.mark.parametrize(
    "body",
    [
        error("You exceeded your current quota", type="insufficient_quota"),
        error("Your credit balance is too low", code="credit_balance_exhausted"),
        error("Limit reached", details={"error_code": "enforced_spend_limit_reached"}),
        error("Quota exceeded", details=[{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]),
        error("Rate limit exceeded: free-models-per-day; daily limit reached"),
    ],
)
def test_a_429_that_no_waiting_cures(body: Any) -> None:
    found = failed(429, body)
    assert (found.code, found.retryable) == ("provider_rate_limited", False)
    assert found.remedy


@pytest.mark.parametrize(
    "body",
    [
        error("Rate limit reached for requests per min. Limit: 3 / min.", code="rate_limit_exceeded"),
        error("Rate limit reached. You can raise it by adding a payment method at https://platform.openai.com/account/billing."),
        error("slow_down"),
        "Too Many Requests",
        [error("Resource has been exhausted", code=429, status="RESOURCE_EXHAUSTED")],
    ],
)
def test_a_429_that_passes(body: Any) -> None:
    found = failed(429, body)
    assert (found.code, found.retryable) == ("provider_rate_limited", True)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, error("Blocked", code="content_policy_violation")),
        (403, error("Flagged", metadata={"reasons": ["moderation"], "flagged_input": "x"})),
        (400, error("The response was filtered", code="content_filter")),
    ],
)
def test_a_filter_is_not_a_bad_key(status: int, body: Any) -> None:
    found = failed(status, body)
    assert (found.code, found.retryable) == ("provider_content_filter", False)


@pytest.mark.parametrize(
    ("body", "code", "retryable"),
    [
        (error("Overloaded", code=529), "provider_unavailable", True),
        (error("Too fast", code=429), "provider_rate_limited", True),
        (error("Too fast", code="429"), "provider_rate_limited", True),
        (error("No such key", code=401), "provider_auth", False),
        (error("No such model", code="404"), "model_unknown", False),
        (error("It broke", code="server_error"), "provider_unavailable", True),
        (error("It broke"), "provider_unavailable", True),
        ({"error": "it broke"}, "provider_unavailable", True),
    ],
)
def test_an_error_inside_a_200_is_judged_by_its_own_code(body: dict[str, Any], code: Code, retryable: bool) -> None:
    found = classify_body(status=200, body=body)
    assert (found.code, found.retryable) == (code, retryable)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (error("No such model"), "No such model"),
        ({"error": "model 'x' not found"}, "model 'x' not found"),
        ({"object": "error", "message": "no such model"}, "no such model"),
        ([error("no such model")], "no such model"),
        ("<html>Bad Gateway</html>", "A web page came instead of an answer."),
        ("", "HTTP status 404"),
        ({}, "HTTP status 404"),
        ("null", "HTTP status 404"),
    ],
)
def test_the_user_reads_what_the_provider_said(body: Any, said: str) -> None:
    assert failed(404, body).message == said


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 13:00:30 +0100"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_the_wish_to_wait_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_the_wish_is_kept_with_the_error_and_a_no_is_a_no() -> None:
    assert failed(429, "", retry_after="7").retry_after_s == 7.0
    assert failed(503, "", retry_after_ms="250").retry_after_s == 0.25
    assert not failed(500, "", x_should_retry="false").retryable


@given(st.integers(100, 599), st.text(max_size=60), st.text(max_size=30))
def test_no_answer_is_so_odd_that_it_breaks_the_reading(status: int, body: str, wait: str) -> None:
    found = classify(status=status, headers={"retry-after": wait, "retry-after-ms": wait}, body=body, now=NOW)
    assert str(found)
    assert found.retry_after_s is None or found.retry_after_s >= 0


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["error", "message", "code"]), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
def test_no_json_is_so_odd_that_it_breaks_the_reading(body: Any) -> None:
    assert str(failed(400, json.dumps(body)))
