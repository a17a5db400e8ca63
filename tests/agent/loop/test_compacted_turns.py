"""Windows that become full in real turns: the session goes on, says what it did, and nothing is out of reach."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.agent.context.histories import orphans
from tests.agent.loop.conversation import Compact, RestoreWindow, Talk, read, repo, talk, texts
from tests.support.scripted_provider import Reply, Script, ScriptedProvider, Seen

from tallystick_agent.protocol.events import RequestPlanned
from tallystick_agent.protocol.messages import text_of
from tallystick_agent.protocol.operations import Operation
from tallystick_agent.sessions.replay import is_stub

SMALL_WINDOW = {"endpoints": {"openai/scripted": {"window_tokens": 4_000}}}
LINES = "".join(f"line {number} of a file that is read again and again\n" for number in range(60))


def calls_of(request: Seen) -> list[tuple[str, str]]:
    """Ids of calls and of results, in their order."""
    found: list[tuple[str, str]] = []
    for message in request.body["messages"]:
        found += [("call", call["id"]) for call in message.get("tool_calls") or ()]
        found += [("result", message["tool_call_id"])] if message["role"] == "tool" else []
    return found


def well_formed(requests: list[Seen]) -> bool:
    """Every result has its call before it, and every call its result."""
    for request in requests:
        waiting: list[str] = []
        for kind, name in calls_of(request):
            if kind == "call":
                waiting.append(name)
            elif name not in waiting:
                return False
            else:
                waiting.remove(name)
        if waiting:
            return False
    return True


def fits(seen: Talk, window: int) -> bool:
    return all(one.input_tokens + one.reserved_output_tokens <= window for one in seen.of(RequestPlanned))


@pytest.mark.parametrize("both", [False, True], ids=["one call", "two calls in a reply"])
def test_a_long_session_in_a_small_window_goes_on(tmp_path: Path, both: bool) -> None:
    repo(tmp_path, **{f"f{number}": LINES for number in range(12)}, notes="x = 0\n")

    def script(body: dict[str, Any], number: int) -> Reply:
        if number % 5 == 4:
            return Reply(lines=f"Part {number} is done. " + "It was long work. " * 10)
        if number % 5 == 3:
            edit = {"path": "notes.py", "edits": [{"old": f"x = {number // 5}", "new": f"x = {number // 5 + 1}"}]}
            return Reply(lines=f"call edit {json.dumps(edit)}")
        one, other = read(f"f{number % 12}.py"), read(f"f{(number + 1) % 12}.py")
        return Reply(lines=f"{one}\n{other}" if both else one)

    with ScriptedProvider(script) as provider:
        prompts = [f"Task {number}: read it all. Never touch f{number}.py." for number in range(8)]
        seen = talk(tmp_path, provider, prompts, settings=SMALL_WINDOW)
        assert seen.stops == ["end_turn"] * 8, [*seen.said]
        assert well_formed(provider.requests)
        last = "\n".join(texts(provider.requests[-1]))
    assert fits(seen, 4_000)
    assert len(seen.compactions) >= 2
    assert any(item.digest for item in seen.compactions)
    assert all(item.tokens_after < item.tokens_before for item in seen.compactions)
    assert (tmp_path / "repo" / "notes.py").read_text("utf-8") == "x = 8\n"
    assert "notes.py" in last
    assert "Never touch f7.py." in last
    assert orphans(seen.state.messages) == []


def test_what_was_just_read_is_seen_before_it_is_dropped(tmp_path: Path) -> None:
    """However full the window is: without it, the model would ask for the same again."""
    repo(tmp_path, **{f"f{number}": LINES for number in range(6)})
    with ScriptedProvider([*(read(f"f{number}.py") for number in range(6)), "All are alike."]) as provider:
        seen = talk(tmp_path, provider, ["read them all"], settings=SMALL_WINDOW)
        for request in provider.requests[1:]:
            assert "59 of a file" in texts(request)[-1]
            assert "line 0 of a file" in texts(request)[-1]
    assert seen.compactions
    assert fits(seen, 4_000)


def test_of_one_giant_prompt_a_small_window_has_the_beginning_and_the_end(tmp_path: Path) -> None:
    repo(tmp_path)
    with ScriptedProvider(["Yes.", "Yes."]) as provider:
        seen = talk(tmp_path, provider, ["Begin. " + "word " * 20_000 + "The end."], settings=SMALL_WINDOW)
        text = texts(provider.requests[0])[1]
    assert seen.stops == ["end_turn"]
    assert fits(seen, 4_000)
    assert "Begin. word" in text
    assert "characters left out" in text
    assert text.endswith("The end.")


def test_one_giant_output_in_a_small_window(tmp_path: Path) -> None:
    repo(tmp_path, big="word word word word word word word word\n" * 600)
    with ScriptedProvider([read("big.py"), "It repeats itself."]) as provider:
        seen = talk(tmp_path, provider, ["read big.py"], settings=SMALL_WINDOW)
        assert well_formed(provider.requests)
        assert any("read_file output:" in text for text in texts(provider.requests[-1])), "it stays in reach"
    assert seen.stops == ["end_turn"]


def long_talk(settings: dict[str, Any], folder: Path, script: Script | list[Reply | str]) -> tuple[Talk, list[Seen]]:
    """A session of long words, and then the wish to condense it."""
    repo(folder, a=LINES)
    with ScriptedProvider(script) as provider:
        steps: list[str | Operation] = ["Read a.py. Never touch b.py.", "And again.", Compact(focus="the cart"), "What now?"]
        seen = talk(folder, provider, steps, settings=settings)
        return seen, provider.requests


TALK: list[Reply | str] = [read("a.py"), "I have read it. " * 300, read("a.py"), "And again. " * 300]


def test_condensing_needs_no_model(tmp_path: Path) -> None:
    seen, requests = long_talk({}, tmp_path, [*TALK, "Nothing."])
    [item] = seen.compactions
    assert item.reason == "the user asked for it"
    assert len(requests) == len(TALK) + 1
    text = texts(requests[-1])[1]
    for piece in ("Read a.py. Never touch b.py.", "And again.", "In view must stay: the cart", "read a.py"):
        assert piece in text
    assert seen.notices == []


def test_a_model_may_write_the_summary(tmp_path: Path) -> None:
    settings = {"context": {"summary": "model"}}
    seen, requests = long_talk(settings, tmp_path, [*TALK, "The file has 60 lines.", "Nothing."])
    [item] = seen.compactions
    assert item.summary == "The file has 60 lines."
    assert "Summary:\nThe file has 60 lines." in texts(requests[-1])[1]
    assert "Above all keep: the cart" in texts(requests[-2])[-1]
    assert "tools" not in requests[-2].body
    assert seen.of(RequestPlanned)[-2].purpose == "compaction"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Reply(status=500, body='{"error": {"message": "broken"}}'), "broken"),
        (Reply(lines="and so on " * 2_000), "wrote more than it was asked for"),
        (Reply(lines="and so on", finish="length"), "wrote more than it was asked for"),
        (Reply(lines=""), "wrote nothing"),
        (Reply(lines="  \n "), "wrote nothing"),
        (Reply(lines="call read_file {}"), "wrote nothing"),
        (Reply(hang=True), "sent nothing"),
        (Reply(lines="half of a sum", cut=True), "broke"),
    ],
    ids=["error", "rambles", "length", "empty", "blank", "calls", "silent", "cut"],
)
def test_a_summary_that_fails_is_no_summary(tmp_path: Path, answer: Reply, why: str) -> None:
    settings = {"context": {"summary": "model"}, "network": {"idle_timeout_s": 0.5, "backoff_s": 0, "max_attempts": 1}}
    seen, requests = long_talk(settings, tmp_path, [*TALK, answer, "Nothing."])
    assert seen.notices == ["no_summary"]
    assert why in seen.said[0]
    [item] = seen.compactions
    assert item.summary == ""
    assert item.digest
    assert "Never touch b.py." in texts(requests[-1])[1]
    assert seen.stops == ["end_turn"] * 3


def test_the_window_before_comes_back_with_what_came_since(tmp_path: Path) -> None:
    repo(tmp_path, a=LINES)
    with ScriptedProvider([*TALK, "Nothing.", "Something."]) as provider:
        steps: list[str | Operation] = [
            "Read a.py.",
            "And again.",
            Compact(),
            "What now?",
            RestoreWindow(),
            "And then?",
            RestoreWindow(),
        ]
        seen = talk(tmp_path, provider, steps)
        before, after = provider.requests[3].body["messages"], provider.requests[-1].body["messages"]
        assert after[: len(before)] == before
        assert [text[:10] for text in texts(provider.requests[-1])[len(before) :]] == [
            "And again.",
            "What now?",
            "Nothing.",
            "And then?",
        ]
    assert seen.said == ["There is no earlier window to bring back."]
    assert [item.restores for item in seen.compactions] == [False, True]


def test_a_session_that_is_resumed_has_the_window_that_it_was_left_with(tmp_path: Path) -> None:
    repo(tmp_path, a=LINES)
    with ScriptedProvider([*TALK, "Nothing.", "Well."]) as provider:
        first = talk(tmp_path, provider, ["Read a.py.", "And again.", Compact(), "What now?"])
        later = talk(tmp_path, provider, ["And now?"], resume=first.session_id)
        before, after = provider.requests[-2].body["messages"], provider.requests[-1].body["messages"]
    assert after[: len(before)] == before
    assert later.state.messages[: len(first.state.messages)] == first.state.messages
    assert later.state.windows == first.state.windows
    assert later.state.prompts == ("Read a.py.", "And again.", "What now?", "And now?")
    assert later.state.turn_requests == (2, 2, 1, 1)
    assert len(later.state.calls) == 2


def test_a_dropped_output_can_be_read_under_its_handle(tmp_path: Path) -> None:
    repo(tmp_path, a=LINES)
    replies: list[Reply | str] = [read("a.py"), read("a.py"), "Read.", read("output:call_0", lines=2), "It is back."]
    with ScriptedProvider(replies) as provider:
        seen = talk(tmp_path, provider, ["Read it twice.", Compact(), "What was it?"])
        assert texts(provider.requests[-1])[-1].startswith("   1    1 line 0 of a file")
    assert is_stub(text_of(seen.state.messages[2]))


PRICED = {"endpoints": {"openai/scripted": {"price": {"input": 3, "output": 15, "cache_read": "0.3", "cache_write": "3.75"}}}}
DEAR = {"endpoints": {"openai/scripted": {"price": {"input": 3, "output": 15, "cache_read": "0.3", "cache_write": "300"}}}}


@pytest.mark.parametrize(("settings", "dropped"), [(PRICED, True), (DEAR, False), ({}, False)], ids=["pays", "dear", "unknown"])
def test_what_was_changed_since_is_dropped_where_that_is_cheaper(tmp_path: Path, settings: dict[str, Any], dropped: bool) -> None:
    repo(tmp_path, a=f"first\n{LINES * 4}")
    edit = 'call edit {"path": "a.py", "edits": [{"old": "first", "new": "second"}]}'
    with ScriptedProvider([read("a.py"), edit, read("a.py"), "Done."]) as provider:
        seen = talk(tmp_path, provider, ["Change it."], settings=settings)
    assert [list(item.dropped_calls) for item in seen.compactions] == ([["call_0"]] if dropped else [])


def test_an_output_that_a_later_call_points_at_stays(tmp_path: Path) -> None:
    repo(tmp_path, a=LINES * 4)
    with ScriptedProvider([read("a.py"), read("a.py"), "Read."]) as provider:
        seen = talk(tmp_path, provider, ["Read it twice."], settings=PRICED)
        assert "line 59 of a file" in texts(provider.requests[-1])[-3]
        assert texts(provider.requests[-1])[-1].startswith("Unchanged since you read it: call call_0 above")
    assert seen.compactions == []
