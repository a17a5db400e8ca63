"""A budget of requests that fills up again with time."""


class Budget:
    """Starts with `size` credits and gets `per_second` new ones every second.

    `clock` has a method now() that returns the time in seconds. A budget
    never holds more than `size` credits.
    """

    def __init__(self, size, per_second, clock):
        self.size = size
        self.per_second = per_second
        self.clock = clock
        self.credits = size
        self.updated = clock.now()

    def allow(self, cost=1):
        """Try to pay `cost` credits and return whether that was possible.

        First add the credits for the time since the last call. If there are
        enough credits then, take `cost` out and return True. Otherwise take
        nothing out and return False.
        """
        raise NotImplementedError
