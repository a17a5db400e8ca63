"""The text that stands for messages which left the window: its sections, and what goes first where there is little room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.context.histories import count, words

from tallystick_agent.context.digest import HEAD, MOST_CONSTRAINTS, Facts, digest, missing
from tallystick_agent.protocol.events import PlanItem, PlanStep
from tallystick_agent.sessions.replay import CallFact

PLAN = PlanItem(
    steps=(
        PlanStep(text="Read the parser", status="done"),
        PlanStep(text="Mend the parser", status="in_progress"),
        PlanStep(text="Test the parser"),
    )
)
CALLS = (
    CallFact(title="read cart.py", status="ok", line="   1 class Cart:"),
    CallFact(title="run pytest", status="error", line="Exit code 1."),
    CallFact(title="read cart.py", status="ok", line="   1 class Cart:"),
)


def facts(*prompts: str, **more: object) -> Facts:
    given: dict[str, object] = {"prompts": prompts, "changed": (), "plan": None, "calls": (), **more}
    return Facts(**given)  # type: ignore[arg-type]


def test_everything_where_there_is_room() -> None:
    known = facts(
        "Mend it. Never touch b.py.", changed=("a.py", "c.py"), plan=PLAN, calls=CALLS, summary="Commas.", focus="the cart"
    )
    assert digest(known, room=2_000, count=count) == "\n\n".join(
        [
            HEAD,
            "Files changed so far:\n- a.py\n- c.py",
            "Open steps of the plan:\n- Mend the parser\n- Test the parser",
            "The user asked (1):\nMend it. Never touch b.py.",
            "In view must stay: the cart",
            "Summary:\nCommas.",
            "Done so far:\n- run pytest (error: Exit code 1.)\n- read cart.py",
        ]
    )


def test_without_room_what_must_be_named_is_named_all_the_same() -> None:
    known = facts("Mend it.", changed=("a.py",), plan=PLAN, calls=CALLS, summary="Commas.")
    text = digest(known, room=0, count=count)
    assert text == "\n\n".join(
        [HEAD, "Files changed so far:\n- a.py", "Open steps of the plan:\n- Mend the parser\n- Test the parser"]
    )


def test_the_newest_prompts_come_first_and_stand_in_their_order() -> None:
    known = facts(*(f"Prompt {number}. {words(100)}" for number in range(10)))
    text = digest(known, room=700, count=count)
    kept = [number for number in range(10) if f"Prompt {number}. {words(100)}" in text]
    assert kept
    assert kept == list(range(kept[0], 10))
    assert [text.index(f"The user asked ({number + 1})") for number in kept] == sorted(
        text.index(f"The user asked ({number + 1})") for number in kept
    )


def test_prompts_that_stay_in_the_window_are_not_repeated() -> None:
    known = facts("First.", "Second.", "Third.")
    text = digest(known, room=500, count=count, kept=2)
    assert "First." in text
    assert "Second." not in text
    assert "Third." not in text


def test_a_new_summary_takes_the_place_of_the_one_before() -> None:
    text = digest(facts(summary="Old."), room=500, count=count, summary="New.")
    assert "Summary:\nNew." in text
    assert "Old." not in text


@pytest.mark.parametrize(
    ("prompt", "constraints"),
    [
        ("Fix the cart.", ()),
        ("Never touch b.py.", ("Never touch b.py.",)),
        ("Fix it. You must keep the API; tests must pass. Thanks!", ("You must keep the API;", "tests must pass.")),
        ("Fix it\ndo not rename   anything\nthanks", ("do not rename anything",)),
        ("Use only the standard library", ("Use only the standard library",)),
        ("DON'T PANIC", ("DON'T PANIC",)),
        ("Mustard is commonly kept", ()),
        ("Never a. Never a. Never b.", ("Never a.", "Never b.")),
        ("always " + "x" * 400, ()),
        ("", ()),
    ],
)
def test_constraints(prompt: str, constraints: tuple[str, ...]) -> None:
    assert facts(prompt).constraints == constraints


def test_of_many_constraints_the_last_ones_count() -> None:
    found = facts(*(f"Never touch file {number}." for number in range(50))).constraints
    assert found == tuple(f"Never touch file {number}." for number in range(50 - MOST_CONSTRAINTS, 50))


def test_constraints_of_a_prompt_that_is_cut_are_told_by_themselves() -> None:
    known = facts(f"Begin. {words(2_000)}. Never touch b.py. {words(2_000)} End.")
    text = digest(known, room=400, count=count)
    assert "The user also said:\n- Never touch b.py." in text
    assert missing(text, known) == ()


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("", ("a.py", "Mend the parser", "Test the parser", "Never touch b.py.")),
        ("a.py, Mend the parser, Test the parser, Never touch b.py.", ()),
        ("a.py\nMend  the\nparser", ("Test the parser", "Never touch b.py.")),
    ],
)
def test_what_a_text_fails_to_name(text: str, lost: tuple[str, ...]) -> None:
    assert missing(text, facts("Never touch b.py.", changed=("a.py",), plan=PLAN)) == lost


PROMPTS = st.lists(st.text(alphabet="ab .\nneverN", max_size=400), max_size=6)
FACTS = st.lists(st.builds(CallFact, title=st.text(max_size=200), status=st.just("ok"), line=st.just("")), max_size=20)


@given(
    PROMPTS, FACTS, st.lists(st.text(alphabet="abc/", min_size=1, max_size=20), max_size=20, unique=True), st.integers(0, 2_000)
)
def test_within_its_room_but_for_what_must_be_named(
    prompts: list[str], calls: list[CallFact], paths: list[str], room: int
) -> None:
    known = facts(*prompts, calls=tuple(calls), changed=tuple(paths))
    least = digest(facts(changed=tuple(paths)), room=0, count=count)
    text = digest(known, room=room, count=count)
    assert count(text) <= max(room, count(least) + 2)
    assert text.startswith(least)


@given(PROMPTS, st.integers(0, 1_000), st.integers(0, 1_000))
def test_more_room_never_says_less_of_the_last_prompt(prompts: list[str], room: int, more: int) -> None:
    def told(tokens: int) -> bool:
        return bool(prompts) and f"({len(prompts)}):\n{prompts[-1]}" in digest(facts(*prompts), room=tokens, count=count)

    assert told(room + more) >= told(room)
