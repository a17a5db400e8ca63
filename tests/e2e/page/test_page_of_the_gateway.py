"""The page as the real gateway serves it: the link that it prints leads to every view, with nothing wrong in any."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.e2e.page.driving import drive
from tests.support.page_books import APPS, HOSTILE, MODELS, SESSION, write
from tests.support.program import Program

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_spec("tallystick_server.gateway.main") is None, reason="There is no gateway yet."),
]
LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/#token=(\S+)")


def test_the_printed_link_leads_to_every_view(driver: Path, tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    environment = program.environment
    write(program.home).close()
    command = program.command("gateway", "--port", "0")
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout is not None
        try:
            links = (LINK.search(line) for line in gateway.stdout)
            link = next((found for found in links if found), None)
            assert link is not None, "the gateway ended"
            given = {"model": MODELS[1], "app": APPS[0][0], "title": APPS[0][1], "session": SESSION, "only": "gate views"}
            seen = drive(driver, tmp_path, {**given, "url": link[1], "token": link[2]})
        finally:
            gateway.terminate()
    assert seen["problems"] == []
    assert seen["foreign"] == []
    assert seen["inline"] is False
    assert "is not known" in seen["refused"]
    assert seen["hurt"] is None
    for name, view in seen["views"].items():
        assert view["problems"] == [], name
        assert not view["made"], name
    assert HOSTILE in seen["views"]["rankings"]["text"]
    assert "full in about" in seen["views"]["session"]["text"]
