"""Where the ledger is kept: in a file of the home folder, or in the database of a team. Owns that choice alone."""

from pathlib import Path

from tallystick_agent.usage.database import Database


def database(url: str, home: Path) -> Database:
    """`url` empty means the home folder. Opens nothing. Raises `ConfigurationError` where `url` is no address of a database."""
    if url:
        from tallystick_agent.usage.postgres import PostgresServer

        return PostgresServer(url)
    from tallystick_agent.usage.sqlite import SqliteFile

    return SqliteFile(home / "ledger.sqlite3")
