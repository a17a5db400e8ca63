"""The names that go out, against a table of our own made from the conventions, and what never goes out."""

from dataclasses import replace

import pytest
from tests.support.ledger_rows import few_rows, plain_row

from tallystick_agent.protocol.usage import Segment
from tallystick_agent.providers.catalog import providers
from tallystick_server.telemetry.measures import INSTRUMENTS
from tallystick_server.telemetry.words import Server, metric_attributes, provider_name, request_attributes

SERVERS = {"openrouter": Server(address="openrouter.ai", port=443)}
ATTRIBUTES = {
    "gen_ai.operation.name": str,
    "gen_ai.provider.name": str,
    "gen_ai.request.model": str,
    "gen_ai.response.model": str,
    "gen_ai.response.id": str,
    "gen_ai.response.finish_reasons": tuple,
    "gen_ai.response.time_to_first_chunk": float,
    "gen_ai.usage.input_tokens": int,
    "gen_ai.usage.output_tokens": int,
    "gen_ai.usage.cache_read.input_tokens": int,
    "gen_ai.usage.cache_write.input_tokens": int,
    "gen_ai.usage.reasoning.output_tokens": int,
    "gen_ai.conversation.id": str,
    "error.type": str,
    "server.address": str,
    "server.port": int,
}
"""Of the conventions (open-telemetry/semantic-conventions-genai, autumn 2026): what a span of ours may have, and its type."""
KNOWN_PROVIDERS = {
    "anthropic", "aws.bedrock", "azure.ai.inference", "azure.ai.openai", "cohere", "deepseek", "gcp.gemini", "gcp.gen_ai",
    "gcp.vertex_ai", "groq", "ibm.watsonx.ai", "mistral_ai", "moonshot_ai", "openai", "perplexity", "x_ai",
}  # fmt: skip
METRICS = {
    "gen_ai.client.operation.duration": ("histogram", "s"),
    "gen_ai.client.operation.time_to_first_chunk": ("histogram", "s"),
    "gen_ai.client.token.usage": ("histogram", "{token}"),
    "gen_ai.client.inference.operation.input_tokens": ("histogram", "{token}"),
    "gen_ai.client.inference.operation.output_tokens": ("histogram", "{token}"),
    "gen_ai.client.inference.usage.input_tokens": ("counter", "{token}"),
    "gen_ai.client.inference.usage.output_tokens": ("counter", "{token}"),
    "gen_ai.client.inference.usage.cache_read.input_tokens": ("counter", "{token}"),
    "gen_ai.client.inference.usage.cache_write.input_tokens": ("counter", "{token}"),
    "gen_ai.client.inference.usage.reasoning.output_tokens": ("counter", "{token}"),
}


def test_every_name_is_of_the_conventions_or_in_our_own_namespace() -> None:
    for entry in few_rows():
        for name, value in request_attributes(entry.row, SERVERS).items():
            if name in ATTRIBUTES:
                assert type(value) is ATTRIBUTES[name], name
            else:
                assert name.startswith("tallystick."), name


def test_a_full_row_has_every_name_but_that_of_an_error() -> None:
    assert set(ATTRIBUTES) - set(request_attributes(plain_row(), SERVERS)) == {"error.type"}


def test_metrics_have_the_names_kinds_and_units_of_the_conventions() -> None:
    theirs = {one.name: (one.kind, one.unit) for one in INSTRUMENTS if one.name.startswith("gen_ai.")}
    assert theirs == METRICS
    assert all(one.name.startswith(("gen_ai.", "tallystick.")) for one in INSTRUMENTS)


def test_a_provider_that_the_conventions_know_has_their_name() -> None:
    ours = {provider_name(name) for name in providers()}
    for word in ("anthropic", "openai", "deepseek", "groq", "cohere", "perplexity", "mistral_ai", "x_ai", "moonshot_ai"):
        assert word in ours
    assert (provider_name("google"), provider_name("azure-openai")) == ("gcp.gemini", "azure.ai.openai")
    assert provider_name("openrouter") == "openrouter"
    # One of theirs must not stand for another provider of ours.
    assert {name for name in providers() if provider_name(name) in KNOWN_PROVIDERS} == {
        "anthropic", "openai", "google", "azure-openai", "deepseek", "mistral", "groq", "xai", "moonshot", "cohere", "perplexity",
    }  # fmt: skip


def test_what_is_said_of_an_answer() -> None:
    found = request_attributes(plain_row(), SERVERS)
    assert found["gen_ai.operation.name"] == "chat"
    assert (found["gen_ai.provider.name"], found["gen_ai.request.model"]) == ("openrouter", "x/y")
    assert (found["gen_ai.response.id"], found["gen_ai.response.finish_reasons"]) == ("gen-1", ("stop",))
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.cache_read.input_tokens"]) == (1_000, 400)
    assert (found["tallystick.cost.nanos"], found["tallystick.cost.usd"]) == (1_234_567, 0.001234567)
    assert (found["tallystick.cost.source"], found["tallystick.cost.drift_nanos"]) == ("provider", 34_567)
    assert (found["tallystick.app"], found["tallystick.purpose"], found["tallystick.key"]) == ("cline.bot", "chat", "work")
    assert found["tallystick.segments.files"] == 700


def test_what_is_not_known_is_not_said() -> None:
    rows = [one.row for one in few_rows()]
    failed, local = request_attributes(rows[1], {}), request_attributes(rows[4], {})
    assert failed["error.type"] == "rate_limited"
    for name in ("gen_ai.usage.input_tokens", "gen_ai.response.model", "gen_ai.response.finish_reasons", "server.address"):
        assert name not in failed
    assert local["gen_ai.operation.name"] == "text_completion"
    assert "tallystick.cost.nanos" not in local
    assert "gen_ai.conversation.id" not in local


def test_a_wish_to_stop_is_no_error() -> None:
    found = request_attributes(few_rows()[3].row, {})
    assert "error.type" not in found
    assert found["tallystick.outcome"] == "aborted"


@pytest.mark.parametrize("finish", ["failed", "lost"])
def test_an_error_without_a_code_is_an_error(finish: str) -> None:
    assert request_attributes(plain_row(finish=finish), {})["error.type"] == "_OTHER"


def test_no_name_of_a_file_goes_out() -> None:
    row = replace(plain_row(), segments=(Segment(name="file:src/secret.py", tokens=1_200),))
    assert "secret" not in str(request_attributes(row, SERVERS))


def test_measures_tell_nothing_of_a_person() -> None:
    found = metric_attributes(plain_row(), SERVERS)
    for word in ("ana", "/w", "s-1", "r-1", "gen-1"):
        assert word not in found.values()
