"""The page's colours: colour-blind eyes tell the ten hues apart, most of all those that lie on each other, light and dark."""

import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

STYLE = Path(__file__).resolve().parents[2] / "server/tallystick_server/gateway/page/style.css"
Vector = npt.NDArray[np.float64]
# Machado, Oliveira and Fernandes 2009, severity 1: what the eye makes of linear RGB.
SIGHTS = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]
ANY, NEIGHBOURS = 0.05, 0.12
"""Distances in Oklab; 0.02 is about what a careful eye just sees."""


def colours(name: str) -> tuple[str, str]:
    found = re.search(rf"--{name}: light-dark\((#\w{{6}}), (#\w{{6}})\)", STYLE.read_text("utf-8"))
    assert found is not None, name
    return found[1], found[2]


def linear(colour: str) -> Vector:
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def seen(colour: str, sight: str) -> Vector:
    light = np.clip(np.array(SIGHTS[sight]) @ linear(colour), 0, 1)
    found: Vector = np.array(LAB) @ np.cbrt(np.array(LMS) @ light)
    return found


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("sight", list(SIGHTS))
def test_hues_are_told_apart(theme: int, sight: str) -> None:
    names = [*(f"hue-{number}" for number in range(10)), "hue-other"]
    eyes = {name: seen(colours(name)[theme], sight) for name in names}
    near = {pair: float(np.linalg.norm(eyes[pair[0]] - eyes[pair[1]])) for pair in combinations(names, 2)}
    assert not {pair: far for pair, far in near.items() if far < ANY}
    assert not {pair: near[pair] for pair in pairwise(names) if near[pair] < NEIGHBOURS}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_are_read_easily(theme: int) -> None:
    for words, least in (("text", 12.0), ("soft", 5.0), ("faint", 4.5), ("accent", 4.5), ("bad", 4.5), ("good", 4.5)):
        for ground in ("page", "panel"):
            bright = sorted(float(linear(colours(name)[theme]) @ [0.2126, 0.7152, 0.0722]) for name in (words, ground))
            assert (bright[1] + 0.05) / (bright[0] + 0.05) >= least, (words, ground)
