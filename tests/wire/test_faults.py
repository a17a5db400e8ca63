"""The network fails, in eight ways and at seven places of an answer: the product's client ends each request in a whole reply
or in one typed error.

The bytes of every answer are fixed, so a place is a number of bytes; they are learned from one clean request. Time is real
between bytes alone: pauses between attempts are skipped.
"""

import asyncio
import gc
import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from tests.support.fault_proxy import FaultProxy, Toxic
from tests.support.provider_client import Told, ask, endpoint_at, provider_client, saying, tell, text_of
from tests.support.scripted.reply import Reply, Tokens
from tests.support.scripted.wires import WIRES
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.protocol.chat import TextDelta
from tallystick_agent.protocol.model_info import Endpoint, WireName
from tallystick_agent.providers.client import AttemptEnded, AttemptStarted, ClientEvent

SAID = "The tally stands at seven, and nobody objects to it at all."
FIRST_WORDS, LAST_WORD = b"The tally", b"at all."
NUMBERS = Tokens(input=100, output=20)
SILENCE_S = 1.0
"""The idle timeout where silence is the fault."""

Spot = Literal["connect", "headers", "in the head", "before the first event", "mid-stream", "after the last token", "at the end"]
UNANSWERED: tuple[Spot, ...] = ("connect", "headers", "in the head")
SPOTS: tuple[Spot, ...] = (*UNANSWERED, "before the first event", "mid-stream", "after the last token", "at the end")
NAMES: dict[str, tuple[WireName, str]] = {
    "chat": ("openai_chat", "/v1"),
    "responses": ("openai_responses", "/v1"),
    "anthropic": ("anthropic", "/v1"),
    "gemini": ("gemini", "/v1beta"),
    "ollama": ("ollama", ""),
}
"""Our name of each scripted wire, and the path of its base URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of the same answer: a wire, and a stream in chunks, a stream that ends with the connection, or one piece."""

    wire: str
    ends: Literal["chunk", "close", "length"] = "chunk"

    def __str__(self) -> str:
        return f"{self.wire}-{self.ends}"

    @property
    def data(self) -> bytes:
        if self.ends == "length":
            return json.dumps(WIRES[self.wire].whole(Reply(lines=SAID), NUMBERS)).encode()
        return b"".join(WIRES[self.wire].frames(Reply(lines=SAID), NUMBERS))

    def place(self, spot: Spot, sent: bytes) -> dict[str, Any]:
        """Where a fault begins, given all bytes of the answer as they pass when nothing fails."""
        head = sent.index(b"\r\n\r\n") + 4
        # Where a wire says its text once more at the end, the first time is the one that counts.
        last = sent.index(LAST_WORD) + len(LAST_WORD)
        match spot:
            case "connect" | "headers":
                return {"at": spot}
            case "in the head":
                return {"at": "mid_stream", "after_bytes": 10}
            case "before the first event":
                return {"at": "mid_stream", "after_bytes": head}
            case "mid-stream":
                return {"at": "mid_stream", "after_bytes": (sent.index(FIRST_WORDS) + last) // 2}
            case "after the last token":
                return {"at": "after_last_token", "after_bytes": last}
            case "at the end":
                # In chunks, the last one is empty and says that it is the last.
                return {"at": "after_last_token", "after_bytes": len(sent) - (5 if self.ends == "chunk" else 0)}


CHAT, CHAT_CLOSED, CHAT_WHOLE = Form(wire="chat"), Form(wire="chat", ends="close"), Form(wire="chat", ends="length")
OTHERS = [Form(wire=wire) for wire in NAMES if wire != "chat"]
CELLS: list[tuple[Form, Spot]] = [
    *[(form, spot) for form in (CHAT, CHAT_CLOSED) for spot in SPOTS],
    *[(CHAT_WHOLE, spot) for spot in SPOTS[:-1]],
    *[(form, spot) for form in OTHERS for spot in SPOTS[-3:]],
]
AT_CELLS = pytest.mark.parametrize(("form", "spot"), [pytest.param(*cell, id=f"{cell[0]}-{cell[1]}") for cell in CELLS])

SLOW: dict[str, dict[str, Any]] = {
    "latency": {"kind": "latency", "amount": 0.02},
    "bandwidth": {"kind": "bandwidth", "amount": 100_000},
    "slow_close": {"kind": "slow_close", "amount": 0.02},
    "slicer": {"kind": "slicer", "amount": 7},
}
"""Faults that a patient client does not notice."""
BREAKS: dict[str, dict[str, Any]] = {
    "timeout": {"kind": "timeout", "amount": 0.01},
    "reset_peer": {"kind": "reset_peer"},
    "limit_data": {"kind": "limit_data", "amount": 1},
}
"""Faults that end the connection, and no other one."""


class Stage:
    """Servers that say SAID in every form, each started when it is first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._providers: dict[Form, ScriptedProvider] = {}
        self._clean: dict[Form, bytes] = {}

    @contextmanager
    def proxy(self, form: Form, *toxics: Toxic) -> Generator[tuple[FaultProxy, Endpoint], None, None]:
        if form not in self._providers:
            data = form.data
            made = ScriptedProvider(lambda body, index: Reply(raw=data), keep_alive=form.ends == "chunk")
            self._providers[form] = self._stack.enter_context(made)
        wire, path = NAMES[form.wire]
        with FaultProxy("127.0.0.1", urlsplit(self._providers[form].root).port or 0, *toxics) as proxy:
            yield proxy, endpoint_at(f"http://{proxy.address}{path}", wire)

    def send(self, form: Form, *toxics: Toxic, max_attempts: int = 2) -> tuple[Told, list[bytes]]:
        """What the client says of it, and what each connection was sent."""
        with self.proxy(form, *toxics) as (proxy, endpoint):
            told = ask(saying(stream=form.ends != "length"), endpoint, max_attempts=max_attempts)
            must_hold(told)
            return told, [bytes(sent) for sent in proxy.sent]

    def toxic(self, form: Form, spot: Spot, fault: dict[str, Any], *, first: int = 0) -> Toxic:
        if form not in self._clean:
            told, (self._clean[form],) = self.send(form)
            assert told.error is None
        return Toxic(first=first, **form.place(spot, self._clean[form]), **fault)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(stack)
    # A connection that nobody closed warns when it is collected, and a warning fails.
    gc.collect()


def must_hold(told: Told) -> None:
    """What holds of every request, however it went."""
    assert len(told.replies) == (told.error is None), "one reply or one error"
    assert len(told.started) == len(told.ended) + len(told.replies), "each attempt ends once"
    charged = sum(event.accepted and not event.error.taken for event in told.ended) + len(told.replies)
    assert told.accepted == charged, "each answer may be charged once"
    assert [event for event in told.ended if event.retry_in_s is None] == (told.ended[-1:] if told.error else [])
    assert told.error is None or told.error is told.ended[-1].error
    words = [number for number, event in enumerate(told.events) if isinstance(event, TextDelta)]
    tries = [number for number, event in enumerate(told.events) if isinstance(event, AttemptStarted)]
    assert not words or tries[-1] < words[0], "nothing is tried again once words were shown"
    for reply in told.replies:
        assert told.shown == text_of(reply) == SAID
        assert reply.usage is not None
        assert (reply.usage.input_tokens, reply.usage.output_tokens) == (NUMBERS.input, NUMBERS.output)


def failures(told: Told) -> list[tuple[str, bool]]:
    """Code, and whether the provider may charge, of each attempt that failed."""
    return [(event.error.code, event.accepted) for event in told.ended]


def broken(form: Form, spot: Spot) -> list[tuple[str, bool]]:
    """The failures of two attempts, each of which breaks there."""
    if spot in UNANSWERED:
        return [("provider_unavailable", False)] * 2
    if spot == "at the end":
        return []
    again = spot == "before the first event" or form.ends == "length"
    return [("provider_stream_cut", True)] * (2 if again else 1)


@pytest.mark.parametrize("fault", SLOW)
@AT_CELLS
def test_a_slow_network_costs_patience_alone(stage: Stage, form: Form, spot: Spot, fault: str) -> None:
    told, sent = stage.send(form, stage.toxic(form, spot, SLOW[fault]))
    assert (failures(told), len(sent)) == ([], 1)


@pytest.mark.parametrize("fault", BREAKS)
@AT_CELLS
def test_a_connection_that_breaks_every_time_is_one_error(stage: Stage, form: Form, spot: Spot, fault: str) -> None:
    told, sent = stage.send(form, stage.toxic(form, spot, BREAKS[fault]))
    assert failures(told) == broken(form, spot)
    assert len(sent) == max(1, len(told.ended))


@pytest.mark.parametrize("fault", BREAKS)
@AT_CELLS
def test_one_that_breaks_once_is_tried_again_until_words_were_shown(stage: Stage, form: Form, spot: Spot, fault: str) -> None:
    told, sent = stage.send(form, stage.toxic(form, spot, BREAKS[fault], first=1))
    recovered = len(broken(form, spot)) != 1
    assert failures(told) == broken(form, spot)[:1]
    assert (told.error is None, len(sent)) == (recovered, 2 if recovered and told.ended else 1)


@AT_CELLS
def test_a_server_that_goes_down_refuses_the_next_attempt(stage: Stage, form: Form, spot: Spot) -> None:
    told, _ = stage.send(form, stage.toxic(form, spot, {"kind": "down"}))
    expected = broken(form, spot)
    assert failures(told) == [*expected[:1], *[("provider_unavailable", False)] * (len(expected) - 1)]


def test_a_server_that_comes_up_again_is_reached_by_the_next_attempt(stage: Stage) -> None:
    with stage.proxy(CHAT, Toxic(kind="down")) as (proxy, endpoint):

        def repair(event: ClientEvent) -> None:
            if isinstance(event, AttemptEnded):
                proxy.set()

        told = ask(saying(), endpoint, meanwhile=repair)
    must_hold(told)
    assert failures(told) == [("provider_unavailable", False)]
    assert proxy.connections == 1


def test_silence_ends_by_the_idle_timeout(stage: Stage, subtests: pytest.Subtests) -> None:
    """All places at the same time, since each costs the whole timeout."""
    cells = [cell for cell in CELLS if cell[0] != CHAT_CLOSED]
    faults = [stage.toxic(form, spot, {"kind": "timeout"}) for form, spot in cells]

    async def send_all(endpoints: list[Endpoint]) -> list[Told]:
        async with provider_client(idle_s=SILENCE_S, max_attempts=1) as client:
            requests = [saying(stream=form.ends != "length") for form, _ in cells]
            return await asyncio.gather(*(tell(client, *pair) for pair in zip(requests, endpoints, strict=True)))

    with ExitStack() as stack:
        opened = [stack.enter_context(stage.proxy(cell[0], fault)) for cell, fault in zip(cells, faults, strict=True)]
        found = asyncio.run(send_all([endpoint for _, endpoint in opened]))
    for (form, spot), told in zip(cells, found, strict=True):
        with subtests.test(f"{form}-{spot}"):
            must_hold(told)
            # Taken whole and never answered, it may have been served: that is charged like an answer that began.
            ends = [] if spot == "at the end" else [("provider_timeout", True)]
            assert failures(told) == ends


@pytest.mark.parametrize("fault", BREAKS)
@pytest.mark.parametrize("wire", ["chat", "responses", "anthropic"])
def test_an_answer_that_began_without_a_word_may_be_charged(stage: Stage, wire: str, fault: str) -> None:
    form = Form(wire=wire, ends="close")
    begun = form.data.index(b"\n\n") + 2
    assert FIRST_WORDS not in form.data[:begun]
    after = {"at": "mid_stream", "after_bytes": form.place("before the first event", clean(stage, form))["after_bytes"] + begun}
    told, _ = stage.send(form, Toxic(first=1, **after, **BREAKS[fault]))
    assert failures(told) == [("provider_stream_cut", True)]
    assert told.error is None


def clean(stage: Stage, form: Form) -> bytes:
    return stage.send(form)[1][0]


def test_another_endpoint_takes_over_at_once(stage: Stage) -> None:
    harm = stage.toxic(CHAT, "before the first event", {"kind": "reset_peer"})
    with stage.proxy(CHAT, harm) as (_, bad), stage.proxy(OTHERS[0]) as (_, good):
        told = ask(saying(), bad, good)
    must_hold(told)
    assert [event.retry_in_s for event in told.ended] == [0.0]
    assert [event.endpoint for event in told.started] == [bad, good]


def test_a_kept_connection_that_the_server_closed_costs_no_attempt(stage: Stage) -> None:
    with stage.proxy(CHAT) as (proxy, endpoint):

        async def twice() -> list[Told]:
            async with provider_client() as client:
                first = await tell(client, saying(), endpoint)
                proxy.set(Toxic(kind="down"))
                proxy.set()
                return [first, await tell(client, saying(), endpoint)]

        found = asyncio.run(twice())
    for told in found:
        must_hold(told)
    assert [failures(told) for told in found] == [[], []]
    assert proxy.connections == 2


@pytest.mark.parametrize(
    ("status", "code"), [(401, "provider_auth"), (404, "model_unknown"), (429, "provider_rate_limited")], ids=str
)
def test_a_refusal_whose_body_breaks_off_is_judged_by_its_status(status: int, code: str) -> None:
    body = json.dumps({"error": {"message": "No."}})
    refused = Reply(status=status, body=body, headers={"retry-after": "7"}, truncate_at=9)
    with ScriptedProvider(lambda _, index: refused if index == 0 else Reply(lines=SAID)) as provider:
        told = ask(saying(), endpoint_at(provider.url))
    assert [event.error.code for event in told.ended] == [code]
    assert [event.error.retry_after_s for event in told.ended] == [7.0]
    assert (told.error is None) == (status == 429)


def test_a_reader_who_stops_closes_the_connection_before_anything_else_happens() -> None:
    async def stop_at_the_first_word(url: str) -> bool:
        async with provider_client() as client:
            answer = client.send(saying(), (endpoint_at(url),))
            async for event in answer:
                if isinstance(event, TextDelta):
                    break
            await answer.aclose()
            # Holds up the loop on purpose: no task that a collector began may be what closes it.
            return provider.closed_early.wait(10)

    with ScriptedProvider([Reply(lines=SAID * 1000, delay_s=0.005)]) as provider:
        assert asyncio.run(stop_at_the_first_word(provider.url))


def test_a_client_may_be_closed_while_it_is_read() -> None:
    async def close_under_the_reader(url: str) -> Told:
        async with provider_client(max_attempts=1) as client:
            reading = asyncio.create_task(tell(client, saying(), endpoint_at(url)))
            await asyncio.to_thread(provider.arrived.wait, 30)
        return await reading

    with ScriptedProvider([Reply(hang=True)]) as provider:
        told = asyncio.run(close_under_the_reader(provider.url))
    assert len(told.ended) == 1
