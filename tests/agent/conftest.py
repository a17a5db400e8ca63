"""Hypothesis for these folders: no deadline, since a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("tallystick", deadline=None)
settings.load_profile("tallystick")
