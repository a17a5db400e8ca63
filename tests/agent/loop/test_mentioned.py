"""What a prompt names with `@` in real turns: what stands before the prompt then, and what is said of the rest."""

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from tests.agent.context.code.workspaces import commit, git
from tests.agent.loop.conversation import Talk, read, repo, talk, texts
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.protocol.events import TurnStarted

VISION = "openai/gpt-5.6-terra"


def ask(folder: Path, *prompts: str, replies: list[Reply | str] | None = None, **options: Any) -> Talk:
    with ScriptedProvider(replies if replies is not None else [f"Answer {n}." for n in range(9)]) as provider:
        seen = talk(folder, provider, prompts, **options)
        assert seen.stops == ["end_turn"] * len(prompts), seen.said
        last = seen.of(TurnStarted)[-1]
        assert any(text.endswith(last.prompt) for text in texts(provider.requests[-1])), "the prompt stays as it was typed"
        for one in last.shown:
            sent = f"{one.text}\n\n".encode("utf-8", "replace").decode()
            assert any(sent in text for text in texts(provider.requests[-1])), f"{one.name} was sent"
    return seen


def test_a_file_is_shown_whole_and_may_be_edited_without_reading_it(tmp_path: Path) -> None:
    repo(tmp_path, a="one = 1\ntwo = 2\n")
    edit = 'call edit {"path": "a.py", "edits": [{"old": "two = 2", "new": "two = 3"}]}'
    seen = ask(tmp_path, "mend @a.py", replies=[edit, "Done."])
    assert seen.shown()["file:a.py"] == '<file path="a.py">\n   1 one = 1\n   2 two = 2\n</file>'
    assert seen.forms()["file:a.py"] == "whole"
    assert (tmp_path / "repo" / "a.py").read_text("utf-8") == "one = 1\ntwo = 3\n"


def test_lines_of_a_file(tmp_path: Path) -> None:
    repo(tmp_path, a="".join(f"line {number}\n" for number in range(1, 100)))
    seen = ask(tmp_path, "see @a.py:10-12, @a.py#L98-L200 and @a.py:100")
    assert seen.shown()["file:a.py:10-12"] == '<file path="a.py">\n  10 line 10\n  11 line 11\n  12 line 12\n</file>'
    assert seen.shown()["file:a.py:98-200"] == '<file path="a.py">\n  98 line 98\n  99 line 99\n</file>'
    assert seen.said == ["@a.py:100: the file has only 99 lines."]


@pytest.mark.parametrize(("tokens", "form"), [(100_000, "whole"), (2_000, "excerpt"), (700, "outline")])
def test_a_long_file_becomes_shorter_under_a_small_limit(tmp_path: Path, tokens: int, form: str) -> None:
    line = "    v = a[1] + b[2] * c[3]\n"
    body = "".join(f"def function_{number}():\n{line * 9}" for number in range(500))
    repo(tmp_path, long=body)
    seen = ask(tmp_path, "read @long.py", settings={"context": {"prompt_tokens": tokens, "file_list": 0, "map_tokens": 0}})
    assert seen.forms() == {"file:long.py": form}
    assert seen.of(TurnStarted)[0].shown[0].reason.startswith(form)
    text = seen.shown()["file:long.py"]
    assert "def function_0()" in text
    assert ("def function_499()" in text) == (form == "whole")
    assert form == "whole" or "read_file shows" in text
    assert seen.notices == []


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    repo(tmp_path, long="x = 1\n" * 5_000)
    seen = ask(tmp_path, "read @long.py", settings={"context": {"prompt_tokens": 5}})
    assert seen.shown() == {}
    assert seen.notices == ["context_left_out"]
    assert seen.said[0].startswith("file:long.py is left out: dropped: ")


def test_a_file_that_was_cut_is_not_taken_for_read(tmp_path: Path) -> None:
    repo(tmp_path, huge="x = 1\n" * 60_000)
    write = 'call write_file {"path": "huge.py", "content": "gone"}'
    settings = {"context": {"prompt_tokens": 10**9}, "endpoints": {"openai/scripted": {"window_tokens": 10**9}}}
    seen = ask(tmp_path, "read @huge.py", replies=[write, "Done."], settings=settings)
    assert seen.forms()["file:huge.py"] == "excerpt"
    assert "bytes left out" in seen.shown()["file:huge.py"]


