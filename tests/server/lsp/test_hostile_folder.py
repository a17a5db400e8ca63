"""A workspace full of files that would run if anything imported, sourced or called them: a whole turn runs none of them."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.lsp.test_chat_turn import Desk
from tests.support.lsp_client import started
from tests.support.scripted_provider import Reply, ScriptedProvider

OF_OTHERS = (
    "json", "dataclasses", "typing", "asyncio/__init__", "lsprotocol/__init__", "pygls/__init__", "click", "socket", "ssl",
    "sqlite3/__init__", "httpx", "pydantic/__init__", "git/__init__", "tiktoken", "logging/__init__", "signal", "traceback",
)  # fmt: skip
OURS = (
    "server/__init__", "agent/__init__", "tallystick_agent/__init__", "tallystick_server/__init__", "tallystick_server/__main__",
    "sitecustomize", "usercustomize", "conftest", "setup", "startup", "re", "contextlib", "functools", "types", "warnings",
    ".venv/lib/python3.11/site-packages/sitecustomize", "lib/python3.11/site-packages/usercustomize",
)  # fmt: skip
HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change", "pre-commit",
    "pre-auto-gc", "prepare-commit-msg", "reference-transaction", "update",
)  # fmt: skip
GIT = """[core]
	repositoryformatversion = 0
	bare = false
	fsmonitor = {run}
	hooksPath = {hooks}
	sshCommand = {run}
	pager = {run}
	editor = {run}
	attributesFile = {attributes}
[filter "trap"]
	clean = {run}
	smudge = {run}
	process = {run}
	required = true
[diff "trap"]
	command = {run}
	textconv = {run}
[diff]
	external = {run}
[merge "trap"]
	driver = {run}
[credential]
	helper = "!{run}"
"""
REPLIES: list[Reply | str] = [
    'call list_files {}\ncall search {"pattern": "x"}\ncall read_file {"path": "a.py"}',
    'call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = 2"}]}\n'
    'call edit {"path":"b.py","edits":[{"old":"y = 1","new":"y = 2"}]}',
    'call write_file {"path": "c.py", "content": "z = 1\\n"}',
    "Done.",
]


def lay(root: Path, names: tuple[str, ...], marks: Path) -> None:
    """Each file leaves a mark when it runs."""
    marks.mkdir()
    for name in names:
        file = root / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"open({str(marks / name.replace('/', '.'))!r}, 'w').close()\n")
    for folder in (root, root / ".venv/lib/python3.11/site-packages"):
        if folder.is_dir():
            (folder / "trap.pth").write_text(f"import sys; open({str(marks / 'pth')!r}, 'w').close()\n")
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "-p startup"\n[tool.tallystick]\nmodel = "x/y"\n')
    (root / "b.py").write_text("y = 1\n")


def lay_git(root: Path, marks: Path) -> None:
    git = root / ".git"
    for folder in ("hooks", "objects", "refs/heads", "info"):
        (git / folder).mkdir(parents=True)
    run = git / "run.sh"
    attributes = git / "info" / "attributes"
    for script in (run, *(git / "hooks" / name for name in HOOKS)):
        script.write_text(f"#!/bin/sh\n: > '{marks}/git.{script.name}'\ncat\n")
        script.chmod(0o755)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(GIT.format(run=run, hooks=git / "hooks", attributes=attributes))
    attributes.write_text("* filter=trap diff=trap merge=trap\n")
    (root / ".gitattributes").write_text("* filter=trap diff=trap merge=trap\n")


def whole_turn(tmp_path: Path, command: tuple[str, ...], environment: dict[str, str]) -> None:
    root = tmp_path / "work"

    async def run(provider: ScriptedProvider) -> None:
        keys = {"OPENAI_API_KEY": "sk-test-123456", "OPENAI_BASE_URL": provider.url}
        known = {"TALLYSTICK_HOME": str(tmp_path / "home"), **keys, **environment}
        arguments = ("lsp", "--model", "openai/scripted")
        async with started(known, command=(*command, *arguments), cwd=root) as client:
            await client.initialize(root)
            at = Desk(client, root)
            at.open("make x 2", "x = 1\n")
            at.answers("Allow once")
            await at.send()
            assert at.source == "x = 2\n"
            assert (root / "b.py").read_text() == "y = 2\n"
            assert (root / "c.py").read_text() == "z = 1\n"
            assert "Done." in at.said
            assert await client.stop() == 0

    with ScriptedProvider(REPLIES) as provider:
        asyncio.run(run(provider))


def test_nothing_of_the_workspace_runs(tmp_path: Path) -> None:
    root, marks = tmp_path / "work", tmp_path / "marks"
    lay(root, OF_OTHERS + OURS, marks)
    lay_git(root, marks)
    (root / "a.py").write_text("x = 1\n")
    there = str(root)
    environment = {
        "PYTHONPATH": f":{there}",
        "PYTHONSTARTUP": f"{there}/startup.py",
        "PYTHONUSERBASE": there,
        "PYTHONINSPECT": "1",
        "PYTHONBREAKPOINT": "startup.x",
        "VIRTUAL_ENV": f"{there}/.venv",
        "HOME": there,
        "XDG_CONFIG_HOME": there,
    }
    whole_turn(tmp_path, (sys.executable, "-I", "-m", "tallystick_server"), environment)
    assert sorted(path.name for path in marks.iterdir()) == []


def test_nor_for_the_console_script(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    root, marks = tmp_path / "work", tmp_path / "marks"
    lay(root, OF_OTHERS + OURS, marks)
    lay_git(root, marks)
    (root / "a.py").write_text("x = 1\n")
    script = need_tool("tallystick", "Install the package: pip install -e .")
    whole_turn(tmp_path, (script,), {"VIRTUAL_ENV": f"{root}/.venv"})
    assert sorted(path.name for path in marks.iterdir()) == []


@pytest.mark.parametrize("way", ["script", "module"])
def test_a_folder_on_the_path_by_mistake(tmp_path: Path, need_tool: Callable[[str, str], str], way: str) -> None:
    """An empty part of PYTHONPATH, or a start without `-I`, means the folder that we start in."""
    root, marks = tmp_path / "work", tmp_path / "marks"
    lay(root, OF_OTHERS, marks)
    (root / "a.py").write_text("x = 1\n")
    if way == "script":
        script = need_tool("tallystick", "Install the package: pip install -e .")
        whole_turn(tmp_path, (script,), {"PYTHONPATH": ":"})
    else:
        whole_turn(tmp_path, (sys.executable, "-m", "tallystick_server"), {})
    assert sorted(path.name for path in marks.iterdir()) == []


def test_the_traps_work(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    root, marks = tmp_path / "work", tmp_path / "marks"
    lay(root, OF_OTHERS + OURS, marks)
    lay_git(root, marks)
    subprocess.run([sys.executable, "-c", "import json"], cwd=root, env={"PYTHONPATH": str(root)}, check=True)
    subprocess.run(
        [need_tool("git", "Install git."), "add", "b.py"], cwd=root, env={"HOME": str(root)}, capture_output=True, check=False
    )
    found = {path.name for path in marks.iterdir()}
    assert {"json", "sitecustomize", "git.run.sh"} <= found
