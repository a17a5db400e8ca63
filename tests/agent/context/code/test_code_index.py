"""The index of a workspace after edits: it answers as one that was built of the same files just now."""

import random
import shutil
from pathlib import Path

import pytest
from tests.agent.context.code.workspaces import SHOP, Place, commit, git, write

from tallystick_agent.context.code import code_index as module
from tallystick_agent.context.code.store import IndexStore
from tallystick_agent.protocol.code import Hints

QUESTIONS = ("The total of the cart is wrong in euros", "convert a currency", "`send_receipt` fails\n\nAt shop/mail.py", "")


def answers(place: Place) -> list[object]:
    hints = Hints(open=frozenset(["shop/mail.py"]), marked=frozenset([("shop/cart.py", 6)]))
    found: list[object] = [sorted(place.refresh().left_out.items())]
    for question in QUESTIONS:
        found += [place.order(question), place.definitions(question, hints)]
        found += [place.maker(question).make(400, mode).text for mode in ("outline", "bodies")]
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "workspace", SHOP)


def test_the_code_that_a_task_is_about_comes_first(root: Path) -> None:
    place = Place(root)
    assert place.order("The total of the cart is wrong in euros")[0] == "shop/cart.py"
    assert place.definitions("convert a currency")[0][:2] == ("shop/currency.py", 1)


def test_edits_new_deleted_and_renamed_files_are_seen_with_the_next_question(root: Path) -> None:
    place = Place(root)
    assert place.paths() == sorted(SHOP)
    write(root, {"shop/refund.py": "def refund(order):\n    return zebra\n"})
    assert place.order("zebra")[0] == "shop/refund.py"
    write(root, {"shop/refund.py": "def refund(order):\n    return order\n", "shop/mail.py": "def zebra(): ...\n"})
    assert place.order("zebra")[0] == "shop/mail.py"
    (root / "shop/mail.py").rename(root / "shop/post.py")
    (root / "shop/refund.py").unlink()
    assert place.order("zebra")[0] == "shop/post.py"
    assert place.paths() == sorted({*SHOP, "shop/post.py"} - {"shop/mail.py"})


def test_a_changed_gitignore_is_seen(root: Path) -> None:
    git(root, "init", "-q")
    place = Place(root)
    assert "shop/mail.py" in place.paths()
    write(root, {".gitignore": "mail.py\n"})
    assert "shop/mail.py" not in place.paths()
    write(root, {".gitignore": ""})
    assert "shop/mail.py" in place.paths()


def test_when_nothing_changed_the_view_is_the_same(root: Path) -> None:
    place = Place(root)
    assert place.refresh() is place.refresh()


def test_a_view_stays_as_it_was(root: Path) -> None:
    place = Place(root)
    view = place.refresh()
    before = place.index.ask("zebra", view).file_scores.tolist()
    write(root, {"shop/new.py": "zebra = 1\n", "shop/cart.py": "zebra = 1\n"})
    place.refresh()
    assert place.index.ask("zebra", view).file_scores.tolist() == before
    assert "shop/new.py" not in view.corpus.numbers


