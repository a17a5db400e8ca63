"""API keys of this user: environment, keys file, keyring. Owns their reading, and where each may be sent.

A key belongs to the origins of the providers and endpoints that name it, all of them from the user's own settings and
environment; it is given out for no other. Nothing of a workspace is ever read here.
"""

import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from tallystick_agent.protocol.errors import ConfigurationError

SERVICE: Final = "tallystick"
Where = Literal["environment", "keys.env", "keyring"]


class KeyStore:
    """`home` holds `keys.env` (`NAME=value` lines, readable by the user alone) and the list of names in the keyring."""

    def __init__(self, environment: Mapping[str, str], home: Path, origins: Callable[[], Mapping[str, frozenset[str]]]) -> None:
        """`origins`: where each named key may be sent. A key is stripped of the line end that CI secrets have."""
        self._file = home / "keys.env"
        self._index = home / "keyring.json"
        self._environment = environment
        self._origins = origins
        self._allowed: Mapping[str, frozenset[str]] | None = None
        self._known: dict[str, tuple[str, Where]] | None = None
        self._from_keyring: dict[str, str] = {}

    def get(self, name: str, origin: str) -> str | None:
        """Raises `ConfigurationError` for what can be no key, and for an origin that the key does not belong to."""
        key = self._value(name)
        if key is None:
            return None
        if not (key.isascii() and key.isprintable() and '"' not in key and "\\" not in key):
            message = f"{name} is not a key: it has characters that no key has."
            raise ConfigurationError(message, remedy="Set it again, without quotes.")
        if origin not in self.origins_of(name):
            raise ConfigurationError(
                f"{name} does not belong to {origin}, so it is not sent there.",
                code="provider_auth",
                remedy="Name the key for that base URL as `key_name` under [endpoints] or [providers] in settings.toml.",
            )
        return key

    def origins_of(self, name: str) -> frozenset[str]:
        """Scheme, host and port of everywhere that the key may be sent."""
        if self._allowed is None:
            self._allowed = self._origins()
        return self._allowed.get(name, frozenset())

    def values(self) -> tuple[str, ...]:
        """All keys that were read, for redaction by value."""
        return (*(value for value, _ in self._read().values()), *self._from_keyring.values())

    def names(self) -> frozenset[str]:
        return frozenset(self.places())

    def places(self) -> dict[str, Where]:
        """Where each key is, by name; the environment is above the file, the file above the keyring."""
        stored: dict[str, Where] = dict.fromkeys(_names(self._index), "keyring")
        return {**stored, **{name: where for name, (_, where) in self._read().items()}}

    def put(self, name: str, value: str, *, keyring: bool) -> Where:
        """Stores a key and tells where. Raises `ConfigurationError` where the keyring cannot be used."""
        if keyring:
            _ring().set_password(SERVICE, name, value)
            _write_names(self._index, sorted({*_names(self._index), name}))
            return "keyring"
        lines = [line for line in _lines(self._file) if not _names_it(line, name)]
        _private(self._file, "\n".join([*lines, f"{name}={value}"]) + "\n")
        return "keys.env"

    def holders(self, name: str) -> tuple[Where, ...]:
        """Everywhere that it is now, the one that is used first."""
        found: dict[Where, bool] = {
            "environment": bool(self._environment.get(name, "").strip()),
            "keys.env": name in _pairs(self._file),
            "keyring": name in _names(self._index),
        }
        return tuple(where for where, there in found.items() if there)

    def unfile(self, name: str) -> bool:
        """Removes its line in the keys file, which is above the keyring; whether there was one."""
        lines = _lines(self._file)
        kept = [line for line in lines if not _names_it(line, name)]
        if len(kept) == len(lines):
            return False
        _private(self._file, "".join(f"{line}\n" for line in kept))
        return True

    def remove(self, name: str) -> bool:
        """Removes a stored key; whether there was one. One in the environment is not ours to remove."""
        found = False
        if name in _names(self._index):
            _ring().delete_password(SERVICE, name)
            _write_names(self._index, sorted({*_names(self._index)} - {name}))
            found = True
        return self.unfile(name) or found

    def _value(self, name: str) -> str | None:
        found = self._read().get(name)
        if found is not None:
            return found[0]
        if name not in self._from_keyring and name in _names(self._index):
            value = _ring().get_password(SERVICE, name)
            if value:
                self._from_keyring[name] = value.strip()
        return self._from_keyring.get(name)

    def _read(self) -> dict[str, tuple[str, Where]]:
        if self._known is None:
            filed: dict[str, tuple[str, Where]] = {name: (value, "keys.env") for name, value in _pairs(self._file).items()}
            named = set(self._origins()) if self._allowed is None else set(self._allowed)
            given: dict[str, tuple[str, Where]] = {
                name: (value.strip(), "environment")
                for name, value in self._environment.items()
                if name.endswith("_API_KEY") or name in named
            }
            both = {**filed, **{name: pair for name, pair in given.items() if pair[0]}}
            self._known = {name: pair for name, pair in both.items() if pair[0]}
        return self._known


