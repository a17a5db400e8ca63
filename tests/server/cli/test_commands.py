"""The commands around a run: what a person sees of sessions, usage, models and the installation."""

import json
import os
import pty
import subprocess
from pathlib import Path

from tests.support.program import Program
from tests.support.pty_run import run_at_terminal
from tests.support.scripted_provider import Reply, ScriptedProvider

EDIT = 'call edit {"path": "a.py", "edits": [{"old": "x = 1", "new": "x = 2"}]}'


def test_a_run_as_text(tmp_path: Path) -> None:
    """Words, tool calls, the diff and the tally; no colour where nobody looks."""
    with ScriptedProvider(["I set x.\n" + EDIT, "x is 2 now."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.py", "x = 1\n")
        done = program.task("set x to 2", "--yes")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    for line in ("I set x.", "● edit a.py", "  -x = 1", "  +x = 2", "x is 2 now.", "Tally", "by model", "tool definitions"):
        assert line in done.stdout.splitlines() or any(line in one for one in done.stdout.splitlines()), line


def test_sessions_and_usage_after_a_run(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        done = program.task("say hello", "--json")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        request = next(event for event in events if event["kind"] == "request_finished")
        session = events[0]["session_id"]
    listed = [json.loads(line) for line in program.run("sessions", "--json").stdout.splitlines()]
    assert [(one["session_id"], one["title"], one["turns"], one["unfinished"]) for one in listed] == [
        (session, "say hello", 1, False)
    ]
    assert session in program.run("sessions").stdout
    for by, name in (
        ("app", "github.com/tallystick/tallystick"),
        ("door", "cli"),
        ("model", "openai/scripted"),
        ("purpose", "chat"),
        ("session", session),
        ("provider", "openai"),
    ):
        rows = [json.loads(line) for line in program.run("usage", "--by", by, "--period", "today", "--json").stdout.splitlines()]
        assert [row[by] for row in rows] == [name]
        assert rows[0]["input_tokens"] == request["usage"]["input_tokens"]
        assert rows[0]["output_tokens"] == request["usage"]["output_tokens"]
        assert rows[0]["unpriced"] == 1, "an unknown price is not 0"
    segments = [json.loads(line) for line in program.run("usage", "--by", "segment", "--json").stdout.splitlines()]
    assert sum(one["tokens"] for one in segments) == request["usage"]["input_tokens"] + request["usage"]["output_tokens"]
    assert "unknown" in program.run("usage").stdout
    assert program.run("usage", "--session", session[:12]).returncode == 0


def test_names_are_whole_in_the_table_of_usage(tmp_path: Path) -> None:
    """At a terminal a name too long has a line of its own; elsewhere each row is one line."""
    model = f"openai/{'accounts/long/' * 8}model"
    with ScriptedProvider(["Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        assert program.run("run", "hello", "--repo", str(program.repo), "--model", model).returncode == 0
        piped = program.run("usage").stdout
        seen = run_at_terminal(program, ["usage"], wait_for="Nothing waits", then=None).text
    assert next(line for line in piped.splitlines() if line.startswith(model)).endswith("unknown")
    assert model in [line.rstrip() for line in seen.splitlines()]
    assert all(len(line) <= 140 for line in seen.splitlines())


def test_attribution_goes_out_and_keys_stay_in(tmp_path: Path) -> None:
    """The headers are set whatever the settings say; the key is in no event, no log and no command's environment."""
    with ScriptedProvider(['call run_command {"command": "env; echo sk-scripted-0000"}', "Done."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        done = program.task("look", "--yes", "--json")
        headers = provider.requests[0].headers
    assert headers["http-referer"].startswith("https://")
    assert headers["x-title"] == headers["x-openrouter-title"] == "Tallystick"
    assert headers["x-openrouter-categories"] == "cli-agent,ide-extension"
    assert headers["authorization"] == "Bearer sk-scripted-0000"
    outcome = next(
        e for e in map(json.loads, done.stdout.splitlines()) if e["kind"] == "item_finished" and e["item"]["kind"] == "tool_call"
    )
    assert "OPENAI_API_KEY" not in outcome["item"]["output"]
    assert "[redacted]" in outcome["item"]["output"]


def test_models_and_doctor(tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    models = program.run("models", "gpt-5.6-terra")
    assert models.returncode == 0
    assert "Would serve: openai/gpt-5.6-terra (OPENAI_API_KEY is set)" in models.stdout
    doctor = program.run("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "every row sums to its tokens" in doctor.stdout


def test_no_model_names_all_four_ways(tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    environment = {name: value for name, value in program.environment.items() if not name.startswith("OPENAI")}
    # Ports where nothing listens stand in for the usual ones of Ollama and llama.cpp.
    environment |= {"OLLAMA_HOST": "127.0.0.1:9", "LLAMACPP_BASE_URL": "http://127.0.0.1:9"}
    command = program.command("run", "hello", "--repo", str(program.repo))
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    assert done.returncode == 2
    for way in ("--model", "OPENROUTER_API_KEY", "Ollama", "tallystick models pull"):
        assert way in done.stderr


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    done = Program(folder=tmp_path).run("run", "hello", "--model", "anthropic/claude-sonnet-5-5")
    assert done.returncode == 2
    assert "ANTHROPIC_API_KEY" in done.stderr


def test_a_damaged_log_is_kept_and_can_be_repaired(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello.", "Again."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        done = program.task("say hello", "--json")
        session = json.loads(done.stdout.splitlines()[0])["session_id"]
        log = program.home / "sessions" / f"{session}.jsonl"
        lines = log.read_bytes().split(b"\n")
        lines[3] = b"\x00 not an event"
        log.write_bytes(b"\n".join(lines))
        before = log.read_bytes()
        refused = program.run("resume", session, "again")
        assert refused.returncode == 2
        assert "line 4" in refused.stderr
        assert f"tallystick doctor --repair {session}" in refused.stderr
        assert log.read_bytes() == before, "nothing is lost"
        assert program.run("doctor").returncode == 2
        repaired = program.run("doctor", "--repair", session)
        assert "3 events are readable" in repaired.stdout
        assert log.with_suffix(".damaged").read_bytes() == before
        assert program.run("resume", session, "again").returncode == 0


def test_a_permission_is_asked_at_a_terminal(tmp_path: Path) -> None:
    """With a person at a terminal the diff is shown and the answer counts."""
    with ScriptedProvider([EDIT, "x is 2 now."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.py", "x = 1\n")
        ours, theirs = pty.openpty()
        command = program.command("run", "set x to 2", "--repo", str(program.repo), "--model", "openai/scripted")
        with subprocess.Popen(
            command, env={**program.environment, "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs
        ) as child:
            os.close(theirs)
            seen = b""
            answered = False
            while True:
                try:
                    data = os.read(ours, 4096)
                except OSError:
                    break
                seen += data
                if not answered and b"lways in this session" in seen:
                    os.write(ours, b"y\n")
                    answered = True
        os.close(ours)
    assert child.returncode == 0, seen.decode()
    assert answered
    assert (program.repo / "a.py").read_text("utf-8") == "x = 2\n"


def test_what_a_provider_said_in_the_middle_of_an_answer_ends_with_a_period(tmp_path: Path) -> None:
    replies: list[Reply | str] = [Reply(lines="This is half.", error_after="the GPU caught fire"), "This is whole."]
    with ScriptedProvider(replies) as provider:
        done = Program(folder=tmp_path, url=provider.url).task("say it")
    assert done.returncode == 0, done.stderr
    assert "the GPU caught fire. The piece that was shown is dropped; asking again." in done.stdout
