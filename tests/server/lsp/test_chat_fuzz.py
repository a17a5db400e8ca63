"""A person types in the chat while the answer comes: 1,000 editors with 1,000 habits, on a clock that jumps.

What must hold at the end, whatever the editor did:
1. each word that the person typed stands once, unless the person deleted it;
2. no piece of the answer stands twice;
3. while the person did not touch the answer, it stands whole, in one piece (white space at line ends aside);
4. where the person did, each piece that came after the last such touch stands once; and where the person only typed into
   it, so does each earlier piece that was not typed into.
A piece is a word of the answer that is in it once. A piece that comes in place of another one (the outcome of a call) may be
missing after a touch.
"""

import asyncio
import random
import re
from dataclasses import dataclass, field, replace

import pytest
from lsprotocol import types
from tests.support.fast_loop import run_fast
from tests.support.sim_editor import Habits, SimEditor

from tallystick_agent.protocol.events import TurnFinished
from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_server.lsp import chat_writer
from tallystick_server.lsp.chat_answer import Answer, Block, Call, Text, render
from tallystick_server.lsp.chat_writer import ChatWriter
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.editor import Editor

URI = "file:///talk.tally.md"
SEEDS = 1_000
PARTS = 10
_PIECE = re.compile(r"[wcno]\d+z|tokens in")
_TYPED = re.compile(r"<🎉\d+>")
ENDED = TurnFinished(stop="end_turn", usage=Usage(input_tokens=1, output_tokens=2), cost=Cost(), requests=1)


def answers(dice: random.Random) -> list[Answer]:
    """An answer as it grows: text by words, calls whose line changes when they end."""
    found: list[Answer] = []
    blocks: tuple[Block, ...] = ()
    number = 0
    for key in range(dice.randint(1, 5)):
        if dice.random() < 0.6:
            text = ""
            for _ in range(dice.randint(1, 12)):
                number += 1
                text += f"w{number}z" + dice.choice((" ", " ", "\n", "\n\n", "\n- ", " 🎉 ", "\n```py\n", "\n```\n", "  \n"))
                found.append(Answer(blocks=(*blocks, Text(key=str(key), text=text))))
            blocks = found[-1].blocks
        else:
            number += 1
            call = Call(key=str(key), title=f"c{number}z", detail=dice.choice(("", f"-o{number}z\n+o{number + 5000}z")))
            found.append(Answer(blocks=(*blocks, replace(call, note="waiting"))))
            blocks = (*blocks, replace(call, note=f"n{number}z"))
            found.append(Answer(blocks=blocks))
    return [*found, replace(found[-1], ended=ENDED, model="m")]


@dataclass(slots=True)
class Person:
    """Types at any time anywhere, and remembers what was touched."""

    at: SimEditor
    dice: random.Random
    deletes: bool
    typed: list[str] = field(default_factory=lambda: [])
    touched: bool = False
    deleted: bool = False
    rendered: list[str] = field(default_factory=lambda: [])
    """The answer as it grew until now."""
    shown: set[str] = field(default_factory=lambda: set())
    """Pieces that had been rendered when the answer was last touched."""
    broken: set[str] = field(default_factory=lambda: set())
    """Pieces that were typed into."""

    def act(self) -> None:
        text = self.at.texts[URI]
        newline = "\r\n" if "\r\n" in text else "\n"
        start = end = self.dice.choice((0, len(text), len(text), self.dice.randint(0, len(text))))
        if any(found.start() < start < found.end() for found in _TYPED.finditer(text)):
            return
        if self.deletes and self.dice.random() < 0.2:
            end = min(len(text), start + self.dice.randint(1, 20))
            if any(found.start() < end and found.end() > start for found in _TYPED.finditer(text)):
                end = start
        if any(text[at - 1 : at + 1] == "\r\n" for at in (start, end)):
            return
        word = f"<🎉{len(self.typed)}>" + self.dice.choice(("", newline, " ", newline * 2))
        self.typed.append(word.strip())
        self.at.type(URI, start, end, word)
        self._note(text, self.at.texts[URI], deletes=end > start)

    def _note(self, before: str, after: str, *, deletes: bool) -> None:
        standing = next((one for one in reversed(self.rendered) if _flat(one) in _flat(before)), None)
        if not self.touched and (standing is None or _flat(standing) in _flat(after)):
            return
        self.touched = True
        self.deleted |= deletes
        self.shown |= set(_PIECE.findall(self.rendered[-1]))
        self.broken |= set(_PIECE.findall(before)) - set(_PIECE.findall(after))


