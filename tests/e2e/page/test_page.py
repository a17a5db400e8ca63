"""The web page in Debian's Chromium, used as a person would, over a real ledger.

One long run (`drive.mjs`), since a start costs more than most steps. Pictures of every view go to the
folder that `TALLYSTICK_PICTURES` names, if it does.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.page.driving import drive
from tests.e2e.page.pure_calls import CALLS
from tests.support.page_books import APPS, DAYS, HOSTILE, HUGE, MODELS, SESSION, write, write_huge
from tests.support.page_server import TOKEN, PageServer, page_server

from tallystick_agent.usage.ledger import Ledger

pytestmark = pytest.mark.e2e
Seen = dict[str, Any]


def made(folders: pytest.TempPathFactory, write: Callable[[Path], Ledger]) -> Path:
    """A home with a ledger."""
    home = folders.mktemp("home")
    write(home).close()
    return home


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    with page_server(made(tmp_path_factory, write)) as started:
        yield started


@pytest.fixture(scope="module")
def seen(server: PageServer, driver: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the person saw."""
    folder = tmp_path_factory.mktemp("page")
    shots = os.environ.get("TALLYSTICK_PICTURES", "")
    if shots:
        Path(shots).mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        others = {
            "empty": stack.enter_context(page_server(tmp_path_factory.mktemp("empty"))),
            "huge": stack.enter_context(page_server(made(tmp_path_factory, write_huge))),
            "broken": stack.enter_context(page_server(None)),
            "pictured": stack.enter_context(page_server(made(tmp_path_factory, partial(write, harm=False)))),
        }
        given = {
            "url": server.url, "token": TOKEN, "shots": shots, "model": MODELS[1], "app": APPS[0][0], "title": APPS[0][1],
            "session": SESSION,
            "calls": [call for call, _ in CALLS], "only": os.environ.get("TALLYSTICK_PAGE_STEPS", ""),
            **{name: one.url for name, one in others.items()},
        }  # fmt: skip
        return drive(driver, folder, given)


def test_nothing_goes_wrong_and_nothing_goes_elsewhere(seen: Seen, server: PageServer) -> None:
    assert seen["problems"] == []
    assert seen["foreign"] == []
    assert not [target for target in server.seen if TOKEN in target], "the token is in no address"
    assert seen["inline"] is False, "the policy holds"


def test_the_token_is_asked_for_kept_in_the_tab_and_taken_out_of_the_address(seen: Seen) -> None:
    assert seen["refused"] == (
        "This key is not known here.\n\nOpen the link that `tallystick gateway` prints: it holds the token."
    )  # fmt: skip
    assert "Top models" in seen["pasted"]
    address, _, in_session, elsewhere = seen["address"]
    assert address.endswith("/#/rankings")
    assert in_session == [TOKEN]
    assert elsewhere == []


def test_every_view_draws_all_its_parts(seen: Seen) -> None:
    wanted = {
        "rankings": ["Token use", "Top models", "Market share", "Top apps", "Purposes", "Use cases", "Context length",
                     "Programming languages", "Natural languages", "Free and paid", "Tool calls", "Images", "Reasoning",
                     "Cost per session", "TypeScript", "German", "up to 100K", "10–49 turns", "unknown"],
        "model": ["gpt-5.6", "by openai", "Paid per million tokens", "Tokens by app", "Prompt, from a cache", "Kilo Code"],
        "app": ["Cline", "ide-extension", "Model mix", "claude-sonnet-5", "Sessions"],
        "usage": ["Today", "Last 7 days", "Last 30 days", "of the prompts came from a cache", "Provider's price − ours",
                  "Estimated requests", "What tokens were spent on", "Tool output", "Budgets", "Saved by caches"],
        "sessions": ["Sessions", "Tallystick", "Turns"],
        "session": ["How the window grew", "Why it grew", "History", "full in about", "Sent again", "Saved by caches"],
        "keys": ["laptop", "ci"],
    }  # fmt: skip
    for name, words in wanted.items():
        view = seen["views"][name]
        missing = [word for word in words if word not in view["text"]]
        assert not missing, f"{name}: {missing}\n{view['text']}"
        assert view["problems"] == [], name
        assert view["nameless"] == [], name