def keyring_missing() -> str:
    """Why nothing can be kept in a keyring here, in a sentence; empty where it can, though it may still be locked."""
    if not _installed():
        return "The keyring library is not installed (pip install 'tallystick[keyring]')."
    module: str = type(_ring().get_keyring()).__module__
    # These two are the library's words for "there is none" and "it was turned off": one fails, one forgets what it is given.
    if module in ("keyring.backends.fail", "keyring.backends.null"):
        return "This machine has no keyring that can be used."
    return ""


def no_key(value: str) -> str:
    """Why `value` can be no key, in a sentence that does not show it; empty where it can be one."""
    if not value:
        return "The key is empty."
    if any(character.isspace() for character in value):
        return "That is no key: it has a blank inside."
    if not (value.isascii() and value.isprintable()) or set(value) & set("\"'\\"):
        return "That is no key: it has characters that no key has."
    return ""


def _installed() -> bool:
    return importlib.util.find_spec("keyring") is not None


def _names_it(line: str, name: str) -> bool:
    return line.strip().removeprefix("export ").partition("=")[0].strip() == name and "=" in line


def _ring() -> Any:
    """The keyring library, whose errors become ours."""
    if not _installed():
        raise ConfigurationError(
            "A key is said to be in the keyring, and the keyring library is not installed.",
            remedy="Run: pip install 'tallystick[keyring]'",
        )
    return _Ring(importlib.import_module("keyring"))


class _Ring:
    """Passes calls on; a keyring that is locked or missing is the user's to mend."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._library, name)

        def guarded(*arguments: str) -> Any:
            try:
                return call(*arguments)
            except Exception as error:
                raise ConfigurationError(
                    f"The keyring cannot be used: {type(error).__name__}.",
                    remedy="Unlock it, or keep the key in keys.env: tallystick keys set NAME --file",
                ) from error

        return guarded


def _names(index: Path) -> tuple[str, ...]:
    try:
        found: Any = json.loads(index.read_text("utf-8"))
        return tuple(str(name) for name in found["names"])
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def _write_names(index: Path, names: list[str]) -> None:
    _private(index, json.dumps({"names": names}))


def _private(file: Path, text: str) -> None:
    """Writes for the user alone, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    os.replace(fresh, file)


def _lines(file: Path) -> list[str]:
    try:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise ConfigurationError(f"{file} can be read by others.", remedy=f"Run: chmod 600 {file}")
        return file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}", remedy="Check its permissions and encoding.") from error


def _pairs(file: Path) -> dict[str, str]:
    lines = (line.removeprefix("export ") for line in _lines(file) if "=" in line and not line.lstrip().startswith("#"))
    pairs = (line.partition("=") for line in lines)
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs if value.strip()}
