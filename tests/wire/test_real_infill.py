"""A real llama.cpp server fills gaps: its `/infill`, its cache, and a whole language server over it.

The model is the small one of `test_real_llama` with markers added (`tests.support.infill_model`): what it writes is nonsense
and is never asserted.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.server.lsp.typist import INLINE, Typist
from tests.support.infill_model import with_markers
from tests.support.llama_model import LlamaModel, llama_model
from tests.support.lsp_client import started
from tests.support.provider_client import HANG_S, Told, ask, endpoint_at, provider_client, tell, text_of
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.protocol.chat import ChatRequest, Infill, TextDelta
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.client import AttemptCounted

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FILE = "".join(f"def add_{number}(a, b):\n    return a + b + {number}\n\n\n" for number in range(20))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaModel]:
    target = tmp_path_factory.mktemp("model") / "infill.gguf"
    with llama_model(lambda file: with_markers(file, target)) as model:
        yield model


def at(llama: LlamaModel) -> Endpoint:
    plain = endpoint_at(llama.url, model=llama.model, dialect="llamacpp", key_name=None, local=True)
    return replace(plain, wire="llama_infill")


def gap(prefix: str, suffix: str = "\n", tokens: int = 6) -> ChatRequest:
    return ChatRequest(
        system="", messages=(), infill=Infill(prefix=prefix, suffix=suffix), max_output_tokens=tokens, temperature=0.0
    )


def usage(told: Told) -> Usage:
    assert told.reply.usage is not None
    return told.reply.usage


def test_a_gap_is_filled_and_counted(llama: LlamaModel) -> None:
    told = ask(gap("# A first gap.\n" + FILE), at(llama), max_attempts=1)
    assert told.shown == text_of(told.reply)
    assert usage(told).input_tokens > 100
    assert 0 < usage(told).output_tokens <= 6
    assert told.reply.finish in ("stop", "length")
    counted = [event.usage for event in told.events if isinstance(event, AttemptCounted)]
    assert counted[0] == Usage(input_tokens=usage(told).input_tokens, cached_tokens=usage(told).cached_tokens)


def test_what_is_typed_costs_its_own_tokens(llama: LlamaModel) -> None:
    prefix = "# A second gap.\n" + FILE
    first, typed = (usage(ask(gap(prefix + text), at(llama), max_attempts=1)) for text in ("", "def x"))
    assert first.cached_tokens < 20
    assert first.input_tokens - 20 < typed.cached_tokens < typed.input_tokens


def test_reading_ahead_serves_a_cursor_in_the_middle(llama: LlamaModel) -> None:
    prefix = "# A third gap.\n" + FILE
    ask(gap(prefix, "", tokens=1), at(llama), max_attempts=1)
    half = prefix[: len(prefix) // 2]
    found = usage(ask(gap(half, "\n\nx = 1\n"), at(llama), max_attempts=1))
    assert found.input_tokens - 20 < found.cached_tokens


def test_a_reader_who_stops_frees_the_server(llama: LlamaModel) -> None:
    def wait_until_idle() -> None:
        give_up = time.monotonic() + HANG_S
        with httpx.Client(base_url=llama.url, timeout=120, trust_env=False) as looking:
            while looking.get("/slots").json()[0]["is_processing"]:
                assert time.monotonic() < give_up, "the server goes on"

    async def stop_at_the_first_word() -> Told:
        async with provider_client(max_attempts=1) as client:
            answer = client.send(gap("# A fourth gap.\n", tokens=llama.window - 200), (at(llama),))
            async for event in answer:
                if isinstance(event, TextDelta):
                    break
            await answer.aclose()
            await asyncio.to_thread(wait_until_idle)
            return await tell(client, gap("x = "), at(llama))

    assert asyncio.run(stop_at_the_first_word()).error is None


def test_enough_ends_the_stream_with_the_servers_own_count(llama: LlamaModel) -> None:
    async def run() -> Told:
        async with provider_client(max_attempts=1) as client:
            events = [
                event
                async for event in client.send(gap("# A fifth gap.\n", tokens=200), (at(llama),), enough=lambda text: bool(text))
            ]
            return Told(events=tuple(events), error=None)

    told = asyncio.run(run())
    assert told.reply.finish == "stop"
    if told.reply.usage is None:
        counted = [event.usage for event in told.events if isinstance(event, AttemptCounted)]
        assert counted[-1].output_tokens >= 1


def test_a_language_server_over_it(llama: LlamaModel, tmp_path: Path) -> None:
    """Opened, read ahead, typed in: the cache serves, and every request is in the books with the server's figures."""
    root, home = tmp_path / "work", tmp_path / "home"
    for folder in (root, home):
        folder.mkdir()
    (home / "settings.toml").write_text("[completion]\ndebounce_ms = 0\nmax_tokens = 8\n")

    async def run() -> list[dict[str, object]]:
        async with started({"TALLYSTICK_HOME": str(home), "LLAMACPP_BASE_URL": llama.url}) as client:
            await client.initialize(root, INLINE)
            person = Typist(client, root, home, nobody)
            source = "# A sixth gap.\n" + FILE
            uri = person.open("a.py", source)
            await client.until(person.books)
            cursor = len(source)
            for typed in ("def sub(a, b):\n    ", "re"):
                cursor = person.type(uri, cursor, typed)
                await person.suggested(uri, cursor)
            await client.stop()
            return person.books()

    with ScriptedProvider([]) as nobody:
        rows = asyncio.run(run())
    assert [row["purpose"] for row in rows] == ["completion"] * 3
    assert [row["error_code"] for row in rows] == [""] * 3
    cached = [int(str(row["cached_tokens"])) for row in rows]
    inputs = [int(str(row["input_tokens"])) for row in rows]
    assert cached[0] < 20
    assert all(inputs[number] - 40 < cached[number] < inputs[number] for number in (1, 2)), json.dumps([inputs, cached])
