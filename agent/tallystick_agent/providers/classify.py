"""What a failed answer means. Owns the mapping from status, headers and body to one `ProviderError`; pure.

Codes and words are judged before the status: one 429 means wait, another means never. Source of the lists: the
providers' published error references and the strings that clients met in the wild.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

from tallystick_agent.protocol.errors import Code, ContextOverflow, ProviderError

_OVERFLOW = re.compile(
    r"context_length_exceeded|maximum context length|reduce the length of the messages|exceeds? the context window"
    r"|input tokens exceed the configured limit|prompt is too long|exceed context limit|maximum number of tokens allowed"
    r"|request payload size exceeds|input is too long for requested model|tokens exceed model maximum"
    r"|tokens in the prompt exceeds|use a shorter prompt|exceeds the available context size|exceed_context_size"
    r"|context window exceeds limit|input too long|requested token count exceeds|too many tokens"
    r"|tokens \(\d+\) exceed model maximum|requested input length.{0,40}exceeds.{0,40}maximum"
    r"|string_too_long|request_too_large|token_limit_exceeded|input tokens, limit is",
    re.IGNORECASE,
)
_NOT_OVERFLOW = re.compile(
    r"rate.?limit|per minute|string_above_max_length"
    # A history with a call that lost its result is broken, however long it is.
    r"|without .?tool_result|must be followed by tool messages|failed to parse tool call arguments",
    re.IGNORECASE,
)
_NEVER = re.compile(
    r"insufficient_quota|credit_balance|billing_error|billing_hard_limit|spend_limit|spend limit|payment_required"
    r"|enforced_spend|PerDay|daily",
    re.IGNORECASE,
)
_FILTER = re.compile(r"content_policy|content_filter|moderation|flagged_input", re.IGNORECASE)
_LIMIT = re.compile(r'"n_ctx":\s*(\d+)|context (?:length|size|window)[^0-9]{0,20}(\d{3,8})', re.IGNORECASE)


def classify(*, status: int, headers: Mapping[str, str], body: str, now: datetime) -> ProviderError:
    """The error for a response that is not a success. `body` is already bounded."""
    data = _body(body)
    error = classify_body(status=status, body=data)
    wait = retry_after(headers, now)
    if wait is not None:
        error.retry_after_s = wait
    match headers.get("x-should-retry"):
        case "false":
            error.retryable = False
        case "true" if not isinstance(error, ContextOverflow) and error.code != "provider_content_filter":
            error.retryable = True
        case _:
            pass
    return error


def classify_body(*, status: int, body: dict[str, Any]) -> ProviderError:
    """The error that a JSON body describes, whatever the status said."""
    detail = _detail(body)
    text = json.dumps(detail, ensure_ascii=False)
    message = str(detail.get("message") or "").strip() or f"HTTP status {status}"
    code = _number(detail.get("code"))
    effective = code if code is not None and 400 <= code < 600 else status
    if effective != 429 and _OVERFLOW.search(text) and not _NOT_OVERFLOW.search(text):
        return _overflow(message, effective, detail, text)
    if _FILTER.search(text) and effective in (200, 400, 403):
        return ProviderError(message, code="provider_content_filter", status=effective, remedy="Change the prompt or the model.")
    # The word alone proves nothing: a limit per minute also names the billing page where a higher one can be bought.
    billed = "billing" in f"{detail.get('code')} {detail.get('type')}".lower()
    error = _by_status(_meant(effective, detail, message), message, never=billed or bool(_NEVER.search(text)))
    if error.code == "provider_unavailable" and _kind(detail) in _RATE_KINDS:
        error = _by_status(429, message, never=False)
    wait = _wait_in(detail, message)
    if wait is not None:
        error.retry_after_s = wait
    availability = detail.get("availability")
    if isinstance(availability, dict) and isinstance(cast(dict[str, Any], availability).get("retryable"), bool):
        # The router says itself whether another try makes sense.
        error.retryable = cast(dict[str, Any], availability)["retryable"] and not billed
    return error


def _meant(status: int, detail: dict[str, Any], message: str) -> int:
    """The status that is meant where LiteLLM's proxy answers everything with 400."""
    if status == 400 and detail.get("type") == "no_db_connection":
        return 401
    if status == 400 and "Invalid model name passed in model=" in message:
        return 404
    return status


_RATE_KINDS: Final = ("rate_limit_exceeded", "rate_limit_error", "slow_down", "resource_exhausted")


