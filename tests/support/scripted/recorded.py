"""Streams as bytes, with what a reader must make of each. Owns the collection; a test may cut them wherever it likes.

Half of them are what a wire sends on a good day, in real UTF-8; the others are the oddities that were seen in the wild.
"""

import json
import re
from functools import partial
from typing import Any, NamedTuple

from tests.support.scripted.reply import Reply, Tokens, sse
from tests.support.scripted.wires import WIRES

TOKENS = Tokens(input=100, output=20)
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
READ_A = {"path": "a.py"}
CUT = "cut"
"""The error of a stream that ended without saying why; any other is a part of its message, and an empty one any message."""


class Recorded(NamedTuple):
    name: str
    wire: str
    """A name of `WIRES`."""
    data: bytes
    expected: dict[str, Any]
    """text, reasoning, calls as (name, arguments as an object), finish, usage in neutral numbers or `None`, error or `None`.

    `finish` is stop, length, tool_calls or content_filter. With an error, only `text` means something beside it: what had
    been said before.
    """


def expected(
    text: str = "",
    *calls: tuple[str, dict[str, Any]],
    reasoning: str = "",
    finish: str = "",
    usage: Tokens | None = TOKENS,
    error: str | None = None,
) -> dict[str, Any]:
    numbers = None
    if usage is not None and error is None:
        names = ("input", "output", "cached", "cache_write", "reasoning")
        numbers = {name: getattr(usage, name) for name in names}
    end = "" if error is not None else finish or ("tool_calls" if calls else "stop")
    return {"text": text, "reasoning": reasoning, "calls": list(calls), "finish": end, "usage": numbers, "error": error}


def said(wire: str, reply: Reply, tokens: Tokens = TOKENS) -> list[bytes]:
    """The frames of a wire, in UTF-8 instead of escapes, so that a cut can fall inside a character."""
    return [_utf8(frame) for frame in WIRES[wire].frames(reply, tokens)]


def _utf8(frame: bytes) -> bytes:
    return b"\n".join(_utf8_line(line) for line in frame.split(b"\n"))


def _utf8_line(line: bytes) -> bytes:
    at = line.find(b"{")
    if at < 0:
        return line
    return line[:at] + json.dumps(json.loads(line[at:]), ensure_ascii=False).encode()


def recorded_streams() -> list[Recorded]:
    """All of them, in a fixed order."""
    return [*_usual(), *_chat_oddities(), *_chat_calls(), *_responses(), *_anthropic(), *_gemini(), *_ollama()]


# --- What every wire can say -------------------------------------------------------------------------------------------

WORDS = "Grüße, 世界 🎉: it's\na second “line”."
THOUGHT = "I think, 考える, therefore."
ARGUMENTS = {"path": "ä/🎉.py", "lines": [1, 2], "deep": {"text": 'a "quoted"\nline'}}


def _usual() -> list[Recorded]:
    found: list[Recorded] = []
    call = f"call edit {json.dumps(ARGUMENTS, ensure_ascii=False)}"
    both = f'Both.\ncall read_file {json.dumps(READ_A)}\ncall read_file {{"path": "b.py"}}'
    b = {"path": "b.py"}
    for wire in WIRES:
        thinking = 0 if wire == "ollama" else 7
        thought = Tokens(input=100, output=20, reasoning=thinking)
        reply = Reply(lines=f"reasoning {THOUGHT}\n{WORDS}")
        found += [
            Recorded(f"{wire}-text", wire, b"".join(said(wire, Reply(lines=WORDS))), expected(WORDS)),
            Recorded(
                f"{wire}-reasoning",
                wire,
                b"".join(said(wire, reply, Tokens(input=100, output=20, reasoning=7))),
                expected(WORDS, reasoning=THOUGHT, usage=thought),
            ),
            Recorded(f"{wire}-call", wire, b"".join(said(wire, Reply(lines=call))), expected("", ("edit", ARGUMENTS))),
            Recorded(
                f"{wire}-parallel-calls",
                wire,
                b"".join(said(wire, Reply(lines=both))),
                expected("Both.", ("read_file", READ_A), ("read_file", b)),
            ),
            Recorded(
                f"{wire}-no-arguments",
                wire,
                b"".join(said(wire, Reply(lines="call list_files"))),
                expected("", ("list_files", {})),
            ),
            Recorded(
                f"{wire}-length",
                wire,
                b"".join(said(wire, Reply(lines="Once upon a", finish="length"))),
                expected("Once upon a", finish="length"),
            ),
            Recorded(
                f"{wire}-crlf",
                wire,
                b"".join(said(wire, Reply(lines=both))).replace(b"\n", b"\r\n"),
                expected("Both.", ("read_file", READ_A), ("read_file", b)),
            ),
            Recorded(
                f"{wire}-error-after",
                wire,
                b"".join(said(wire, Reply(lines="Well, I am", error_after="Too many of you."))),
                expected("Well, I am", error="Too many of you."),
            ),
            Recorded(
                f"{wire}-cut",
                wire,
                b"".join(said(wire, Reply(lines=both))[:2]),
                expected("" if wire in ("responses", "anthropic") else "Both.", error=CUT),
            ),
        ]
    return found


