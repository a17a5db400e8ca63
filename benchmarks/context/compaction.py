"""What a compaction leaves, case by case: tokens before and after, and whether all that must survive is named.

    python benchmarks/context/compaction.py [--window 16000]

Histories are made by the session's own fold from events, as a log would give them. The target is 40 % of the window.
"""

import argparse
import time
from collections.abc import Iterator

from tallystick_agent.context.compaction import condense, unseen, weight
from tallystick_agent.context.digest import facts_of, missing
from tallystick_agent.protocol.events import (
    Event,
    EventBody,
    FileChange,
    FilesChanged,
    ItemFinished,
    ItemStarted,
    MessageItem,
    PlanItem,
    PlanStep,
    RequestStarted,
    ToolCallItem,
    TurnStarted,
)
from tallystick_agent.protocol.ids import CallId, ItemId, RequestId, SessionId
from tallystick_agent.protocol.messages import text_of
from tallystick_agent.sessions.replay import SessionState, fold, window_after
from tallystick_agent.tokens.counter import Counter

WORDS = "The parser drops the last comma where a field is empty and the total is wrong by one cent. "


def text(tokens: int) -> str:
    return WORDS * (tokens // 18)


def asked() -> EventBody:
    return RequestStarted(request_id=RequestId("r"), endpoint="p/m", reason="", attempt=1)


def prompt(words: str) -> list[EventBody]:
    return [TurnStarted(prompt=words)]


def said(words: str) -> list[EventBody]:
    return [asked(), ItemFinished(item_id=ItemId("i"), item=MessageItem(text=words))]


def calls(first: int, *outputs: str) -> list[EventBody]:
    """Calls of one reply, then their results."""
    items = [
        ToolCallItem(call_id=CallId(f"c{first + n}"), name="read_file", arguments='{"path": "src/a.py"}', title="read src/a.py")
        for n in range(len(outputs))
    ]
    started: list[EventBody] = [ItemStarted(item_id=ItemId("i"), item=item) for item in items]
    ended: list[EventBody] = []
    for item, output in zip(items, outputs, strict=True):
        done = ToolCallItem(
            call_id=item.call_id, name=item.name, arguments=item.arguments, title=item.title, status="ok", output=output
        )
        ended.append(ItemFinished(item_id=ItemId("i"), item=done))
    return [asked(), *started, *ended]


def changed(*paths: str) -> list[EventBody]:
    changes = tuple(FileChange(path=path, diff="", before="x", after="y") for path in paths)
    return [FilesChanged(call_id=CallId("c"), changes=changes)]


def plan() -> list[EventBody]:
    steps = (PlanStep(text="Mend the parser", status="done"), PlanStep(text="Add a test for empty fields"))
    return [ItemFinished(item_id=ItemId("i"), item=PlanItem(steps=steps))]


def cases(window: int) -> Iterator[tuple[str, list[EventBody]]]:
    task = prompt("Mend the parser. Never change the public API.")
    work = [*task, *plan(), *changed("src/parser.py", "src/money.py")]
    full = [event for n in range(12) for event in calls(n, text(window // 13))]
    yield "window full of outputs", [*work, *full]
    yield "one giant user message", [*prompt(text(window) + " You must keep the old format. " + text(window)), *said("Yes.")]
    yield "giant tool output, not seen yet", [*work, *calls(0, text(window * 2))]
    yield "giant tool output, answered", [*work, *calls(0, text(window * 2)), *said("I see.")]
    yield "only user messages", [event for n in range(40) for event in prompt(f"Note {n}: {text(window // 40)}")]
    yield "300 changed files", [*work, *changed(*(f"src/module_{n}/part.py" for n in range(300))), *full]
    yield "parallel calls, not seen yet", [*work, *full, *calls(90, text(window // 12), text(window // 12))]


def state_of(bodies: list[EventBody]) -> SessionState:
    events = (
        Event(session_id=SessionId("s"), turn_id=None, seq=seq, time="2026-01-01T00:00:00.000Z", body=body)
        for seq, body in enumerate(bodies, 1)
    )
    return fold(events)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window", type=int, default=16_000)
    given = parser.parse_args()
    count = Counter("o200k").text
    target = given.window * 2 // 5
    print(f"Target: {target:,} tokens.\n")
    print("| case | before | after | twice | dropped | digest | unseen kept | not named | ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, bodies in cases(given.window):
        state = state_of(bodies)
        facts = facts_of(state)
        start = time.process_time()
        item = condense(state.messages, facts, target=target, count=count, reason="bench")
        spent = (time.process_time() - start) * 1_000
        if item is None:
            print(f"| {name} | {sum(weight(one, count) for one in state.messages):,} | no smaller | | | | | | {spent:.0f} |")
            continue
        after = window_after(state.messages, item)
        second = condense(after, facts, target=target // 2, count=count, reason="bench")
        waited = unseen(state.messages)
        kept = len(waited - frozenset(item.dropped_calls)) if any("tool" in one.role for one in after) or not waited else 0
        # Where output alone was dropped, every word that was said stands as it stood.
        lost = len(missing("\n".join(text_of(one) for one in after), facts)) if item.digest else "all words stay"
        twice = f"{second.tokens_after:,}" if second else "same"
        print(
            f"| {name} | {item.tokens_before:,} | {item.tokens_after:,} | {twice} | {len(item.dropped_calls)} |"
            f" {'yes' if item.digest else 'no'} | {kept} of {len(waited)} | {lost} | {spent:.0f} |"
        )


if __name__ == "__main__":
    main()
