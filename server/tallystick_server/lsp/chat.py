"""Chat documents at work: sends a prompt, shows the turn in the document and in a progress, stops it. Owns a chat's session.

A session lives from the first prompt until its document is closed (or its turn has ended, where that is later); its id in
the document's first line takes it up again.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

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
from tallystick_agent.protocol.operations import Cancel, Continue, Operation, Prompt, SetBudget, SetModel
from tallystick_agent.protocol.usage import Budget
from tallystick_server.lsp.chat_answer import Answer, render, reply, step
from tallystick_server.lsp.chat_document import SUFFIX, asking, is_chat, parse, with_problem, with_session
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

_log = logging.getLogger(__name__)
DRAIN_S = 10.0
"""Seconds for a turn that is stopped to end."""


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
        self._stopping = False
        self._limits = Budget()
        """What `/budget` set for this chat."""
        self._model: str | None = None
        """What `/model` named for this chat."""
        self.root: Path | None = None
        """The folder that this chat was made for; `None` takes that of its file."""
        self._asking: dict[str, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        return self._turn is not None and not self._turn.done()

    def start(self) -> "asyncio.Task[None] | None":
        """Begins a turn with what the document asks; `None`, and a word to the user, where it asks nothing."""
        document = self._desk.documents.get(self._uri)
        if document is not None and not is_chat(document.uri, document.language):
            self._desk.editor.say(f"This is no chat. A chat is a document whose name ends in {SUFFIX}.")
            return None
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
            now = self._desk.documents.get(self._uri)
            if now is not None and parse(now.plain).prompt == text:
                return self.start()
            # Something was typed in the same moment: that is not ours to send.
            self._desk.editor.say(f"Nothing was sent. Write {text} under the last heading to do it.")
        return None

    def named(self, uri: str) -> "Chat":
        """The same chat under another name."""
        self._uri = uri
        return self

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
        outcome = "done"
        try:
            progress.report("starting")
            if closing is not None:
                await asyncio.wait({closing})
            operation = await self._operation(prompt)
            if isinstance(operation, Said):
                await self._take(operation)
                await self._say(operation.text)
            else:
                outcome = await self._converse(await self._session(), operation, progress)
        except Exception as bug:
            outcome = "not sent"
            error = bug if isinstance(bug, TallystickError) else _bug(bug)
            editor.say_error(error)
            problem = error
            await revise(self._uri, editor, self._desk.documents, lambda text: with_problem(text, problem))
        finally:
            for task in self._asking.values():
                task.cancel()
            self._asking.clear()
            progress.end(outcome)
            self._turn = None
            editor.refresh_lenses()

    async def _operation(self, prompt: str) -> "Operation | Said":
        """What a prompt asks of the session, or what this host says to it itself. Raises `TallystickError`."""
        command = called(prompt)
        if command is None:
            return Prompt(text=prompt)
        if command.rest and not command.command.takes:
            return Said(text=f"`/{command.command.name}` takes no words.")
        if command.command.name == "retry":
            return await self._again()
        if command.command.by == "engine":
            return Prompt(text=f"/{command.command.name} {command.rest}".strip())
        named = self._named()
        if named is not None and await self._folder(named) is None:
            named = None
        model = self._model or await self._last_model(named)
        place = Place(path=real_path(self._uri), named=named, model=model, limits=self._limits, open=self._session)
        return await run(command, place, self._desk.sessions)

    async def _take(self, said: Said) -> None:
        """What a command set, for the session that is open and for those that this chat opens later."""
        if said.limits is not None:
            self._limits = said.limits
            if self._opened is not None:
                await self._opened.session.submit(SetBudget(budget=said.limits))
        if said.model is not None:
            self._model = said.model
            if self._opened is not None:
                await self._opened.session.submit(SetModel(slug=said.model))

    async def _last_model(self, named: str | None) -> str | None:
        from tallystick_server.session_view import session_facts

        if named is None:
            return None
        try:
            return (await asyncio.to_thread(session_facts, await self._desk.sessions.application(), named)).model or None
        except SessionError:
            return None

    async def _folder(self, named: str) -> Path | None:
        """The folder of the session that the document names, where it is this chat's to go on with."""
        try:
            return await self._desk.sessions.belongs(named, self._place())
        except SessionError:
            return None

    def _place(self) -> Path:
        return self.root or self._desk.sessions.root_for(real_path(self._uri))

    async def _again(self) -> "Operation | Said":
        """The last turn once more: it goes on where it was cut short, else its prompt is asked again."""
        from tallystick_server.session_view import session_facts

        named = self._named()
        if named is None:
            return Said(text="Nothing was sent yet in this chat.")
        if await self._folder(named) is None:
            return Said(text="The session of this chat is not here, or belongs to another folder.")
        facts = await asyncio.to_thread(session_facts, await self._desk.sessions.application(), named)
        cut = facts.last_stop not in ("end_turn", "refusal") and not facts.last_prompt.startswith("/")
        if not facts.last_prompt:
            return Said(text="Nothing was sent yet in this chat.")
        # A prompt that could only read or answer is asked so again.
        mode = facts.mode if facts.mode != "act" else None
        return Continue() if cut else Prompt(text=facts.last_prompt, mode=mode, purpose=facts.purpose)

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
        root = self._place()
        try:
            if named is not None:
                root = await self._owned(named, root)
            self._opened = await self._desk.sessions.open(root, model=self._model, resume=named)
        except SessionError as error:
            if error.code != "session_missing":
                raise
            self._desk.editor.say(f"The session {named} of this chat is not on this machine. A new one was begun.")
            self._opened = await self._desk.sessions.open(root, model=self._model)
        session_id = self._opened.session.session_id
        if self._limits != Budget():
            await self._opened.session.submit(SetBudget(budget=self._limits))
        await revise(self._uri, self._desk.editor, self._desk.documents, lambda text: with_session(text, session_id))
        return self._opened

    async def _owned(self, named: str, root: Path) -> Path:
        """The folder of that session. Raises `SessionError` where it is not this chat's."""
        folder = await self._desk.sessions.belongs(named, root)
        if folder is None:
            raise SessionError(
                f"The session {named} belongs to another folder.",
                code="path_refused",
                remedy="Open that folder in the editor, or delete the first line to begin anew.",
            )
        if self._limits == Budget():
            from tallystick_server.session_view import session_facts

            # Limits outlive the server: they are those of the session's last turn.
            self._limits = (await asyncio.to_thread(session_facts, await self._desk.sessions.application(), named)).limits
        return folder

    async def _free(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await self._desk.sessions.close(opened.session.session_id)

    async def _converse(self, opened: OpenSession, operation: Operation, progress: Progress) -> str:
        """One turn from its prompt to its last line in the document. Gives the stop reason."""
        writer = ChatWriter(self._uri, self._desk.editor, self._desk.documents)
        answer = Answer()
        writer.show(render(answer))
        if isinstance(operation, Prompt):
            operation = replace(operation, context=self._context(opened))
        await opened.session.submit(operation)
        # The turn's own task takes its first step before a stop may reach it, or nothing would be left to log its end.
        await asyncio.sleep(0)
        if self._stopping:
            await opened.session.submit(Cancel())
        try:
            answer = await self._follow(opened, writer, answer, progress)
        except Exception:
            # Whatever went wrong here, a turn that nobody can see or stop must not go on.
            await opened.session.submit(Cancel())
            await self._drain(opened)
            raise
        if left := await writer.finish():
            await self._save(opened, writer, left)
        return "done" if answer.ended is None or answer.ended.stop == "end_turn" else answer.ended.stop.replace("_", " ")

    async def _drain(self, opened: OpenSession) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                async for event in opened.events:
                    if isinstance(event.body, TurnFinished):
                        return

    async def _follow(self, opened: OpenSession, writer: ChatWriter, answer: Answer, progress: Progress) -> Answer:
        """Shows a turn's events until it ends."""
        tally, warned = Tally(), False
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
        return answer

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


def _bug(error: Exception) -> TallystickError:
    _log.error("a turn's display failed", exc_info=error)
    said = f"A bug in Tallystick ended this turn ({type(error).__name__}). What was done stays done."
    return TallystickError(said, code="internal", remedy="Retry goes on with it.")


class Chats:
    """All chat documents of the editor, by URI."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._chats: dict[str, Chat] = {}

    def get(self, uri: str) -> Chat:
        if uri not in self._chats:
            self._chats[uri] = Chat(uri, self._desk)
        return self._chats[uri]

    def works_on(self, uri: str, root: Path) -> None:
        """The folder that a chat is about, where its file may lie elsewhere."""
        self.get(uri).root = root

    def renamed(self, old: str, new: str) -> None:
        """A chat's file has another name; one whose turn runs is begun anew under that name, and goes on by its session's id."""
        if old in self._chats and not self._chats[old].busy:
            self._chats[new] = self._chats.pop(old).named(new)

    def busy(self, uri: str) -> bool:
        return uri in self._chats and self._chats[uri].busy

    def closed(self, uri: str) -> None:
        """The document was closed in the editor."""
        if uri in self._chats:
            self._chats[uri].release()