# --- Chat Completions --------------------------------------------------------------------------------------------------


def _chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return _utf8(sse({"id": "gen-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **fields}))


def _bare(**fields: Any) -> bytes:
    return sse({"id": "gen-1", "object": "chat.completion.chunk", "model": "m", **fields})


LAST = _bare(choices=[], usage=USAGE)
DONE = b"data: [DONE]\n\n"


def _chat(name: str, frames: list[bytes], wanted: dict[str, Any]) -> Recorded:
    return Recorded(f"chat-{name}", "chat", b"".join(frames), wanted)


def _chat_oddities() -> list[Recorded]:
    hello = _chunk({"content": "Hello."})
    stop = _chunk(finish="stop")
    comment = b": OPENROUTER PROCESSING\n\n"
    whole = [hello, stop, LAST, DONE]
    signed = Reply(lines="reasoning Hm, so.\nYes.", signature="c2lnbmVk", redacted="c2VjcmV0")
    cached = Tokens(input=100, output=20, cached=60, cache_write=30)
    padded = {"content": "Hello.", "tool_calls": None, "reasoning": "", "obfuscation": "xyz"}
    filters: dict[str, Any] = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}
    broken = _bare(choices=[], error={"code": 429, "message": "Slow down, please.", "metadata": {"raw": "x"}})
    groq = {"x_groq": {"id": "req_1", "usage": USAGE}}
    plain = expected("Hello.")
    return [
        _chat("comments-between", [comment, hello, comment, b":\n\n", stop, b": x\n", LAST, DONE], plain),
        _chat("usage-before-finish", [hello, LAST, stop, DONE], plain),
        _chat("usage-with-finish", [hello, _chunk(finish="stop", usage=USAGE), DONE], plain),
        _chat("usage-twice", [_bare(choices=[], usage={**USAGE, "completion_tokens": 1}), *whole], plain),
        _chat("usage-for-groq", [hello, _chunk(finish="stop", **groq), DONE], plain),
        _chat("no-usage", [hello, stop, DONE], expected("Hello.", usage=None)),
        _chat("cached", said("chat", Reply(lines="Hello.", cost=0.5), cached), expected("Hello.", usage=cached)),
        _chat("several-finishes", [hello, stop, _chunk({"content": ""}, "stop"), LAST, DONE], plain),
        _chat("text-with-finish", [_chunk({"content": "Hel"}), _chunk({"content": "lo."}, "stop"), LAST, DONE], plain),
        _chat("refusal", said("chat", Reply(refusal="I will not.")), expected("I will not.", finish="content_filter")),
        _chat(
            "content-filter",
            said("chat", Reply(lines="Well,", finish="content_filter")),
            expected("Well,", finish="content_filter"),
        ),
        _chat("empty-choices", [_bare(choices=[], **filters), *whole], plain),
        _chat("no-choices", [_bare(usage=None), *whole], plain),
        _chat("null-content", [_chunk({"role": "assistant", "content": None}), _chunk(padded), *whole[1:]], plain),
        _chat("no-end-mark", [hello, stop, LAST], plain),
        _chat("end-mark-alone", [hello, DONE], expected("Hello.", usage=None)),
        _chat("end-mark-unterminated", [hello, stop, LAST, b"data: [DONE]"], plain),
        _chat("no-space", [frame.replace(b"data: ", b"data:") for frame in whole], plain),
        _chat("named-events", [b"event: message\nid: 1\nretry: 5\n" + frame for frame in whole], plain),
        _chat("lines-of-cr", [frame.replace(b"\n", b"\r") for frame in whole], plain),
        _chat("several-data-lines", [_spread(frame) for frame in whole], plain),
        _chat(
            "reasoning-content",
            [_chunk({"reasoning_content": "Hm, "}), _chunk({"reasoning_content": "so.", "content": None}), *whole],
            expected("Hello.", reasoning="Hm, so."),
        ),
        _chat("reasoning-blocks", said("chat", signed), expected("Yes.", reasoning="Hm, so.")),
        _chat(
            "content-as-list",
            [
                _chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}),
                _chunk({"content": [{"type": "text", "text": "Hello."}]}),
                *whole[1:],
            ],
            expected("Hello.", reasoning="Hm."),
        ),
        _chat("ok-with-error", [broken], expected("", error="Slow down, please.")),
        _chat(
            "ok-with-error-and-no-choices",
            [comment, sse({"error": {"message": "Slow down, please.", "code": "rate_limit_exceeded"}}), DONE],
            expected("", error="Slow down, please."),
        ),
        _chat("no-json", [hello, b"data: {oops\n\n"], expected("Hello.", error="")),
    ]


