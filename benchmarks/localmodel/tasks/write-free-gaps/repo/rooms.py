"""Find free time in a meeting room. Times are minutes as whole numbers."""


def free_gaps(bookings, opens, closes, minimum=1):
    """Return the gaps between bookings as a list of (start, end), in order.

    `bookings` is a list of (start, end) in any order; bookings may overlap
    and may begin before `opens` or end after `closes`. Gaps lie between
    `opens` and `closes`, and gaps shorter than `minimum` are left out.
    The list of bookings must not be changed.

    free_gaps([(30, 60)], 0, 100) returns [(0, 30), (60, 100)].
    """
    raise NotImplementedError
