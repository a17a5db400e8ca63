"""The VS Code client is well typed, its parts do what they say, and its package is made offline and holds what it should."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.vscode.conftest import CLIENT

pytestmark = pytest.mark.e2e


def test_types(npm: Callable[[str], str]) -> None:
    npm("check")


def test_parts(npm: Callable[[str], str]) -> None:
    assert "# fail 0" in npm("test")


def test_package(vsix: Path) -> None:
    with zipfile.ZipFile(vsix) as package:
        names = set(package.namelist())
        wanted = {"package.json", "dist/extension.js", "dist/view.js", "dist/style.css", "dist/licences.txt", "media/icon.png"}
        assert {f"extension/{name}" for name in wanted} <= names
        assert not [name for name in names if "node_modules" in name or name.endswith((".ts", ".map"))]
        for script in ("dist/view.js", "dist/style.css"):
            text = package.read(f"extension/{script}").decode()
            assert "innerHTML" not in text
            assert "@import" not in text


def test_sources_are_small() -> None:
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in (CLIENT / "src").rglob("*.ts")}
    lengths.pop("protocol.gen.ts")
    assert not {name for name, lines in lengths.items() if lines > 300}


def test_the_lock_file_names_no_registry() -> None:
    for lock in (CLIENT / "package-lock.json", Path(__file__).parent / "package-lock.json"):
        assert '"resolved"' not in lock.read_text("utf-8")
