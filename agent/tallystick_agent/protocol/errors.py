"""The one exception tree, and the closed list of codes a user may meet.

    TallystickError                 has a code, says what happened, and a remedy
    ├── ConfigurationError          settings, arguments, paths, keys: exit 2
    ├── WorkspaceError              a path that cannot be read or written
    │   ├── PathRefused             outside the workspace, ignored or protected
    │   └── StaleDocument           the text changed since it was read
    ├── SessionError                the event log or its lock
    ├── ProviderError               a model request that failed; says whether to retry
    │   └── ContextOverflow         the request does not fit the endpoint's window
    ├── ContextCannotFit            nothing more can be dropped: exit 7
    └── StorageError                disk full, database damaged

Owns no presentation: hosts turn a code and remedy into a message.
"""

from typing import Literal

Code = Literal[
    "bad_settings",
    "bad_usage",
    "budget_exhausted",
    "context_cannot_fit",
    "internal",
    "interrupted",
    "model_gave_up",
    "model_unknown",
    "no_model",
    "no_repository",
    "path_refused",
    "permission_denied",
    "price_unknown",
    "provider_auth",
    "provider_content_filter",
    "provider_failed",
    "provider_rate_limited",
    "provider_rejected",
    "provider_stream_cut",
    "provider_timeout",
    "provider_unavailable",
    "session_busy",
    "session_corrupt",
    "session_missing",
    "storage",
    "workspace_stale",
    "workspace_unreadable",
]


class TallystickError(Exception):
    """Everything the product raises on purpose. `str()` is one sentence for a person."""

    code: Code = "internal"

    def __init__(self, message: str, *, code: Code | None = None, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        if code is not None:
            self.code = code


class ConfigurationError(TallystickError):
    code: Code = "bad_settings"


class WorkspaceError(TallystickError):
    code: Code = "workspace_unreadable"


class PathRefused(WorkspaceError):
    code: Code = "path_refused"


class StaleDocument(WorkspaceError):
    code: Code = "workspace_stale"


class SessionError(TallystickError):
    code: Code = "session_corrupt"


class StorageError(TallystickError):
    code: Code = "storage"


class ContextCannotFit(TallystickError):
    code: Code = "context_cannot_fit"


class ProviderError(TallystickError):
    """One failed attempt. `retry_after_s` is the provider's own wish, in seconds, where it gave one."""

    code: Code = "provider_failed"

    def __init__(
        self,
        message: str,
        *,
        code: Code | None = None,
        remedy: str = "",
        retryable: bool = False,
        status: int | None = None,
        retry_after_s: float | None = None,
        account: bool = False,
        taken: bool = False,
    ) -> None:
        super().__init__(message, code=code, remedy=remedy)
        self.retryable = retryable
        self.status = status
        self.retry_after_s = retry_after_s
        self.account = account
        """It is the account's: no other endpoint with the same key will do better."""
        self.taken = taken
        """The provider took the request whole and never answered: it may charge for it."""


class ContextOverflow(ProviderError):
    """The provider says that the request is too long. `limit_tokens` and `prompt_tokens` where it named the sizes."""

    code: Code = "context_cannot_fit"

    def __init__(
        self, message: str, *, status: int | None = None, limit_tokens: int | None = None, prompt_tokens: int | None = None
    ) -> None:
        super().__init__(message, status=status, retryable=False)
        self.limit_tokens = limit_tokens
        self.prompt_tokens = prompt_tokens
