"""Hard budgets with the real program: a run stops before it spends more, and the next one knows what was spent."""

import json
from pathlib import Path
from typing import Any

from tests.support.program import Program
from tests.support.scripted_provider import Reply, ScriptedProvider

PRICE = '[endpoints."openai/scripted"]\nwindow_tokens = 32000\nprice = {input = 1, output = 1}\n'


def program(folder: Path, url: str, settings: str) -> Program:
    made = Program(folder=folder, url=url)
    assert made.environment
    (made.home / "settings.toml").write_text(f"{settings}\n{PRICE}")
    return made


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_budget_holds_over_runs_and_says_when_it_begins_anew(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 900, "completion_tokens": 100}
    with ScriptedProvider(lambda body, index: Reply(lines="Hello.", usage=usage)) as provider:
        made = program(tmp_path, provider.url, "[budgets.mine]\nper = 'day'\nmax_requests = 2\n")
        assert made.task("say hello").returncode == 0
        assert made.task("say hello").returncode == 0
        stopped = made.task("say hello")
        assert stopped.returncode != 0
        assert "budget “mine” allows 2 requests a day" in stopped.stdout + stopped.stderr
        assert "00:00 UTC" in stopped.stdout + stopped.stderr
        assert len(provider.requests) == 2
    [row] = events(made.run("budgets", "--json").stdout)
    assert (row["budget"], row["requests"], row["tokens"], row["share"]) == ("mine", 2, 2_000, "1.0000")
    assert "100%" in made.run("budgets").stdout


def test_an_answer_is_no_longer_than_the_budget_pays_for(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello."]) as provider:
        made = program(tmp_path, provider.url, "[budgets.mine]\nper = 'month'\nmax_cost_usd = 0.004\n")
        assert made.task("say hello").returncode == 0
        [asked] = provider.requests
        most = int(asked.body.get("max_completion_tokens") or asked.body["max_tokens"])
        assert 64 <= most < 4_000


def test_a_budget_for_a_request_alone_stops_a_dear_one(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello."]) as provider:
        made = program(tmp_path, provider.url, "[budgets.one]\nper = 'request'\nmax_cost_usd = 0.0001\n")
        stopped = made.task("say hello")
        assert provider.requests == []
        assert "budget “one” allows $0.0001 a request" in stopped.stdout + stopped.stderr


def test_a_warning_comes_once_a_process_and_names_the_budget(tmp_path: Path) -> None:
    with ScriptedProvider(['call list_files {"path": "."}', "Done."]) as provider:
        made = program(tmp_path, provider.url, "[budgets.mine]\nper = 'day'\nmax_requests = 10\nwarn_at = 0.1\n")
        told = events(made.task("look around", "--json").stdout)
    near = [one for one in told if one["kind"] == "notice" and one["code"] == "budget_near"]
    assert len(near) == 1
    assert near[0]["message"].startswith("Budget “mine” is 10% gone.")


def test_what_a_budget_for_others_holds_is_nobody_elses(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello."]) as provider:
        made = program(tmp_path, provider.url, "[budgets.a]\nper = 'day'\napp = 'other.example'\nmax_requests = 1\n")
        assert made.task("say hello").returncode == 0
        [row] = events(made.run("budgets", "--json").stdout)
        assert (row["name"], row["requests"]) == ("other.example", 0)


def test_without_budgets_the_list_says_how_to_set_one(tmp_path: Path) -> None:
    assert "docs/budgets.md" in Program(folder=tmp_path).run("budgets").stdout
