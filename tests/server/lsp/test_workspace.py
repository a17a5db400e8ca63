"""Open documents over the disk: what is read, and when an edit counts. The editor here does what real ones were seen to do."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from lsprotocol import types

from tallystick_agent.ports import FileWrite
from tallystick_agent.protocol.digest import digest
from tallystick_agent.protocol.errors import StaleDocument, WorkspaceError
from tallystick_server.local.disk import DiskWorkspace
from tallystick_server.lsp import workspace as module
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.editor import Rewrite
from tallystick_server.lsp.workspace import EditorWorkspace


class FakeEditor:
    """Answers `applied`; `does` decides what becomes of the documents."""

    def __init__(self, documents: OpenDocuments, applied: bool = True) -> None:
        self.documents = documents
        self.applied = applied
        self.asked: list[tuple[Rewrite, ...]] = []
        self.does: Callable[[tuple[Rewrite, ...]], None] = self.apply_now

    async def apply(self, rewrites: tuple[Rewrite, ...], label: str | None = None) -> bool:
        self.asked.append(rewrites)
        if self.applied:
            self.does(rewrites)
        return self.applied

    def apply_now(self, rewrites: tuple[Rewrite, ...]) -> None:
        for document, text in rewrites:
            self.show(document.uri, text)

    def apply_late(self, rewrites: tuple[Rewrite, ...]) -> None:
        asyncio.get_running_loop().call_soon(self.apply_now, rewrites)

    def drop(self, rewrites: tuple[Rewrite, ...]) -> None:
        """What Neovim does with an old version: it says yes, does nothing, and then tells what the user had typed."""
        for document, _ in rewrites:
            self.show(document.uri, document.text + "typed\n")

    def show(self, uri: str, text: str) -> None:
        document = self.documents.get(uri)
        assert document is not None
        change = types.TextDocumentContentChangeWholeDocument(text=text)
        self.documents.change(uri, document.version + 1, [change], "utf-16")


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.documents = OpenDocuments()
        self.editor = FakeEditor(self.documents)
        self.workspace = EditorWorkspace(DiskWorkspace(root, {}), self.documents, self.editor)

    def open(self, name: str, text: str) -> str:
        uri = (self.root / name).as_uri()
        self.documents.open(types.TextDocumentItem(uri=uri, language_id="python", version=1, text=text))
        return uri


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "a.py").write_text("saved\n")
    (tmp_path / "b.py").write_text("b\n")
    return Place(tmp_path)


def write(path: str, text: str, base: str) -> FileWrite:
    return FileWrite(path=path, text=text, base_digest=digest(base) if base else "")


def test_the_screen_wins_over_the_disk(place: Place) -> None:
    async def run() -> None:
        place.open("a.py", "unsaved 🎉\n")
        shown, saved = await place.workspace.read("./a.py"), await place.workspace.read("b.py")
        assert (shown.path, shown.text, shown.version) == ("a.py", "unsaved 🎉\n", 1)
        assert (saved.text, saved.version) == ("b\n", None)
        assert (await place.workspace.read(str(place.root / "a.py"))).text == "unsaved 🎉\n"
        with pytest.raises(WorkspaceError):
            await place.workspace.read("../outside.py")

    asyncio.run(run())


def test_a_document_outside_the_root_is_not_read(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    async def run() -> None:
        outside = tmp_path_factory.mktemp("other") / "secret.py"
        place.documents.open(types.TextDocumentItem(uri=outside.as_uri(), language_id="python", version=1, text="x"))
        with pytest.raises(WorkspaceError):
            await place.workspace.read(str(outside))
        assert place.workspace.open_paths() == ()

    asyncio.run(run())


def test_open_paths_are_those_that_differ(place: Place) -> None:
    place.open("a.py", "unsaved\n")
    place.open("b.py", "b\n")
    place.open("new.py", "not on the disk")
    place.open("c.tally.md", "## You\n")
    assert place.workspace.open_paths() == ("a.py", "new.py")


def test_line_endings_of_the_editor_are_kept(place: Place) -> None:
    async def run() -> None:
        uri = place.open("a.py", "one\r\ntwo\r\n")
        document = await place.workspace.read("a.py")
        assert (document.text, document.newline) == ("one\ntwo\n", "\r\n")
        assert place.workspace.open_paths() == ("a.py",)
        change = FileWrite(path="a.py", text="one\n2\n", base_digest=document.digest, newline="\r\n")
        await place.workspace.write((change,))
        shown = place.documents.get(uri)
        assert shown is not None
        assert shown.text == "one\r\n2\r\n"

    asyncio.run(run())


@pytest.mark.parametrize("late", [False, True])
def test_an_edit_goes_to_the_screen_and_not_to_the_disk(place: Place, late: bool) -> None:
    async def run() -> None:
        uri = place.open("a.py", "unsaved\n")
        if late:
            place.editor.does = place.editor.apply_late
        await place.workspace.write((write("a.py", "edited\n", "unsaved\n"),))
        shown = place.documents.get(uri)
        assert shown is not None
        assert shown.text == "edited\n"
        assert (place.root / "a.py").read_text() == "saved\n"
        assert (await place.workspace.read("a.py")).text == "edited\n"

    asyncio.run(run())


def test_a_stale_base_asks_the_editor_nothing(place: Place) -> None:
    async def run() -> None:
        place.open("a.py", "unsaved\n")
        with pytest.raises(StaleDocument):
            await place.workspace.write((write("a.py", "edited\n", "saved\n"),))
        assert place.editor.asked == []

    asyncio.run(run())


def test_a_refused_edit_is_stale_and_nothing_else_is_written(place: Place) -> None:
    async def run() -> None:
        place.open("a.py", "unsaved\n")
        place.editor.applied = False
        with pytest.raises(StaleDocument):
            await place.workspace.write((write("b.py", "B\n", "b\n"), write("a.py", "edited\n", "unsaved\n")))
        assert (place.root / "b.py").read_text() == "b\n"

    asyncio.run(run())


def test_an_edit_that_the_editor_only_says_it_made_is_stale(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.05)

    async def run() -> None:
        place.open("a.py", "one\ntwo\n")
        place.editor.does = place.editor.drop
        with pytest.raises(StaleDocument):
            await place.workspace.write((write("a.py", "ONE\ntwo\n", "one\ntwo\n"),))

    asyncio.run(run())


def test_a_disk_that_fails_takes_the_edit_back(place: Place) -> None:
    async def run() -> None:
        uri = place.open("a.py", "unsaved\n")
        with pytest.raises(StaleDocument):
            await place.workspace.write((write("a.py", "edited\n", "unsaved\n"), write("b.py", "B\n", "not b\n")))
        shown = place.documents.get(uri)
        assert shown is not None
        assert shown.text == "unsaved\n"

    asyncio.run(run())


def test_changes_by_range_in_their_order(place: Place) -> None:
    uri = place.open("a.py", "a🎉b\n")

    def at(start: int, end: int, text: str) -> types.TextDocumentContentChangePartial:
        span = types.Range(start=types.Position(line=0, character=start), end=types.Position(line=0, character=end))
        return types.TextDocumentContentChangePartial(range=span, text=text)

    place.documents.change(uri, 2, [at(3, 4, "B"), at(1, 3, "x"), at(0, 0, "\x0c\u2028")], "utf-16")
    place.documents.change(uri, 3, [at(2, 3, "")], "utf-16")
    document = place.documents.get(uri)
    assert document is not None
    assert (document.text, document.version) == ("\x0c\u2028xB\n", 3)


@pytest.mark.parametrize(("saved", "left"), [("saved\n", False), ("other\n", True)])
def test_a_file_that_goes_is_emptied_on_the_screen_and_gone_from_the_disk(place: Place, saved: str, left: bool) -> None:
    async def run() -> None:
        uri = place.open("a.py", "saved\n")
        (place.root / "a.py").write_text(saved)
        gone = FileWrite(path="a.py", text="", base_digest=digest("saved\n"), remove=True)
        closed = FileWrite(path="b.py", text="", base_digest=digest("b\n"), remove=True)
        await place.workspace.write((gone, closed))
        document = place.documents.get(uri)
        assert document is not None
        assert document.text == ""
        assert (place.root / "a.py").exists() is left, "a file that is not what was shown is somebody else's"
        assert not (place.root / "b.py").exists()

    asyncio.run(run())
