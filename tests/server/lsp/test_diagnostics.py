"""Errors of an edit in an editor: from what an extension reports, and from linters that see the text that is not saved."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.server.lsp.test_chat_turn import Desk, play
from tests.support.scripted_provider import ScriptedProvider

EDIT = 'call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = unknown"}]}'
SOURCE = "# é🎉\nx = 1\nprint(missing)\n"


def mark(line: int, message: str, **more: Any) -> dict[str, Any]:
    place = {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 1}}
    return {"range": place, "message": message, "severity": 1, "source": "Pylance", **more}


MISSING, UNKNOWN = mark(2, "missing is not defined"), mark(1, "unknown is not defined", code="reportUndefinedVariable")


def report(at: Desk, *marks: Any, version: int | None = None, uri: str | None = None) -> None:
    """As the extension reports: of the text that the editor has now."""
    uri = uri or at.code
    document = at.client.documents[uri]
    params = {"uri": uri, "version": document.version if version is None else version, "diagnostics": list(marks)}
    at.client.notify("tallystick/diagnostics", params)


def reports_after_edits(at: Desk, *marks: Any, stale: bool = False) -> None:
    def applied(params: Any) -> dict[str, bool]:
        done = at.client.apply(params["edit"])
        if at.code in str(params) and at.source != SOURCE:
            if stale:
                # What was found out about the old text arrives after the edit.
                report(at, MISSING, MISSING, MISSING, version=1)
            report(at, *marks)
            if stale:
                report(at, version=1)
        return {"applied": done}

    at.client.responders["workspace/applyEdit"] = applied


def result(provider: ScriptedProvider) -> str:
    """What the model read of its edit."""
    (told,) = [one["content"] for one in provider.requests[-1].body["messages"] if one["role"] == "tool"]
    return str(told)


@pytest.mark.parametrize("stale", [False, True])
def test_the_model_is_told_what_the_editor_found_new(tmp_path: Path, stale: bool) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.answers("Allow once")
        at.open(source=SOURCE)
        report(at, MISSING)
        own = mark(2, "a mark of ours", source="tallystick")
        reports_after_edits(at, MISSING, UNKNOWN, own, stale=stale)
        await at.send()
        assert result(provider) == (
            "Changed a.py (+1 -1).\nThe edit made 1 new error:\n"
            "a.py:2:1: error: unknown is not defined (Pylance reportUndefinedVariable)"
        )

    play(tmp_path, [EDIT, "Done."], scene)


def test_what_was_there_before_costs_nothing(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.answers("Allow once")
        at.open(source=SOURCE)
        report(at, MISSING)
        reports_after_edits(at, MISSING)
        await at.send()
        assert result(provider) == "Changed a.py (+1 -1)."

    play(tmp_path, [EDIT, "Done."], scene)


def test_an_editor_that_says_nothing_more_is_not_believed_about_the_new_text(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.answers("Allow once")
        at.open(source=SOURCE)
        report(at)
        await at.send()
        assert result(provider) == "Changed a.py (+1 -1)."

    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text("[diagnostics]\ntimeout_s = 0.5\n")
    play(tmp_path, [EDIT, "Done."], scene)


def test_misshapen_reports_harm_nothing(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.answers("Allow once")
        at.open(source=SOURCE)
        odd: list[Any] = [None, [], {}, {"uri": 1}, {"uri": at.code, "diagnostics": 3}]
        odd.append({"uri": at.code, "version": "1", "diagnostics": []})
        for params in odd:
            at.client.notify("tallystick/diagnostics", params)
        report(at, MISSING)
        for number in range(600):
            at.client.notify("tallystick/diagnostics", {"uri": f"file:///n{number}", "version": 1, "diagnostics": []})
        report(at, MISSING)
        reports_after_edits(at, None, {"range": []}, {"range": {"start": {"line": "1"}}, "message": "x"}, UNKNOWN)
        await at.send()
        assert "The edit made 1 new error:\na.py:2:1: error: unknown" in result(provider)

    play(tmp_path, [EDIT, "Done."], scene)


def test_diagnostics_in_a_prompt_are_those_of_the_open_documents(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open("mend @diagnostics", source=SOURCE)
        report(at, MISSING, mark(0, "long line", severity=2))
        await at.send()
        sent = str(provider.requests[-1].body["messages"])
        assert "Diagnostics now:\\na.py:3:1: error: missing is not defined (Pylance)\\na.py:1:1: warning: long line" in sent

    play(tmp_path, ["Done."], scene)


def test_a_linter_sees_the_text_on_the_screen(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    """Nothing is saved: the file itself holds neither the text nor the error."""
    ruff = need_tool("ruff", "pip install ruff")

    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.answers("Allow once")
        at.open(source=SOURCE)
        await at.send()
        assert result(provider).splitlines()[1:] == [
            "The edit made 1 new error:",
            "a.py:2:5: error: Undefined name `unknown` (ruff F821)",
        ]
        assert (at.root / "a.py").read_text() == "x = 0\n"

    home = tmp_path / "home"
    home.mkdir()
    saved = 'command = ["ruff", "check", "--output-format", "json", "--no-cache", "{path}"]\nglobs = ["*.py"]\nformat = "ruff"\n'
    settings = f"[diagnostics]\ntimeout_s = 30\n[linters.ruff]\n[linters.saved]\ntrusted_only = false\n{saved}"
    (home / "settings.toml").write_text(settings)
    path = f"{Path(ruff).parent}{os.pathsep}{os.environ['PATH']}"
    play(tmp_path, [EDIT, "Done."], scene, environment={"PATH": path})
