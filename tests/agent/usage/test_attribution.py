"""Whose a request is: a table of headers as real programs send them, and what becomes of odd ones."""

import pytest

from tallystick_agent.usage.attribution import CATEGORIES, accepted, identity, inbound, program_of


@pytest.mark.parametrize(
    ("url", "title", "agent", "key", "app"),
    [
        ("https://cline.bot", "Cline", "", "", "cline.bot"),
        ("https://cline.bot/", "", "", "", "cline.bot"),
        ("http://Cline.BOT:80/?utm=x#top", "Cline", "", "", "cline.bot"),
        ("https://www.cline.bot", "", "", "", "cline.bot"),
        ("https://github.com/RooVetGit/Roo-Cline", "Roo Code", "", "", "github.com/RooVetGit/Roo-Cline"),
        ("https://example.com:8443/app/", "", "", "", "example.com:8443/app"),
        ("https://user:secret@example.com/app", "", "", "", "example.com/app"),
        ("example.com/app", "", "", "", "example.com/app"),
        ("vscode-file://vscode-app/index.html", "", "", "", "vscode-app/index.html"),
        ("http://localhost:3000", "My App", "python-httpx/0.28", "team", "localhost/My App"),
        ("http://127.0.0.1:8000/chat", "My App", "", "", "localhost/My App"),
        ("http://[::1]:8000", "My App", "", "", "localhost/My App"),
        ("http://app.localhost", "My App", "", "", "localhost/My App"),
        ("http://localhost:3000", "", "python-httpx/0.28", "team", "key/team"),
        ("http://localhost:3000", "", "python-httpx/0.28", "", "ua/python-httpx"),
        ("http://localhost:3000", "", "opencode/1.18.33 ai-sdk/provider-utils/4.0.23", "team", "ua/opencode"),
        ("http://localhost:3000", "", "", "team", "key/team"),
        ("http://localhost:3000", "", "", "", ""),
        ("", "My App", "OpenAI/Python 1.99.1", "team", "key/team"),
        ("", "", "OpenAI/JS 7.57.0", "", "ua/OpenAI/JS"),
        ("", "", "Anthropic/Python 2.12.0", "team", "key/team"),
        ("", "", "langchainjs-openai/1.0.0 ((node/v24.21.0; linux; x64))", "team", "key/team"),
        ("", "", "ai-sdk/openai-compatible/3.0.37 ai-sdk/provider-utils/5.0.30 runtime/bun/1.3.13", "team", "key/team"),
        ("", "", "litellm/1.81.10", "team", "key/team"),
        ("", "", "node-fetch", "team", "key/team"),
        ("", "", "Kilo-Code/7.7.7 ai-sdk/provider-utils/4.0.27 runtime/bun/1.3.14", "team", "ua/Kilo-Code"),
        ("", "", "RooCode/3.53.0", "team", "ua/RooCode"),
        ("", "My App", "", "team", "key/team"),
        ("", "Tallystick", "", "", "Tallystick"),
        ("not an address", "", "curl/8.5.0", "", "ua/curl"),
        ("http://", "", "", "team", "key/team"),
        ("http://x:notaport/", "", "", "team", "key/team"),
        ("http://[bad", "", "", "team", "key/team"),
        ("", "", "", "", ""),
    ],
)  # fmt: skip
def test_an_apps_identity(url: str, title: str, agent: str, key: str, app: str) -> None:
    assert identity(url, title, agent=agent, key=key) == app


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("python-httpx/0.28.1", "python-httpx"),
        ("OpenAI/Python 1.99.1", "OpenAI/Python"),
        ("OpenAI/JS 4.2.0", "OpenAI/JS"),
        ("Anthropic/Python 0.40.0", "Anthropic/Python"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "Mozilla"),
        ("node", "node"),
        ("my app v2", "my app"),
        ("Kilo-Code/v4.1", "Kilo-Code"),
        ("  ", ""),
        ("(only a comment)", ""),
    ],
)
def test_a_programs_name(agent: str, name: str) -> None:
    assert program_of(agent) == name


def test_headers_of_any_case_and_either_name() -> None:
    for headers in (
        {"HTTP-Referer": "https://cline.bot", "X-Title": "Cline"},
        {"referer": "https://cline.bot/", "x-openrouter-title": "Cline", "x-title": "older"},
    ):
        who, notices = inbound(headers)
        assert (who.door, who.app, who.title, notices) == ("gateway", "cline.bot", "Cline", ())


def test_a_localhost_address_without_a_title_is_told() -> None:
    who, notices = inbound({"HTTP-Referer": "http://localhost:8000", "User-Agent": "SillyTavern/1.12"}, key="desk")
    assert (who.app, who.url, who.key, who.client) == ("ua/SillyTavern", "http://localhost:8000", "desk", "SillyTavern")
    assert len(notices) == 1
    assert "X-Title" in notices[0]


def test_a_librarys_name_is_nobodys_title() -> None:
    who, _ = inbound({"User-Agent": "OpenAI/Python 3.54.0"}, key="notebook")
    assert (who.app, who.title, who.client) == ("key/notebook", "notebook", "OpenAI/Python")
    who, _ = inbound({"User-Agent": "opencode/1.18.33"}, key="notebook")
    assert (who.app, who.title, who.client) == ("ua/opencode", "opencode", "opencode")


def test_a_title_alone_makes_no_app() -> None:
    who, notices = inbound({"X-Title": "Alone"})
    assert (who.app, who.title, notices) == ("", "Alone", ())


def test_what_is_no_address_is_told_and_not_kept() -> None:
    who, notices = inbound({"Referer": "no address at all", "X-Title": "T"}, key="desk")
    assert (who.app, who.url) == ("key/desk", "")
    assert notices == ("HTTP-Referer is no address and was left out.",)


def test_titles_carry_no_control_characters_and_end_somewhere() -> None:
    who, _ = inbound({"X-Title": "A\x1b[31m\u202eB\x00" + "c" * 500, "HTTP-Referer": "https://x.example"})
    assert who.title.startswith("A[31mBccc")
    assert len(who.title) == 120


@pytest.mark.parametrize(
    ("named", "kept", "why"),
    [
        ("", (), ()),
        ("cli-agent", ("cli-agent",), ()),
        (" cli-agent , ide-extension ", ("cli-agent", "ide-extension"), ()),
        ("cli-agent,cli-agent", ("cli-agent",), ()),
        ("cli-agent,ide-extension,game", ("cli-agent", "ide-extension"), ("“game” is one too many",)),
        ("poetry,game", ("game",), ("“poetry” is unknown",)),
        ("Game", (), ("“Game” is not lower case",)),
        ("x" * 31, (), ("is too long",)),
    ],
)
def test_categories(named: str, kept: tuple[str, ...], why: tuple[str, ...]) -> None:
    found, dropped = accepted(named.split(","))
    assert found == kept
    assert len(dropped) == len(why)
    assert all(text in line for text, line in zip(why, dropped, strict=True))
    who, notices = inbound({"X-OpenRouter-Categories": named})
    assert who.categories == kept
    assert len(notices) == len(why)


def test_every_known_category_keeps_the_rules_for_one() -> None:
    assert all(name == name.lower() and len(name) <= 30 for name in CATEGORIES)
