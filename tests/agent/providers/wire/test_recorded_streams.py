"""The collection of streams, read whole, in any pieces, and cut at every byte."""

import functools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.providers.wire.conversation import WIRE_NAMES, decoder, payloads_of, said
from tests.support.scripted.recorded import CUT, Recorded, recorded_streams
from tests.support.scripted.reply import Reply as Script
from tests.support.scripted.reply import Tokens
from tests.support.scripted.wires import WIRES

from tallystick_agent.protocol.chat import ReasoningDelta, Reply, StreamEvent, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.messages import ToolCallPart
from tallystick_agent.protocol.model_info import WireName
from tallystick_agent.providers.sse import SseDecoder

STREAMS = recorded_streams()
every = pytest.mark.parametrize("one", STREAMS, ids=[one.name for one in STREAMS])


def outcome(wire: WireName, payloads: list[str]) -> tuple[list[StreamEvent], Reply | ProviderError]:
    """What was told on the way, and how it ended. Any other exception is a bug."""
    reader, told = decoder(wire), list[StreamEvent]()
    try:
        for payload in payloads:
            told += reader.feed(payload)
        return told, reader.finish()
    except ProviderError as error:
        return told, error


def neutral(reply: Reply) -> dict[str, Any]:
    """The reply in the words of the collection."""
    words, usage = said(reply), reply.usage
    return {
        "text": words.text,
        "reasoning": words.reasoning,
        "calls": [(name, json.loads(arguments or "{}")) for name, arguments in words.calls],
        "finish": reply.finish,
        "usage": usage
        and {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": usage.cached_tokens,
            "cache_write": usage.cache_write_tokens,
            "reasoning": usage.reasoning_tokens,
        },
        "error": None,
    }


def words_of(told: list[StreamEvent]) -> tuple[str, str, dict[tuple[int, str], str]]:
    calls: dict[tuple[int, str], str] = {}
    for event in told:
        if isinstance(event, ToolCallDelta):
            calls[event.index, event.name] = calls.get((event.index, event.name), "") + event.text
    text = "".join(event.text for event in told if isinstance(event, TextDelta))
    return text, "".join(event.text for event in told if isinstance(event, ReasoningDelta)), calls


@every
def test_a_stream_gives_what_was_recorded(one: Recorded) -> None:
    wire = WIRE_NAMES[one.wire]
    told, end = outcome(wire, payloads_of(wire, [one.data]))
    message = one.expected["error"]
    if message is None:
        assert isinstance(end, Reply), end
        assert neutral(end) == one.expected
        text, reasoning, _ = words_of(told)
        assert (text, reasoning) == (one.expected["text"], one.expected["reasoning"])
    else:
        assert isinstance(end, ProviderError)
        assert words_of(told)[0] == one.expected["text"]
        assert end.code == "provider_stream_cut" if message == CUT else message in end.message


@functools.cache
def whole(name: str) -> tuple[Any, Any]:
    one = next(stream for stream in STREAMS if stream.name == name)
    wire = WIRE_NAMES[one.wire]
    told, end = outcome(wire, payloads_of(wire, [one.data]))
    return words_of(told), end if isinstance(end, Reply) else (end.code, end.message)


@given(one=st.sampled_from(STREAMS), data=st.data())
def test_pieces_make_no_difference(one: Recorded, data: st.DataObject) -> None:
    """The network cuts where it likes: inside of a character, a line end, a number."""
    wire = WIRE_NAMES[one.wire]
    places = sorted(data.draw(st.lists(st.integers(0, len(one.data)), max_size=12)))
    chunks = [one.data[start:end] for start, end in zip([0, *places], [*places, len(one.data)], strict=True)]
    told, end = outcome(wire, payloads_of(wire, [chunk for chunk in chunks if chunk]))
    assert (words_of(told), end if isinstance(end, Reply) else (end.code, end.message)) == whole(one.name)


def prefixes(one: Recorded) -> Iterator[list[str]]:
    """The payloads of the stream cut after each of its bytes, without reading every prefix anew."""
    framing, found, line = SseDecoder(), list[str](), b""
    for place in range(len(one.data)):
        byte = one.data[place : place + 1]
        if one.wire != "ollama":
            found += framing.feed(byte)
            yield found
            continue
        line += byte
        if byte == b"\n":
            found += [line.removesuffix(b"\n").decode()] if line.strip() else []
            line = b""
        # A line without its end is read too, since the last one may lack it.
        yield [*found, line.decode("utf-8", "replace")] if line.strip() else found


