"""Which model completes, how a chat model is asked, and completion items for editors without inline completions."""

from pathlib import Path
from typing import Any

import pytest
from tests.server.lsp.typist import QUICK, Typist, write
from tests.support.scripted_provider import Reply, ScriptedProvider

KEY = {"OPENAI_API_KEY": "sk-test-1234567"}
PAID = QUICK + 'enabled = true\nmodel = "openai/scripted"\n'
PRICE = '\n[endpoints."openai/scripted".price]\ninput = 2\noutput = 10\n'
SOURCE = "# 🎉\ndef half(x):\n    |\n\n\nprint(half(4))\n"
AT = SOURCE.index("|")


def test_a_model_that_costs_completes_only_where_that_is_allowed(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        assert await at.text(at.open("a.py", SOURCE), AT) == ""
        assert at.provider.requests == []
        assert at.client.all("window/showMessage") == []

    write(tmp_path, [], scene, settings=QUICK + 'model = "openai/scripted"\n', environment=KEY)


def test_a_chat_model_is_asked_in_words(tmp_path: Path) -> None:
    answer = Reply(lines="```python\n    return x / 2\n```", input_tokens=200, output_tokens=12)

    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        assert await at.text(uri, AT) == "return x / 2"
        [asked] = at.provider.requests
        assert asked.path == "/v1/chat/completions"
        assert "tools" not in asked.body
        said = str(asked.body["messages"])
        assert "a.py" in said
        assert "def half(x):" in said
        assert "print(half(4))" in said
        cursor = at.type(uri, AT, "return ")
        assert await at.text(uri, cursor) == "x / 2"
        assert len(at.provider.requests) == 1

    def after(at: Typist) -> None:
        [row] = at.books()
        assert (row["purpose"], row["endpoint"], row["input_tokens"], row["output_tokens"]) == (
            "completion",
            "openai/scripted",
            200,
            12,
        )
        assert row["priced_nanos"] == 200 * 2_000 + 12 * 10_000
        assert {"system", "prompt", "infill:prefix", "infill:suffix", "output:text"} <= set(row["segments"])

    write(tmp_path, [answer], scene, settings=PAID + PRICE, after=after, environment=KEY)


def test_the_limits_of_the_settings_hold(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        assert await at.text(uri, AT) == ""
        cursor = at.type(uri, AT, "x")
        assert await at.text(uri, cursor) == ""
        assert at.provider.requests == []
        [told] = at.client.all("window/showMessage")
        assert "limit" in told["message"]

    write(tmp_path, [], scene, settings=PAID + PRICE + "\n[budget]\nmax_cost_usd = 0.00001\n", environment=KEY)


def test_a_model_without_markers_is_asked_in_words(tmp_path: Path) -> None:
    """llama.cpp refuses `/infill` for it; that is asked once and remembered."""

    def script(body: dict[str, Any], index: int) -> Reply:
        if "input_prefix" in body:
            error = '{"error": {"code": 501, "message": "Infill is not supported by this model", "type": "not_supported_error"}}'
            return Reply(status=501, body=error)
        return Reply(lines="return x")

    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        assert await at.text(uri, AT) == "return x"
        cursor = at.type(uri, AT, "y")
        assert await at.text(uri, cursor) == "return x"
        assert [one.path for one in at.provider.requests] == ["/infill", "/v1/chat/completions", "/v1/chat/completions"]
        assert at.provider.requests[1].body["chat_template_kwargs"] == {"enable_thinking": False}

    def after(at: Typist) -> None:
        assert [(row["finish"], row["input_tokens"] > 0) for row in at.books()] == [
            ("failed", False),
            ("stop", True),
            ("stop", True),
        ]

    write(tmp_path, script, scene, settings=QUICK + 'model = "llamacpp/coder"\n', after=after)


def test_a_model_without_markers_that_merely_runs_is_left_alone(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        assert await at.text(uri, AT) == ""
        assert await at.text(uri, at.type(uri, AT, "y")) == ""
        assert [one.path for one in at.provider.requests] == ["/infill"]
        assert at.client.all("window/showMessage") == []

    refusal = '{"error": {"code": 501, "message": "Infill is not supported by this model", "type": "not_supported_error"}}'
    write(tmp_path, [Reply(status=501, body=refusal)], scene)


def test_a_model_that_nobody_knows_is_told_once(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        for _ in range(3):
            assert await at.text(uri, AT) == ""
        [told] = at.client.all("window/showMessage")
        assert "OPENAI_API_KEY" in told["message"]

    write(tmp_path, [], scene, settings=PAID)


# --- Ordinary completion -----------------------------------------------------------------------------------------------


def test_editors_without_inline_completions_get_an_item(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        source = SOURCE.replace("|", "ret|")
        uri = at.open("a.py", source)
        [item] = await at.listed(uri, source.index("|"))
        assert item["label"] == "return x / 2"
        assert item["filterText"].startswith("ret")
        assert at.accepted(uri, item) == SOURCE.replace("|", "return x / 2")
        assert (item["insertTextFormat"], item["detail"]) == (1, "Tallystick")

    write(tmp_path, ["urn x / 2"], scene, capabilities={})


def test_an_item_of_several_lines(tmp_path: Path) -> None:
    source = "# é🎉\r\ndef half(x):\r\n    |\r\n\r\n\r\nprint(half(4))\r\n"

    async def scene(at: Typist) -> None:
        uri = at.open("a.py", source)
        [item] = await at.listed(uri, source.index("|"))
        assert item["label"] == "y = x / 2 …"
        assert at.accepted(uri, item) == source.replace("|", "y = x / 2\r\n    return y")
        assert item["documentation"]["value"] == "````python\ny = x / 2\n    return y\n````"

    write(tmp_path, ["y = x / 2\n    return y"], scene, capabilities={})


SNIPPETS: dict[str, Any] = {"completionItem": {"snippetSupport": True}}
AS_IS: dict[str, Any] = {"completionItem": {"snippetSupport": True, "insertTextModeSupport": {"valueSet": [1, 2]}}}


def test_where_plain_text_is_cut_short_it_is_a_snippet(tmp_path: Path) -> None:
    """Neovim takes of a plain text its first word; of a snippet it indents each line as the cursor's."""
    answer = "x = {'a': \"$b\"}\n    if x:\n        pass\n    return '\\\\'"

    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        [item] = await at.listed(uri, AT)
        assert item["insertTextFormat"] == 2
        assert item["textEdit"]["newText"] == "x = {'a': \"\\$b\"\\}\nif x:\n    pass\nreturn '\\\\\\\\'"

    write(tmp_path, [answer], scene, capabilities={"textDocument": {"completion": SNIPPETS}})


def test_where_text_is_taken_as_it_is_it_is_none(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        [item] = await at.listed(uri, AT)
        assert (item["insertTextFormat"], item["insertTextMode"]) == (1, 1)
        assert item["textEdit"]["newText"] == "x = 1\n    return x"

    write(tmp_path, ["x = 1\n    return x"], scene, capabilities={"textDocument": {"completion": AS_IS}})


def test_the_rest_of_a_line_goes_in_an_edit_of_its_own(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", "g(|)\n")
        [item] = await at.listed(uri, 2)
        assert at.accepted(uri, item) == "g(a)[0])\n"
        [gone] = item["additionalTextEdits"]
        assert (gone["newText"], gone["range"]["start"]["character"], gone["range"]["end"]["character"]) == ("", 2, 3)

    write(tmp_path, ["a)[0]"], scene, capabilities={})


def test_editors_with_inline_completions_get_no_item_as_well(tmp_path: Path) -> None:
    async def scene(at: Typist) -> None:
        uri = at.open("a.py", SOURCE)
        assert await at.listed(uri, AT) == []
        assert at.provider.requests == []

    write(tmp_path, [], scene)


@pytest.mark.parametrize(
    ("model", "variable", "path"),
    [
        ("mistral/codestral-latest", "MISTRAL_BASE_URL", "/v1/fim/completions"),
        ("ollama/qwen2.5-coder:1.5b", "OLLAMA_HOST", "/v1/completions"),
    ],
)
def test_providers_that_take_a_suffix(tmp_path: Path, model: str, variable: str, path: str) -> None:
    async def scene(at: Typist) -> None:
        assert await at.text(at.open("a.py", SOURCE), AT) == "return x"
        [asked] = at.provider.requests
        assert asked.path == path
        assert (asked.body["prompt"], asked.body["suffix"]) == (SOURCE[:AT], SOURCE[AT + 1 :])

    settings = QUICK + f'enabled = true\nmodel = "{model}"\n'
    with ScriptedProvider(["return x"]) as other:
        environment = {variable: other.url, "MISTRAL_API_KEY": "sk-test-1234567"}

        async def there(at: Typist) -> None:
            at.provider = other
            await scene(at)

        write(tmp_path, [], there, settings=settings, environment=environment)


def test_a_model_that_takes_no_suffix_is_asked_in_words(tmp_path: Path) -> None:
    def script(body: dict[str, Any], index: int) -> Reply:
        if "suffix" in body:
            return Reply(status=400, body='{"error": {"message": "m does not support insert"}}')
        return Reply(lines="return x")

    with ScriptedProvider(script) as other:

        async def scene(at: Typist) -> None:
            uri = at.open("a.py", SOURCE)
            assert await at.text(uri, AT) == "return x"
            assert await at.text(uri, at.type(uri, AT, "y")) == "return x"
            paths = [one.path for one in other.requests]
            assert paths == ["/v1/completions", "/v1/chat/completions", "/v1/chat/completions"]

        write(tmp_path, [], scene, settings=QUICK + 'model = "ollama/llama3.2:3b"\n', environment={"OLLAMA_HOST": other.url})
