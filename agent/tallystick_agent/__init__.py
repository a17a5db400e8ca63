"""The Tallystick engine: everything between an operation and its events.

Owns nothing at import time: importing any module here has no effects.
"""

__version__ = "0.1.0"
