"""An editor's configuration narrows what the user's settings allow, and widens nothing; nonsense is told and has no effect."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.server.lsp.test_chat_commands import ask
from tests.server.lsp.test_chat_turn import EDIT, Desk, play
from tests.support.lsp_client import SERVER
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.settings import BudgetSettings, PermissionSettings, Settings
from tallystick_server.lsp.configuration import Configuration, chats_folder, narrowed, read


@pytest.mark.parametrize("value", [None, {}, {"model": ""}, {"model": None, "completion": {"enabled": None, "model": ""}}])
def test_what_is_unset_says_nothing(value: Any) -> None:
    assert read(value) == Configuration()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "the section is no object"),
        ({"model": 5}, "`model` is no text"),
        ({"budget": 5}, "`budget` is no object"),
        ({"budget": {"maxTokens": -1}}, "`budget.maxTokens` is no whole number above 0"),
        ({"budget": {"maxCostUsd": "much"}}, "`budget.maxCostUsd` is no amount"),
        ({"permissions": {"edit": "always"}}, "`permissions.edit` is none of allow, ask, deny"),
        (
            {"providers": {"x": {}}},
            "`providers` is not read from an editor; it belongs in settings.toml",
        ),
    ],
)
def test_nonsense_is_told_and_has_no_effect(value: Any, problem: str) -> None:
    found = read(value)
    assert found.problems == (problem,)
    assert narrowed(found, Settings()) == {}


def test_the_narrower_of_both_holds() -> None:
    user = Settings(
        permissions=PermissionSettings(command="deny", deny_commands=("rm",)),
        budget=BudgetSettings(max_cost_usd=Decimal(1), max_tokens=1_000),
    )
    wide = {
        "permissions": {"read": "allow", "edit": "allow", "command": "allow"},
        "budget": {"maxCostUsd": 5, "maxTokens": 10**9},
    }
    assert narrowed(read(wide), user) == {}
    tight = {
        "permissions": {"edit": "deny", "denyCommands": ["curl"]},
        "budget": {"maxCostUsd": 0.5, "maxTokens": 10, "maxRequests": 2},
        "completion": {"enabled": False},
    }
    assert narrowed(read(tight), user) == {
        "permissions": {"edit": "deny", "deny_commands": ("rm", "curl")},
        "budget": {"max_cost_usd": Decimal("0.5"), "max_tokens": 10, "max_requests": 2},
        "completion": {"enabled": False},
    }
    assert narrowed(read({"completion": {"enabled": True}}), user) == {}, "money is spent where the user said so alone"


def test_where_chats_go(tmp_path: Path) -> None:
    assert chats_folder(Configuration(), ".tally", tmp_path) == tmp_path / ".tally"
    assert chats_folder(read({"chatsFolder": "talks"}), "/elsewhere", tmp_path) == tmp_path / "talks"
    assert chats_folder(Configuration(), "/elsewhere", tmp_path) == Path("/elsewhere")
    for outside in ("/etc", "~/x", "../x", "a/../../x"):
        found = read({"chatsFolder": outside})
        assert found.chats_folder is None
        assert "settings.toml" in found.problems[0]


@pytest.mark.parametrize("how", ["options", "named options", "pulled"])
def test_an_edit_that_the_editor_forbids(tmp_path: Path, how: str) -> None:
    section = {"permissions": {"edit": "deny"}, "model": "openai/chosen"}
    options = {"options": section, "named options": {"tallystick": section}}.get(how)
    capabilities: Any = {"workspace": {"configuration": True}} if how == "pulled" else {}

    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open()
        if how == "pulled":
            await at.client.until(lambda: at.client.all("workspace/configuration"))
        await at.send()
        assert "x = 1" in at.source
        assert "not allowed here" in str(provider.requests[-1].body["messages"])
        assert provider.requests[0].body["model"] == "scripted", "the user named a model on the command line"

    play(tmp_path, [EDIT, "I may not."], scene, capabilities=capabilities, options=options, configuration=section)


def test_the_editors_model_serves_where_the_user_named_none(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(prompt="hi")
        await at.send()
        assert provider.requests[0].body["model"] == "chosen"

    play(tmp_path, ["Hello."], scene, options={"model": "openai/chosen"}, command=SERVER[:-2])


def test_a_change_counts_from_the_next_session_on(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.client.open(at.chat, "")
        assert "60 requests" in await ask(at, "/budget")
        at.client.notify("workspace/didChangeConfiguration", {"settings": {"tallystick": {"budget": {"maxRequests": 3}}}})
        assert "3 requests" in await ask(at, "/budget")
        at.client.notify("workspace/didChangeConfiguration", {"settings": {"tallystick": {"budget": {"maxRequests": -3}}}})
        assert "60 requests" in await ask(at, "/budget")
        assert any("maxRequests" in one["message"] for one in at.client.all("window/showMessage"))
        assert provider.requests == []

    play(tmp_path, [], scene)
