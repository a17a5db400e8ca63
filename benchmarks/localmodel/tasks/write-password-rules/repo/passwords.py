"""Rules for new passwords."""


def problems(password):
    """Return the list of problems of a password, empty if it is fine.

    The problems are, always in this order:
    "too short"     fewer than 10 characters
    "no digit"      there is no digit in it
    "no capital"    there is no upper case letter in it
    "has a space"   there is a space in it
    """
    raise NotImplementedError