def test_folders_symbols_and_things_that_are_not_there(tmp_path: Path) -> None:
    repo(tmp_path, src__cart="class Cart:\n    def total(self):\n        return 1\n", src__b="", other="x = 1\n").write(
        "src/.env", "KEY=1\n"
    )
    seen = ask(tmp_path, "look at @src/ and @symbol:Cart.total, not @symbol:Zebra99 or @property")
    assert seen.shown()["folder:src/"] == "Files in src/ (2):\nsrc/b.py\nsrc/cart.py"
    assert "def total(self)" in seen.shown()["symbol:Cart.total"]
    assert seen.said == ["@symbol:Zebra99: nothing here is called like that."]
    assert set(seen.shown()) == {"files", "folder:src/", "symbol:Cart.total"}


def test_secrets_are_refused_under_any_name(tmp_path: Path) -> None:
    program = repo(tmp_path, a="x = 1\n")
    program.write(".env", "KEY=hidden-value\n")
    (program.repo / "notes.txt").symlink_to(".env")
    (program.repo / "logo.png").symlink_to(".env")
    (program.repo / "out.txt").symlink_to("/etc/hostname")
    seen = ask(tmp_path, "read @.env @notes.txt @logo.png @out.txt @diff")
    assert seen.said[:3] == [f"@{name}: it may hold secrets and is not read." for name in (".env", ".env", "logo.png")]
    assert seen.said[3].startswith("@out.txt: ")
    assert "outside" in seen.said[3]
    assert "hidden-value" not in str(seen.bodies)
    assert set(seen.shown()) == {"files"}


# --- Git ---------------------------------------------------------------------------------------------------------------


def test_the_diff_has_unsaved_new_and_deleted_files_and_no_secret(tmp_path: Path) -> None:
    root = repo(tmp_path).repo
    commit(root, "First", a="a = 1\n", gone="g = 1\n")
    (root / "a.py").write_text("a = 2\n", "utf-8")
    (root / "new.py").write_text("n = 1\n", "utf-8")
    (root / ".env").write_text("KEY=hidden-value\n", "utf-8")
    (root / "gone.py").unlink()
    text = ask(tmp_path, "review @diff").shown()["diff"]
    assert "-a = 1\n+a = 2\n" in text
    assert "--- /dev/null\n+++ b/new.py\n" in text
    assert "+++ /dev/null\n" in text
    assert "+++ b/.env\n(it may hold secrets and is not shown)\n" in text
    assert "hidden-value" not in text


def test_what_is_staged_and_nothing_else(tmp_path: Path) -> None:
    root = repo(tmp_path).repo
    commit(root, "First", a="a = 1\n", b="b = 1\n", gone="g = 1\n")
    assert ask(tmp_path, "message for @staged").said == ["@staged: nothing is staged for a commit."]
    (root / "a.py").write_text("a = 2\n", "utf-8")
    (root / ".env").write_text("KEY=hidden-value\n", "utf-8")
    git(root, "add", "-A")
    git(root, "rm", "-q", "gone.py")
    (root / "a.py").write_text("a = 3\n", "utf-8")
    (root / "b.py").write_text("b = 2\n", "utf-8")
    text = ask(tmp_path, "message for @staged").shown()["diff:staged"]
    assert "-a = 1\n+a = 2\n" in text
    assert "a = 3" not in text
    assert "b.py" not in text
    assert "+++ /dev/null\n" in text
    assert "hidden-value" not in text


def test_a_long_diff_becomes_a_list_of_paths(tmp_path: Path) -> None:
    root = repo(tmp_path).repo
    commit(root, "First", a="a = 1\n")
    (root / "new.py").write_text("n = 1\n" * 5_000, "utf-8")
    seen = ask(tmp_path, "review @diff", settings={"context": {"prompt_tokens": 500}})
    assert seen.shown()["diff"] == "Changed since the last commit:\nnew.py"
    assert seen.forms()["diff"] == "outline"


@pytest.mark.parametrize(("with_git", "problem"), [(True, "nothing differs from HEAD"), (False, "is in no git repository")])
def test_no_diff(tmp_path: Path, with_git: bool, problem: str) -> None:
    program = repo(tmp_path, a="a = 1\n")
    if with_git:
        commit(program.repo, "First")
    [said] = ask(tmp_path, "review @diff").said
    assert problem in said


