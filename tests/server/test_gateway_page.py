"""The page's files: what is served, with which headers, and what they must not hold."""

import re
from pathlib import Path

import pytest

from tallystick_server.gateway.page import POLICY, Asset, asset

FOLDER = Path(__file__).resolve().parents[2] / "server/tallystick_server/gateway/page"
INLINE = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\sstyle=|\son\w+=\"")
NAMES = sorted(path.name for path in FOLDER.iterdir())


def found(path: str) -> Asset:
    one = asset(path)
    assert one is not None, path
    return one


def test_every_file_is_served_with_its_type_and_the_policy() -> None:
    types = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
    for name in NAMES:
        one = found(f"/assets/{name}")
        assert one.body == (FOLDER / name).read_bytes()
        assert one.headers["content-type"] == types.get(Path(name).suffix, "image/svg+xml")
        assert one.headers["content-security-policy"] == POLICY
        assert one.headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch(r'"[0-9a-f]{32}"', one.headers["etag"])
    assert found("/") == found("/assets/index.html")


@pytest.mark.parametrize(
    "path",
    [
        "", "/assets", "/assets/", "/assets/../page.py", "/assets/%2e%2e/page.py", "/assets//etc/passwd", "/assets/./style.css",
        "/assets/..\\page.py", "/assets/style.css\0", "/index.html", "/style.css", "assets/style.css", "/assets/STYLE.CSS",
        "//assets/style.css", "/../",
    ],
)  # fmt: skip
def test_what_is_no_name_of_a_file_is_not_there(path: str) -> None:
    assert asset(path) is None


def test_a_browser_that_has_a_file_is_told_so() -> None:
    one = found("/assets/style.css")
    assert one.known(one.etag)
    assert one.known(f'"else", W/{one.etag}')
    assert not one.known('"else"')
    assert not one.known("")
    assert one.etag != found("/assets/main.js").etag


def test_nothing_is_inline_remote_or_made_html_of_text() -> None:
    for name in NAMES:
        text = (FOLDER / name).read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\sstyle=|\son\w+=\"", text
        ), name
        assert set(re.findall(r"\bhttps?://[^\s\"'`)]+", text)) <= {"http://www.w3.org/2000/svg"}, name
    index = (FOLDER / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style", index)


def test_modules_name_files_that_are_there_and_are_small() -> None:
    for name in NAMES:
        text = (FOLDER / name).read_text("utf-8")
        assert len(text.splitlines()) <= 300, name
        for wanted in re.findall(r"(?:from \"\./|/assets/)([\w.]+)", text):
            assert wanted in NAMES, f"{name}: {wanted}"
