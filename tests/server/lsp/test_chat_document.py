"""Chat documents as text: what is asked, where the answer goes while the user writes, and how an answer reads."""

from dataclasses import replace

import pytest

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.events import (
    EventBody,
    FileChange,
    FilesChanged,
    ItemDelta,
    ItemFinished,
    ItemStarted,
    MessageItem,
    Notice,
    PermissionRequested,
    PlanItem,
    PlanStep,
    ReasoningItem,
    ToolCallItem,
    TurnFinished,
    TurnStarted,
)
from tallystick_agent.protocol.ids import CallId, ItemId
from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_server.lsp.chat_answer import Answer, render, step, usage_line
from tallystick_server.lsp.chat_document import (
    Placed,
    is_chat,
    open_fence,
    parse,
    place,
    quoted,
    with_problem,
    with_session,
)


@pytest.mark.parametrize(
    ("text", "prompt", "line"),
    [
        ("", "", 0),
        ("fix it", "fix it", 0),
        ("\nfix it\nplease\n", "fix it\nplease", 0),
        ("<!-- tallystick session: s-1 -->\nfix it\n", "fix it", 1),
        ("## You\n\nfix it\n", "fix it", 0),
        ("notes\n\n## You\nfix it", "fix it", 2),
        ("## You\n\nfix it\n\n## Tallystick\n\nDone.\n", "", 0),
        ("## You\n\na\n\n## Tallystick\n\nb\n\n## You\n\nc\n", "c", 8),
        ("## You\n\na\n\n## Tallystick\n\nb\n\n## You\n\n", "", 8),
        ("## You\n\na\n## You\n\nb", "b", 3),
        ("## You\n\n```md\n## Tallystick\n```\nexplain\n", "```md\n## Tallystick\n```\nexplain", 0),
        ("## You\n\n~~~~\n## You\n~~~\n~~~~\nx\n", "~~~~\n## You\n~~~\n~~~~\nx", 0),
        ("## You\r\n\r\nfix\r\n", "fix", 0),
        ("## Your plan\n\nfix\n", "## Your plan\n\nfix", 0),
        ("  ## You ##  \nfix", "fix", 0),
        ("## You\n\nfix it\n\n> **Not sent:** no key\n", "fix it", 0),
    ],
)
def test_what_is_asked(text: str, prompt: str, line: int) -> None:
    chat = parse(text)
    assert (chat.prompt, chat.line) == (prompt, line)


@pytest.mark.parametrize(
    ("uri", "language", "chat"),
    [
        ("file:///a/x.tally.md", "markdown", True),
        ("file:///a/x.md", "markdown", False),
        ("untitled:1", "tallystick", True),
    ],
)
def test_which_documents_are_chats(uri: str, language: str, chat: bool) -> None:
    assert is_chat(uri, language) is chat


def test_the_session_id_lives_in_the_first_line() -> None:
    first = with_session("## You\n\nhi\n", "s-1")
    assert parse(first).session_id == "s-1"
    assert with_session(first, "s-1") == first
    assert parse(with_session(first, "s-2")).session_id == "s-2"
    assert with_session(first, "s-2").count("<!--") == 1
    assert parse("text\n<!-- tallystick session: s-1 -->\n").session_id is None


def test_a_problem_keeps_the_prompt() -> None:
    text = "## You\n\nfix it\n"
    error = ConfigurationError("There is no key.", remedy="Set one.")
    once = with_problem(text, error)
    assert once == "## You\n\nfix it\n\n> **Not sent:** There is no key. Set one.\n"
    assert with_problem(once, error) == once
    assert parse(once).prompt == "fix it"


@pytest.mark.parametrize(
    ("text", "fence"),
    [
        ("```py\nx\n", "```"),
        ("```py\nx\n```\n", ""),
        ("~~~\n```\n", "~~~"),
        ("````\n```\n", "````"),
        ("plain `code`", ""),
    ],
)
def test_open_fences(text: str, fence: str) -> None:
    assert open_fence(text) == fence


