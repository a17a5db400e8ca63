"""`/compact` and `/restore` as prompts: they change the window, and no model ever reads them."""

from pathlib import Path

import pytest
from tests.agent.loop.conversation import read, repo, talk, texts
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.loop.slash import slash
from tallystick_agent.protocol.messages import text_of

LONG = "".join(f"value_{n} = {n}\n" for n in range(400))


@pytest.mark.parametrize(
    ("prompt", "command"),
    [
        ("/compact", ("compact", "")),
        ("  /compact  ", ("compact", "")),
        ("/compact the API of  the cart", ("compact", "the API of the cart")),
        ("/restore", ("restore", "")),
        ("/compacted", None),
        ("/tmp/compact is full", None),
        ("compact it", None),
        ("please /compact", None),
        ("", None),
    ],
)
def test_which_prompts_are_commands(prompt: str, command: tuple[str, str] | None) -> None:
    found = slash(prompt)
    assert (found and (found.name, found.rest)) == command


def test_the_window_is_condensed_and_brought_back(tmp_path: Path) -> None:
    repo(tmp_path, numbers=LONG)
    script = [read("numbers.py"), "Four hundred values.", "It starts with value_0.", "Yes."]
    with ScriptedProvider([*script]) as provider:
        prompts = ["how many values? never change them", "/compact the first value", "and the first?", "/restore", "sure?"]
        seen = talk(tmp_path, provider, prompts)
    assert seen.stops == ["end_turn"] * 5
    first, back = seen.compactions
    assert first.tokens_after < first.tokens_before / 2
    assert back.restores
    sent = [texts(request) for request in provider.requests]
    assert len(sent) == 4
    assert not any("/compact" in text or "/restore" in text for request in sent for text in request)
    assert "value_399" not in "".join(sent[2])
    assert "never change them" in "".join(sent[2])
    assert "value_399" in "".join(sent[3])
    assert seen.state.turns == 3
    assert [text_of(message) for message in seen.state.messages][-1] == "Yes."


def test_with_nothing_to_condense_or_bring_back_the_user_is_told(tmp_path: Path) -> None:
    repo(tmp_path)
    with ScriptedProvider([]) as provider:
        seen = talk(tmp_path, provider, ["/compact", "/restore"])
    assert seen.notices == ["compaction", "compaction"]
    assert seen.stops == ["end_turn", "end_turn"]
    assert provider.requests == []


def test_what_is_read_again_unchanged_is_pointed_at(tmp_path: Path) -> None:
    repo(tmp_path, numbers=LONG)
    edit = 'call edit {"path": "numbers.py", "edits": [{"old": "value_7 = 7\\n", "new": "value_7 = 8\\n"}]}'
    script = [read("numbers.py"), read("numbers.py"), edit, read("numbers.py"), "Done."]
    with ScriptedProvider([*script]) as provider:
        talk(tmp_path, provider, ["set value_7 to 8"])
    outputs = [texts(request)[-1] for request in provider.requests[1:]]
    assert "value_7 = 7" in outputs[0]
    assert outputs[1].startswith("Unchanged since you read it")
    assert "value_7 = 8" in outputs[3]


def test_after_a_compaction_the_text_is_sent_again(tmp_path: Path) -> None:
    repo(tmp_path, numbers=LONG)
    with ScriptedProvider([read("numbers.py"), "Read.", read("numbers.py"), "Read."]) as provider:
        talk(tmp_path, provider, ["read it", "/compact", "read it once more"])
    assert "value_7 = 7" in texts(provider.requests[-1])[-1]