def _spread(frame: bytes) -> bytes:
    """An event whose JSON is laid over several `data` lines."""
    if frame == DONE:
        return frame
    pretty = json.dumps(json.loads(frame.removeprefix(b"data: ")), indent=1)
    return b"".join(f"data: {line}\n".encode() for line in pretty.split("\n")) + b"\n"


def _chat_calls() -> list[Recorded]:
    def piece(arguments: str = "", name: str = "", **fields: Any) -> bytes:
        named = {"name": name} if name else {}
        return _chunk({"tool_calls": [{**fields, "function": {**named, "arguments": arguments}}]})

    end = [_chunk(finish="tool_calls"), LAST, DONE]
    b = {"path": "b.py"}
    text_a, text_b = json.dumps(READ_A), json.dumps(b)
    one, two = expected("", ("read_file", READ_A)), expected("", ("read_file", READ_A), ("read_file", b))
    first = piece(name="read_file", index=0, id="c0", type="function")
    return [
        _chat("whole-calls", said("chat", Reply(lines=f"call read_file {text_a}", whole_calls=True)), one),
        _chat("call-ends-with-stop", [first, piece(text_a, index=0), _chunk(finish="stop"), LAST, DONE], one),
        _chat("missing-id", [piece(name="read_file", index=0), piece(text_a, index=0), *end], one),
        _chat("missing-index", [piece(text_a, "read_file", id="c0"), piece(text_b, "read_file", id="c1"), *end], two),
        _chat(
            "index-always-0",
            [piece(text_a, "read_file", index=0, id="c0"), piece(text_b, "read_file", index=0, id="c1"), *end],
            two,
        ),
        _chat("pieces-without-index", [first, piece(text_a[:5]), piece(text_a[5:]), *end], one),
        _chat(
            "pieces-interleaved",
            [
                first,
                piece(text_a[:5], index=0),
                piece(text_b[:5], "read_file", index=1, id="c1"),
                piece(text_a[5:], index=0),
                piece(text_b[5:], index=1),
                *end,
            ],
            two,
        ),
        _chat(
            "text-between-calls",
            [_chunk({"content": "First "}), first, piece(text_a, index=0), _chunk({"content": "then."}), *end],
            expected("First then.", ("read_file", READ_A)),
        ),
        _chat(
            "id-on-every-piece",
            [first, piece(text_a[:5], index=0, id="c0", type="function"), piece(text_a[5:], index=0, id="c0"), *end],
            one,
        ),
        _chat("call-without-finish", [first, piece(text_a, index=0), DONE], expected("", error=CUT)),
    ]


