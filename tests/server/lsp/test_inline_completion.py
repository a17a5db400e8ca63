"""Suggestions at the cursor: a real server process, a scripted editor, a scripted llama.cpp server."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.server.lsp.typist import INLINE, QUICK, Typist, write
from tests.support.lsp_client import LspError, started
from tests.support.scripted_provider import Reply


class Ended(Exception):
    """The server is gone, as it was meant."""


SOURCE = "# é🎉 über\ndef half(x):\n    |\n\n\nprint(half(4))  # 🎉\n"
AT = SOURCE.index("|")
HALF = Reply(lines="return x / 2", input_tokens=100, output_tokens=6, cached=90)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_suggestion(tmp_path: Path, encoding: str) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        [item] = await at.suggested(uri, AT)
        assert at.accepted(uri, item) == SOURCE.replace("|", "return x / 2")
        assert item["range"]["start"] == item["range"]["end"] == {"line": 2, "character": 4}
        [asked] = at.provider.requests
        assert asked.path == "/infill"
        assert asked.body["input_prefix"] == SOURCE[:AT]
        assert asked.body["input_suffix"] == SOURCE[AT + 1 :]
        assert (asked.body["cache_prompt"], asked.body["n_predict"], asked.body["stream"]) == (True, 96, True)
        assert "authorization" not in asked.headers

    def after(at: Typist) -> None:
        [row] = at.books()
        assert (row["purpose"], row["door"], row["client"], row["endpoint"]) == (
            "completion",
            "lsp",
            "Scripted 1",
            "llamacpp/coder",
        )
        assert (row["input_tokens"], row["cached_tokens"], row["output_tokens"], row["source"]) == (100, 90, 6, "reported")
        assert (row["finish"], row["error_code"], row["priced_nanos"]) == ("stop", "", 0)
        assert row["workspace"] == str(at.root.resolve())
        assert set(row["segments"]) == {"infill:prefix", "infill:suffix", "framing", "output:text"}
        assert not list((at.home / "sessions").glob("*")) if (at.home / "sessions").exists() else True

    write(tmp_path, [HALF], scene, encoding=encoding, after=after)


def test_the_server_tells_of_it(tmp_path: Path) -> None:
    async def run() -> dict[str, Any]:
        async with started({"TALLYSTICK_HOME": str(tmp_path)}) as client:
            found = await client.initialize(tmp_path)
            await client.stop()
            return found

    told = asyncio.run(run())["capabilities"]
    assert told["inlineCompletionProvider"] is not None
    assert told["completionProvider"] is not None


def test_typing_along_asks_nobody(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        assert await at.text(uri, AT) == "return x / 2"
        cursor = AT
        for typed, left in (("r", "eturn x / 2"), ("eturn ", "x / 2"), ("x / ", "2")):
            cursor = at.type(uri, cursor, typed)
            assert await at.text(uri, cursor) == left
        assert len(at.provider.requests) == 1
        at.type(uri, cursor, "3")
        assert await at.text(uri, cursor + 1) == ".0"
        assert len(at.provider.requests) == 2

    write(tmp_path, [HALF, ".0"], scene)


def test_a_newer_request_ends_the_older_and_its_stream(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        _, first = at.begin(uri, AT)
        await at.client.until(at.provider.arrived.is_set)
        cursor = at.type(uri, AT, "x")
        assert await at.text(uri, cursor) == " = 1"
        assert (await first)["items"] == []
        await at.client.until(at.provider.closed_early.is_set)

    def after(at: Typist) -> None:
        ended, done = at.books()
        assert (ended["finish"], ended["error_code"], ended["source"]) == ("aborted", "interrupted", "estimated")
        assert ended["input_tokens"] > 0
        assert ended["output_tokens"] == 0
        assert (done["finish"], done["error_code"], done["source"]) == ("stop", "", "reported")

    write(tmp_path, [Reply(hang=True), " = 1"], scene, after=after)


def test_a_cancelled_request_ends_its_stream(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        number, answer = at.begin(uri, AT)
        await at.client.until(at.provider.arrived.is_set)
        at.client.notify("$/cancelRequest", {"id": number})
        with pytest.raises(LspError) as error:
            await answer
        assert error.value.code == -32800
        await at.client.until(at.provider.closed_early.is_set)

    def after(at: Typist) -> None:
        [row] = at.books()
        assert (row["finish"], row["source"]) == ("aborted", "estimated")

    write(tmp_path, [Reply(hang=True)], scene, after=after)


@pytest.mark.parametrize("orderly", [True, False])
def test_the_end_of_the_client_is_the_end_of_a_request_that_is_booked(tmp_path: Path, orderly: bool) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        _, answer = at.begin(uri, AT)
        await at.client.until(at.provider.arrived.is_set)
        if orderly:
            await at.client.stop()
        else:
            assert at.client.process.stdin is not None
            at.client.process.stdin.close()
            await at.client.process.wait()
        await asyncio.gather(answer, return_exceptions=True)
        await at.client.until(at.provider.closed_early.is_set)
        [row] = at.books()
        assert (row["finish"], row["error_code"], row["source"]) == ("aborted", "interrupted", "estimated")
        raise Ended

    with pytest.raises(Ended):
        write(tmp_path, [Reply(hang=True)], scene)


def test_what_the_server_had_counted_is_booked_when_it_is_stopped(tmp_path: Path) -> None:
    """It told the size of the input before it wrote a word."""
    slow = Reply(lines="x = 1  # " + "a long remark " * 20, delay_s=0.05, input_tokens=1234, cached=1200)

    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        number, answer = at.begin(uri, AT)
        await at.client.until(at.provider.arrived.is_set)
        await asyncio.sleep(0.3)
        at.client.notify("$/cancelRequest", {"id": number})
        with pytest.raises(LspError):
            await answer
        await at.client.until(at.books)
        [row] = at.books()
        assert (row["input_tokens"], row["cached_tokens"], row["source"], row["finish"]) == (1234, 1200, "estimated", "aborted")

    write(tmp_path, [slow], scene)


def test_a_finished_block_ends_the_stream(tmp_path: Path) -> None:
    text = "y = x / 2\n    return y\n\n\ndef other():\n    pass\n" + "# and on it goes\n" * 200

    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        assert await at.text(uri, AT) == "y = x / 2\n    return y"
        await at.client.until(at.provider.closed_early.is_set)

    def after(at: Typist) -> None:
        [row] = at.books()
        assert (row["finish"], row["source"], row["input_tokens"]) == ("stop", "estimated", 100)
        assert 0 < row["output_tokens"] < 200

    write(tmp_path, [Reply(lines=text, delay_s=0.02, input_tokens=100)], scene, after=after)


def test_line_ends_are_those_of_the_file(tmp_path: Path) -> None:
    source = "# 🎉\r\ndef f():\r\n    |\r\n\r\nf()\r\n"
    at_cursor = source.index("|")

    async def scene(at: Typist) -> None:
        uri = at.open("a.py", source)
        [item] = await at.suggested(uri, at_cursor)
        assert item["insertText"] == "x = 1\r\n    return x"
        body = at.provider.requests[0].body
        assert body["input_prefix"] == source[:at_cursor].replace("\r\n", "\n")
        cursor = at.type(uri, at_cursor, "x = 1\r\n    ret")
        assert await at.text(uri, cursor) == "urn x"
        assert len(at.provider.requests) == 1

    write(tmp_path, ["x = 1\n    return x"], scene)


def test_the_rest_of_a_line_is_not_repeated(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", "f(|)  # 🎉\n")
        [item] = await at.suggested(uri, 2)
        assert at.accepted(uri, item) == "f(a, b)  # 🎉\n"
        assert at.provider.requests[0].body["stop"] == ["\n"]
        other = at.open("b.py", "g(|)\n")
        [item] = await at.suggested(other, 2)
        assert at.accepted(other, item) == "g(a)[0]\n"

    write(tmp_path, ["a, b)  # 🎉", "a)[0]"], scene)


def test_a_selected_item_is_gone_on_from(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", "os.pa|\n")
        place = {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 5}}
        [item] = await at.suggested(uri, 5, selectedCompletionInfo={"range": place, "text": "path"})
        assert at.accepted(uri, item) == "os.path.join(a, b)\n"
        assert at.provider.requests[0].body["input_prefix"] == "os.path"

    write(tmp_path, [".join(a, b)"], scene)


SECRET_NAMES = [".env", ".env.local", "server.pem", "credentials", "id_ed25519", "credentials.json", ".git/COMMIT_EDITMSG"]


def test_what_may_hold_secrets_or_is_ignored_is_shown_to_no_model(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / ".gitignore").write_text("private/\n*.local.py\n")
    (root / "private").mkdir()
    (root / "link.py").symlink_to(root / ".env")

    async def scene(at: Typist) -> None:
        names = [*SECRET_NAMES, "node_modules/a/index.js", "private/a.py", "x.local.py", "link.py", "../outside.py"]
        for name in names:
            uri = at.open(name, "x = |\n")
            assert await at.text(uri, 4) == "", name
        chat = at.open("talk.tally.md", "## You\n\n|", "markdown")
        assert await at.text(chat, 8) == ""
        assert at.provider.requests == []
        assert await at.text(at.open("a.py", "x = |\n"), 4) == "1"

    write(tmp_path, ["1"], scene)


def test_keys_of_the_user_are_taken_out(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", 'key = "sk-very-secret-1"\nx = |\n')
        await at.text(uri, len('key = "sk-very-secret-1"\nx = '))
        assert "sk-very-secret" not in str(at.provider.requests[0].body)

    write(tmp_path, ["1"], scene, environment={"OPENAI_API_KEY": "sk-very-secret-1"})


def loaded(at: Typist) -> bool:
    """Whether the engine was loaded: its tokenizer is a library of its own, and its books are a file."""
    maps = Path(f"/proc/{at.client.process.pid}/maps")
    return (maps.exists() and "tiktoken" in maps.read_text()) or (at.home / "ledger.sqlite3").exists()


@pytest.mark.parametrize(
    ("settings", "models", "looks"),
    [
        ("[completion]\nenabled = false\n", None, 0),
        (QUICK, {"data": []}, 1),
        (QUICK, {"data": [{"id": "coder", "owned_by": "somebody"}]}, 1),
        (QUICK, {"data": [{"id": "coder", "owned_by": "llamacpp", "status": {"value": "unloaded"}}]}, 1),
        (QUICK, Reply(status=500), 1),
        (QUICK + 'enabled = false\nmodel = "llamacpp/coder"\n', None, 0),
        (QUICK + 'model = "openai/scripted"\n', None, 0),
    ],
    ids=["off", "no model", "another server", "not loaded", "a broken server", "off with a model", "a paid model"],
)
def test_where_nothing_completes_nothing_is_loaded(tmp_path: Path, settings: str, models: Any, looks: int) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        for _ in range(3):
            assert await at.text(uri, AT) == ""
        assert at.provider.requests == []
        assert len(at.provider.gets) == looks, "the look is remembered"
        assert not loaded(at)
        assert at.client.all("window/showMessage") == []

    write(tmp_path, [], scene, settings=settings, models=models, environment={"OPENAI_API_KEY": "sk-test-1234567"})


def test_where_one_completes_it_is(tmp_path: Path) -> None:
    """The control of the test above."""

    async def scene(at: Typist) -> None:
        await at.text(at.open("a.py", SOURCE), AT)
        assert loaded(at)

    write(tmp_path, [HALF], scene)


def test_a_server_that_fails_is_left_alone_for_a_while(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        assert await at.text(uri, AT) == ""
        cursor = at.type(uri, AT, "x")
        assert await at.text(uri, cursor) == ""
        assert len(at.provider.requests) == 1, "neither tried again nor asked at the next key"

    def after(at: Typist) -> None:
        [row] = at.books()
        assert (row["finish"], row["error_code"], row["input_tokens"]) == ("failed", "provider_unavailable", 0)

    write(tmp_path, [Reply(status=500, body='{"error": {"message": "no"}}'), "x"], scene, after=after)


def test_each_document_has_its_own_request(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        one, other = at.open("a.py", "x = |\n"), at.open("b.py", "y = |\n")
        answers = [at.begin(one, 4)[1], at.begin(other, 4)[1]]
        found = [(await answer)["items"][0]["insertText"] for answer in answers]
        assert found == ["1", "2"]

    def script(body: dict[str, Any], index: int) -> Reply:
        return Reply(lines="1" if body["input_prefix"].startswith("x") else "2")

    write(tmp_path, script, scene)


def test_the_same_place_is_asked_once(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", "x = |\n")
        answers = [at.begin(uri, 4)[1] for _ in range(3)]
        assert [(await answer)["items"][0]["insertText"] for answer in answers] == ["1"] * 3
        assert len(at.provider.requests) == 1

    write(tmp_path, [Reply(lines="1", delay_s=0.05)], scene)


def test_a_suggestion_for_an_older_text_is_not_shown(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", "x = |\n")
        _, answer = at.begin(uri, 4)
        await at.client.until(at.provider.arrived.is_set)
        cursor = at.type(uri, 4, "1")
        assert (await answer)["items"] == []
        assert await at.text(uri, cursor) == "234", "it is remembered, and leads here"
        assert len(at.provider.requests) == 1

    write(tmp_path, [Reply(lines="1234", delay_s=0.2)], scene)


# --- Reading ahead -----------------------------------------------------------------------------------------------------

WARM = "[completion]\ndebounce_ms = 0\n"
LONG = "".join(f"def add_{number}(a, b):\n    return a + b + {number}\n\n\n" for number in range(40))


def test_an_opened_file_is_read_ahead(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        at.open("a.py", "# short\n")
        at.open("b.py", LONG)
        await at.client.until(lambda: at.provider.requests)
        [asked] = at.provider.requests
        assert LONG.startswith(asked.body["input_prefix"])
        assert len(asked.body["input_prefix"]) > 500
        assert (asked.body["input_suffix"], asked.body["n_predict"]) == ("", 1)
        await at.client.until(at.books)

    def after(at: Typist) -> None:
        [row] = at.books()
        assert (row["purpose"], row["input_tokens"], row["finish"]) == ("completion", 700, "length")

    write(tmp_path, [Reply(lines="x", finish="length", input_tokens=700)], scene, settings=WARM, after=after)


def test_typing_ends_the_reading_ahead(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("b.py", LONG)
        await at.client.until(lambda: at.provider.requests)
        cursor = at.type(uri, len(LONG), "x = ")
        assert await at.text(uri, cursor) == "1"
        await at.client.until(at.provider.closed_early.is_set)

    def after(at: Typist) -> None:
        assert [row["finish"] for row in at.books()] == ["aborted", "stop"]

    write(tmp_path, [Reply(hang=True), "1"], scene, settings=WARM, after=after)


def test_nothing_is_read_ahead_with_a_paid_model(tmp_path: Path) -> None:
    settings = WARM + 'enabled = true\nmodel = "openai/scripted"\n'

    async def scene(at: Typist) -> None:
        uri = at.open("b.py", LONG)
        await asyncio.sleep(0.8)
        assert at.provider.requests == []
        assert await at.text(uri, len(LONG)) == "x"

    write(tmp_path, ["x"], scene, settings=settings, environment={"OPENAI_API_KEY": "sk-test-1234567"}, capabilities=INLINE)
