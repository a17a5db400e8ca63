"""Events as text for a person: streamed words, tool calls, diffs in colour, the tally. Owns what a terminal shows."""

import re
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from tallystick_agent.protocol.display import shown
from tallystick_agent.protocol.events import (
    AttemptFailed,
    CompactionItem,
    Event,
    FilesChanged,
    ItemDelta,
    ItemFinished,
    ItemStarted,
    MessageItem,
    Notice,
    PermissionRequested,
    PlanItem,
    QuestionAsked,
    ReasoningItem,
    RequestFinished,
    RequestPlanned,
    RequestStarted,
    SessionOpened,
    ToolCallItem,
    TurnFinished,
)
from tallystick_agent.protocol.operations import Decide, Decision
from tallystick_server.cli.keyboard import read_line
from tallystick_server.cli.tally import Tally
from tallystick_server.money import money

if TYPE_CHECKING:
    from rich.status import Status

OUTPUT_LINES = 6
DIFF_LINES = 120


class TextRenderer:
    def __init__(self, slug: str, reason: str, *, interactive: bool) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._interactive = interactive
        self._model = f"{slug} ({reason})"
        self._tally = Tally()
        self._status: Status | None = None
        self._asked = ""
        """The endpoint that was asked last; at first the one that the session names."""
        self._streaming = ""
        self._streamed: set[str] = set()
        self._kinds: dict[str, str] = {}

    def show(self, event: Event) -> None:
        match event.body:
            case SessionOpened() as body:
                self._asked = body.model
                self._line(f"{body.workspace}  ·  {self._model}  ·  session {event.session_id}", "dim")
            case RequestPlanned() as body:
                self._wait(f"asking, {body.input_tokens:,} tokens in")
            case RequestStarted() as body:
                if body.endpoint != self._asked:
                    self._line(f"asking {body.endpoint}{' instead' if body.attempt > 1 else ''}: {body.reason}", "dim")
                self._asked = body.endpoint
                if body.attempt > 1:
                    self._wait(f"asking again, attempt {body.attempt}")
            case AttemptFailed() as body:
                self._line(f"! {body.endpoint}: {_failure(body)}", "yellow")
            case RequestFinished() as body:
                self._stop()
                self._tally.add(body)
            case ItemStarted() as body:
                self._started(body)
            case ItemDelta() as body:
                self._delta(body)
            case ItemFinished() as body:
                self._finished(body)
            case FilesChanged() as body:
                for change in body.changes:
                    self._diff(change.diff)
            case Notice() as body:
                styles = {"error": "red", "warning": "yellow", "info": "dim"}
                self._line(f"{body.message} {body.remedy}".strip(), styles[body.level])
            case TurnFinished() as body:
                self._end(body, event.session_id)
            case _:
                pass

    async def ask_permission(self, body: PermissionRequested) -> Decide | None:
        self._stop()
        self._break()
        if not self._interactive:
            return None
        self._console.print(
            Text(f"? {body.tool}: {shown(body.title)}", style="bold yellow"), Text(f"  ({body.reason})", style="dim")
        )
        if body.tool != "run_command" or body.detail != body.title:
            self._diff(body.detail)
        decisions: dict[str, Decision] = {"y": "allow_once", "a": "allow_always", "n": "reject"}
        while True:
            self._console.print("  allow? [bold]y[/bold]es, [bold]n[/bold]o, [bold]a[/bold]lways in this session: ", end="")
            answer = await read_line()
            if answer is None:
                return None
            chosen = decisions.get(answer.strip().lower()[:1] or "n")
            if chosen is not None:
                return Decide(call_id=body.call_id, digest=body.digest, decision=chosen)
            self._console.print("  Answer y, n or a.")

    async def ask_question(self, body: QuestionAsked) -> str:
        self._stop()
        self._break()
        if not self._interactive:
            return ""
        for number, option in enumerate(body.options, 1):
            self._console.print(Text(f"  {number}. {shown(option)}"))
        self._console.print(Text(f"? {shown(body.question)} ", style="bold yellow"), end="")
        text = (await read_line() or "").strip()
        chosen = int(text) if text.isdigit() else 0
        return body.options[chosen - 1] if 0 < chosen <= len(body.options) else text

    def close(self) -> None:
        self._stop()
        self._break()

    def _started(self, body: ItemStarted) -> None:
        self._kinds[body.item_id] = body.item.kind
        match body.item:
            case ToolCallItem() as item if item.status == "running":
                self._break()
                self._stop()
                self._console.print(
                    Text.assemble(("● ", "cyan"), (shown(item.name) or "(no name)", "bold"), " ", (shown(_title(item)), ""))
                )
                if item.side_effect and item.name in ("run_command", "run_tests"):
                    self._wait("running")
            case _:
                pass

    def _delta(self, body: ItemDelta) -> None:
        kind = self._kinds.get(body.item_id)
        if kind not in ("message", "reasoning"):
            return
        self._stop()
        if self._streaming != body.item_id:
            self._break()
            self._streaming = body.item_id
        self._streamed.add(body.item_id)
        self._console.print(Text(shown(body.text), style="dim italic" if kind == "reasoning" else ""), end="")

    def _finished(self, body: ItemFinished) -> None:
        match body.item:
            case MessageItem() as item if item.origin == "engine":
                self._line(item.text, "yellow")
            case MessageItem() as item:
                if body.item_id not in self._streamed:
                    self._line(item.text, "")
                self._break()
            case ReasoningItem():
                self._break()
            case ToolCallItem() as item:
                self._stop()
                self._output(item)
            case PlanItem() as item:
                marks = {"done": "✓", "in_progress": "▸", "pending": "·"}
                for step in item.steps:
                    self._line(f"  {marks[step.status]} {step.text}", "dim" if step.status == "done" else "")
            case CompactionItem() as item:
                what = "brought back" if item.restores else "condensed"
                change = f"{item.tokens_before:,} → {item.tokens_after:,} tokens"
                self._line(f"Context {what}: {change} ({item.reason}).", "yellow")

    def _output(self, item: ToolCallItem) -> None:
        if item.status == "ok" and item.name not in ("run_command", "run_tests"):
            return
        style = "dim" if item.status == "ok" else "red"
        lines = [line for line in item.output.splitlines() if line.strip()]
        kept = (
            lines
            if len(lines) <= OUTPUT_LINES
            else [*lines[:1], f"… {len(lines) - OUTPUT_LINES} more lines", *lines[1 - OUTPUT_LINES :]]
        )
        for line in kept:
            self._console.print(Text(f"  {shown(line[:240])}", style=style))

    def _diff(self, diff: str) -> None:
        lines = diff.splitlines()
        for line in lines[:DIFF_LINES]:
            style = (
                "bold"
                if line.startswith(("+++", "---"))
                else "green"
                if line.startswith("+")
                else "red"
                if line.startswith("-")
                else "cyan"
                if line.startswith("@@")
                else ""
            )
            self._console.print(Text(f"  {shown(line)}", style=style))
        if len(lines) > DIFF_LINES:
            self._line(f"  … {len(lines) - DIFF_LINES} more lines of the diff", "dim")

    def _end(self, body: TurnFinished, session_id: str) -> None:
        self._stop()
        self._break()
        if body.stop != "end_turn":
            self._line(f"{_WORDS.get(body.stop, body.stop)}: {body.detail}".rstrip(": "), "bold red")
            if body.remedy:
                self._line(f"  {_remedy(body, session_id)}", "")
        self._console.print()
        self._tally.show(self._console)
        if body.cost.nanos is not None and body.requests:
            requests = "1 request" if body.requests == 1 else f"{body.requests} requests"
            total = f"{body.usage.total_tokens:,} tokens in {requests}, {money(body.cost.nanos)}"
            self._line(total, "bold")

    def _line(self, text: str, style: str) -> None:
        self._stop()
        self._break()
        self._console.print(Text(shown(text), style=style))

    def _break(self) -> None:
        if self._streaming:
            self._console.print()
            self._streaming = ""

    def _wait(self, text: str) -> None:
        if not self._console.is_terminal:
            return
        self._stop()
        self._break()
        self._status = self._console.status(Text(text, style="dim"), spinner="dots")
        self._status.start()

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def _failure(body: AttemptFailed) -> str:
    if not body.retry_in_s:
        return body.message
    return f"{body.message.rstrip().rstrip('.')}; again in {body.retry_in_s:.1f} s"


def _remedy(body: TurnFinished, session_id: str) -> str:
    """What to do, with the command where a limit is to be raised."""
    option = re.match(r"Raise (--[a-z-]+), .*then resume the session\.$", body.remedy)
    return f"To go on with more: tallystick resume {session_id} {option[1]} …" if option else body.remedy


def _title(item: ToolCallItem) -> str:
    """The title without the tool's own name, which stands before it."""
    verb = {
        "read_file": "read ",
        "list_files": "list ",
        "search": "search ",
        "edit": "edit ",
        "write_file": "write ",
        "apply": "write ",
        "define": "define in ",
    }.get(item.name, "")
    return item.title.removeprefix(verb) if item.title != item.name else ""


_WORDS = {
    "cancelled": "Stopped",
    "permission_denied": "Permission needed",
    "budget_exhausted": "Limit reached",
    "provider_failed": "The provider failed",
    "context_cannot_fit": "Too long for the model",
    "gave_up": "Not finished",
    "max_tokens": "Cut off",
    "refusal": "Refused",
    "internal_error": "Error",
}
