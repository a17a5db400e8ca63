"""The text that stands for messages which left the window. Owns its sections and what is shortened first; pure.

It is made from the session's own record, not from what the window still holds: a second digest knows all that the first knew.
What the user wrote stays word for word as far as there is room, newest first; changed files and open plan items are always
named.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick_agent.protocol.events import PlanItem
from tallystick_agent.sessions.replay import CallFact, SessionState

_CONSTRAINT: Final = re.compile(
    r"\b(?:never|always|must|must not|mustn't|don't|do not|only|without|keep|avoid|no more than|at most|not allowed)\b",
    re.IGNORECASE,
)
NAMED: Final = 400
"""Tokens that changed files, and open steps, may take whatever the room is."""
MOST_CONSTRAINTS: Final = 30
LONGEST_CONSTRAINT: Final = 300
HEAD: Final = "[What happened before, condensed. The files are as they are now; read again what you need.]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What must survive. `focus` is what the user said must stay in view."""

    prompts: tuple[str, ...]
    changed: tuple[str, ...]
    plan: PlanItem | None
    calls: tuple[CallFact, ...]
    summary: str = ""
    focus: str = ""

    @property
    def open_steps(self) -> tuple[str, ...]:
        return tuple(step.text for step in self.plan.steps if step.status != "done") if self.plan else ()

    @property
    def constraints(self) -> tuple[str, ...]:
        """Sentences of the user that say how a thing is to be done, each once, oldest first."""
        found: dict[str, None] = {}
        for prompt in self.prompts:
            for sentence in re.split(r"(?<=[.!?;])\s+|\n+", prompt):
                text = " ".join(sentence.split())
                if text and len(text) <= LONGEST_CONSTRAINT and _CONSTRAINT.search(text):
                    found[text] = None
        return tuple(found)[-MOST_CONSTRAINTS:]


def facts_of(state: SessionState, *, focus: str = "") -> Facts:
    return Facts(
        prompts=state.prompts, changed=state.changed, plan=state.plan, calls=state.calls, summary=state.summary, focus=focus
    )


def missing(text: str, facts: Facts) -> tuple[str, ...]:
    """What a text fails to name: changed files, open plan items, constraints. White space does not count."""
    flat = " ".join(text.split())
    wanted = [*facts.changed, *facts.open_steps, *facts.constraints]
    return tuple(one for one in wanted if " ".join(one.split()) not in flat)


def digest(facts: Facts, *, room: int, count: Callable[[str], int], summary: str = "", kept: int = 0) -> str:
    """At most `room` tokens where that is possible at all; what must be named is named first.

    `kept`: prompts at the end that stay in the window as they are.
    """
    prompts = facts.prompts[: len(facts.prompts) - kept] if kept else facts.prompts
    named: list[str] = [HEAD]
    share = max(NAMED, room * 2 // 5)
    if facts.changed:
        named.append(_within("Files changed so far", facts.changed, share, count))
    if facts.open_steps:
        named.append(_within("Open steps of the plan", facts.open_steps, share, count))
    shown = _Room(room, count)
    pieces = [shown.take_any(text) for text in named]
    asked = _asked(prompts, shown)
    # What is cut from the prompts must not take a constraint along.
    said = " ".join(" ".join([*asked, *(facts.prompts[len(prompts) :])]).split())
    lost = [one for one in facts.constraints if one not in said]
    rules = [shown.take(_listed("The user also said", lost))] if lost else []
    told = summary or facts.summary
    words = [shown.take(f"Summary:\n{told}")] if told else []
    focus = [shown.take(f"In view must stay: {facts.focus}")] if facts.focus else []
    done = _done(facts, shown)
    return "\n\n".join(text for text in [*pieces, *asked, *rules, *focus, *words, *done] if text)


class _Room:
    """Tokens that are left, with two for the blank line after each piece."""

    def __init__(self, tokens: int, count: Callable[[str], int]) -> None:
        self.left = tokens
        self.count = count

    def take(self, text: str) -> str:
        """The text, or nothing where it does not fit."""
        cost = self.count(text) + 2
        if cost > self.left:
            return ""
        self.left -= cost
        return text

    def take_any(self, text: str) -> str:
        """The text, whatever is left: it must be there."""
        self.left -= self.count(text) + 2
        return text


def _listed(head: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{head}:", *(f"- {line}" for line in lines)])


def _within(head: str, lines: Sequence[str], room: int, count: Callable[[str], int]) -> str:
    """The list, or as much of its end as has room: hundreds of names must not keep a window from being condensed at all."""
    whole = _listed(head, lines)
    if count(whole) <= room:
        return whole
    left = room - count(head) - 20
    kept: list[str] = []
    for line in reversed(lines):
        left -= count(f"- {line}\n")
        if left < 0:
            break
        kept.append(line)
    return _listed(f"{head} ({len(lines)}; the last {len(kept)} of them)", kept[::-1])


def _asked(prompts: Sequence[str], shown: _Room) -> list[str]:
    """The user's words, newest first while there is room; in their order."""
    if not prompts:
        return []
    taken: list[str] = []
    share = max(0, int(shown.left * 0.7))
    for number, prompt in reversed(list(enumerate(prompts, 1))):
        whole = f"The user asked ({number}):\n{prompt}"
        cost = shown.count(whole) + 2
        if cost > min(share, shown.left):
            whole = _cut(whole, min(share, shown.left) - 2, shown.count)
            cost = shown.count(whole) + 2
        if not whole or cost > shown.left:
            continue
        taken.append(whole)
        shown.left -= cost
        share -= cost
    return taken[::-1]


def _cut(text: str, room: int, count: Callable[[str], int]) -> str:
    """Its beginning and its end within `room` tokens; empty where not even a little fits."""
    if room < 30:
        return ""
    total = max(1, count(text))
    size = int(len(text) * room / total * 0.9)
    while size > 40:
        shorter = f"{text[: size * 2 // 3]}\n… [{len(text) - size} characters left out] …\n{text[-(size - size * 2 // 3) :]}"
        if count(shorter) <= room:
            return shorter
        size = size * 4 // 5
    return ""


def _done(facts: Facts, shown: _Room) -> list[str]:
    """The calls, newest first while there is room, with their outcome; a repeated one once."""
    lines: list[str] = []
    seen: set[str] = set()
    head = "Done so far:"
    left = shown.left - shown.count(head) - 4
    for fact in reversed(facts.calls):
        outcome = "" if fact.status == "ok" else f" ({fact.status}: {fact.line})"
        line = f"- {' '.join(fact.title.split())[:160]}{outcome}"
        if line in seen:
            continue
        cost = shown.count(line) + 1
        if cost > left:
            break
        seen.add(line)
        lines.append(line)
        left -= cost
    if not lines:
        return []
    shown.left = left
    return ["\n".join([head, *reversed(lines)])]
