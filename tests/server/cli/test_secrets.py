"""Keys and secret files stay where they are: out of events, logs, the screen, and the model's sight."""

import json
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.scripted_provider import Reply, ScriptedProvider

KEY = "sk-scripted-0000"


def everything(program: Program) -> str:
    """All that was written below the state folder, as text."""
    files = (path for path in program.home.rglob("*") if path.is_file())
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def test_a_key_is_in_no_event_and_no_request(tmp_path: Path) -> None:
    """Read from a file, printed by a command, echoed by the provider, written by the model: it is masked everywhere."""
    replies: list[Reply | str] = [
        'call read_file {"path": "a.txt"}',
        'call run_command {"command": "cat a.txt"}',
        f'call write_file {{"path": "b.txt", "content": "{KEY}"}}',
        Reply(status=401, body=f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'),
    ]
    with ScriptedProvider(replies) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.txt", f"key = {KEY}\n")
        done = program.task("look", "--yes", "--json")
        bodies = json.dumps([request.body for request in provider.requests])
    assert done.returncode == 6
    assert KEY not in done.stdout + done.stderr + everything(program)
    assert KEY not in bodies
    assert "[redacted]" in bodies


def test_a_key_with_a_line_end_is_taken_without_it(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        environment = {**program.environment, "OPENAI_API_KEY": f"{KEY}\n"}
        command = program.command("run", "hello", "--repo", str(program.repo), "--model", "openai/scripted")
        assert program.execute(command, environment).returncode == 0
        assert provider.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", ["sk-one\nsk-two-secret", "sk-schlüssel-secret"])
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, key: str) -> None:
    program = Program(folder=tmp_path)
    command = program.command("run", "hello", "--repo", str(program.repo), "--model", "openai/scripted")
    done = program.execute(command, {**program.environment, "OPENAI_API_KEY": key})
    assert done.returncode == 2
    assert "OPENAI_API_KEY is not a key" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("command", ["cat out", "cat envlink", "head -3 o*", "ls; cat envlink", "tail -f a.txt"])
def test_a_harmless_program_is_asked_about_where_a_link_leads_out(tmp_path: Path, command: str) -> None:
    with ScriptedProvider([f"call run_command {json.dumps({'command': command})}"]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.txt", "one\n")
        program.write(".env", "SECRET=1\n")
        (program.repo / "out").symlink_to("/etc/hostname")
        (program.repo / "envlink").symlink_to(".env")
        done = program.task("look", "--json")
    assert done.returncode == 4
    assert "SECRET=1" not in done.stdout


def test_a_key_that_the_settings_name_is_found_and_masked(tmp_path: Path) -> None:
    with ScriptedProvider(["The key is work-secret-123."]) as provider:
        program = Program(folder=tmp_path)
        environment = {**program.environment, "WORK_TOKEN": "work-secret-123"}
        text = f'[endpoints."work/coder"]\nbase_url = "{provider.url}"\nkey_name = "WORK_TOKEN"\ncall_mode = "native"\n'
        (program.home / "settings.toml").write_text(text, "utf-8")
        command = program.command("run", "hello", "--repo", str(program.repo), "--model", "work/coder", "--json")
        done = program.execute(command, environment)
        assert provider.requests[0].headers["authorization"] == "Bearer work-secret-123"
    assert done.returncode == 0, done.stderr
    assert "The key is [redacted]." in done.stdout