@pytest.mark.parametrize("seed", range(6))
def test_after_any_edits_it_answers_as_an_index_that_is_built_anew(root: Path, seed: int) -> None:
    chance = random.Random(seed)
    aged = Place(root)
    contents = [*SHOP.values(), "", "def total(): ...\n" * 30, "class Cart:\n    def convert(self):\n        return euro\n"]
    for _ in range(12):
        for _ in range(chance.randint(1, 4)):
            present = sorted(path for path in root.rglob("*") if path.is_file())
            what = chance.choice(["write", "write", "new", "copy", "move", "delete"])
            target = (
                root
                / chance.choice(["shop", "lib/deep", "tests"])
                / f"f{chance.randint(0, 9)}.{chance.choice(['py', 'js', 'md'])}"
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            if what == "new" or len(present) < 3:
                target.write_text(chance.choice(contents))
            elif what == "write":
                chance.choice(present).write_text(chance.choice(contents))
            elif what == "copy":
                shutil.copy(chance.choice(present), target) if target not in present else None
            elif what == "move":
                chance.choice(present).rename(target)
            else:
                chance.choice(present).unlink()
        aged.refresh()
        if chance.random() < 0.4:
            assert answers(aged) == answers(Place(root))
    assert answers(aged) == answers(Place(root))
    assert len(aged.refresh().corpus.parts) <= 9


@pytest.mark.usefixtures("calm")
def test_another_process_takes_over_what_the_first_one_read(root: Path, tmp_path: Path) -> None:
    first = Place(root, IndexStore(tmp_path / "index"))
    expected = answers(first)
    second = Place(root, IndexStore(tmp_path / "index"))
    assert answers(second) == expected


@pytest.mark.usefixtures("calm")
def test_what_the_store_lost_is_read_again_at_once(root: Path, tmp_path: Path) -> None:
    """A one-shot program has no second refresh in which it could be."""
    store = IndexStore(tmp_path / "index")
    expected = answers(Place(root, store))
    assert store.shrink(0) > 0
    assert Place(root, IndexStore(tmp_path / "index")).paths() == sorted(SHOP)
    assert store.shrink(0) > 0
    assert answers(Place(root, IndexStore(tmp_path / "index"))) == expected


@pytest.mark.usefixtures("calm")
def test_records_that_are_damaged_are_made_again(root: Path, tmp_path: Path) -> None:
    store = IndexStore(tmp_path / "index")
    expected = answers(Place(root, store))
    keys = {key for _, key in store.stamps(str(root)).values()}
    store.keep([(key, data[:-3] + b"xyz") for key, data in store.records(list(keys)).items()], day=1)
    assert Place(root, IndexStore(tmp_path / "index")).paths() == sorted(SHOP)
    assert answers(Place(root, IndexStore(tmp_path / "index"))) == expected


@pytest.mark.usefixtures("calm")
def test_a_store_that_fails_in_the_middle_changes_no_answer(root: Path, tmp_path: Path) -> None:
    store = IndexStore(tmp_path / "index")
    place = Place(root, store)
    expected = answers(place)
    place.index._decoded.clear()  # pyright: ignore[reportPrivateUsage]
    store._db.close()  # pyright: ignore[reportPrivateUsage]
    assert answers(place) == expected
    assert not store.kept
    write(root, {"shop/new.py": "def zebra(): ...\n"})
    assert place.order("zebra")[0] == "shop/new.py"


@pytest.mark.usefixtures("calm")
def test_records_in_use_are_marked_as_used(root: Path, tmp_path: Path) -> None:
    store = IndexStore(tmp_path / "index")
    Place(root, store, day=1).refresh()
    store.keep([(b"other", bytes(10_000))], day=2)
    Place(root, store, day=30).refresh()
    key = store.stamps(str(root))["shop/cart.py"][1]
    store.shrink(1)
    assert store.records([b"other"]) == {}
    Place(root, store, day=30).refresh()
    assert store.records([key])


def test_files_of_the_same_content_share_a_record_and_have_a_place_each(root: Path) -> None:
    write(root, {"shop/copy.py": SHOP["shop/cart.py"], "shop/copy.rb": SHOP["shop/cart.py"]})
    place = Place(root)
    corpus = place.refresh().corpus
    keys = {path: corpus.keys[number] for path, number in corpus.numbers.items()}
    assert keys["shop/copy.py"] == keys["shop/cart.py"] != keys["shop/copy.rb"]


def test_of_too_many_files_code_is_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 4)
    assert Place(root).paths() == sorted(path for path in SHOP if path.endswith(".py"))


def test_progress_tells_of_all_that_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 2)
    place = Place(root)
    told: list[tuple[int, int]] = []
    place.index.refresh(place.now(), lambda progress: told.append((progress.done, progress.total)))
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_an_empty_folder_and_a_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for root in (tmp_path / "empty", tmp_path / "none"):
        place = Place(root)
        assert place.order("anything") == []
        assert place.maker("anything").make(1_000).text == ""


def test_commits_raise_the_files_that_they_changed(tmp_path: Path) -> None:
    same = "def first(): ...\n"
    commit(tmp_path, "Start", a=same, b=same, c=same)
    commit(tmp_path, "Round amounts of zebra", b=f"{same}\n\n# x\n")
    commit(tmp_path, "Undo", b=same)
    assert Place(tmp_path).order("amounts of zebra")[0] == "b.py"


def test_a_part_of_a_repository_and_the_whole_have_their_own_history(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    commit(root, "Start", top="a = 1\n", part__inside="b = 1\n")
    for n in range(3):
        commit(root, f"Round zebra {n}", part__inside=f"b = {n}\n")
    store = IndexStore(tmp_path / "index")
    for _ in range(2):
        assert Place(root / "part", store).refresh().past.files[0] == ("inside.py",)
        assert Place(root, store).refresh().past.files[0] == ("part/inside.py",)
