"""Settings that cannot be: which one, what it must be, and what to do, in words that need no knowledge of the program."""

from pathlib import Path

import pytest

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.settings import load_settings

WRONG: dict[str, tuple[str, str]] = {
    "a slip in a name": ("[routing]\nordr = []", "`routing.ordr` is not a setting; did you mean `order`?"),
    "a slip in a section": ("[provider.x]\na = 1", "`provider` is not a setting; did you mean `providers`?"),
    "a slip below a name of the user's": (
        '[endpoints."a/b"]\npice = 1',
        '`endpoints."a/b".pice` is not a setting; did you mean `price`?',
    ),
    "a slip in an optional table": (
        "[routing.max_price]\npromt = 1",
        "`routing.max_price.promt` is not a setting; did you mean `prompt`?",
    ),
    "a name like none": ("[routing]\nzzz = 1", "`routing.zzz` is not a setting."),
    "text for a list": ('[routing]\norder = "a"', 'The setting `routing.order` must be a list, as in ["one", "two"].'),
    "a number in a list of names": ("[routing]\norder = [1]", "The setting `routing.order.1` must be text in quotes."),
    "text for a section": ('routing = "x"', "The setting `routing` must be a table, with a line for each of its names."),
    "a number for an optional table": (
        "[routing]\nmax_price = 3",
        "The setting `routing.max_price` must be a table, with a line for each of its names.",
    ),
    "text for a flag": ('[routing]\nzdr = "x"', "The setting `routing.zdr` must be true or false."),
    "half a number of tokens": ("[budget]\nmax_tokens = 1.5", "The setting `budget.max_tokens` must be a whole number."),
    "words for an amount": ('[routing.max_price]\nprompt = "x"', "The setting `routing.max_price.prompt` must be a number."),
    "no number for an amount": ("[budget]\nmax_cost_usd = nan", "The setting `budget.max_cost_usd` must be a number."),
    "words for seconds": ('[network]\nidle_timeout_s = "x"', "The setting `network.idle_timeout_s` must be a number."),
    "a number for a name": ("model = 3", "The setting `model` must be text in quotes."),
    "a word of no list": ('[permissions]\nedit = "maybe"', "The setting `permissions.edit` must be 'allow', 'ask' or 'deny'."),
    "too little": ("[limits.groq]\nrequests = 0", "The setting `limits.groq.requests` must be greater than 0."),
    "below 0": ("[context]\nfile_list = -1", "The setting `context.file_list` must be at least 0."),
    "half a price": ('[endpoints."a/b"]\nprice = {input = 1}', 'The setting `endpoints."a/b".price.output` is missing.'),
    "no wait at all": (
        "[routing]\npreferred_max_latency = 0",
        "The setting `routing.preferred_max_latency` must be greater than 0.",
    ),
    "a negative speed": (
        "[routing]\npreferred_min_throughput = {p50 = -1}",
        "The setting `routing.preferred_min_throughput` must be greater than 0.",
    ),
    "a speed without end": (
        "[routing]\npreferred_min_throughput = inf",
        "The setting `routing.preferred_min_throughput` must be a number.",
    ),
    "an unknown percentile": (
        "[routing]\npreferred_max_latency = {p5 = 1}",
        "The setting `routing.preferred_max_latency` must be 'p50', 'p75', 'p90' or 'p99'.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_that_cannot_be_is_told_in_words(tmp_path: Path, name: str) -> None:
    text, says = WRONG[name]
    file = tmp_path / "settings.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(file)
    assert refused.value.message == says
    assert str(file) in refused.value.remedy


@pytest.mark.parametrize("value", ["0.5", "3", "{p50 = 1, p99 = 4.5}"])
def test_thresholds_are_numbers_above_0(tmp_path: Path, value: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"[routing]\npreferred_max_latency = {value}\n", "utf-8")
    assert load_settings(file).routing.preferred_max_latency
