"""The same prompt in the same files is the same bytes: whoever asks, when, from where, and in which order things are found.

A provider's cache serves what begins with the same bytes, so each request of a session begins with the one before.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.agent.context.code.workspaces import commit, git
from tests.agent.loop.conversation import grows, read, repo, talk
from tests.support.program import Program
from tests.support.scripted_provider import Reply, ScriptedProvider

CHILD = Path(__file__).resolve().parents[2] / "support" / "at_time.py"
OWN = ("session_id", "user", "prompt_cache_key", "safety_identifier")
"""Fields that name the session or the person."""
PROMPT = (
    "Why is the total of a cart wrong? See @shop/cart1.py, @shop/, @README.md:1-2, @diff, @commit:HEAD, @symbol:Cart7.total7 "
    "and @shop/nothing.py"
)
REPLIES: list[Reply | str] = [
    'I look.\ncall search {"pattern": "def total1"}\ncall list_files {}',
    'call find_code {"question": "total of a cart in a currency"}',
    read("shop/cart2.py"),
    'call edit {"path": "shop/cart2.py", "edits": [{"old": "return 2", "new": "return 3"}]}',
    'call run_command {"command": "cat README.md"}',
    "It was 2.",
    read("shop/cart3.py"),
    "Nothing else.",
]


def shop(folder: Path) -> Path:
    """A repository with a history, too large to be listed, and with changes that no commit has."""
    root = repo(folder).repo
    (root / "README.md").write_text("# Shop\n\nA shop with carts.\n", "utf-8")
    (root / "AGENTS.md").write_text("Use tabs.\n", "utf-8")
    (root / "CLAUDE.md").write_text("Use no tabs.\n", "utf-8")
    methods = "    def total{n}(self):\n        return {n}\n\n    def currency(self):\n        return {n}\n"
    carts = {f"shop__cart{n}": f"class Cart{n}:\n{methods.format(n=n)}" for n in range(80)}
    commit(root, "Add carts", **carts)
    commit(root, "Give the cart a currency", shop__cart1="class Cart1:\n    def total1(self, currency):\n        return 1\n")
    git(root, "config", "gc.auto", "0")
    (root / "shop" / "cart5.py").write_text("class Cart5:\n    pass\n", "utf-8")
    (root / "untracked.py").write_text("def total():\n    pass\n", "utf-8")
    return root


def bodies(folder: Path, original: Path, *, seed: str, when: str, stamp: int) -> list[str]:
    """The request bodies of two turns, in a copy of the repository, by processes with another seed, clock and folders."""
    (folder / "tmp").mkdir(parents=True)
    shutil.copytree(original, folder / "repo", symlinks=True, copy_function=shutil.copy)
    for base, _, names in os.walk(folder / "repo"):
        for name in names:
            if ".git" not in base:
                os.utime(Path(base, name), (stamp, stamp))
    with ScriptedProvider(list(REPLIES)) as provider:
        program = Program(folder=folder, url=provider.url)
        environment = {**program.environment, "PYTHONHASHSEED": seed, "TMPDIR": str(folder / "tmp"), "TZ": f"UTC-{seed}"}
        program.run("trust", str(program.repo))
        (program.home / "settings.toml").write_text("[context]\nfile_list = 20\n", "utf-8")
        options = ("--repo", str(program.repo), "--model", "openai/scripted", "--yes", "--json")
        session = ""
        for words in (["run", PROMPT], ["resume", "SESSION", "And @shop/cart9.py, @terminal?"]):
            command = [sys.executable, str(CHILD), when, *(session if word == "SESSION" else word for word in words), *options]
            done = program.execute(command, environment)
            assert done.returncode == 0, done.stdout + done.stderr
            session = json.loads(done.stdout.splitlines()[0])["session_id"]
        asked: list[dict[str, Any]] = [request.body for request in provider.requests]
        assert len(asked) == len(REPLIES)
        assert all(grows(before, after) for before, after in zip(provider.requests, provider.requests[1:], strict=False))
    return [json.dumps({name: value for name, value in body.items() if name not in OWN}) for body in asked]


def test_requests_are_the_same_bytes_in_another_folder_at_another_time(tmp_path: Path) -> None:
    original = shop(tmp_path / "original")
    one = bodies(tmp_path / "a", original, seed="1", when="2026-11-23T12:00:00", stamp=1_700_000_000)
    other = bodies(tmp_path / "another" / "place", original, seed="4711", when="2031-05-06T07:08:09", stamp=1_800_000_000)
    for number, (first, second) in enumerate(zip(one, other, strict=True)):
        assert first == second, f"request {number}"
    assert str(tmp_path) not in "".join(one), "no path of this machine"
    shown = json.loads(one[0])["messages"][1]["content"]
    text = shown if isinstance(shown, str) else "".join(part["text"] for part in shown)
    for piece in ("Use tabs.", "Use no tabs.", "Definitions that the task may be about", "Files in shop/", "+++ b/untracked.py"):
        assert piece in text
    assert "Give the cart a currency" in text


def test_each_request_of_a_session_begins_with_the_one_before(tmp_path: Path) -> None:
    repo(tmp_path, a="one = 1\n", b="two = 2\n")
    script: list[Reply | str] = [
        f"I look.\n{read('a.py')}\n{read('b.py')}",
        'call edit {"path": "a.py", "edits": [{"old": "one = 1", "new": "one = 2"}]}',
        "Done.",
        'reasoning Once more.\ncall search {"pattern": "two"}',
        "It is 2.",
        "call nothing_known {}",
        'call run_command {"command": "echo one"}',
        "That is all.",
    ]
    with ScriptedProvider(script) as provider:
        seen = talk(tmp_path, provider, ["change @a.py", "what is two? @b.py", "run it, @terminal"])
        assert seen.stops == ["end_turn"] * 3
        assert len(provider.requests) == len(script)
        for before, after in zip(provider.requests, provider.requests[1:], strict=False):
            assert grows(before, after)