def _kind(detail: dict[str, Any]) -> str:
    """The error's own name, wherever a provider puts it."""
    metadata = detail.get("metadata")
    inner = cast(dict[str, Any], metadata).get("error_type") if isinstance(metadata, dict) else None
    found = inner or detail.get("error_type") or detail.get("type") or detail.get("status") or detail.get("code")
    return str(found or "").lower()


def _overflow(message: str, status: int, detail: dict[str, Any], text: str) -> ContextOverflow:
    window, prompt = detail.get("n_ctx"), detail.get("n_prompt_tokens")
    found = _LIMIT.search(text)
    limit = window if isinstance(window, int) else int(next(group for group in found.groups() if group)) if found else None
    return ContextOverflow(message, status=status, limit_tokens=limit, prompt_tokens=prompt if isinstance(prompt, int) else None)


_RETRY_IN: Final = re.compile(r"(?:retry|try again) (?:in|after) (\d+(?:\.\d+)?) ?(ms|s|sec|seconds?)\b", re.IGNORECASE)


def _wait_in(detail: dict[str, Any], message: str) -> float | None:
    """Seconds that the body asks to wait: OpenRouter's field, Google's RetryInfo, or words."""
    availability = detail.get("availability")
    if isinstance(availability, dict):
        given = cast(dict[str, Any], availability).get("retry_after")
        if isinstance(given, int | float) and not isinstance(given, bool) and given >= 0:
            return float(given)
    details = detail.get("details")
    for one in cast(list[object], details) if isinstance(details, list) else []:
        delay = cast(dict[str, Any], one).get("retryDelay") if isinstance(one, dict) else None
        if isinstance(delay, str) and re.fullmatch(r"\d+(\.\d+)?s", delay):
            return float(delay[:-1])
    found = _RETRY_IN.search(message)
    if found is None:
        return None
    return float(found.group(1)) / (1000 if found.group(2).lower() == "ms" else 1)


def _body(text: str) -> dict[str, Any]:
    """The JSON object of an answer, empty where there is none; Google's servers wrap it in a list."""
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        page = "<html" in text[:1_000].lower() or "<!doctype" in text[:200].lower()
        # A page of HTML says nothing to a person.
        return {"error": {"message": "A web page came instead of an answer." if page else " ".join(text.split())[:300]}}
    for one in cast(list[object], data) if isinstance(data, list) else [data]:
        if isinstance(one, dict):
            return cast(dict[str, Any], one)
    return {}


def _detail(body: dict[str, Any]) -> dict[str, Any]:
    """The part that describes the error; vLLM puts it at the top, with no `error` around it."""
    inner = body.get("error")
    if isinstance(inner, dict):
        return cast(dict[str, Any], inner)
    if not inner and body.get("object") == "error":
        return body
    return {"message": str(inner or "")}


def _number(code: object) -> int | None:
    """A status in a body, which some servers write as a string."""
    if isinstance(code, str) and re.fullmatch(r"[0-9]{3}", code):
        return int(code)
    return code if isinstance(code, int) else None


def _by_status(status: int, message: str, *, never: bool) -> ProviderError:
    known: dict[int, tuple[Code, bool, str]] = {
        401: ("provider_auth", False, "Check the API key; `tallystick doctor` shows which one is used."),
        402: ("provider_auth", False, "The account has no credit left, or a spending limit was reached."),
        403: ("provider_auth", False, "The key may not use this model."),
        404: ("model_unknown", False, "Check the model's name: `tallystick models` lists the known ones."),
        408: ("provider_timeout", True, ""),
        409: ("provider_unavailable", True, ""),
        429: (
            "provider_rate_limited",
            not never,
            "A limit of the account was reached; use another model or key." if never else "",
        ),
    }
    if status in known:
        code, retryable, remedy = known[status]
        account = status in (401, 402) or (status == 429 and never)
        return ProviderError(message, code=code, status=status, retryable=retryable, remedy=remedy, account=account)
    if status >= 499 or status == 200:
        return ProviderError(message, code="provider_unavailable", status=status, retryable=status != 501)
    return ProviderError(
        message, code="provider_rejected", status=status, remedy="The provider refused the request as it was sent."
    )


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the provider asks us to wait: milliseconds, seconds or a date; `None` where it does not say."""
    # LiteLLM's proxy hands the provider's headers on under names of its own.
    millis = headers.get("retry-after-ms") or headers.get("llm_provider-retry-after-ms")
    if millis:
        try:
            return max(0.0, float(millis) / 1000)
        except ValueError:
            pass
    value = headers.get("retry-after") or headers.get("llm_provider-retry-after")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())
