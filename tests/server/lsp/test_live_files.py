"""The files of an editor's workspace: texts on the screen above those of the disk."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from lsprotocol import types

from tallystick_agent.ports import Files
from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_server.local.disk import DiskWorkspace
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.editor import Rewrite
from tallystick_server.lsp.workspace import EditorWorkspace


class NoEditor:
    async def apply(self, rewrites: tuple[Rewrite, ...], label: str | None = None) -> bool:
        raise AssertionError("nothing is written here")


def shown(root: Path, **texts: str) -> tuple[EditorWorkspace, OpenDocuments]:
    """`__` in a name stands for `/`, `_` for `.`."""
    documents = OpenDocuments()
    for name, text in texts.items():
        path = root / name.replace("__", "/").replace("_", ".")
        documents.open(types.TextDocumentItem(uri=path.as_uri(), language_id="python", version=1, text=text))
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return EditorWorkspace(DiskWorkspace(root, environment), documents, NoEditor()), documents


def read(files: Files) -> dict[str, bytes]:
    return {path: files.load(path) for path in files.stamps()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / "b.py").write_text("b = 1\n")
    return tmp_path


def test_what_is_on_the_screen_is_read_and_what_is_not_saved_yet_is_listed(root: Path) -> None:
    workspace, _ = shown(root, a_py="a = 2\n", new_py="n = 1\n")
    assert read(workspace.now()) == {"a.py": b"a = 2\n", "b.py": b"b = 1\n", "new.py": b"n = 1\n"}


def test_chats_are_no_files_of_the_workspace(root: Path) -> None:
    (root / "other.tally.md").write_text("> hello\n")
    workspace, _ = shown(root, chat_tally_md="> hello\n")
    assert asyncio.run(workspace.files()) == ("a.py", "b.py")
    assert set(read(workspace.now())) == {"a.py", "b.py"}


def test_a_text_is_frozen_and_its_stamp_tells_of_what_is_typed(root: Path) -> None:
    workspace, documents = shown(root, a_py="a = 2\n")
    before = workspace.now()
    stamp = before.stamps()["a.py"]
    documents.change((root / "a.py").as_uri(), 2, [types.TextDocumentContentChangeWholeDocument(text="a = 3\n")], "utf-16")
    assert before.load("a.py") == b"a = 2\n"
    assert workspace.now().load("a.py") == b"a = 3\n"
    assert workspace.now().stamps()["a.py"] != stamp


def test_an_ignored_file_stays_ignored_when_it_is_open(root: Path) -> None:
    """And so do git's own files: a commit message is written in the same editor."""
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / ".gitignore").write_text("secret.py\n")
    (root / "secret.py").write_text("KEY = 1\n")
    (root / ".git/COMMIT.EDITMSG").write_text("message\n")
    workspace, _ = shown(root, secret_py="KEY = 2\n", _git__COMMIT_EDITMSG="message 2\n")
    assert set(workspace.now().stamps()) == {".gitignore", "a.py", "b.py"}


def test_a_file_that_was_deleted_and_is_still_open_is_there(root: Path) -> None:
    workspace, _ = shown(root, a_py="a = 2\n")
    (root / "a.py").unlink()
    assert read(workspace.now())["a.py"] == b"a = 2\n"


def test_half_a_character_is_no_failure(root: Path) -> None:
    workspace, _ = shown(root, a_py="a = '\ud83d'\n", b_py="b = '\udce9'\n")
    assert {path: len(data) for path, data in read(workspace.now()).items()} == {"a.py": 10, "b.py": 8}


def test_what_is_nowhere_is_an_error(root: Path) -> None:
    workspace, _ = shown(root, a_py="a = 2\n")
    with pytest.raises(WorkspaceError):
        workspace.now().load("none.py")
