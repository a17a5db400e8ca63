"""Amounts of money are whole numbers of cents."""


def show(cents):
    """Return an amount as text: 1205 is "12.05"."""
    return f"{cents // 100}.{cents % 100:02d}"
