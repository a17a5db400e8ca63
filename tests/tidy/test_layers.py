"""Who may import whom, and that importing has no effects. The contracts stand in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_contracts_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_every_module_has_no_effect(tmp_path: Path) -> None:
    """No output, no file, no environment read that fails, no thread: in an empty home, with nothing on the path."""
    script = (
        "import pkgutil, importlib, threading, tallystick_agent, tallystick_server\n"
        "for package in (tallystick_agent, tallystick_server):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('__main__'):\n"
        "            importlib.import_module(module.name)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
    )
    environment = {"HOME": str(tmp_path), "PATH": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_no_generic_package_can_be_imported() -> None:
    """`agent` and `server` are folders, not packages: an __init__.py there would shadow a user's own."""
    assert not (ROOT / "agent/__init__.py").exists()
    assert not (ROOT / "server/__init__.py").exists()


def test_version_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom tallystick_server.cli.main import cli\ncli(['--version'])\n"
        "heavy = {'httpx', 'tiktoken', 'pydantic', 'git', 'pygls', 'lsprotocol', 'rich', 'sqlite3', 'asyncio'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-I", "-c", script], check=True, capture_output=True)
