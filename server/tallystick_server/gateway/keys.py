"""The keys that apps come in with. Owns their file: names, rights and digests, never a key itself."""

import hashlib
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from tallystick_agent.protocol.errors import ConfigurationError

PREFIX: Final = "tally-"
LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKey:
    name: str
    digest: str
    """SHA-256 of the key: it has 256 random bits, so a slow hash would guard nothing."""
    created: int
    """Seconds since 1970."""
    reads: bool = False
    """It may read everybody's usage, rankings and metrics; without, an app sees its own."""
    title: str = ""
    """The app's name where its requests bring none."""
    url: str = ""


_KEYS: Final = TypeAdapter(list[GatewayKey])


class GatewayKeys:
    """Read again whenever the file changed: a key that was taken away is refused at the next request."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._known: dict[str, GatewayKey] = {}
        self._lent: dict[str, GatewayKey] = {}

    def match(self, key: str) -> GatewayKey | None:
        digest = _digest(key)
        return (self._lent.get(digest) or self._read().get(digest)) if key else None

    def lend(self, key: GatewayKey) -> None:
        """Takes a key that lives as long as this process."""
        self._lent[key.digest] = key

    def all(self) -> tuple[GatewayKey, ...]:
        return tuple(sorted(self._read().values(), key=lambda one: one.name))

    def add(self, name: str, *, reads: bool = False, title: str = "", url: str = "") -> str:
        """Makes a key and gives it, this once. Raises `ConfigurationError` for a name that is taken or is none."""
        if not name or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
            raise ConfigurationError(f"A key's name has 1 to {LONGEST_NAME} printable characters.", code="bad_usage")
        found = self._read()
        if any(one.name == name for one in found.values()):
            raise ConfigurationError(
                f"There is a key named {name} already.", code="bad_usage", remedy="Remove it first, or take another name."
            )
        key = PREFIX + secrets.token_urlsafe(32)
        made = GatewayKey(name=name, digest=_digest(key), created=int(time.time()), reads=reads, title=title, url=url)
        self._write([*found.values(), made])
        return key

    def remove(self, name: str) -> bool:
        found = self._read()
        left = [one for one in found.values() if one.name != name]
        if len(left) == len(found):
            return False
        self._write(left)
        return True

    def _read(self) -> dict[str, GatewayKey]:
        try:
            seen = self._file.stat()
        except FileNotFoundError:
            self._known, self._stamp = {}, None
            return self._known
        stamp = seen.st_mtime_ns, seen.st_size
        if stamp != self._stamp:
            try:
                found = _KEYS.validate_json(self._file.read_bytes())
            except (OSError, ValidationError) as error:
                raise ConfigurationError(
                    f"{self._file} cannot be read.",
                    remedy="Move it away and make the keys again: tallystick gateway keys add NAME",
                ) from error
            self._known, self._stamp = {one.digest: one for one in found}, stamp
        return self._known

    def _write(self, keys: list[GatewayKey]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        rows: list[dict[str, Any]] = [asdict(one) for one in keys]
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(rows, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        os.replace(fresh, self._file)
        self._stamp = None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
