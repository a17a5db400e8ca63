"""When an answer is cut because it repeats itself, and the honest code that must never be cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.providers.repetition import RepetitionGuard

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def cut_after(text: str, size: int = 12) -> int | None:
    """The characters that were read when the text was cut; `None` where it never was."""
    guard = RepetitionGuard()
    for at in range(0, len(text), size):
        if guard.feed(text[at : at + size]):
            return at + size
    return None


RUNAWAY = {
    "one line with other letters": "".join(f'    text = text.replace("{letter}", "")\n' for letter in LETTERS * 4),
    "one line over and over": "    return None if value is None else value.strip()\n" * 60,
    "one line that never ends": "    return text" + "".join(f'.replace("{mark}", "")' for mark in "?!.,;:-_()[]{}" * 20),
    "a sum that never ends": "    total = " + " + ".join(f"value_{number}" for number in range(400)),
    "an assertion with other numbers": "".join(f"    assert count({number}) == {number * 7}\n" for number in range(60)),
}


@pytest.mark.parametrize("text", RUNAWAY.values(), ids=RUNAWAY.keys())
def test_an_answer_that_runs_away_is_cut_early(text: str) -> None:
    cut = cut_after(f"Here is the code:\n\n```python\n{text}")
    assert cut is not None
    assert cut < 1_700


COLOURS = ["red", "green", "blue", "black", "white", "grey", "pink", "brown", "cyan", "lime", "navy", "teal"]

HONEST = {
    "closing brackets": "{\n" * 3 + "}\n" * 30,
    "brackets with commas": "        },\n" * 12,
    "empty lines": "a = 1\n" + "\n" * 40 + "b = 2\n",
    "imports": "".join(f"import {name}\n" for name in ["ast", "json", "os", "re", "sys", "time", "math", "enum", "abc", "io"]),
    "imports from": "".join(f"from app.{name} import {name.title()}\n" for name in COLOURS),
    "a dict literal": "RGB = {\n" + "".join(f'    "{name}": {number * 16},\n' for number, name in enumerate(COLOURS)) + "}\n",
    "a list of strings": "NAMES = [\n" + "".join(f'    "{name}",\n' for name in COLOURS) + "]\n",
    "a list of numbers": "PRIMES = [\n" + "".join(f"    {number},\n" for number in range(2, 40)) + "]\n",
    "an enumeration": "class Colour(Enum):\n"
    + "".join(f"    {name.upper()} = {number}\n" for number, name in enumerate(COLOURS)),
    "fields of a class": "class Row:\n" + "".join(f"    {name}: int\n" for name in COLOURS),
    "assignments in a constructor": "".join(f"        self.{name} = {name}\n" for name in COLOURS),
    "a table": "| name | value |\n|---|---|\n" + "".join(f"| {name} | {number} |\n" for number, name in enumerate(COLOURS)),
    "a list in prose": "".join(f"- {name}\n" for name in COLOURS),
    "a ruler": "# " + "-" * 76 + "\n" + "=" * 79 + "\n",
    "a long line of prose": "This function reads the file, splits it into lines and gives back those that are not empty. " * 1,
    "a list on one line": "PRIMES = [" + ", ".join(str(number) for number in range(100)) + "]\n",
    "a long string": 'TEXT = "' + "lorem ipsum dolor sit amet consectetur adipiscing elit " * 8 + '"\n',
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST.keys())
def test_honest_code_is_never_cut(text: str) -> None:
    assert cut_after(text) is None


@pytest.mark.parametrize("text", [*RUNAWAY.values(), *HONEST.values()], ids=[*RUNAWAY.keys(), *HONEST.keys()])
@given(size=st.integers(1, 300))
def test_how_the_stream_is_cut_into_pieces_decides_nothing(text: str, size: int) -> None:
    assert (cut_after(text, size) is None) == (cut_after(text, 1) is None)


def test_a_real_module_is_never_cut() -> None:
    for module in (pytest, RepetitionGuard):
        import inspect

        source = inspect.getsource(inspect.getmodule(module) or pytest)
        assert cut_after(source) is None
