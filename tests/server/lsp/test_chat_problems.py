"""A chat that was edited into nonsense: each case is marked where it is, and sending still works on what is there."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.lsp.test_chat_turn import Desk, play
from tests.support.scripted_provider import ScriptedProvider

from tallystick_server.lsp.chat_document import parse
from tallystick_server.lsp.chat_problems import problems

SESSION = "<!-- tallystick session: s-1 -->"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("just words", []),
        (f"{SESSION}\n## You\n\nhi\n\n## Tallystick\n\nhello\n\n## You\n\n", []),
        (f"\n{SESSION}\n## You\n", [1]),
        ("<!-- tallystick session s-1 -->\n## You\n", [0]),
        (f"{SESSION}\n{SESSION}\n## You\n", [1]),
        ("## You\n\nhi\n\n### you\n\nagain\n", [4]),
        ("##You\n", [0]),
        ("## You\n\n```\n## Tallystick\ncode", [2]),
        ("```md\n## you\n```\n", []),
        ("## You\n\n/nosuch", [2]),
    ],
)
def test_where_a_chat_is_marked(text: str, lines: list[int]) -> None:
    assert [mark.line for mark in problems(text)] == lines


@given(st.text(alphabet=st.sampled_from("#`~ Youtalsick\n<!-/:"), max_size=200))
def test_any_text_is_read(text: str) -> None:
    count = text.count("\n") + 1
    assert all(0 <= mark.line < count for mark in problems(text))
    assert 0 <= parse(text).line < count


def test_nonsense_is_marked_and_still_sent(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.client.open(at.chat, "# you\n\n<!-- tallystick session: ../../etc -->\n## Tallystick\n## You\nhi")
        await at.client.until(lambda: at.client.all("textDocument/publishDiagnostics"))
        marks = at.client.all("textDocument/publishDiagnostics")[-1]["diagnostics"]
        assert [one["range"]["start"]["line"] for one in marks] == [0, 2]
        await at.send()
        assert "Hello." in at.said
        assert "../../etc" in at.said, "nothing of the person's is taken away"
        assert str(provider.requests[0].body["messages"][-1]).rstrip("}'\"]").endswith("hi")

    play(tmp_path, ["Hello."], scene)
