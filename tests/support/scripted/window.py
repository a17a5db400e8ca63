"""A limit of requests in a sliding window, as free models have it. Owns the rule; the clock is given."""

import math
import threading
from collections import deque


class Window:
    """At most `most` requests within any `seconds`. What is turned away does not count."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._times: deque[float] = deque()
        self._lock = threading.Lock()
        self.rejected = 0

    def wait(self, now: float) -> int:
        """Lets a request in at `now` (seconds) and gives 0, or turns it away and gives the whole seconds to wait."""
        with self._lock:
            while self._times and self._times[0] + self._seconds <= now:
                self._times.popleft()
            if len(self._times) < self._most:
                self._times.append(now)
                return 0
            self.rejected += 1
            return max(1, math.ceil(self._times[0] + self._seconds - now))
