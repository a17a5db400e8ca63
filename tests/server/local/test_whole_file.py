"""A file is written whole or not at all, whatever goes wrong on the way."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tallystick_agent.protocol.errors import StorageError
from tallystick_server.local.whole_file import whole_file


def test_it_is_there_at_the_end_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with whole_file(path) as out:
        out.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_one_that_was_there_stays_until_then_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with pytest.raises(ZeroDivisionError):
        half_written(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with whole_file(path) as out:
        out.write(b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def half_written(path: Path) -> None:
    with whole_file(path) as out:
        out.write(b"half")
        raise ZeroDivisionError


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    with whole_file(link) as out:
        out.write(b"x")
    assert link.is_symlink()
    assert real.read_bytes() == b"x"


@pytest.mark.parametrize("name", ["", "no/such/folder/out"])
def test_what_cannot_be_written_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match="cannot be written"), whole_file(tmp_path / name) as out:
        out.write(b"x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_device_is_written_to_as_it_is() -> None:
    with pytest.raises(StorageError, match="No space left"), whole_file(Path("/dev/full")) as out:
        out.write(b"x")


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    script = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from tallystick_server.local.whole_file import whole_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "with whole_file(Path(sys.argv[1])) as out:\n"
        "    out.write(b'x' * 100_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, env=os.environ, check=False)
    assert "StorageError" in done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
