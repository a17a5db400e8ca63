"""Ledgers in every database: a test that asks for `places` runs once in each, PostgreSQL as a real server."""

import sqlite3
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.support.postgres_server import PostgresProcess

from tallystick_agent.usage.database import Database
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.places import database


class Place:
    """Somewhere a ledger lies, which any number of connections may open."""

    def __init__(self, url: str, home: Path | None, execute: Callable[[str], list[Any]]) -> None:
        """`home` where it is a file there."""
        self.url = url
        self.home = home
        self.execute = execute
        """SQL behind the ledger's back."""
        self._ledgers: list[Ledger] = []

    def opened(self) -> Database:
        return database(self.url, self.home or Path())

    def ledger(self) -> Ledger:
        ledger = Ledger(self.opened())
        self._ledgers.append(ledger)
        return ledger

    def close(self) -> None:
        for ledger in self._ledgers:
            ledger.close()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[[], Place]]:
    """Makes empty places for ledgers."""
    made: list[Place] = []
    folder, numbers = tmp_path_factory.mktemp("places"), count()

    def in_file() -> Place:
        home = folder / str(next(numbers))
        return Place("", home, lambda sql: _execute(home / "ledger.sqlite3", sql))

    def in_server() -> Place:
        server: PostgresProcess = request.getfixturevalue("postgres")
        schema = server.schema()
        return Place(server.url(schema), None, lambda sql: server.execute(sql, schema))

    def make() -> Place:
        made.append(in_file() if request.param == "sqlite" else in_server())
        return made[-1]

    if request.param == "postgres":
        request.getfixturevalue("postgres")
    yield make
    for one in made:
        one.close()


@pytest.fixture
def place(places: Callable[[], Place]) -> Place:
    return places()


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.ledger()


def _execute(path: Path, sql: str) -> list[Any]:
    with sqlite3.connect(path) as file:
        found = file.execute(sql).fetchall()
    file.close()
    return found