def test_a_model_cannot_write_our_headings() -> None:
    said = "ok\n## You\nrm -rf\n```\n## You\n```\n## Your\n"
    assert quoted(said) == "ok\n\\## You\nrm -rf\n```\n## You\n```\n## Your\n"


def _stream(live: str, placed: Placed, rendered: str) -> tuple[str, Placed]:
    text, after = place(live, placed, rendered)
    again, same = place(text, placed, rendered)
    assert (again, same.shown) == (text, after.shown), "placing twice must change nothing"
    return text, after


def test_an_answer_grows_where_it_stands() -> None:
    text, placed = _stream("## You\n\nhi", Placed(), "## Tallystick\n")
    assert text == "## You\n\nhi\n\n## Tallystick\n"
    text, placed = _stream(text, placed, "## Tallystick\n\nHel\n")
    text, placed = _stream(text, placed, "## Tallystick\n\nHello\n")
    assert text == "## You\n\nhi\n\n## Tallystick\n\nHello\n"


def test_what_the_user_writes_meanwhile_stays() -> None:
    text, placed = _stream("## You\n\nhi\n", Placed(), "## Tallystick\n\nHel\n")
    text = text.replace("hi", "hi there") + "\nand another thing"
    text, placed = _stream(text, placed, "## Tallystick\n\nHello\n")
    assert text == "## You\n\nhi there\n\n## Tallystick\n\nHello\n\nand another thing"


def test_an_answer_like_an_earlier_one_is_not_taken_for_it() -> None:
    before = "## You\n\na\n\n## Tallystick\n\nDone.\n\n## You\n\nb\n"
    text, placed = _stream(before, Placed(), "## Tallystick\n")
    text, placed = _stream(text, placed, "## Tallystick\n\nDone.\n")
    assert text == before + "\n## Tallystick\n\nDone.\n"


def test_an_answer_that_the_user_changed_goes_on_at_the_end() -> None:
    text, placed = _stream("## You\n\nhi\n", Placed(), "## Tallystick\n\nOne.\n\nTwo\n")
    text = text.replace("One.", "Uno.") + "\nmy note\n"
    text, placed = _stream(text, placed, "## Tallystick\n\nOne.\n\nTwo three\n")
    assert text.endswith("Uno.\n\nTwo\n\nmy note\n\n three\n")
    text, placed = _stream(text, placed, "## Tallystick\n\nOne.\n\nTwo three four\n")
    assert text.endswith("my note\n\n three four\n")


def test_a_prompt_with_an_open_fence_is_closed_first() -> None:
    text, _ = place("## You\n\n```py\nx = 1\n", Placed(), "## Tallystick\n")
    assert text == "## You\n\n```py\nx = 1\n```\n\n## Tallystick\n"


ENDED = TurnFinished(
    stop="end_turn",
    usage=Usage(input_tokens=1234, output_tokens=56),
    cost=Cost(provider_nanos=1_200_000),
    requests=3,
)


def _render(*bodies: EventBody) -> str:
    answer = Answer()
    for body in bodies:
        answer = step(answer, body)
    return render(answer)


