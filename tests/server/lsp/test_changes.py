"""`didChange` held against two others: a slow reference that edits a list of code units, and pygls where pygls is right."""

import random
from dataclasses import dataclass, field

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument

from tallystick_server.lsp import text as module
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.positions import Encoding
from tallystick_server.lsp.text import Text

URI = "file:///a.py"
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
LETTERS = (
    "a",
    "b",
    " ",
    "\n",
    "\n",
    "\r\n",
    "\r\n",
    "\r",
    "é",
    "ß",
    "€",
    "漢",
    "🎉",
    "👩\u200d💻",
    "\x0c",
    "\u2028",
    "\x85",
    "\0",
)
SEEDS = 1_200
Change = types.TextDocumentContentChangeEvent


@dataclass(slots=True)
class Reference:
    """A document as the list of its code units. It looks at every unit for everything that it does."""

    encoding: Encoding
    parts: list[bytes] = field(default_factory=lambda: [])

    def set(self, text: str) -> None:
        self.parts = self._split(text)

    def text(self) -> str:
        return b"".join(self.parts).decode(CODECS[self.encoding][0], "surrogatepass")

    def replace(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        first, last = sorted((self._index(*start), self._index(*end)))
        self.parts[first:last] = self._split(text)

    def _split(self, text: str) -> list[bytes]:
        codec, width = CODECS[self.encoding]
        data = text.encode(codec, "surrogatepass")
        return [data[at : at + width] for at in range(0, len(data), width)]

    def _is(self, at: int, char: str) -> bool:
        return at < len(self.parts) and int.from_bytes(self.parts[at], "little") == ord(char)

    def _index(self, line: int, character: int) -> int:
        at = 0
        for _ in range(line):
            while at < len(self.parts) and not self._is(at, "\n") and not self._is(at, "\r"):
                at += 1
            if at >= len(self.parts):
                return at
            at += 2 if self._is(at, "\r") and self._is(at + 1, "\n") else 1
        start = at
        while at < len(self.parts) and at - start < character and not self._is(at, "\n") and not self._is(at, "\r"):
            at += 1
        while start < at < len(self.parts) and self._inside(at):
            at -= 1
        return at

    def _inside(self, at: int) -> bool:
        """Whether a character began before this unit and goes on in it."""
        unit, before = int.from_bytes(self.parts[at], "little"), int.from_bytes(self.parts[at - 1], "little")
        if self.encoding == "utf-8":
            return 0x80 <= unit < 0xC0
        return self.encoding == "utf-16" and 0xDC00 <= unit < 0xE000 and 0xD800 <= before < 0xDC00


def words(dice: random.Random, most: int) -> str:
    return "".join(dice.choice(LETTERS) for _ in range(dice.randint(0, most)))


def position(dice: random.Random) -> types.Position:
    if dice.random() < 0.05:
        return types.Position(line=2**31 - 1, character=2**31 - 1)
    return types.Position(line=dice.randint(0, 9), character=dice.choice((0, 0, 1, 2, 3, 5, 8, 13, 2**31 - 1)))


def change(dice: random.Random) -> Change:
    if dice.random() < 0.05:
        return types.TextDocumentContentChangeWholeDocument(text=words(dice, 40))
    start = position(dice)
    end = start if dice.random() < 0.5 else position(dice)
    return types.TextDocumentContentChangePartial(range=types.Range(start=start, end=end), text=words(dice, 6))


def play(seed: int, encoding: Encoding) -> None:
    dice = random.Random(seed)
    documents, reference = OpenDocuments(), Reference(encoding)
    text = words(dice, 60)
    documents.open(types.TextDocumentItem(uri=URI, language_id="python", version=1, text=text))
    reference.set(text)
    for _ in range(dice.randint(1, 8)):
        changes = [change(dice) for _ in range(dice.choice((0, 1, 1, 1, 2, 3)))]
        before = documents.get(URI)
        assert before is not None
        old = before.text
        # Versions come as they please: what an editor says last is what holds.
        version = dice.randint(-3, 40)
        documents.change(URI, version, changes, encoding)
        for one in changes:
            if isinstance(one, types.TextDocumentContentChangePartial):
                start, end = one.range.start, one.range.end
                reference.replace((start.line, start.character), (end.line, end.character), one.text)
            else:
                reference.set(one.text)
        now = documents.get(URI)
        assert now is not None
        assert (now.text, now.version) == (reference.text(), version)
        assert before.text == old, "a snapshot that somebody holds stays as it was"
        counted = now.text.count("\r\n")
        throughout = bool(counted) and counted == now.text.count("\n") == now.text.count("\r")
        assert now.newline == ("\r\n" if throughout else "\n")
        assert now.plain == (now.text.replace("\r\n", "\n") if throughout else now.text)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("size", [1, 3, 16, module.PIECE])
def test_changes_as_the_reference_makes_them(encoding: Encoding, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces put a seam everywhere."""
    monkeypatch.setattr(module, "PIECE", size)
    for seed in range(SEEDS // 4):
        play(seed * 7 + size, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_changes_as_pygls_makes_them(encoding: Encoding, monkeypatch: pytest.MonkeyPatch) -> None:
    """pygls cuts lines at characters that LSP does not, so those are left out; so are places that do not exist."""
    monkeypatch.setattr(module, "PIECE", 5)
    letters = [letter for letter in LETTERS if letter not in ("\x0c", "\u2028", "\x85", "\r")]
    codec = PositionCodec(types.PositionEncodingKind(encoding))
    for seed in range(SEEDS):
        dice = random.Random(seed)
        text = "".join(dice.choice(letters) for _ in range(dice.randint(0, 50)))
        theirs = TextDocument(URI, text, 1, position_codec=codec)
        ours = Text.of(text)
        for _ in range(6):
            lines = [*theirs.source.splitlines(keepends=True)] or [""]
            if lines[-1].endswith("\n"):
                lines.append("")
            places: list[types.Position] = []
            for _ in range(2):
                number = dice.randrange(len(lines))
                line = lines[number].rstrip("\r\n")
                inside = line[: dice.randint(0, len(line))]
                places.append(types.Position(line=number, character=codec.client_num_units(inside)))
            start, end = sorted(places, key=lambda place: (place.line, place.character))
            new = "".join(dice.choice(letters) for _ in range(dice.randint(0, 6)))
            theirs.apply_change(types.TextDocumentContentChangePartial(range=types.Range(start=start, end=end), text=new))
            first, last = ours.offset(start.line, start.character, encoding), ours.offset(end.line, end.character, encoding)
            ours = ours.replaced(first, last, new)
            assert str(ours) == theirs.source


def test_a_character_that_comes_in_two_halves() -> None:
    """An editor whose strings are UTF-16 can send half a character at a time, and positions count it as before."""
    whole = "🎉"
    high, low = (whole.encode("utf-16-le")[at : at + 2].decode("utf-16-le", "surrogatepass") for at in (0, 2))
    text = Text.of("ab").replaced(1, 1, high)
    assert text.offset(0, 3, "utf-16") == 3
    assert text.offset(0, 4, "utf-8") == 2
    assert str(text.replaced(2, 2, low)) == "a🎉b"


def test_a_long_file_stays_in_small_pieces() -> None:
    """However it was typed into, no piece is long, and few are short: a keystroke costs one of them."""
    dice = random.Random(5)
    text = Text.of("value = 1  # 🎉\n" * 20_000)
    for _ in range(300):
        start = dice.randint(0, len(text))
        end = min(len(text), start + dice.choice((0, 0, 0, 1, 50, 30_000)))
        text = text.replaced(start, end, dice.choice(("", "x", "y\r\n", "\n" * 5_000)))
    sizes = [len(piece) for piece in text._pieces]  # pyright: ignore[reportPrivateUsage]
    assert max(sizes) <= 2 * module.PIECE
    assert len(sizes) <= 4 * len(text) // module.PIECE + 2