def test_a_hostile_repository_runs_nothing(tmp_path: Path) -> None:
    root = repo(tmp_path).repo
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\ncat\n", "utf-8")
    hook.chmod(0o755)
    commit(root, "First", a="a = 1\n")
    (root / ".gitattributes").write_text("* filter=evil diff=evil\n", "utf-8")
    for key in ("filter.evil.clean", "filter.evil.process", "diff.evil.textconv", "diff.evil.command", "diff.external"):
        git(root, "config", key, str(hook))
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand"):
        git(root, "config", key, str(hook))
    (root / "a.py").write_text("a = 2\n", "utf-8")
    seen = ask(tmp_path, "review @diff and @commit:HEAD")
    assert "+a = 2" in seen.shown()["diff"]
    assert "+a = 1" in seen.shown()["commit:HEAD"]
    assert not (tmp_path / "canary").exists()


def test_commits(tmp_path: Path) -> None:
    root = repo(tmp_path).repo
    (root / ".env").write_text("KEY=hidden-value\n", "utf-8")
    sha = commit(root, "Give a a value", a="a = 1\n")
    seen = ask(tmp_path, f"see @commit:{sha[:8]}, @commit:0000000 and @commit:--upload-pack=touch")
    text = seen.shown()[f"commit:{sha[:8]}"]
    assert "Give a a value" in text
    assert "+a = 1" in text
    assert "hidden-value" not in text
    assert seen.said == [f"@{name}: there is no such commit." for name in ("0000000", "--upload-pack=touch")]


# --- Output, pictures and other hosts' things --------------------------------------------------------------------------


def test_the_output_of_the_last_command(tmp_path: Path) -> None:
    repo(tmp_path, a="x = 1\n")
    run = 'call run_command {"command": "echo first-output"}'
    seen = ask(tmp_path, "what does @terminal say?", "run it", "and now @terminal?", replies=["Nothing.", run, "Ran.", "It ran."])
    assert seen.said == ["@terminal: no command was run yet."]
    assert seen.shown()["terminal"] == "Output of the last command:\nExit code 0.\nfirst-output"


def test_diagnostics_need_somebody_who_checks(tmp_path: Path) -> None:
    repo(tmp_path, a="x = 1\n")
    said = "@diagnostics: nothing checks files here; docs/diagnostics.md says how to set it up."
    assert ask(tmp_path, "fix @diagnostics").said == [said]


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\0" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_picture_goes_to_a_model_that_sees(tmp_path: Path) -> None:
    program = repo(tmp_path)
    (program.repo / "shot.png").write_bytes(png(8, 8))
    (program.repo / "fake.png").write_text("no picture", "utf-8")
    (program.repo / "large.png").write_bytes(png(8, 8) + b"\0" * 6_000_000)
    with ScriptedProvider(["A black square."]) as provider:
        seen = talk(tmp_path, provider, ["what is on @shot.png, @fake.png and @large.png?"], model=VISION)
        content: list[dict[str, Any]] = provider.requests[0].body["messages"][1]["content"]
    data = base64.b64encode(png(8, 8)).decode()
    assert [part["image_url"]["url"] for part in content if part["type"] == "image_url"] == [f"data:image/png;base64,{data}"]
    assert seen.stops == ["end_turn"]
    assert seen.said == ["@fake.png: it is no picture.", "@large.png: over 5 MiB."]


def test_a_file_that_cannot_be_read_is_told_and_the_turn_goes_on(tmp_path: Path) -> None:
    program = repo(tmp_path, a="x = 1\n")
    (program.repo / "data.bin").write_bytes(b"\0\1\2")
    (program.repo / "wide.txt").write_bytes("hello".encode("utf-16"))
    (program.repo / "latin.txt").write_bytes(b"caf\xe9 au lait\n")
    (program.repo / "empty.txt").write_bytes(b"")
    (program.repo / "gone.txt").symlink_to("nothing")
    seen = ask(tmp_path, "read @data.bin @wide.txt @latin.txt @empty.txt @gone.txt")
    assert [said.partition(":")[0] for said in seen.said] == ["@data.bin", "@wide.txt", "@gone.txt"]
    assert "au lait" in seen.shown()["file:latin.txt"]
    assert seen.shown()["file:empty.txt"] == '<file path="empty.txt">\n\n</file>'


def test_what_was_read_before_the_prompt_names_it_is_named_again(tmp_path: Path) -> None:
    """A later prompt brings what it names, and no rules, list or map."""
    repo(tmp_path, a="x = 1\n")
    seen = ask(tmp_path, "hello", "now @a.py", replies=[read("a.py"), "Hello.", "It says 1."])
    assert set(seen.shown(0)) == {"files"}
    assert set(seen.shown(1)) == {"file:a.py"}