# --- The other wires ---------------------------------------------------------------------------------------------------


def _made(wire: str, name: str, frames: list[bytes], wanted: dict[str, Any]) -> Recorded:
    return Recorded(f"{wire}-{name}", wire, b"".join(frames), wanted)


def _without(frames: list[bytes], pattern: bytes) -> list[bytes]:
    return [frame for frame in frames if not re.search(pattern, frame)]


def _responses() -> list[Recorded]:
    hello = said("responses", Reply(lines="Hello."))
    queued = sse({"type": "response.queued", "sequence_number": 0, "response": {"id": "resp_1"}}, "response.queued")
    unknown = sse({"type": "response.mood.changed", "mood": "good", "sequence_number": 9}, "response.mood.changed")
    error = {"type": "error", "sequence_number": 3, "code": "server_error", "message": "It broke.", "param": None}
    cached = Tokens(input=100, output=20, cached=60, cache_write=30, reasoning=7)
    sealed = Reply(lines="reasoning Hm.\nYes.", signature="c2lnbmVk", redacted="c2VjcmV0")
    at = {"item_id": "rs_0", "output_index": 0, "content_index": 0}
    item: dict[str, Any] = {"id": "rs_0", "type": "reasoning", "summary": []}
    aloud = [
        sse({"type": "response.output_item.added", "output_index": 0, "item": item}),
        *(sse({"type": "response.reasoning_text.delta", **at, "delta": text}) for text in ("Hm, ", "so.")),
        sse({"type": "response.reasoning_text.done", **at, "text": "Hm, so."}),
        sse({"type": "response.output_item.done", "output_index": 0, "item": item}),
    ]
    made = partial(_made, "responses")
    return [
        made("no-names", [re.sub(rb"^event: .*\n", b"", frame) for frame in hello], expected("Hello.")),
        made("unknown-events", [queued, hello[0], unknown, b": x\n\n", *hello[1:]], expected("Hello.")),
        made("end-mark", [*hello, DONE], expected("Hello.")),
        made("cached", said("responses", Reply(lines="Hello."), cached), expected("Hello.", usage=cached)),
        made("sealed-reasoning", said("responses", sealed), expected("Yes.", reasoning="Hm.")),
        made("reasoning-text", [*hello[:2], *aloud, *hello[2:]], expected("Hello.", reasoning="Hm, so.")),
        made(
            "refusal",
            said("responses", Reply(refusal="I will not.")),
            expected("I will not.", finish="content_filter"),
        ),
        made(
            "content-filter",
            said("responses", Reply(lines="Well,", finish="content_filter")),
            expected("Well,", finish="content_filter"),
        ),
        made("bare-error", [*hello[:5], sse(error, "error")], expected("Hello.", error="It broke.")),
        made("no-end", hello[:-1], expected("Hello.", error=CUT)),
    ]


def _anthropic() -> list[Recorded]:
    hello = said("anthropic", Reply(lines="Hello."))
    unknown = sse({"type": "content_block_mood", "index": 0}, "content_block_mood")
    ping = sse({"type": "ping"}, "ping")
    cached = Tokens(input=100, output=20, cached=60, cache_write=30, reasoning=7)
    hidden = Reply(lines="reasoning Hm.\nYes.", redacted="c2VjcmV0")
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded."}}
    whole = sse(
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": [], "usage": {"input_tokens": 100}}}
    )
    made = partial(_made, "anthropic")
    last = sse({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}})
    return [
        made("unknown-events", [hello[0], unknown, *[ping] * 3, *hello[1:]], expected("Hello.")),
        made("no-pings", _without(hello, rb'"ping"'), expected("Hello.")),
        made("cached", said("anthropic", Reply(lines="Hello."), cached), expected("Hello.", usage=cached)),
        made("redacted", said("anthropic", hidden), expected("Yes.", reasoning="Hm.")),
        made("few-counts", [whole, *hello[1:-2], last, hello[-1]], expected("Hello.")),
        made(
            "refusal",
            said("anthropic", Reply(lines="Well,", finish="content_filter")),
            expected("Well,", finish="content_filter"),
        ),
        made(
            "context-full",
            said("anthropic", Reply(lines="Well,", finish="model_context_window_exceeded")),
            expected("Well,", finish="length"),
        ),
        made("stop-sequence", said("anthropic", Reply(lines="Well,", finish="stop_sequence")), expected("Well,")),
        made("ok-with-error", [sse(overloaded, "error")], expected("", error="Overloaded.")),
        made("no-end", _without(hello, rb'"message_(delta|stop)"'), expected("Hello.", error=CUT)),
    ]


