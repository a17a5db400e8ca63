"""Which conversation, turn and step a request is, and how its wishes stand under the user's routing. Tables; no server."""

from typing import Any

import pytest

from tallystick_agent.loop.relay import narrowed
from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.settings import RoutingSettings
from tallystick_server.gateway.dialects.chat_request import read
from tallystick_server.gateway.inbound import relayed
from tallystick_server.gateway.keys import GatewayKey

KEY = GatewayKey(name="desk", digest="", created=0)
U = {"role": "user", "content": "Hello"}
A = {"role": "assistant", "content": "Hi"}
C = {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": "{}"}}]}
T = {"role": "tool", "tool_call_id": "a", "content": "7"}
S = {"role": "system", "content": "Be brief."}


def came(messages: list[Any], headers: dict[str, str] | None = None, **more: Any) -> tuple[str, str, int]:
    asked = read({"model": "a/b", "messages": messages, **more}, {})
    made, _ = relayed(headers or {}, KEY, asked, "gen-1")
    return made.session_id, made.turn_id.removeprefix(made.session_id), made.step


@pytest.mark.parametrize(
    ("messages", "turn", "step"),
    [
        ([U], "-1", 1),
        ([S, U], "-1", 1),
        ([U, C, T], "-1", 2),
        ([U, C, T, C, T], "-1", 3),
        ([U, A, U], "-2", 1),
        ([U, C, T, A, U, C, T], "-2", 2),
        ([U, U], "-1", 1),
    ],
)
def test_turns_and_steps(messages: list[Any], turn: str, step: int) -> None:
    assert came(messages)[1:] == (turn, step)


def test_a_conversation_is_its_beginning_unless_it_is_named() -> None:
    assert came([U])[0] == came([U, A, U])[0]
    assert came([U])[0] != came([S, U])[0]
    assert came([U])[0] != came([{"role": "user", "content": "Else"}])[0]
    assert came([U], {"x-session-id": "one"})[0] == came([S, U, A], session_id="one")[0]
    assert came([U], {"x-session-id": "one"})[0] != came([U], {"x-session-id": "two"})[0]
    assert came([U], {"x-session-id": "one", "http-referer": "https://a.example"})[0] != came([U], {"x-session-id": "one"})[0]


@pytest.mark.parametrize(
    ("own", "wishes", "found"),
    [
        ({"only": ("a", "b")}, {"only": ["b", "c"]}, {"only": ("b",)}),
        ({"only": ("a",)}, {"zdr": True}, {"only": ("a",), "zdr": True}),
        ({"ignore": ("a",)}, {"ignore": ["b"]}, {"ignore": ("a", "b")}),
        ({"ignore": ("a",)}, {"order": ["a"]}, {"ignore": ("a",)}),
        ({"allow_fallbacks": False}, {"allow_fallbacks": True}, {"allow_fallbacks": False}),
        ({"data_collection": "deny"}, {"data_collection": "allow"}, {"data_collection": "deny"}),
        ({"data_collection": "allow"}, {"data_collection": "deny"}, {"data_collection": "deny"}),
        ({"zdr": True}, {"zdr": False}, {"zdr": True}),
        ({"require_parameters": True}, {"require_parameters": False}, {"require_parameters": True}),
        ({"quantizations": ("fp8",)}, {"quantizations": ["int4"]}, {"quantizations": ("fp8",)}),
        ({"quantizations": ("fp8", "bf16")}, {"quantizations": ["bf16"]}, {"quantizations": ("bf16",)}),
        ({}, {"fallback_after_refusal": True}, {"fallback_after_refusal": False}),
    ],
)
def test_a_wish_never_widens(own: dict[str, Any], wishes: dict[str, Any], found: dict[str, Any]) -> None:
    made = narrowed(RoutingSettings(**own), wishes)
    assert {name: getattr(made, name) for name in found} == found


@pytest.mark.parametrize(("own", "asked", "found"), [("1", "2", "1"), ("2", "1", "1"), ("2", None, "2")])
def test_the_lower_price_holds(own: str, asked: str | None, found: str) -> None:
    mine = RoutingSettings.model_validate({"max_price": {"prompt": own}})
    made = narrowed(mine, {"max_price": {"prompt": asked}} if asked else {"zdr": True})
    assert made.max_price is not None
    assert str(made.max_price.prompt) == found


@pytest.mark.parametrize("wishes", [{"only": ["z"]}, {"order": 7}, {"max_price": "low"}])
def test_a_wish_that_cannot_be_is_refused(wishes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        narrowed(RoutingSettings(only=("a",)), wishes)
    assert caught.value.code == "bad_usage"