@every
def test_cut_at_any_byte_it_is_the_whole_answer_or_a_failure(one: Recorded) -> None:
    """Never a success with less; what may be missing is the usage, where a wire sends it after the end of the answer."""
    wire = WIRE_NAMES[one.wire]
    full = whole(one.name)[1]
    known: dict[tuple[int, str], Reply | ProviderError] = {}
    for payloads in [[], *map(list, prefixes(one))]:
        key = len(payloads), payloads[-1] if payloads else ""
        end = known[key] if key in known else known.setdefault(key, outcome(wire, payloads)[1])
        if isinstance(end, Reply):
            assert isinstance(full, Reply), f"a success inside of a failure: {end}"
            assert end.usage in (None, full.usage)
            assert without_costs(end) == without_costs(full)
        elif isinstance(full, Reply):
            assert end.retryable
            assert end.code in ("provider_stream_cut", "provider_failed")


def without_costs(reply: Reply) -> Reply:
    return replace(reply, usage=None, provider_nanos=None)


@given(one=st.sampled_from(STREAMS), data=st.data())
def test_the_products_own_reader_sees_the_same_at_a_cut(one: Recorded, data: st.DataObject) -> None:
    wire = WIRE_NAMES[one.wire]
    place = data.draw(st.integers(1, len(one.data)))
    *_, last = map(list, prefixes(one._replace(data=one.data[:place])))
    if one.wire == "ollama" and last and not is_json(last[-1]):
        with pytest.raises(ProviderError) as cut:
            payloads_of(wire, [one.data[:place]])
        assert cut.value.code == "provider_stream_cut"
        return
    assert payloads_of(wire, [one.data[:place]]) == last


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


# --- streamed or whole -------------------------------------------------------------------------------------------------

TOKENS = Tokens(input=100, output=20, cached=60, reasoning=7)
SCRIPTS = {
    "text": Script(lines="Grüße, 世界 🎉.\nA second line."),
    "reasoning": Script(lines="reasoning I think, so.\nThe answer.", signature="c2lnbmVk"),
    "redacted": Script(lines="reasoning I think.\nThe answer.", redacted="c2VjcmV0", signature="c2lnbmVk"),
    "calls": Script(lines='Both.\ncall read_file {"path": "ä.py"}\ncall read_file {"path": "b.py"}', call_id="x"),
    "thought-and-call": Script(lines='reasoning Hm.\ncall list_files {"path": "."}', signature="c2lnbmVk"),
    "no-arguments": Script(lines="call list_files"),
    "length": Script(lines="Once upon a", finish="length"),
    "filtered": Script(lines="Well,", finish="content_filter"),
    "refused": Script(refusal="I will not do that."),
    "nothing": Script(lines=""),
}


def parsed(reply: Reply) -> Reply:
    """Arguments as what they mean: some wires send an object whole and its text in pieces."""
    parts = tuple(
        replace(part, arguments=json.dumps(json.loads(part.arguments or "{}"))) if isinstance(part, ToolCallPart) else part
        for part in reply.message.parts
    )
    return replace(reply, message=replace(reply.message, parts=parts))


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("name", WIRES)
def test_an_answer_is_the_same_streamed_or_whole(name: str, script: Script) -> None:
    """Its native blocks too: what goes back does not hang on how it came."""
    wire = WIRE_NAMES[name]
    _, streamed = outcome(wire, payloads_of(wire, [b"".join(WIRES[name].frames(script, TOKENS))]))
    _, at_once = outcome(wire, [json.dumps(WIRES[name].whole(script, TOKENS))])
    assert isinstance(streamed, Reply), streamed
    assert isinstance(at_once, Reply), at_once
    assert parsed(streamed) == parsed(at_once)


@pytest.mark.parametrize("name", WIRES)
def test_a_whole_answer_cut_at_any_byte_is_a_failure(name: str) -> None:
    text = json.dumps(WIRES[name].whole(SCRIPTS["thought-and-call"], TOKENS))
    for place in range(len(text)):
        _, end = outcome(WIRE_NAMES[name], [text[:place]])
        assert isinstance(end, ProviderError)
        assert end.retryable
