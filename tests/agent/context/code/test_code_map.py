"""Maps of code: never over the budget, always the lines that the files have, the same every time."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.context.code.workspaces import COUNTER, SHOP, Place, write

from tallystick_agent.context.code.code_map import MapMaker
from tallystick_agent.context.code.layout import CUT, SHORT
from tallystick_agent.protocol.code import CodeMap, Mode
from tallystick_agent.tokens.encodings import o200k

PIECES = ("x = 1", "return euro", "// slashes", "/ one", "", "   ", "\t", "# é 😀", "y" * 500, "a\rb", "\x0c", "\u2028z", "}")


def source(chance: random.Random, depth: int = 0) -> Iterator[str]:
    """A Python file that only chance would write."""
    pad = "    " * depth
    for _ in range(chance.randint(1, 5)):
        kind = chance.random()
        if kind < 0.4 and depth < 3:
            yield f"{pad}# about it" if chance.random() < 0.3 else f"{pad}@cached"
            long = "a_long_argument, " * chance.choice([0, 0, 9])
            yield f"{pad}def total{chance.randint(0, 99)}({long}):" if kind < 0.25 else f"{pad}class Cart{chance.randint(0, 99)}:"
            yield from source(chance, depth + 1)
        for _ in range(chance.randint(1, 12)):
            yield f"{pad}{chance.choice(PIECES)}"
    yield f"{pad}pass"


def texts_of(seed: int) -> dict[str, str | bytes]:
    chance = random.Random(seed)
    end = chance.choice(["\n", "\n", "\r\n"])
    names = ["a.py", "shop/cart.py", "shop/größe.py", "tests/test_b.py", "other.js", "notes.md"]
    return {name: (end.join(source(chance)) + chance.choice(["", end])) for name in names}


@pytest.fixture(scope="module", params=range(4))
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(write(tmp_path_factory.mktemp("workspace"), texts_of(request.param)))


@pytest.fixture(scope="module")
def maker(place: Place) -> MapMaker:
    return place.maker("The total of the Cart in euro is wrong, see total7")


MODES = st.sampled_from(["outline", "bodies", None])


@settings(max_examples=60)
@given(budget=st.integers(0, 3_000), mode=MODES, plain=st.booleans())
def test_a_map_is_within_its_budget_and_says_what_it_takes(maker: MapMaker, budget: int, mode: Mode | None, plain: bool) -> None:
    made = maker.make(budget, mode, plain=plain)
    assert made.tokens == COUNTER.text(made.text) == len(o200k().encode_ordinary(made.text)) <= budget
    assert made == maker.make(budget, mode, plain=plain)


def test_another_maker_of_the_same_files_makes_the_same_map(place: Place, maker: MapMaker) -> None:
    again = Place(place.root).maker("The total of the Cart in euro is wrong, see total7")
    for budget in (100, 700, 2_500, 5_000):
        assert again.make(budget) == maker.make(budget)


def sections(made: CodeMap) -> list[tuple[str, list[str]]]:
    """Path by path, the lines below it."""
    paths = {one.path for one in made.lines} | {one.path for one in made.bodies}
    found: list[tuple[str, list[str]]] = []
    for line in made.text.split("\n")[:-1]:
        if line.removesuffix(":") in paths and line.endswith(":"):
            found.append((line[:-1], []))
        else:
            found[-1][1].append(line)
    return found


@settings(max_examples=40)
@given(budget=st.integers(20, 3_000))
def test_every_line_of_an_outline_is_that_line_of_the_file(place: Place, maker: MapMaker, budget: int) -> None:
    made = maker.make(budget, "outline")
    shown = sections(made)
    assert len({path for path, _ in shown}) == len(shown)
    for path, lines in shown:
        numbers = [int(line.split(" ", 1)[0]) for line in lines]
        assert numbers == sorted(set(numbers))
        text = (place.root / path).read_bytes().decode().split("\n")
        for number, line in zip(numbers, lines, strict=True):
            whole, short = text[number - 1].strip(), line.split(" ", 1)[1]
            assert short == whole or (len(short) == SHORT and whole.startswith(short[:-1]) and short.endswith("…"))


HEAD = re.compile(r"@@ (\d+)(?:-(\d+))?")


@settings(max_examples=40)
@given(budget=st.integers(60, 3_000))
def test_every_block_is_the_lines_that_its_head_names(place: Place, maker: MapMaker, budget: int) -> None:
    made = maker.make(budget, "bodies")
    blocks = 0
    for path, lines in sections(made):
        text = (place.root / path).read_bytes().decode().split("\n")
        seen: set[int] = set()
        while lines:
            head = HEAD.fullmatch(lines.pop(0))
            if head is None:
                # What follows the bodies is an outline.
                continue
            blocks += 1
            first, last = int(head[1]), int(head[2] or head[1])
            assert [lines.pop(0) for _ in range(first, last + 1)] == [line[:CUT] for line in text[first - 1 : last]]
            assert text[first - 1].strip()
            assert text[last - 1].strip()
            assert seen.isdisjoint(range(first, last + 1))
            seen |= set(range(first, last + 1))
    assert blocks == sum(len(body.blocks()) for body in made.bodies)
    assert all(body.blocks() for body in made.bodies)


@settings(max_examples=40)
@given(budget=st.integers(20, 3_000), mode=MODES)
def test_a_plain_map_has_no_numbers_and_no_blank_lines(place: Place, maker: MapMaker, budget: int, mode: Mode | None) -> None:
    made = maker.make(budget, mode, plain=True)
    for path, lines in sections(made):
        text = [line.strip() for line in (place.root / path).read_bytes().decode().split("\n")]
        for line in lines:
            assert line.strip()
            bare = line.strip().removesuffix("…")
            assert line == "@@" or any(one.startswith(bare) or one[:CUT].strip() == bare for one in text)


@settings(max_examples=20)
@given(budget=st.integers(0, 800), factor=st.sampled_from([1, 3]))
def test_a_counter_that_is_no_sum_over_lines_is_kept_to_as_well(place: Place, budget: int, factor: int) -> None:
    """Such a one says less of the parts than of the whole."""

    def count(text: str) -> int:
        return len(text) // 4 * (factor if text.count("\n") > 5 else 1) + 1

    view = place.refresh()
    maker = MapMaker(place.index, view, place.index.ask("total", view), place.now(), count, "total")
    for mode in ("outline", "bodies"):
        made = maker.make(budget, mode)
        assert made.tokens == count(made.text)
        assert made.tokens <= max(budget, 1)


def test_small_budgets_buy_first_lines_and_large_ones_bodies(tmp_path: Path) -> None:
    maker = Place(write(tmp_path, SHOP)).maker("The total of the cart in euros")
    assert maker.make(2_999).mode == "outline"
    assert maker.make(3_000).mode == "bodies"
    assert "5 def total(self, currency):\n" in maker.make(60).text
    assert "\n    def total(self, currency):\n" in maker.make(3_000).text


def test_a_map_as_it_looks(tmp_path: Path) -> None:
    place = Place(write(tmp_path, {"shop/currency.py": SHOP["shop/currency.py"], "shop/mail.py": SHOP["shop/mail.py"]}))
    made = place.maker("convert a currency").make(110, "bodies")
    assert made.text == (
        "shop/currency.py:\n"
        "@@ 1-2\n"
        "def convert(amount, currency):\n"
        "    return amount * RATES[currency]\n"
        "@@ 5\n"
        "RATES = {'euro': 1.1}\n"
        "shop/mail.py:\n"
        "1 def send_receipt(address, total):\n"
    )
    plain = place.maker("convert a currency").make(110, "bodies", plain=True)
    assert plain.text == made.text.replace("@@ 1-2", "@@").replace("@@ 5", "@@").replace("1 def send", "def send")


def test_of_a_long_body_the_lines_that_match_are_shown(tmp_path: Path) -> None:
    body = "".join(f"    step{n} = {n}\n" for n in range(200)).replace("step150 = 150", "zebra = 150")
    place = Place(write(tmp_path, {"a.py": f"def long():\n{body}"}))
    made = place.maker("zebra of long").make(1_200, "bodies")
    assert "zebra = 150" in made.text
    assert "def long():" in made.text
    assert "step70 " not in made.text


def test_of_a_large_class_the_methods_stand_for_themselves(tmp_path: Path) -> None:
    methods = "".join(f"    def m{n}(self):\n        return {n}\n\n" for n in range(30))
    place = Place(
        write(tmp_path, {"a.py": f"class Zebra:\n    size = 3\n\n{methods}    def stripes(self):\n        return zebra\n"})
    )
    made = place.maker("the stripes of a zebra").make(400, "bodies")
    assert "def stripes(self):\n        return zebra" in made.text
    assert made.text.count("def m7(self)") <= 1