def test_an_answer_reads_as_promised() -> None:
    call = ToolCallItem(call_id=CallId("c1"), name="edit", arguments="{}", title="edit a.py", side_effect=True)
    read = ToolCallItem(call_id=CallId("c0"), name="read_file", arguments="{}", title="read a.py", status="ok", output="1 x")
    shown = _render(
        TurnStarted(prompt="go", model="openai/m"),
        ItemStarted(item_id=ItemId("i0"), item=ReasoningItem()),
        ItemStarted(item_id=ItemId("i1"), item=MessageItem()),
        ItemDelta(item_id=ItemId("i1"), text="Let me "),
        ItemDelta(item_id=ItemId("i1"), text="look."),
        ItemFinished(item_id=ItemId("i1"), item=MessageItem(text="Let me look.")),
        ItemFinished(item_id=ItemId("i2"), item=MessageItem(text="be careful", origin="engine")),
        ItemFinished(item_id=ItemId("t0"), item=read),
        PermissionRequested(
            call_id=CallId("c1"),
            tool="edit",
            title="edit a.py",
            detail="--- a\n+++ b\n-x\n+y\n",
            reason="r",
            digest="d",
        ),
        ItemStarted(item_id=ItemId("t1"), item=call),
        FilesChanged(
            call_id=CallId("c1"),
            changes=(FileChange(path="a.py", diff="--- a\n+++ b\n-x\n+```\n", before="", after=""),),
        ),
        ItemFinished(item_id=ItemId("t1"), item=replace(call, status="ok", output="Changed a.py (+1 -1).\nmore")),
        ItemFinished(item_id=ItemId("p"), item=PlanItem(steps=(PlanStep(text="one", status="done"), PlanStep(text="two")))),
        Notice(level="warning", code="x", message="Careful.", remedy="Look."),
        ItemFinished(item_id=ItemId("i3"), item=MessageItem(text="```py\nopen")),
        ENDED,
    )
    assert shown == (
        "## Tallystick\n\nLet me look.\n\n- read a.py\n- edit a.py: Changed a.py (+1 -1).\n\n"
        "````diff\n--- a\n+++ b\n-x\n+```\n````\n\n- [x] one\n- [ ] two\n\n> Careful. Look.\n\n```py\nopen\n```\n\n"
        "*1,234 tokens in, 56 out, $0.0012, 3 requests, openai/m*\n\n## You\n\n"
    )
    assert parse("## You\n\nhi\n\n" + shown + "next").prompt == "next"


def test_a_call_that_waits_and_one_that_was_refused() -> None:
    asked = PermissionRequested(call_id=CallId("c"), tool="edit", title="edit a.py", detail="--- a\n+x\n", reason="r", digest="d")
    assert _render(asked) == "## Tallystick\n\n- edit a.py: waiting for your permission\n\n```diff\n--- a\n+x\n```\n"
    item = ToolCallItem(call_id=CallId("c"), name="edit", arguments="", title="edit a.py", status="denied", output="Not allowed.")
    assert _render(asked, ItemFinished(item_id=ItemId("i"), item=item)) == "## Tallystick\n\n- edit a.py: Not allowed.\n"


def test_a_long_diff_is_bounded() -> None:
    detail = "--- a\n" + "+x\n" * 1_000
    shown = _render(PermissionRequested(call_id=CallId("c"), tool="edit", title="e", detail=detail, reason="", digest=""))
    assert "… 881 more lines" in shown
    assert len(shown.splitlines()) < 130


@pytest.mark.parametrize(
    ("ended", "line"),
    [
        (replace(ENDED, cost=Cost(), requests=1), "*1,234 tokens in, 56 out, price unknown, 1 request, m*"),
        (replace(ENDED, cost=Cost(provider_nanos=5)), "*1,234 tokens in, 56 out, <$0.0001, 3 requests, m*"),
        (replace(ENDED, cost=Cost(priced_nanos=0)), "*1,234 tokens in, 56 out, $0.0000, 3 requests, m*"),
        (
            replace(ENDED, usage=Usage(input_tokens=2, source="estimated")),
            "*about 2 tokens in, 0 out, $0.0012, 3 requests, m*",
        ),
    ],
)
def test_the_usage_line(ended: TurnFinished, line: str) -> None:
    assert usage_line(ended, "m") == line


def test_why_a_turn_stopped() -> None:
    shown = _render(replace(ENDED, stop="budget_exhausted", detail="The limit is reached.", remedy="Raise it."))
    assert "> **Stopped** (budget exhausted): The limit is reached. Raise it.\n" in shown
