"""Whether and when to try again. Pure: attempt and error in, seconds or no out."""

from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.settings import NetworkSettings

LONGEST_BACKOFF_S = 8.0


def pause_before_next(error: ProviderError, *, attempt: int, settings: NetworkSettings) -> float | None:
    """Seconds to wait before attempt `attempt + 1`, or `None` when this one was the last.

    The provider's own wish wins over our backoff; one beyond `max_retry_after_s` ends the request instead.
    """
    if not error.retryable or attempt >= settings.max_attempts:
        return None
    if error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= settings.max_retry_after_s else None
    return min(LONGEST_BACKOFF_S, settings.backoff_s * 2.0 ** min(attempt - 1, 60))
