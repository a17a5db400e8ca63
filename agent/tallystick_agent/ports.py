"""What a host supplies to the engine, and the session that it gets. Owns no implementation.

Paths that cross a port are relative to the workspace root, with `/` between parts.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, Protocol

from tallystick_agent.protocol.chat import Payloads, StreamEvent
from tallystick_agent.protocol.code import Found, Hints, Mode
from tallystick_agent.protocol.diagnostics import Reports
from tallystick_agent.protocol.events import Event
from tallystick_agent.protocol.ids import SessionId
from tallystick_agent.protocol.operations import Operation
from tallystick_agent.protocol.relay import Opening, RelayAnswer, RelayRequest
from tallystick_agent.protocol.usage import Cost, Usage

CHAT_SUFFIX: Final = ".tally.md"
"""Of the names of chat documents. They are their reader's: no workspace lists them, though one may be read by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text as it is now: the editor's unsaved text where the file is open, else the file."""

    path: str
    text: str
    """Line endings are `\\n` where the file uses `\\r\\n` throughout; a file that mixes them is kept as it is."""
    digest: str
    version: int | None = None
    """The editor's version, for documents that are open."""
    newline: Literal["\n", "\r\n"] = "\n"
    bom: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWrite:
    """One file's new text. `base_digest` is what it must still be; empty means that it must not exist."""

    path: str
    text: str
    base_digest: str
    newline: Literal["\n", "\r\n"] = "\n"
    bom: bool = False
    remove: bool = False
    """The file is to go; `text` then counts only where an editor keeps it open."""


class Files(Protocol):
    """The files of a workspace at one moment. Its methods block and may be called from a worker thread."""

    def stamps(self) -> Mapping[str, str]:
        """Every path that the model may know of, with a text that changes whenever its content may have changed.

        A text that begins with `!` says why the path is not to be read.
        """
        ...

    def load(self, path: str) -> bytes:
        """The content: the editor's unsaved text where it is open. Raises `WorkspaceError`; an empty file is no error."""
        ...


class Workspace(Protocol):
    """The files of one root."""

    @property
    def root(self) -> Path: ...

    async def read(self, path: str) -> Document:
        """Raises `WorkspaceError`: missing, binary, unreadable, outside, too large."""
        ...

    async def write(self, writes: tuple[FileWrite, ...]) -> None:
        """All of them or none. Raises `StaleDocument` when a base digest no longer holds, `StorageError` on a full disk."""
        ...

    def open_paths(self) -> tuple[str, ...]:
        """Open documents whose text is other than that of their file: programs still see the old text."""
        ...

    async def files(self) -> tuple[str, ...]:
        """Every path that the model may know of, sorted; ignored ones are absent."""
        ...

    def now(self) -> Files:
        """The files as they are, the editor's unsaved texts frozen."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Files done of those that a refresh has to read."""

    done: int
    total: int


class CodeFinder(Protocol):
    """Finds the code of a workspace that a question is about."""

    async def prepare(self, progress: Callable[[Progress], None] | None = None) -> object:
        """Brings the index up to date ahead of a question. `progress` is called from another thread."""
        ...

    async def find(
        self,
        question: str,
        budgets: Sequence[int],
        *,
        mode: Mode | None = None,
        plain: bool = False,
        hints: Hints | None = None,
        most_files: int = 50,
    ) -> Found:
        """Files best first, and a map within each of `budgets` (tokens of o200k)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    exit_code: int | None
    """`None` when it was ended by us or by a signal."""
    output: str
    """Standard output and error as they came, head and tail kept within the bound."""
    total_bytes: int
    ended_by: Literal["exit", "timeout", "signal", "cancel"] = "exit"
    signal: int | None = None


class Terminal(Protocol):
    """Runs commands. A command never outlives its call and never reads a terminal."""

    async def run(
        self,
        command: str | tuple[str, ...],
        *,
        cwd: Path,
        timeout_s: float,
        output_bytes: int,
        on_output: Callable[[str], None] | None = None,
        text: str | None = None,
        errors: bool = True,
    ) -> CommandResult:
        """A string goes to the shell; a tuple is run as it is. Cancelling ends the whole process group.

        `text` is its standard input, which is empty otherwise; without `errors` its standard error is thrown away.
        """
        ...


class Diagnostics(Protocol):
    """The checkers of one workspace: linters, language servers, the editor."""

    def covers(self, path: str) -> bool:
        """Whether any of them looks at such a file."""
        ...

    def watched(self) -> tuple[str, ...]:
        """Files that a person has open, sorted."""
        ...

    async def look(self, document: Document, timeout_s: float) -> Reports:
        """What is wrong with this very text. Never takes much longer than `timeout_s`, and leaves out who did; never raises."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """UTC, with its zone."""
        ...

    def monotonic(self) -> float:
        """Seconds for durations."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str:
        """A name that no other process makes, sortable by time."""
        ...


class SecretStore(Protocol):
    def get(self, name: str, origin: str) -> str | None:
        """The secret of that name from the user's own scope, never from the workspace; `None` where there is none.

        `origin` (scheme, host, port) is where it is about to be sent. Raises `ConfigurationError` where it belongs elsewhere.
        """
        ...

    def values(self) -> tuple[str, ...]:
        """All secrets that are known, for redaction by value."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A cursor in a document. Texts have `\n`."""

    path: str
    """Relative to the workspace root; empty for a document that is no file."""
    language: str
    """As the editor names it."""
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a model suggests for a gap."""

    text: str
    """Empty for nothing."""
    replaces_rest: bool = False
    """It takes the place of what stands behind the cursor on its line; else it is put in at the cursor."""


class Completer(Protocol):
    """Fills gaps with one model, and books what that costs. Its methods may be cancelled at any time."""

    @property
    def usage(self) -> Usage:
        """What all requests used, stopped ones included."""
        ...

    @property
    def cost(self) -> Cost: ...

    async def allows(self, path: str) -> bool:
        """Whether the model may see this file: not what may hold secrets, is nobody's source, or is ignored by the workspace."""
        ...

    async def fill(self, gap: Gap) -> Filled:
        """Raises `TallystickError`."""
        ...

    async def warm(self, text: str) -> None:
        """Lets the model's server read the beginning of a file ahead, where that costs nothing. Raises `TallystickError`."""
        ...


class RelayWatch(Protocol):
    """Where an answer goes as it comes. It is awaited, so a slow reader slows the provider down."""

    async def __call__(self, event: Opening | Payloads | StreamEvent, /) -> None: ...


class Relay(Protocol):
    """Asks models for other apps."""

    async def ask(self, asked: RelayRequest, watch: RelayWatch) -> RelayAnswer:
        """The answer, in the books. Raises `TallystickError`. Until something was watched, another endpoint may serve."""
        ...

    async def count(self, asked: RelayRequest) -> int:
        """The input tokens that the request is likely to have; nothing is sent."""
        ...


class SessionHandle(Protocol):
    """An open session as a host sees it: operations in, events out."""

    @property
    def session_id(self) -> SessionId: ...

    @property
    def busy(self) -> bool:
        """Whether a turn is running."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """Every event from now on, and for the first subscriber those before, until the session is closed."""
        ...

    async def submit(self, operation: Operation) -> None:
        """Takes an operation; what becomes of it comes as events."""
        ...

    async def close(self) -> None:
        """Ends the running turn, logs the close and frees the log. May be called twice."""
        ...
