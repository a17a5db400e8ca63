"""Time for the tests of the code index."""

import time

import pytest

from tallystick_server.local.disk import RACY_NS


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every file had been written long ago: then a stamp is trusted, and what the store has of a file is not read anew."""
    later = time.time_ns() + 1_000 * RACY_NS
    monkeypatch.setattr("tallystick_server.local.disk.time.time_ns", lambda: later)
