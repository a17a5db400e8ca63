"""What the tests of the web page share: Debian's Chromium and the driver that `scripts/foreign page` installs."""

import os
import shutil
from pathlib import Path

import pytest

FOREIGN = Path(__file__).resolve().parents[3] / ".foreign-page"
HINT = "Run scripts/foreign page (needs npm)."


@pytest.fixture(scope="session")
def driver() -> Path:
    """The folder whose modules drive Chromium."""
    if not any(FOREIGN.glob(".made-*")) or shutil.which("node") is None:
        message = f"The driver for Chromium or node is missing. {HINT}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return FOREIGN