def habits(dice: random.Random) -> Habits:
    return Habits(
        refuses=dice.choice((0.0, 0.0, 0.1, 0.4)),
        drops=dice.choice((0.0, 0.5, 1.0)),
        late=dice.choice((0.0, 0.0, 0.2, 0.6)),
        trims=dice.choice((0.0, 0.0, 0.2, 0.6)),
    )


async def play(seed: int) -> None:
    dice = random.Random(seed)
    documents = OpenDocuments()
    at = SimEditor(documents, random.Random(seed + 1), habits(dice))
    editor = Editor(at, documents)
    editor.introduce(_introduction(), "utf-16")
    person = Person(at, random.Random(seed + 2), deletes=dice.random() < 0.3)
    earlier = dice.choice(("", "", "## You\n\none\n\n## Tallystick\n\nold\n\n## You\n\n"))
    text = earlier + dice.choice(("## You\n\nhi", "## You\n\nhi\n", "hi 🎉\n\n\n", "## You\n\n```py\nx\n"))
    at.open(URI, text.replace("\n", "\r\n") if dice.random() < 0.2 else text)
    at.begin()
    often = dice.choice((0.0, 0.1, 0.3, 0.7))
    at.before_edit = lambda: person.act() if dice.random() < often else None
    writer = ChatWriter(URI, editor, documents)
    for answer in answers(dice):
        person.rendered.append(render(answer))
        writer.show(person.rendered[-1])
        while dice.random() < often:
            person.act()
            await asyncio.sleep(dice.choice((0, 0.001, 0.03)))
        await asyncio.sleep(dice.choice((0, 0, 0.01, 0.3)))
    left = await writer.finish()
    await at.settled()
    await editor.close()
    await at.end()
    check(at.texts[URI], person, left)
    document = documents.get(URI)
    assert document is not None
    assert document.text == at.texts[URI]


def check(text: str, person: Person, left: str) -> None:
    assert left == "", "something was given up"
    for word in person.typed:
        assert text.count(word) == 1 or person.deletes, f"{word} stands {text.count(word)} times"
        assert text.count(word) <= 1
    rendered = person.rendered[-1]
    pieces = _PIECE.findall(rendered)
    for piece in pieces:
        assert text.count(piece) <= 1, f"{piece} stands {text.count(piece)} times"
    if not person.touched:
        assert _flat(rendered) in _flat(text)
        return
    for piece in pieces:
        is_new = piece not in person.shown
        is_kept = not person.deleted and piece not in person.broken and not piece.startswith("n")
        if is_new or is_kept:
            assert text.count(piece) == 1, f"{piece} is missing"


def _flat(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def _introduction() -> types.InitializeParams:
    edits = types.WorkspaceEditClientCapabilities(document_changes=True)
    workspace = types.WorkspaceClientCapabilities(workspace_edit=edits)
    return types.InitializeParams(capabilities=types.ClientCapabilities(workspace=workspace))


@pytest.mark.parametrize("part", range(PARTS))
def test_a_person_types_while_the_answer_comes(monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    monkeypatch.setattr(chat_writer, "PAUSE_S", 0)
    for seed in range(part * SEEDS // PARTS, (part + 1) * SEEDS // PARTS):
        try:
            run_fast(play(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
