"""Clock, ids and keys of this machine."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_server.local.system import KeyStore, SystemClock, TimeIds


def keys(tmp_path: Path, text: str | bytes, environment: dict[str, str] | None = None, *, mode: int = 0o600) -> KeyStore:
    file = tmp_path / "keys.env"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(mode)
    return KeyStore(environment or {}, file)


def test_keys_come_from_the_environment_by_their_name(tmp_path: Path) -> None:
    environment = {"OPENAI_API_KEY": "sk-1", "EMPTY_API_KEY": "", "PATH": "/bin", "API_KEY_FILE": "x"}
    store = KeyStore(environment, tmp_path / "none")
    assert store.names() == frozenset({"OPENAI_API_KEY"})
    assert store.get("OPENAI_API_KEY") == "sk-1"
    assert store.get("PATH") is None
    assert store.values() == ("sk-1",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("A=1\n", {"A": "1"}),
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("export A=1\n", {"A": "1"}),
        ("A=\"1\"\nB='2'\n", {"A": "1", "B": "2"}),
        ("# A=1\n  # B=2\n\nC=3\n", {"C": "3"}),
        ("A = 1 \n", {"A": "1"}),
        ("A=1=2==\n", {"A": "1=2=="}),
        ("A=\nB=  \nnothing\n", {}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
    ],
)
def test_the_keys_file(tmp_path: Path, text: str, found: dict[str, str]) -> None:
    store = keys(tmp_path, text)
    assert {name: store.get(name) for name in store.names()} == found


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    store = keys(tmp_path, "OPENAI_API_KEY=file\nOTHER=file\n", {"OPENAI_API_KEY": "environment", "OTHER": "environment"})
    assert (store.get("OPENAI_API_KEY"), store.get("OTHER")) == ("environment", "file")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666])
def test_a_keys_file_that_others_can_read_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigurationError) as refused:
        keys(tmp_path, "A=1\n", mode=mode)
    assert "chmod 600" in refused.value.remedy
    assert "1" not in refused.value.message.replace(str(tmp_path), "")


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_keys_file_of_the_users_own_is_read(tmp_path: Path, mode: int) -> None:
    assert keys(tmp_path, "A=1\n", mode=mode).get("A") == "1"


def test_a_keys_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        keys(tmp_path, b"A=\xff\xfe\n")
    (tmp_path / "folder").mkdir(mode=0o700)
    with pytest.raises(ConfigurationError):
        KeyStore({}, tmp_path / "folder")


def test_ids_are_names_that_nobody_else_makes_and_sort_by_time() -> None:
    ids = [TimeIds().new("s") for _ in range(2_000)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"s-\d{15}-[0-9a-f]{10}", one) for one in ids)
    times = [one.split("-")[1] for one in ids]
    assert times == sorted(times)


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC)
    made = datetime.strptime(TimeIds().new("s").split("-")[1] + "000", "%y%m%d%H%M%S%f").replace(tzinfo=UTC)
    assert before - timedelta(milliseconds=2) <= made <= datetime.now(UTC)


def test_the_clock_is_in_utc_and_runs_forward() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()