def test_names_that_mean_harm_stay_text(seen: Seen) -> None:
    assert HOSTILE in seen["views"]["rankings"]["text"]
    assert seen["hurt"] is None
    assert not [name for name, view in seen["views"].items() if view["made"]]


def test_filters_change_what_is_shown(seen: Seen) -> None:
    found = seen["filters"]
    today = datetime.now(UTC).date()
    assert found["month"]["hash"] == "#/rankings?period=month"
    assert found["month"]["models"] != found["week"]["models"]
    before = today - timedelta(days=30)
    assert found["back"]["hash"] == f"#/rankings?period=month&date={before}"
    assert found["back"]["models"] != found["month"]["models"]
    assert found["day"]["hash"] == f"#/rankings?period=day&date={before}"
    assert f"app={APPS[0][0]}" in found["app"]["hash"]
    assert found["focused"] == "SELECT", "the row is drawn anew and the focus stays"
    assert found["cleared"]["hash"] == "#/rankings?period=day"
    assert "sort=trending" in found["trending"]["hash"]
    assert "by=author" in found["authors"]["hash"]
    assert found["stays"] == "Authors"
    assert found["back2"]["hash"] == found["trending"]["hash"], "the browser's Back is a step back"
    assert found["led"] == f"{APPS[0][0]} · Tallystick"


def test_the_chart_answers_to_pointer_and_keyboard(seen: Seen) -> None:
    chart = seen["chart"]
    assert chart["bars"] == 12
    title, *rows, total = chart["tip"]
    assert re.fullmatch(r"\d+ \w+ – \d+ \w+ \d{4}|\w+,? \d+ \w+ \d{4}", title), title
    assert "claude-sonnet-5" in rows
    assert all(re.fullmatch(r"[\d,]+", value) for value in rows[1 : rows.index("Total") : 2]), rows
    assert re.fullmatch(r"[\d,]+|This week is not over yet\.", total)
    assert chart["gone"]
    assert chart["third"] != chart["first"]
    assert chart["said"] == chart["third"]
    assert "tokens; " in chart["third"]
    assert chart["shown"]
    assert chart["escaped"]
    assert chart["home"] not in (chart["first"], chart["third"])
    assert re.fullmatch(r"#/rankings\?date=\d{4}-\d\d-\d\d", chart["picked"])
    assert chart["marked"] == [chart["stays"]], "the bar that was chosen is marked, and keeps the focus"
    assert len(chart["lit"]) == 1
    assert chart["rows"] == 12
    assert chart["head"][0] == "Period"


def test_a_session_grows_to_its_windows_end(seen: Seen) -> None:
    growth = seen["growth"]
    assert growth["bars"] == 44
    assert growth["ahead"] > 0
    assert growth["limit"] == ["window 200K"]
    assert growth["legend"][-1] == "System"
    assert {"History", "Tool output", "Files", "Output"} <= set(growth["legend"])
    assert any(line.startswith("Cost $") for line in growth["tip"])
    assert growth["costs"] == ["Completion", "Prompt, not cached", "Prompt, from the cache"]


def test_light_and_dark(seen: Seen) -> None:
    themes = seen["themes"]
    assert themes["dark"] != themes["light"]
    assert themes["kept"] == themes["light"]
    assert themes["said"] == "Colours: light"


def test_no_page_is_wider_than_its_window(seen: Seen) -> None:
    assert not {name: more for name, more in seen["wide"].items() if more > 0}


def test_what_is_empty_huge_or_broken_is_said(seen: Seen) -> None:
    for name in ("rankings", "usage", "sessions"):
        assert re.search(r"Nothing was used yet\.\s+Point an app at http://127\.0\.0\.1:\d+/v1", seen["empty"][name]), name
    assert seen["huge"] == {"short": "9,007P", "long": f"{HUGE:,}", "tapped": f"{HUGE:,}"}
    assert seen["broken"] == "The ledger cannot be read: the disk is full.\n\nMake room, and start the gateway again."


@pytest.mark.parametrize("at", range(len(CALLS)), ids=[" ".join(map(str, call)) for call, _ in CALLS])
def test_pure_functions(seen: Seen, at: int) -> None:
    assert seen["calls"][at] == CALLS[at][1]


def test_the_books_are_as_long_as_the_charts() -> None:
    assert DAYS >= 12 * 7
