"""Where Tallystick keeps its state."""

from pathlib import Path

import pytest

from tallystick_agent.protocol.errors import ConfigurationError, StorageError
from tallystick_server.local.home import home_folder


def test_the_variable_names_the_folder_which_is_made_for_the_user_alone(tmp_path: Path) -> None:
    home = home_folder({"TALLYSTICK_HOME": str(tmp_path / "deep" / "home")})
    assert home == tmp_path / "deep" / "home"
    assert home.is_dir()
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("")
    assert home_folder({"TALLYSTICK_HOME": str(tmp_path)}) == tmp_path
    assert (tmp_path / "settings.toml").exists()


def test_the_users_own_folder_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home_folder({"TALLYSTICK_HOME": "~/state"}) == tmp_path / "state"


@pytest.mark.parametrize("named", ["state", "./state", "../state"])
def test_a_relative_one_is_refused_since_it_would_move_with_the_workspace(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        home_folder({"TALLYSTICK_HOME": named})
    assert refused.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for named in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError) as refused:
            home_folder({"TALLYSTICK_HOME": str(named)})
        assert "TALLYSTICK_HOME" in refused.value.remedy


@pytest.mark.parametrize("environment", [{}, {"TALLYSTICK_HOME": ""}])
def test_without_the_variable_it_is_the_platforms_place(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    home = home_folder(environment)
    assert home.is_relative_to(tmp_path)
    assert home.name == "tallystick"
