"""`tallystick models` and `tallystick route` as a person at a terminal and a script meet them."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import Program
from tests.support.pty_run import run_at_terminal
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_server.cli.models import how_old


def run(folder: Path, *arguments: str, settings: str = "", **environment: str) -> tuple[int, str]:
    program = Program(folder=folder)
    inherited = program.environment
    if settings:
        (program.home / "settings.toml").write_text(settings, "utf-8")
    done = program.execute(program.command(*arguments), {**inherited, **environment})
    return done.returncode, done.stdout + done.stderr


def rows(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


Holds = Callable[[dict[str, Any]], bool]
FILTERS: dict[str, tuple[tuple[str, ...], Holds]] = {
    "words": (("gpt", "5.6", "terra"), lambda row: "gpt-5.6-terra" in row["model"]),
    "provider": (("--provider", "groq"), lambda row: row["model"].startswith("groq/")),
    "free": (("--all", "--free"), lambda row: {row["rates"]["input"], row["rates"]["output"]} == {"0"}),
    "price": (("--all", "--max-input", "0.5"), lambda row: float(row["rates"]["input"]) <= 0.5),
    "window": (("--all", "--min-window", "500000"), lambda row: row["window"] >= 500_000),
    "abilities": (("--all", "--tools", "--images"), lambda row: {"tools", "images"} <= set(row["can"])),
    "reasoning": (("--all", "--reasoning"), lambda row: "reasoning" in row),
    "usable": ((), lambda row: row["usable"]),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters_leave_only_what_they_say(tmp_path: Path, name: str) -> None:
    arguments, holds = FILTERS[name]
    code, output = run(tmp_path, "models", *arguments, "--json")
    found = rows(output)
    assert code == 0
    assert found
    assert all(holds(row) for row in found)


def test_every_value_names_its_source_and_date(tmp_path: Path) -> None:
    code, output = run(tmp_path, "models", "openai/gpt-5.6-terra", "--json")
    row = next(one for one in rows(output) if one["model"] == "openai/gpt-5.6-terra")
    assert code == 0
    for field in ("window", "output", "rates", "can", "reasoning", "cache"):
        name, _, date = row["sources"][field].rpartition(", ")
        assert name
        assert len(date) == len("2026-01-01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrow(Program):
    """The program in a terminal of so many columns."""

    width: int

    @property
    def environment(self) -> dict[str, str]:
        return {**super(Narrow, self).environment, "COLUMNS": str(self.width)}


def at_terminal(folder: Path, width: int, *arguments: str) -> list[str]:
    """The lines that a person sees, without their colours; the last one of a list starts with a number."""
    seen = run_at_terminal(Narrow(folder=folder, width=width), [*arguments], wait_for="Nothing waits", then=None)
    assert seen.code == 0, seen.text
    return re.sub(r"\x1b\[[0-9;]*m", "", seen.text).splitlines()


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_list_fits_a_terminal_and_breaks_no_name(tmp_path: Path, width: int) -> None:
    lines = at_terminal(tmp_path, width, "models", "gpt-5.6", "--sources")
    assert lines[0] == "Would serve: openai/gpt-5.6-terra (OPENAI_API_KEY is set)"
    assert all(len(line) <= width for line in lines)
    assert any(line.startswith("azure-openai/gpt-5.6-terra-2026-07-09") for line in lines)
    assert any(line.startswith("    window") for line in lines)


def test_a_list_for_a_program_has_one_line_a_model(tmp_path: Path) -> None:
    code, output = run(tmp_path, "models", "--provider", "openrouter", "claude", COLUMNS="40")
    lines = [line for line in output.splitlines() if line.startswith("openrouter/")]
    assert code == 0
    assert f"{len(lines):,} of " in output
    assert all(len(line.split()) == 7 for line in lines)


def test_what_nothing_is_said_of_is_a_question(tmp_path: Path) -> None:
    _, output = run(tmp_path, "models", "openai/gpt-5.6-terra", "claude-2", "--all")
    assert "0 of " in output
    _, output = run(tmp_path, "models", "openrouter/anthropic/claude-2")
    assert next(line for line in output.splitlines() if line.startswith("openrouter/anthropic/claude-2 ")).endswith("?????")


def test_the_help_tells_the_filters(tmp_path: Path) -> None:
    code, output = run(tmp_path, "models", "--help")
    assert code == 0
    for option in ("--provider", "--max-input", "--min-window", "--tools", "--free", "--sources", "--refresh", "--json", "pull"):
        assert option in output


OWN = """
[providers.work]
base_url = "http://127.0.0.1:9/v1"
[endpoints."work/coder"]
window_tokens = 32768
max_output_tokens = 4096
price = { input = "0.5", output = "1.50" }
[endpoints."lab/coder"]
base_url = "http://127.0.0.1:9/v1"
key_name = "LAB_TOKEN"
[endpoints."openai/gpt-5.6-terra"]
window_tokens = 1000
[endpoints."nobody/coder"]
window_tokens = 5
"""


def test_the_users_own_endpoints_are_listed_with_their_values(tmp_path: Path) -> None:
    code, output = run(tmp_path, "models", "coder", "--json", settings=OWN)
    found = {row["model"]: row for row in rows(output)}
    assert code == 0
    work = found["work/coder"]
    assert (work["window"], work["output"], work["rates"]) == (32_768, 4_096, {"input": "0.5", "output": "1.5"})
    assert work["sources"] == {"window": "settings", "output": "settings", "rates": "settings"}
    assert (work["usable"], found["lab/coder"]["usable"], found["nobody/coder"]["usable"]) == (True, False, False)
    assert found["nobody/coder"]["window"] == 5
    _, output = run(tmp_path, "models", "--json")
    assert "work/coder" in output
    _, output = run(tmp_path, "models", "openai/gpt-5.6-terra", "--json")
    terra = next(row for row in rows(output) if row["model"] == "openai/gpt-5.6-terra")
    assert (terra["window"], terra["sources"]["window"]) == (1_000, "settings")
    assert terra["sources"]["rates"] not in ("", "settings")


def test_the_live_list_is_laid_over_the_table_with_its_age(tmp_path: Path) -> None:
    entry = {
        "id": "acme/new-model",
        "context_length": 64_000,
        "pricing": {"prompt": "0.000001", "completion": "0.000002", "input_cache_read": "0.0000001"},
        "supported_parameters": ["tools", "reasoning"],
        "architecture": {"input_modalities": ["text", "image"]},
    }
    with ScriptedProvider([]) as provider:
        provider.models_json = {"data": [entry]}
        router = {"OPENROUTER_API_KEY": "sk-or-x", "OPENROUTER_BASE_URL": provider.url}
        code, output = run(tmp_path, "models", "acme", "--refresh", COLUMNS="250", **router)
        assert (code, "openrouter/acme/new-model" in output) == (0, True), output
        assert "OpenRouter lists 1 model." in output
        assert "OpenRouter's list was just fetched." in output
        _, listed = run(tmp_path, "models", "acme", "--json", **router)
        assert rows(listed)[0]["rates"] == {"input": "1", "output": "2", "cache_read": "0.1"}
        assert rows(listed)[0]["sources"]["rates"].startswith("OpenRouter, live")
        _, routed = run(tmp_path, "route", "acme/new-model", "--json", **router)
        assert rows(routed)[0]["input_usd_per_million"] == "1"


def test_a_live_list_that_cannot_be_had_says_why_and_keeps_the_old(tmp_path: Path) -> None:
    with ScriptedProvider([]) as provider:
        provider.models_json = Reply(status=500, body="<html>down</html>")
        code, output = run(tmp_path, "models", "--refresh", OPENROUTER_API_KEY="sk-or-x", OPENROUTER_BASE_URL=provider.url)
    assert code == 2
    assert "A web page came instead of an answer." in output
    assert "Traceback" not in output


KEYS = {"ANTHROPIC_API_KEY": "a", "OPENROUTER_API_KEY": "o", "GROQ_API_KEY": "g"}


def test_a_route_names_every_endpoint_with_its_reason(tmp_path: Path) -> None:
    settings = '[routing]\nignore = ["openrouter"]\nfallback_models = ["groq/llama-3.3-70b-versatile"]\n'
    code, output = run(tmp_path, "route", "claude-sonnet-5.5", "--json", settings=settings, **KEYS)
    assert code == 0
    found = {row["endpoint"]: row for row in rows(output)}
    assert found["anthropic/claude-sonnet-5-5"]["place"] == 1
    assert found["groq/llama-3.3-70b-versatile"]["place"] == 2
    assert found["openrouter/anthropic/claude-sonnet-5.5"]["place"] is None
    assert all(row["reason"] for row in found.values())


def test_what_is_left_out_is_shown_on_demand(tmp_path: Path) -> None:
    settings = '[routing]\nignore = ["openrouter"]\n'
    _, short = run(tmp_path, "route", "claude-sonnet-5.5", settings=settings, COLUMNS="120", **KEYS)
    _, whole = run(tmp_path, "route", "claude-sonnet-5.5", "--explain", settings=settings, COLUMNS="120", **KEYS)
    assert "openrouter" not in short
    assert "is ignored by the preferences" in whole
    assert "Wishes: ignore: openrouter" in whole


def test_the_wishes_are_told_in_words(tmp_path: Path) -> None:
    settings = '[routing]\nonly = ["groq"]\nmax_price = { prompt = 2 }\n[reasoning]\neffort = "high"\n'
    code, output = run(tmp_path, "route", "groq/llama-3.3-70b-versatile:online", "--explain", settings=settings, **KEYS)
    assert "Wishes: max price: $2 for input; only: groq; web search; reasoning: high" in output
    assert code == 2, "this one cannot search the web"


@pytest.mark.parametrize("more", [(), ("--explain",), ("--json",)], ids=["short", "explained", "for a program"])
def test_a_route_that_nobody_may_serve_ends_with_2_and_says_why(tmp_path: Path, more: tuple[str, ...]) -> None:
    settings = "[routing.max_price]\nprompt = 0.01\n"
    code, output = run(tmp_path, "route", "groq/llama-3.3-70b-versatile", *more, settings=settings, COLUMNS="200", **KEYS)
    assert code == 2
    assert "groq/llama-3.3-70b-versatile" in output
    if "--json" not in more:
        assert "No endpoint may serve it." in output
        assert "Wishes: max price: $0.01 for input" in output


def test_the_offers_behind_a_router_are_judged_by_the_same_wishes(tmp_path: Path) -> None:
    def offer(tag: str, prompt: str, **fields: Any) -> dict[str, Any]:
        price = {"prompt": prompt, "completion": "0.00001"}
        return {"tag": tag, "provider_name": tag, "pricing": price, "context_length": 200_000, **fields}

    both = [offer("anthropic", "0.000002"), offer("google-vertex/eu", "0.000004", quantization="fp8")]
    with ScriptedProvider([]) as provider:
        provider.endpoints_json = {"anthropic/claude-sonnet-5.5": {"data": {"endpoints": both}}}
        environment = {"OPENROUTER_API_KEY": "o", "OPENROUTER_BASE_URL": provider.url}
        code, output = run(
            tmp_path,
            "route",
            "openrouter/anthropic/claude-sonnet-5.5",
            "--offers",
            "--json",
            settings="[routing.max_price]\nprompt = 3\n",
            **environment,
        )
    assert code == 0, output
    found = {row["endpoint"].partition("@")[2]: row["place"] for row in rows(output)}
    assert found == {"anthropic": 1, "google-vertex/eu": None}


@pytest.mark.parametrize(
    ("slug", "near"), [("claud-sonet-5.5", "claude-sonnet-5-5"), ("openai/gpt-5.6-tera", "openai/gpt-5.6-terra")]
)
def test_a_name_that_nobody_knows_brings_the_nearest(tmp_path: Path, slug: str, near: str) -> None:
    _, output = run(tmp_path, "route", slug, ANTHROPIC_API_KEY="a")
    assert near in output


def test_a_model_that_the_provider_does_not_know_brings_the_nearest(tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    missing = Reply(status=404, body='{"error": {"message": "The model does not exist"}}')
    with ScriptedProvider([missing]) as provider:
        environment = {**program.environment, "OPENAI_BASE_URL": provider.url}
        command = program.command("run", "hello", "--repo", str(program.repo), "--model", "openai/gpt-5.6-tera")
        done = program.execute(command, environment)
    assert done.returncode == 6
    assert "openai/gpt-5.6-terra" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ('[routing]\nonly = ["groq"]\nignore = ["groq"]\n', "both name groq"),
        ('[reasoning]\neffort = "high"\nmax_tokens = 100\n', "not both"),
        ('[routing]\npolicy = "cheapest"\n', "routing.policy"),
        ("[routing\n", "not valid TOML"),
        ('[providers.work]\nbase_url = "ftp://x"\n', "is no base URL"),
        ("[limits.groq]\nrequests = 0\n", "limits.groq.requests"),
    ],
    ids=["only and ignore", "effort and tokens", "unknown policy", "broken TOML", "no base URL", "no requests"],
)
def test_settings_that_cannot_be_say_which_and_what_to_do(tmp_path: Path, settings: str, says: str) -> None:
    model = "work/coder" if "providers.work" in settings else "groq/llama-3.3-70b-versatile"
    code, output = run(tmp_path, "route", model, settings=settings, **KEYS)
    assert code == 2
    assert says in output
    assert "Traceback" not in output


def test_a_provider_of_the_users_own_takes_a_few_lines(tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    with ScriptedProvider(["Hello."]) as provider:
        settings = f'[providers.work]\nbase_url = "{provider.url}"\nkey_name = "WORK_TOKEN"\n'
        environment = {**program.environment, "WORK_TOKEN": "secret-work"}
        (program.home / "settings.toml").write_text(
            settings + '[endpoints."work/coder"]\ncall_mode = "native"\nwindow_tokens = 32000\n', "utf-8"
        )
        command = program.command("run", "hello", "--repo", str(program.repo), "--model", "work/coder")
        done = program.execute(command, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert provider.requests[0].headers["authorization"] == "Bearer secret-work"
        assert provider.requests[0].body["model"] == "coder"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-60.0, "was just fetched"),
        (0.0, "was just fetched"),
        (119.0, "was just fetched"),
        (120.0, "is 2 min old"),
        (7_199.0, "is 119 min old"),
        (7_200.0, "is 2 h old"),
        (172_799.0, "is 47 h old"),
        (172_800.0, "is 2 days old"),
    ],
)
def test_an_age_is_told_as_a_person_does(seconds: float, words: str) -> None:
    assert how_old(seconds) == words


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/chat/completions", "/v1/responses"])
def test_the_address_of_a_request_is_taken_for_that_of_its_api(tmp_path: Path, path: str) -> None:
    program = Program(folder=tmp_path)
    with ScriptedProvider(["Hello."]) as provider:
        environment = {**program.environment, "OPENAI_BASE_URL": provider.root + path}
        command = program.command("run", "hello", "--repo", str(program.repo), "--model", "openai/scripted")
        assert program.execute(command, environment).returncode == 0
        assert provider.requests[0].path == "/v1/chat/completions"


def test_another_key_for_a_model_of_a_known_provider_goes_there(tmp_path: Path) -> None:
    settings = '[endpoints."openai/gpt-5.6-terra"]\nkey_name = "WORK_API_KEY"\n'
    code, output = run(tmp_path, "route", "openai/gpt-5.6-terra", settings=settings, WORK_API_KEY="w")
    assert (code, "openai/gpt-5.6-terra" in output) == (0, True), output


@pytest.mark.parametrize("name", ["mine", "groq"])
def test_another_key_for_a_model_of_the_users_own_provider_goes_where_that_one_is(tmp_path: Path, name: str) -> None:
    """One that is named like a provider of ours too: the built-in one's address gets neither key."""
    with ScriptedProvider(["Hello."]) as provider:
        program = Program(folder=tmp_path)
        settings = f'[providers.{name}]\nbase_url = "{provider.url}"\nkey_name = "MINE_KEY"\n'
        environment = {**program.environment, "MINE_KEY": "sk-mine", "OTHER_KEY": "sk-other"}
        (program.home / "settings.toml").write_text(f'{settings}[endpoints."{name}/x"]\nkey_name = "OTHER_KEY"\n', "utf-8")
        command = program.command("run", "hello", "--repo", str(program.repo), "--model", f"{name}/x")
        done = program.execute(command, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert provider.requests[0].headers["authorization"] == "Bearer sk-other"
