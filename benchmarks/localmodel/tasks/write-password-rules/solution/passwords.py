"""Rules for new passwords."""


def problems(password):
    """Return the list of problems of a password, empty if it is fine.

    The problems are, always in this order:
    "too short"     fewer than 10 characters
    "no digit"      there is no digit in it
    "no capital"    there is no upper case letter in it
    "has a space"   there is a space in it
    """
    found = []
    if len(password) < 10:
        found.append("too short")
    if not any(char.isdigit() for char in password):
        found.append("no digit")
    if not any(char.isupper() for char in password):
        found.append("no capital")
    if " " in password:
        found.append("has a space")
    return found
