"""Libraries of the dev extra that only some tests need."""

import importlib
import os
from typing import Any

import pytest


def foreign(name: str) -> Any:
    """The library; in CI it must be there, elsewhere the test is skipped and says how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{name} is not installed: pip install -e '.[dev]'")
