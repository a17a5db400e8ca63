"""Chat documents at work: sends a prompt, shows the turn in the document and in a progress, stops it. Owns a chat's session.

A session lives from the first prompt until its document is closed (or its turn has ended, where that is later); its id in
the document's first line takes it up again.
"""

import asyncio
import contextlib
from dataclasses import dataclass, replace

from lsprotocol import types

from tallystick_agent.ports import FileWrite
from tallystick_agent.protocol.errors import SessionError, TallystickError
from tallystick_agent.protocol.events import (
    EventBody,
    PermissionDecided,
    PermissionRequested,
    QuestionAsked,
    TurnFinished,
)
from tallystick_agent.protocol.operations import Cancel, Continue, Operation, Prompt
from tallystick_agent.protocol.usage import Budget
from tallystick_server.lsp.chat_answer import Answer, render, reply, step
from tallystick_server.lsp.chat_document import asking, parse, with_problem, with_session
from tallystick_server.lsp.chat_progress import Tally, near_limit, words
from tallystick_server.lsp.chat_progress import step as tally_step
from tallystick_server.lsp.chat_writer import ChatWriter, revise
from tallystick_server.lsp.documents import OpenDocuments, real_path
from tallystick_server.lsp.editor import Editor, Progress
from tallystick_server.lsp.host_commands import Place, Said, run
from tallystick_server.lsp.permissions import (
    Questions,
    model_answer,
    model_question,
    permission_answer,
    permission_question,
)
from tallystick_server.lsp.sessions import OpenSession, Sessions
from tallystick_server.lsp.slash_commands import called, mistyped


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all chats share."""

    editor: Editor
    documents: OpenDocuments
    sessions: Sessions
    questions: Questions


class Chat:
    """One chat document."""

    def __init__(self, uri: str, desk: Desk) -> None:
        self._uri = uri
        self._desk = desk
        self._opened: OpenSession | None = None
        self._turn: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._progress: Progress | None = None
        self._stopping = False
        self._limits = Budget()
        """What `/budget` set for this chat."""
        self._asking: dict[str, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        return self._turn is not None and not self._turn.done()

    def shows(self, token: str | int) -> bool:
        """Whether a work-done progress is that of this chat's turn."""
        return self._progress is not None and self._progress.token == token

    def start(self) -> "asyncio.Task[None] | None":
        """Begins a turn with what the document asks; `None`, and a word to the user, where it asks nothing."""
        document = self._desk.documents.get(self._uri)
        prompt = parse(document.plain).prompt if document is not None else ""
        if self.busy:
            self._desk.editor.say("A turn is running in this chat. Stop it first, or wait for it.")
            return None
        if not prompt:
            self._desk.editor.say("There is no prompt to send. Write it under the last `## You` heading.")
            return None
        if word := mistyped(prompt):
            self._desk.editor.say(f"There is no command {word}. `/help` shows those there are.")
            return None
        self._stopping = False
        self._turn = self._desk.editor.spawn(self._run(prompt, self._closing))
        self._desk.editor.refresh_lenses()
        return self._turn

    async def command(self, text: str) -> "asyncio.Task[None] | None":
        """Does what the person would by writing a command under the last heading and sending it; `None` where that cannot be."""
        document = self._desk.documents.get(self._uri)
        if document is None or self.busy:
            self._desk.editor.say("A turn is running in this chat. Stop it first, or wait for it.")
        elif parse(document.plain).prompt:
            self._desk.editor.say(f"Something is written under the last heading. Send it or take it away, or write {text} there.")
        elif await revise(self._uri, self._desk.editor, self._desk.documents, lambda now: asking(now, text)):
            return self.start()
        return None

    def stop(self) -> None:
        """Ends the running turn; the document then says so."""
        if self.busy and not self._stopping:
            self._stopping = True
            if self._opened is not None:
                self._desk.editor.spawn(self._opened.session.submit(Cancel()))

    def release(self) -> None:
        """The document was closed: the session is freed, so that another process may take it up."""
        if self._closing is None or self._closing.done():
            self._closing = self._desk.editor.spawn(self._close())

    async def _close(self) -> None:
        """A turn that runs is waited for, so that its log and its document are whole."""
        if self._turn is not None:
            await asyncio.wait({self._turn})
        if self._desk.documents.get(self._uri) is not None:
            return
        await self._free()

    async def _run(self, prompt: str, closing: "asyncio.Task[None] | None") -> None:
        """`closing` is a release that began before this turn; a later one waits for the turn, so it must not be waited for."""
        editor = self._desk.editor
        progress = editor.progress("Tallystick", self.stop)
        self._progress = progress
        outcome = "done"
        try:
            progress.report("starting")
            if closing is not None:
                await asyncio.wait({closing})
            operation = await self._operation(prompt)
            if isinstance(operation, Said):
                self._limits = operation.limits or self._limits
                await self._say(operation.text)
            else:
                outcome = await self._converse(await self._session(), operation, progress)
        except TallystickError as error:
            outcome = "not sent"
            editor.say_error(error)
            problem = error
            await revise(self._uri, editor, self._desk.documents, lambda text: with_problem(text, problem))
        finally:
            for task in self._asking.values():
                task.cancel()
            self._asking.clear()
            progress.end(outcome)
            self._progress = None
            self._turn = None
            editor.refresh_lenses()

    async def _operation(self, prompt: str) -> "Operation | Said":
        """What a prompt asks of the session, or what this host says to it itself. Raises `TallystickError`."""
        if prompt.strip() == "/retry":
            return await self._again()
        command = called(prompt)
        if command is None or command.command.by == "engine":
            return Prompt(text=prompt)
        path = real_path(self._uri)
        place = Place(path=path, named=self._named(), limits=self._limits, open=self._session)
        return await run(command, place, self._desk.sessions)

    async def _again(self) -> "Operation | Said":
        """The last turn once more: it goes on where it was cut short, else its prompt is asked again."""
        from tallystick_server.session_view import session_facts

        named = self._named()
        if named is None:
            return Said(text="Nothing was sent yet in this chat.")
        facts = await asyncio.to_thread(session_facts, await self._desk.sessions.application(), named)
        cut = facts.last_stop not in ("end_turn", "refusal") and not facts.last_prompt.startswith("/")
        return Continue() if cut else Prompt(text=facts.last_prompt) if facts.last_prompt else Said(text="Nothing was sent yet.")

    def _named(self) -> str | None:
        document = self._desk.documents.get(self._uri)
        return parse(document.plain).session_id if document is not None else None

    async def _say(self, text: str) -> None:
        """An answer of this host's own."""
        writer = ChatWriter(self._uri, self._desk.editor, self._desk.documents)
        writer.show(reply(text))
        await writer.finish()

    async def _session(self) -> OpenSession:
        """The session that the document names. Without its first line, or with another one, it is another session."""
        named = self._named()
        if self._opened is not None and self._opened.session.session_id == named:
            return self._opened
        await self._free()
        root = self._desk.sessions.root_for(real_path(self._uri))
        try:
            self._opened = await self._desk.sessions.open(root, resume=named)
        except SessionError as error:
            if error.code != "session_missing":
                raise
            self._desk.editor.say(f"The session {named} of this chat is not on this machine. A new one was begun.")
            self._opened = await self._desk.sessions.open(root)
        session_id = self._opened.session.session_id
        await revise(self._uri, self._desk.editor, self._desk.documents, lambda text: with_session(text, session_id))
        return self._opened

    async def _free(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await self._desk.sessions.close(opened.session.session_id)

    async def _converse(self, opened: OpenSession, operation: Operation, progress: Progress) -> str:
        """One turn from its prompt to its last line in the document. Gives the stop reason."""
        writer = ChatWriter(self._uri, self._desk.editor, self._desk.documents)
        answer, tally, warned = Answer(), Tally(), False
        writer.show(render(answer))
        if isinstance(operation, Prompt):
            operation = replace(operation, context=self._context(opened))
        await opened.session.submit(operation)
        # The turn's own task takes its first step before a stop may reach it, or nothing would be left to log its end.
        await asyncio.sleep(0)
        if self._stopping:
            await opened.session.submit(Cancel())
        async for event in opened.events:
            answer = step(answer, event.body)
            writer.show(render(answer))
            tally = tally_step(tally, event.body)
            progress.report(words(tally))
            if (warning := near_limit(tally)) and not warned:
                warned = True
                self._desk.editor.say(f"Tallystick: {warning}", types.MessageType.Warning)
            self._question(opened, event.body)
            if isinstance(event.body, TurnFinished):
                break
        else:
            self._opened = None
        if left := await writer.finish():
            await self._save(opened, writer, left)
        return "done" if answer.ended is None or answer.ended.stop == "end_turn" else answer.ended.stop.replace("_", " ")

    def _context(self, opened: OpenSession) -> str:
        """What the model should know of the editor, besides the prompt."""
        unsaved = opened.workspace.open_paths()
        if not unsaved:
            return ""
        names = ", ".join(unsaved)
        return (
            f"Open in the editor with unsaved changes: {names}. Reading and editing use that text; commands see the saved files."
        )

    def _question(self, opened: OpenSession, body: EventBody) -> None:
        """Puts a question to the person, or takes it back when it was settled otherwise."""
        match body:
            case PermissionRequested() | QuestionAsked() if body.call_id not in self._asking:
                self._asking[body.call_id] = self._desk.editor.spawn(self._ask(opened, body))
            case PermissionDecided():
                if (task := self._asking.pop(body.call_id, None)) is not None:
                    task.cancel()
            case _:
                pass

    async def _ask(self, opened: OpenSession, body: PermissionRequested | QuestionAsked) -> None:
        session = opened.session
        if isinstance(body, PermissionRequested):
            value = await self._desk.questions.ask(permission_question(session.session_id, self._uri, body))
            await session.submit(permission_answer(body, value))
        else:
            value = await self._desk.questions.ask(model_question(session.session_id, self._uri, body))
            await session.submit(model_answer(body, value))

    async def _save(self, opened: OpenSession, writer: ChatWriter, answer: str) -> None:
        """The chat was closed while the answer came: it goes to the file, where the user will look for it."""
        path = real_path(self._uri)
        if path is None or self._desk.documents.get(self._uri) is not None:
            return
        with contextlib.suppress(TallystickError, ValueError):
            relative = path.relative_to(opened.workspace.root).as_posix()
            file = await opened.workspace.read(relative)
            text = writer.rest(file.text)
            write = FileWrite(path=relative, text=text, base_digest=file.digest, newline=file.newline, bom=file.bom)
            await opened.workspace.write((write,))


class Chats:
    """All chat documents of the editor, by URI."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._chats: dict[str, Chat] = {}

    def get(self, uri: str) -> Chat:
        if uri not in self._chats:
            self._chats[uri] = Chat(uri, self._desk)
        return self._chats[uri]

    def busy(self, uri: str) -> bool:
        return uri in self._chats and self._chats[uri].busy

    def cancelled(self, token: str | int) -> None:
        """The user cancelled a work-done progress."""
        for chat in self._chats.values():
            if chat.shows(token):
                chat.stop()

    def closed(self, uri: str) -> None:
        """The document was closed in the editor."""
        if uri in self._chats:
            self._chats[uri].release()