def _gemini() -> list[Recorded]:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120}
    hello = said("gemini", Reply(lines="Hello."))
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 100, "totalTokenCount": 100}}
    cached = Tokens(input=100, output=20, cached=60, reasoning=7)
    together = {"text": "Hello.", "thoughtSignature": "c2lnbmVk"}
    parts = [{"text": "Hm.", "thought": True}, together, {"functionCall": {"name": "read_file", "args": READ_A}}]
    one = sse({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}], "usageMetadata": usage})
    end = sse({"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": usage})
    none = sse({"candidates": [{"content": {"parts": [{"functionCall": {"name": "list_files"}}]}, "finishReason": "STOP"}]})
    made = partial(_made, "gemini")
    return [
        made("all-in-one", [one], expected("Hello.", ("read_file", READ_A), reasoning="Hm.")),
        made("end-without-content", [*hello[:-1], end], expected("Hello.")),
        made("no-candidates", [sse({"usageMetadata": usage}), sse({"candidates": []}), *hello], expected("Hello.")),
        made("cached", said("gemini", Reply(lines="Hello."), cached), expected("Hello.", usage=cached)),
        made("no-args", [none], expected("", ("list_files", {}), usage=None)),
        made("blocked", [sse(blocked)], expected("", error="SAFETY")),
        made(
            "safety",
            said("gemini", Reply(lines="Well,", finish="content_filter")),
            expected("Well,", finish="content_filter"),
        ),
        made("broken-call", said("gemini", Reply(lines='call edit {"path": ')), expected("", error="")),
        made("ok-with-error", said("gemini", Reply(error_after="No room."))[-1:], expected("", error="No room.")),
        made("no-end", hello[:-1], expected("Hello.", error=CUT)),
    ]


def _ollama() -> list[Recorded]:
    hello = said("ollama", Reply(lines="Hello."))
    bare = [_strip(line, "prompt_eval_count", "eval_count") for line in hello]
    both: list[dict[str, Any]] = [
        {"function": {"name": "read_file", "arguments": READ_A}},
        {"function": {"name": "list_files", "arguments": {}}},
    ]
    message: dict[str, Any] = {"role": "assistant", "content": "Both.", "tool_calls": both}
    end = {"model": "m", "done": True, "done_reason": "stop", "prompt_eval_count": 100, "eval_count": 20}
    one = json.dumps({"message": message, **end}).encode() + b"\n"
    two = expected("Both.", ("read_file", READ_A), ("list_files", {}))
    made = partial(_made, "ollama")
    return [
        made("no-counts", bare, expected("Hello.", usage=None)),
        made("all-in-one", [one], two),
        made("empty-lines", [hello[0], b"\n\n", *hello[1:], b"\n"], expected("Hello.")),
        made("last-line-open", [*hello[:-1], hello[-1].removesuffix(b"\n")], expected("Hello.")),
        made("ok-with-error", [b'{"error": "the model ran out of memory"}\n'], expected("", error="out of memory")),
        made("no-end", hello[:-1], expected("Hello.", error=CUT)),
    ]


def _strip(line: bytes, *fields: str) -> bytes:
    found = {key: value for key, value in json.loads(line).items() if key not in fields}
    return json.dumps(found).encode() + b"\n"
