"""Helpers for white space."""


def squash(line):
    """Remove spaces at both ends and shorten runs of spaces to one."""
    return " ".join(line.split())
