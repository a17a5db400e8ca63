"""What may stand after `/` and `@`: the pure part as tables, then whole in a real server, in all encodings."""

from typing import Any

import pytest
from tests.agent.context.code.workspaces import commit
from tests.server.lsp.test_chat_turn import Desk, play

from tallystick_server.lsp.chat_words import Typed, commands, named, typed
from tallystick_server.lsp.slash_commands import called, mistyped

CHAT = "## You\n\nhi\n\n## Tallystick\n\nhello\n\n## You\n\n"


@pytest.mark.parametrize(
    ("text", "line", "before", "found"),
    [
        ("/", 0, "/", Typed(kind="slash", begun="", length=1)),
        (f"{CHAT}/us", 10, "/us", Typed(kind="slash", begun="us", length=3)),
        (f"{CHAT}look at\n/us", 11, "/us", None),
        (f"{CHAT}look at /us", 10, "look at /us", None),
        (f"{CHAT}look at @", 10, "look at @", Typed(kind="at", begun="", length=1)),
        (f"{CHAT}look at @src/c", 10, "look at @src/c", Typed(kind="at", begun="src/c", length=6)),
        (f'{CHAT}@"a b', 10, '@"a b', Typed(kind="at", begun="a b", length=5)),
        (f"{CHAT}mail me@example", 10, "mail me@example", None),
        (CHAT, 2, "@", None),
        (CHAT, 6, "@", None),
    ],
)
def test_what_is_being_typed(text: str, line: int, before: str, found: Typed | None) -> None:
    assert typed(text, line, before) == found


def test_which_names_come_first() -> None:
    files = ("README.md", "src/cart.py", "src/card.py", "tests/test_cart.py", "a b.txt")
    found = [word.text for word in named("car", files, ["src/card.py"])]
    assert found == ["@src/card.py", "@src/cart.py", "@tests/test_cart.py"]
    assert [word.text for word in named("src", files, [])][:3] == ["@src/", "@src/cart.py", "@src/card.py"]
    assert [word.text for word in named("a ", files, [])] == ['@"a b.txt"']
    assert next(word.text for word in named("", files, ["src/card.py"])) == "@src/card.py"
    assert "@diff" in [word.text for word in named("di", files, [])]
    many = tuple(f"file{number}.py" for number in range(5_000))
    assert len(named("", many, [])) <= 60


@pytest.mark.parametrize(
    ("prompt", "name", "rest"),
    [("/usage today", "usage", "today"), ("  /help\n", "help", ""), ("/tmp/x", None, ""), ("usage", None, ""), ("/", None, "")],
)
def test_commands_are_read(prompt: str, name: str | None, rest: str) -> None:
    found = called(prompt)
    assert (found.command.name if found else None) == name
    assert (found.rest if found else "") == rest


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("/halp", "/halp"),
        ("/help", None),
        ("/tmp", "/tmp"),
        ("/tmp/x", None),
        ("/A", "/A"),
        ("/tmp is full", None),
        ("/usge today", "/usge"),
        ("/x\nis a path", None),
        ("", None),
    ],
)
def test_words_that_look_like_commands(prompt: str, word: str | None) -> None:
    assert mistyped(prompt) == word


def test_every_command_says_what_it_does() -> None:
    assert {word.text for word in commands("")} >= {
        "/plan",
        "/act",
        "/model",
        "/context",
        "/compact",
        "/undo",
        "/usage",
        "/commit",
    }


async def items(at: Desk) -> list[dict[str, Any]]:
    """What is offered at the chat's end."""
    lines = at.said.split("\n")
    units = {"utf-8": len(lines[-1].encode()), "utf-16": len(lines[-1].encode("utf-16-le")) // 2, "utf-32": len(lines[-1])}
    place = {"line": len(lines) - 1, "character": units[at.client.encoding]}
    answer = await at.client.request("textDocument/completion", {"textDocument": {"uri": at.chat}, "position": place})
    found: list[dict[str, Any]] = answer["items"]
    return found


async def choose(at: Desk, label: str) -> None:
    """Takes an item as an editor does."""
    [item] = [one for one in await items(at) if one["label"] == label]
    at.client.apply({"changes": {at.chat: [item["textEdit"]]}})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_items_in_a_chat(tmp_path: Any, encoding: str) -> None:
    async def scene(at: Desk, _: object) -> None:
        commit(at.root, "Mend the cart", cart="class Cart:\n    def total(self):\n        return 1\n")
        at.client.open(at.chat, "/u")
        await choose(at, "/usage")
        assert at.said == "/usage "
        at.client.replace(at.chat, 0, len(at.said), "🎉 look at @ca")
        await choose(at, "@cart.py")
        assert at.said == "🎉 look at @cart.py"
        at.client.replace(at.chat, len(at.said), len(at.said), " and @symbol:Ca")
        assert (await items(at))[0]["label"] == "@symbol:Cart"
        at.client.replace(at.chat, len(at.said), len(at.said), "rt.tot")
        assert "@symbol:Cart.total" in [one["label"] for one in await items(at)]
        at.client.replace(at.chat, 0, len(at.said), "@commit:")
        [item] = await items(at)
        assert item["detail"] == "Mend the cart"
        at.client.replace(at.chat, len(at.said), len(at.said), "zz")
        assert await items(at) == []
        at.client.replace(at.chat, 0, len(at.said), "no mark here")
        assert await items(at) == []

    play(tmp_path, [], scene, encoding=encoding)


def test_hover_and_hint_tell_of_use(tmp_path: Any) -> None:
    async def scene(at: Desk, _: object) -> None:
        at.client.open(at.chat, "hello 🎉")
        await at.send()
        lines = at.said.split("\n")
        number = next(n for n, line in enumerate(lines) if line.startswith("*") and "tokens in" in line)
        where = {"textDocument": {"uri": at.chat}, "position": {"line": number, "character": 3}}
        hover = await at.client.request("textDocument/hover", where)
        assert "| chat, openai/scripted | " in hover["contents"]["value"]
        assert "tool definitions" in hover["contents"]["value"]
        where["position"] = {"line": 0, "character": 0}
        assert await at.client.request("textDocument/hover", where) is None
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": len(lines), "character": 0}}
        [hint] = await at.client.request("textDocument/inlayHint", {"textDocument": {"uri": at.chat}, "range": whole})
        assert lines[hint["position"]["line"]] == "## You"
        assert hint["label"].endswith("price unknown")

    play(tmp_path, ["Hello."], scene)
