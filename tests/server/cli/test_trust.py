"""`tallystick trust` and what it changes: whether the next run reads a folder's rules. The real program and real requests."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import Program
from tests.support.scripted_provider import ScriptedProvider

RULE = "Answer in verse."


def notices(output: str) -> list[tuple[str, str]]:
    events: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
    return [(event["code"], event["message"]) for event in events if event["kind"] == "notice"]


def ask(program: Program, folder: Path) -> list[tuple[str, str]]:
    done = program.run("run", "hello", "--repo", str(folder), "--model", "openai/scripted", "--json")
    assert done.returncode == 0, done.stderr
    return notices(done.stdout)


def first_prompt(provider: ScriptedProvider) -> str:
    return json.dumps(provider.requests[-1].body["messages"])


def test_rules_are_read_once_the_folder_is_trusted_and_no_longer_when_it_is_not(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello.", "Hello.", "Hello.", "Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("AGENTS.md", f"{RULE}\n")
        assert ask(program, program.repo) == [("rules_untrusted", "AGENTS.md is not read: this folder is not trusted.")]
        assert RULE not in first_prompt(provider)

        assert program.run("trust", str(program.repo)).stdout == f"Trusted: {program.repo}\n"
        assert program.run("trust", "--list").stdout == f"{program.repo}\n"
        assert ask(program, program.repo) == []
        assert RULE in first_prompt(provider)
        assert first_prompt(provider).count("Answer in verse.") == 1

        assert program.run("trust", str(program.repo), "--remove").stdout == "It is trusted no longer.\n"
        assert program.run("trust", str(program.repo), "--remove").stdout.startswith("It was not trusted by itself")
        assert [code for code, _ in ask(program, program.repo)] == ["rules_untrusted"]

        (program.home / "trusted.json").write_text('{"/": true}', "utf-8")
        assert [code for code, _ in ask(program, program.repo)] == ["rules_untrusted"]
        assert RULE not in first_prompt(provider)


def test_a_link_elsewhere_is_the_folder_that_it_leads_to(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello.", "Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("AGENTS.md", f"{RULE}\n")
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "link").symlink_to(program.repo)
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "AGENTS.md").write_text(RULE, "utf-8")
        (program.repo / "out").symlink_to(tmp_path / "other")
        program.run("trust", str(program.repo))
        assert ask(program, tmp_path / "elsewhere" / "link") == []
        assert RULE in first_prompt(provider)
        assert [code for code, _ in ask(program, program.repo / "out")] == ["rules_untrusted"]
        assert RULE not in first_prompt(provider)


def test_which_rules_a_trusted_run_reads(tmp_path: Path) -> None:
    """Those for the whole workspace, each text once, and no file that leads outside."""
    with ScriptedProvider(["Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        for path, text in {
            "AGENTS.md": "RULE-ONE",
            "CLAUDE.md": "RULE-ONE\n",
            ".cursor/rules/on.mdc": "---\nalwaysApply: true\n---\nRULE-TWO",
            ".cursor/rules/off.mdc": "---\nalwaysApply: false\n---\nRULE-NOT",
            ".clinerules/a.md": "RULE-THREE",
            ".roo/rules/a.md": "RULE-FOUR",
            "web/AGENTS.md": "RULE-NESTED",
        }.items():
            program.write(path, text)
        (tmp_path / "secret").write_text("RULE-OUTSIDE", "utf-8")
        (program.repo / "GEMINI.md").symlink_to(tmp_path / "secret")
        (program.repo / ".windsurfrules").symlink_to("nothing")
        program.run("trust", str(program.repo))
        assert ask(program, program.repo) == []
        parts = provider.requests[0].body["messages"][1]["content"]
        text = parts if isinstance(parts, str) else "".join(part["text"] for part in parts)
        assert [word for word in text.split() if word.startswith("RULE-")] == ["RULE-ONE", "RULE-THREE", "RULE-TWO", "RULE-FOUR"]


def test_without_the_setting_nothing_is_read_or_said(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("AGENTS.md", RULE)
        program.home.mkdir(exist_ok=True, mode=0o700)
        (program.home / "settings.toml").write_text("[context]\nrules = false\n", "utf-8")
        assert ask(program, program.repo) == []
        assert RULE not in first_prompt(provider)


def test_a_folder_that_is_gone_can_be_removed_and_not_added(tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    (tmp_path / "gone").mkdir()
    program.run("trust", str(tmp_path / "gone"))
    (tmp_path / "gone").rmdir()
    assert program.run("trust", str(tmp_path / "gone"), "--remove").stdout == "It is trusted no longer.\n"
    again = program.run("trust", str(tmp_path / "gone"))
    assert again.returncode == 2
    assert "does not exist" in again.stderr
    assert program.run("trust", "--list").stdout == ""


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    (tmp_path / "caf\udce9").mkdir()
    for arguments in ((str(tmp_path / "caf\udce9"),), ("--list",), (str(tmp_path / "caf\udce9"), "--remove")):
        done = program.run("trust", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
