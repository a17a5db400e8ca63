"""Options and fixtures that every test may use. Owns `--update-scenarios`, and the rule for tools that are missing."""

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.support.postgres_server import PostgresProcess, program, running


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-scenarios", action="store_true", help="Write what was seen into the scenario documents.")


@pytest.fixture
def update_scenarios(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-scenarios"))


@pytest.fixture
def need_tool() -> Callable[[str, str], str]:
    """The path of a program that a test needs: missing, it fails in CI and skips elsewhere, saying how to get it."""

    def need(name: str, hint: str) -> str:
        import sysconfig

        beside = Path(sysconfig.get_path("scripts")) / name
        found = str(beside) if beside.exists() else shutil.which(name)
        if found is None:
            message = f"{name} is missing. {hint}"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
        return found

    return need


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresProcess]:
    if program("initdb") is None:
        message = "PostgreSQL is missing. Install the package postgresql."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with running() as server:
        yield server
