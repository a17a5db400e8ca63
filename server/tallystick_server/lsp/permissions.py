"""Questions to the person: permissions and the model's own. Owns what is open, how it is asked, and who may answer.

A question is shown by `window/showMessageRequest`. Some editors have none (Kate answers MethodNotFound), so every open
question is also a pair of code actions in any document, and where the message failed a mark in the chat says so. No answer
means no: the engine ends the wait.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from pygls.exceptions import JsonRpcException

from tallystick_agent.protocol.display import shown
from tallystick_agent.protocol.events import PermissionRequested, QuestionAsked
from tallystick_agent.protocol.operations import Answer, Decide, Decision, Operation
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.marks import Mark, Marks

MOST_DETAIL_CHARS = 1_500
MOST_DETAIL_LINES = 30
_DECISIONS: tuple[tuple[str, str, Decision], ...] = (
    ("Allow once", "Approve", "allow_once"),
    ("Allow for this session", "Approve for this session", "allow_always"),
    ("Reject", "Reject", "reject"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    label: str
    """On the button of the message."""
    action: str
    """The title of the code action."""
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    key: str
    title: str
    message: str
    choices: tuple[Choice, ...]
    closed: str
    """The value of a message that was closed without a choice."""
    uri: str
    """The chat document that it belongs to."""
    whole: str = ""
    """The text that the message shows only in part; empty where it shows all."""


def permission_question(session_id: str, uri: str, request: PermissionRequested) -> Question:
    title = shown(" ".join(request.title.split()))
    choices = tuple(Choice(label=label, action=f"{verb}: {title}", value=value) for label, verb, value in _DECISIONS)
    message = f"Tallystick wants to {title} ({request.reason}).\n\n{shown(_bounded(request.detail))}".strip()
    detail = request.detail.strip("\n")
    return Question(
        key=f"{session_id}/{request.call_id}",
        title=title,
        message=message,
        choices=choices,
        closed="reject",
        uri=uri,
        whole=shown(detail) if _bounded(detail) != detail else "",
    )


def permission_answer(request: PermissionRequested, value: str) -> Operation:
    decision: Decision = "allow_once" if value == "allow_once" else "allow_always" if value == "allow_always" else "reject"
    return Decide(call_id=request.call_id, digest=request.digest, decision=decision)


def model_question(session_id: str, uri: str, asked: QuestionAsked) -> Question:
    title = shown(" ".join(asked.question.split()))
    choices = tuple(Choice(label=_short(option), action=f"Answer: {_short(option)}", value=option) for option in asked.options)
    return Question(
        key=f"{session_id}/{asked.call_id}",
        title=title,
        message=_bounded(asked.question),
        choices=choices,
        closed="",
        uri=uri,
    )


def model_answer(asked: QuestionAsked, value: str) -> Operation:
    return Answer(call_id=asked.call_id, text=value)


class Questions:
    def __init__(self, editor: Editor, documents: OpenDocuments, marks: Marks, changed: Callable[[], None]) -> None:
        self._editor = editor
        self._documents = documents
        self._marks = marks
        self._changed = changed
        self._open: dict[str, tuple[Question, asyncio.Future[str]]] = {}
        self._unasked: set[str] = set()
        """Open questions that the editor could not show."""

    def open(self) -> tuple[Question, ...]:
        return tuple(question for question, _ in self._open.values())

    def decide(self, key: str, value: str) -> bool:
        """An answer from a code action. False when the question is open no more, or has no such answer.

        `key` may be the bare call id where only one open question has it.
        """
        keys = [key] if key in self._open else [one for one in self._open if one.rpartition("/")[2] == key]
        if len(keys) != 1:
            return False
        question, answer = self._open[keys[0]]
        if value not in {choice.value for choice in question.choices} or answer.done():
            return False
        answer.set_result(value)
        return True

    async def ask(self, question: Question) -> str:
        """Waits for the answer; cancel it when the engine needs none any more. A question that is open is not asked again."""
        known = self._open.get(question.key)
        if known is not None:
            return await asyncio.shield(known[1])
        if not question.choices:
            return ""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._open[question.key] = (question, answer)
        self._changed()
        shown = self._editor.spawn(self._show(question, answer))
        try:
            return await answer
        finally:
            shown.cancel()
            del self._open[question.key]
            self._mark(question.uri)
            self._changed()

    async def _show(self, question: Question, answer: "asyncio.Future[str]") -> None:
        try:
            label = await self._editor.choose(question.message, [choice.label for choice in question.choices])
        except JsonRpcException:
            self._unasked.add(question.key)
            self._mark(question.uri)
            return
        if not answer.done():
            answer.set_result(next((choice.value for choice in question.choices if choice.label == label), question.closed))

    def _mark(self, uri: str) -> None:
        """Says in the chat what waits there for a code action, and takes the words away when nothing does."""
        self._unasked &= self._open.keys()
        waiting = [question.title for question, _ in self._open.values() if question.key in self._unasked and question.uri == uri]
        document = self._documents.get(uri)
        message = f"Tallystick waits for your word: {'; '.join(waiting)}. Use the code actions here."
        line = max(0, document.plain.count("\n") - 1) if document else 0
        self._marks.put(uri, "questions", [Mark(line=line, message=message)] if waiting else [])


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 80 else flat[:79] + "…"


def _bounded(text: str) -> str:
    lines = text.strip("\n")[:MOST_DETAIL_CHARS].split("\n")
    kept = "\n".join(lines[:MOST_DETAIL_LINES])
    return kept if kept == text.strip("\n") else f"{kept}\n… (the chat document shows more)"
