"""Clock, ids and keys of this machine. Owns nothing but reading them."""

import asyncio
import os
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tallystick_agent.protocol.errors import ConfigurationError


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class TimeIds:
    """Ids that sort by time and hold 40 random bits, so that no two processes make the same."""

    def new(self, prefix: str) -> str:
        now = datetime.now(UTC)
        return f"{prefix}-{now:%y%m%d%H%M%S}{now.microsecond // 1000:03d}-{secrets.token_hex(5)}"


class KeyStore:
    """Keys from the environment, then from `keys.env` in the home folder (`NAME=value` lines, readable by the user alone)."""

    def __init__(self, environment: Mapping[str, str], file: Path, names: frozenset[str] = frozenset()) -> None:
        """`names`: further variables that the settings name as keys. A key is stripped of the line end that CI secrets have."""
        given = {name: value for name, value in environment.items() if name.endswith("_API_KEY") or name in names}
        found = {name: value.strip() for name, value in {**_read(file), **given}.items()}
        self._keys = {name: value for name, value in found.items() if value}

    def get(self, name: str) -> str | None:
        """Raises `ConfigurationError` for what can be no key; it is never shown."""
        key = self._keys.get(name)
        if key is not None and not (key.isascii() and key.isprintable() and '"' not in key and "\\" not in key):
            message = f"{name} is not a key: it has characters that no key has."
            raise ConfigurationError(message, remedy="Set it again, without quotes.")
        return key

    def values(self) -> tuple[str, ...]:
        return tuple(self._keys.values())

    def names(self) -> frozenset[str]:
        return frozenset(self._keys)


def _read(file: Path) -> dict[str, str]:
    try:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise ConfigurationError(f"{file} can be read by others.", remedy=f"Run: chmod 600 {file}")
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}", remedy="Check its permissions and encoding.") from error
    pairs = (line.removeprefix("export ").partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs if value.strip()}
