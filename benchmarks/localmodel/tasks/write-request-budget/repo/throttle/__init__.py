"""Slow down clients that send too many requests."""
