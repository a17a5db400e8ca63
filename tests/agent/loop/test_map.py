"""The map that a first prompt has in a workspace too large to be listed, and the tool that finds code, in real turns."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.agent.loop.conversation import Talk, repo, talk, texts
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.protocol.events import ItemFinished, RequestPlanned, ToolCallItem
from tallystick_agent.tokens.counter import Counter

HEAD = "Definitions that the task may be about"


def shop(folder: Path, files: int) -> None:
    """A workspace of so many files, one of which converts currencies."""
    repo(
        folder, **{f"shop__part{n}": f"class Part{n}:\n    def weight{n}(self):\n        return {n}\n" for n in range(files - 2)}
    )
    repo(
        folder,
        shop__currency="def convert(amount, currency):\n    return amount * RATES[currency]\n\n\nRATES = {'euro': 1.1}\n",
        shop__cart="from shop.currency import convert\n\n\ndef total(cart, currency):\n    return convert(sum(cart), currency)\n",
    )


def ask(folder: Path, prompt: str, replies: list[Reply | str] | None = None, **settings: Any) -> tuple[Talk, list[str]]:
    """The session, and what stands in the first prompt."""
    with ScriptedProvider(replies or ["Yes."]) as provider:
        settings_of = {"context": {"file_list": 20, **settings.pop("context", {})}, **settings}
        seen = talk(folder, provider, [prompt], settings=settings_of)
        assert seen.stops == ["end_turn"]
        return seen, texts(provider.requests[0])


@pytest.mark.parametrize("most", [100, 400, 800, 3_000])
def test_a_large_workspace_has_a_map_within_its_tokens(tmp_path: Path, most: int) -> None:
    shop(tmp_path, 60)
    seen, sent = ask(tmp_path, "convert a total to another currency", context={"map_tokens": most})
    shown = seen.shown()
    assert list(shown) == ["files", "map"]
    assert shown["map"].startswith(HEAD)
    assert "shop/currency.py" in shown["map"]
    assert shown["map"] in sent[1]
    assert Counter().text(shown["map"]) <= most
    [planned] = seen.of(RequestPlanned)
    assert 0 < next(one.tokens for one in planned.segments if one.name == "map") <= most + 2


@pytest.mark.parametrize(
    ("files", "context", "scale"),
    [
        (20, {}, "large"),
        (60, {"map_tokens": 0}, "large"),
        (60, {"map_tokens": 50}, "large"),
        (60, {}, "small"),
        (60, {"prompt_tokens": 0}, "large"),
    ],
)
def test_where_there_is_no_map(tmp_path: Path, files: int, context: dict[str, int], scale: str) -> None:
    shop(tmp_path, files)
    seen, _ = ask(
        tmp_path, "what is a currency?", context=context, endpoints={"openai/scripted": {"scale": scale, "call_mode": "native"}}
    )
    assert "map" not in seen.shown()
    assert seen.notices == []


@pytest.mark.parametrize(
    "prompt", ["hello", "Hallo!", "?", "the of and", "привет", "()[]{}*+\\", "x" * 20_000, "\udce9", "@", "日本語"]
)
def test_a_prompt_about_nothing_is_answered_too(tmp_path: Path, prompt: str) -> None:
    shop(tmp_path, 30)
    ask(tmp_path, prompt)


def test_files_of_no_language_and_broken_ones_are_no_trouble(tmp_path: Path) -> None:
    shop(tmp_path, 30)
    (tmp_path / "repo" / "data.bin").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "repo" / "broken.py").write_bytes(b"def broken(\xff\xfe(((\0")
    (tmp_path / "repo" / "loop.py").symlink_to("loop.py")
    seen, _ = ask(tmp_path, "convert a total")
    assert "shop/currency.py" in seen.shown()["map"]


def test_the_map_gives_way_to_what_the_prompt_names(tmp_path: Path) -> None:
    shop(tmp_path, 60)
    seen, _ = ask(tmp_path, "convert @shop/cart.py", context={"prompt_tokens": 90})
    assert seen.forms()["file:shop/cart.py"] == "whole"
    assert "map" not in seen.shown()
    assert seen.notices == [], "a map that has no room is no news"


def test_find_code_is_a_tool(tmp_path: Path) -> None:
    shop(tmp_path, 60)
    call = f"call find_code {json.dumps({'question': 'how is an amount converted to euro?'})}"
    with ScriptedProvider([call, "call find_code {}", 'call find_code {"question": " "}', "By RATES."]) as provider:
        seen = talk(tmp_path, provider, ["hello"])
        results = [message["content"] for message in provider.requests[-1].body["messages"] if message["role"] == "tool"]
    found, unnamed, empty = results
    assert "return amount * RATES[currency]" in found
    assert Counter().text(found) <= 1_500
    assert "question" in unnamed
    assert "`question` is empty" in empty
    items = [body.item for body in seen.of(ItemFinished) if isinstance(body.item, ToolCallItem)]
    assert [(item.name, item.status) for item in items] == [("find_code", "ok"), ("find_code", "error"), ("find_code", "error")]
    assert items[0].title == "find 'how is an amount converted to euro?'"


def test_find_code_in_an_empty_workspace(tmp_path: Path) -> None:
    repo(tmp_path)
    with ScriptedProvider(['call find_code {"question": "anything"}', "Nothing."]) as provider:
        talk(tmp_path, provider, ["hello"])
        assert texts(provider.requests[-1])[-1] == "Nothing matches. Use search with other words, or list_files."


def test_find_code_sees_what_was_just_written(tmp_path: Path) -> None:
    shop(tmp_path, 5)
    arguments = {"path": "shop/zebra.py", "content": "def stripes(zebra):\n    return 42\n"}
    write = f"call write_file {json.dumps(arguments)}"
    with ScriptedProvider([write, 'call find_code {"question": "stripes of a zebra"}', "42."]) as provider:
        talk(tmp_path, provider, ["hello"])
        assert "def stripes(zebra)" in texts(provider.requests[-1])[-1]


def test_secrets_are_in_no_map_and_in_no_finding(tmp_path: Path) -> None:
    shop(tmp_path, 60)
    (tmp_path / "repo" / ".env").write_text("CURRENCY_KEY=hidden-value\n", "utf-8")
    replies: list[Reply | str] = ['call find_code {"question": "CURRENCY_KEY hidden-value"}', "Nothing."]
    seen, _ = ask(tmp_path, "what is CURRENCY_KEY?", replies)
    assert "hidden-value" not in "".join(
        item.item.output for item in seen.of(ItemFinished) if isinstance(item.item, ToolCallItem)
    )
    assert "hidden-value" not in str(seen.shown())


@pytest.mark.parametrize("prompt", ["hello", "thanks!", "und jetzt bitte weiter", "go on"])
def test_words_that_are_not_about_the_code_bring_no_map(tmp_path: Path, prompt: str) -> None:
    shop(tmp_path, 80)
    with ScriptedProvider(["Hello."]) as provider:
        seen = talk(tmp_path, provider, [prompt])
    assert "map" not in seen.shown()
