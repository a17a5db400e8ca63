"""From our errors to HTTP: the status that a caller's library acts on, and the word for the kind. Owns that table; pure."""

from typing import Final

from tallystick_agent.protocol.errors import Code, ProviderError, TallystickError

_STATUS: Final[dict[Code, int]] = {
    "bad_settings": 400,
    "bad_usage": 400,
    "budget_exhausted": 402,
    "context_cannot_fit": 400,
    "model_unknown": 404,
    "no_model": 404,
    "permission_denied": 403,
    "price_unknown": 402,
    # A key of ours that a provider refuses is not the caller's, who would else look for a fault in its own.
    "provider_auth": 502,
    "provider_content_filter": 403,
    "provider_failed": 502,
    "provider_rate_limited": 429,
    "provider_rejected": 502,
    "provider_stream_cut": 502,
    "provider_timeout": 504,
    "provider_unavailable": 503,
    "storage": 503,
}
_KINDS: Final[dict[int, str]] = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "payload_too_large",
    421: "permission_denied",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    502: "provider_unavailable",
    503: "provider_unavailable",
    504: "timeout",
}
_OWN_KINDS: Final[dict[Code, str]] = {
    "context_cannot_fit": "context_length_exceeded",
    "provider_content_filter": "content_policy_violation",
    "storage": "server",
}


class Refused(TallystickError):
    """A request that the gateway itself turns away."""

    def __init__(self, status: int, message: str, *, remedy: str = "", code: Code = "bad_usage") -> None:
        super().__init__(message, code=code, remedy=remedy)
        self.status = status


def status_of(error: TallystickError) -> int:
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, ProviderError) and error.code == "provider_rejected" and error.status in (400, 404, 413, 422):
        # It is the request that the provider cannot take, so it is the caller who can act.
        return error.status
    return _STATUS.get(error.code, 500)


def kind_of_error(error: TallystickError) -> str:
    return _OWN_KINDS.get(error.code) or _KINDS.get(status_of(error), "server")


def retry_after(error: TallystickError) -> str:
    """Whole seconds for the header; empty where nobody knows."""
    wait = error.retry_after_s if isinstance(error, ProviderError) else None
    return str(max(1, round(wait))) if wait is not None else ""
