"""Where Tallystick keeps its state. Owns the folder's place and its privacy."""

from collections.abc import Mapping
from pathlib import Path

from tallystick_agent.protocol.errors import ConfigurationError, StorageError


def home_folder(environment: Mapping[str, str]) -> Path:
    """`TALLYSTICK_HOME`, else the platform's data folder; made where it is missing, readable by the user alone.

    Raises `ConfigurationError` for a relative one and `StorageError` when it cannot be made.
    """
    named = environment.get("TALLYSTICK_HOME")
    if named:
        home = Path(named).expanduser()
        if not home.is_absolute():
            raise ConfigurationError(f"TALLYSTICK_HOME must be an absolute path, not {named}.", remedy="Set it to a full path.")
    else:
        from platformdirs import user_data_path

        home = user_data_path("tallystick", appauthor=False)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(
            f"{home} cannot be made: {error.strerror}.", remedy="Set TALLYSTICK_HOME to a folder that can be written."
        ) from error
    return home
