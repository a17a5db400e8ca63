"""A clock that is moved by hand."""


class ManualClock:
    def __init__(self):
        self.seconds = 0.0

    def now(self):
        """Return the current time in seconds."""
        return self.seconds

    def advance(self, seconds):
        """Let some time go by."""
        self.seconds += seconds
