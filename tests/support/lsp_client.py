"""A scripted editor: starts a language server as a child process and speaks LSP with it over its standard streams.

Owns a model of the open documents that it keeps as an editor does: edits are applied by position, in the encoding that was
agreed, refused when their version is old, and told back by didChange. It shares no code with the server.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

WAIT_S = 30.0
SERVER = (sys.executable, "-I", "-m", "tallystick_server", "lsp", "--model", "openai/scripted")
Params = Any
Responder = Callable[[Params], Any]


class LspError(Exception):
    """The server answered a request with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code


class Refuse(Exception):
    """Raised by a responder: the client answers with this error."""

    def __init__(self, code: int = -32601, message: str = "Method not found") -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Text:
    """An open document of the editor."""

    text: str
    version: int = 1


@dataclass(slots=True)
class Heard:
    """A notification, or a request of the server's."""

    method: str
    params: Any


@dataclass(slots=True)
class LspClient:
    process: asyncio.subprocess.Process
    encoding: str = "utf-16"
    documents: dict[str, Text] = field(default_factory=lambda: {})
    heard: list[Heard] = field(default_factory=lambda: [])
    responders: dict[str, Responder] = field(default_factory=lambda: {})
    on_edit: Callable[[], None] | None = None
    """Called right before an edit is applied, e.g. to type something first."""
    problems: list[Exception] = field(default_factory=lambda: [])
    """What went wrong in responders; raised at the end."""
    declared: dict[str, Any] = field(default_factory=lambda: {})
    """The capabilities that were sent."""
    _waiting: dict[int, "asyncio.Future[Any]"] = field(default_factory=lambda: {})
    _answers: "set[asyncio.Task[None]]" = field(default_factory=lambda: set())
    _next: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: "asyncio.Task[None] | None" = None

    def begin(self) -> None:
        self._reading = asyncio.ensure_future(self._read())

    def send(self, message: Mapping[str, Any]) -> None:
        self.send_raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def send_raw(self, body: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def start_request(self, method: str, params: Any) -> "tuple[int, asyncio.Future[Any]]":
        self._next += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = answer
        self.send({"id": self._next, "method": method, "params": params})
        return self._next, answer

    async def request(self, method: str, params: Any) -> Any:
        """The result. Raises `LspError`."""
        async with asyncio.timeout(WAIT_S):
            return await self.start_request(method, params)[1]

    def listen(self, *, on: bool) -> None:
        """Stops reading what the server writes, as an editor does that hangs; or goes on."""
        transport: Any = getattr(self.process, "_transport").get_pipe_transport(1)  # noqa: B009 (it is asyncio's own)
        if on:
            transport.resume_reading()
        else:
            transport.pause_reading()

    async def initialize(
        self,
        root: Path | None,
        capabilities: Mapping[str, Any] | None = None,
        *,
        pid: int | None = None,
        options: Any = None,
        replay: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The server's answer. `replay`: the `capabilities` and `clientInfo` of a real editor, sent as they are."""
        folders = [{"uri": root.as_uri(), "name": root.name}] if root is not None else None
        self.declared = {"general": {"positionEncodings": [self.encoding]}, **(capabilities or {})}
        info: Any = {"name": "Scripted", "version": "1"}
        if replay is not None:
            self.declared, info = replay["capabilities"], replay["clientInfo"]
        params = {
            "processId": pid,
            **({"clientInfo": info} if info is not None else {}),
            "rootUri": None,
            "workspaceFolders": folders,
            "capabilities": self.declared,
            "initializationOptions": options,
        }
        result: dict[str, Any] = await self.request("initialize", params)
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str, language: str = "markdown") -> None:
        self.documents[uri] = Text(text)
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def close(self, uri: str) -> None:
        del self.documents[uri]
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def replace(self, uri: str, start: int, end: int, text: str) -> None:
        """The user types: `text` in place of what lies between two code points."""
        document = self.documents[uri]
        place = {"start": self._position(document.text, start), "end": self._position(document.text, end)}
        document.text = document.text[:start] + text + document.text[end:]
        document.version += 1
        change = {"range": place, "text": text}
        versioned = {"uri": uri, "version": document.version}
        self.notify("textDocument/didChange", {"textDocument": versioned, "contentChanges": [change]})

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Waits until `holds()` is true; looked at again when something came in, and now and then for what is elsewhere."""
        async with asyncio.timeout(WAIT_S):
            while not (value := holds()):
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.05)
            return value

    def all(self, method: str) -> list[Any]:
        return [heard.params for heard in self.heard if heard.method == method]

    async def actions(self, uri: str) -> dict[str, dict[str, Any]]:
        """The code actions of a document, by title."""
        zero = {"line": 0, "character": 0}
        place = {"start": zero, "end": zero}
        params: Any = {"textDocument": {"uri": uri}, "range": place, "context": {"diagnostics": []}}
        found: list[dict[str, Any]] = await self.request("textDocument/codeAction", params) or []
        return {action["title"]: action for action in found}

    async def run(self, action: Mapping[str, Any]) -> Any:
        command = action["command"]
        return await self.request("workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]})

    async def stop(self) -> int:
        """An orderly end. Gives the exit code."""
        await self.request("shutdown", None)
        self.notify("exit", None)
        async with asyncio.timeout(WAIT_S):
            return await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        stream = self.process.stdout
        while True:
            size = 0
            while (line := await stream.readline()).strip():
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            if not size:
                break
            self._take(json.loads(await stream.readexactly(size)))
            self._news.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LspError(0, "the server ended"))
        self._news.set()

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            waiting = self._waiting.pop(message.get("id", 0), None)
            if waiting is None or waiting.done():
                self.heard.append(Heard("<answer>", message))
            elif "error" in message:
                waiting.set_exception(LspError(message["error"]["code"], message["error"]["message"]))
            else:
                waiting.set_result(message["result"])
            return
        self.heard.append(Heard(message["method"], message.get("params")))
        if (capability := undeclared(message["method"], message.get("params"), self.declared)) is not None:
            self.problems.append(AssertionError(f"{message['method']} although the client did not declare {capability}"))
        if "id" in message:
            task = asyncio.ensure_future(self._answer(message))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    async def _answer(self, message: dict[str, Any]) -> None:
        respond = self.responders.get(message["method"])
        try:
            if respond is not None:
                result = respond(message.get("params"))
                if asyncio.iscoroutine(result) or asyncio.isfuture(result):
                    result = await result
            elif message["method"] == "workspace/applyEdit":
                result = {"applied": self.apply(message["params"]["edit"])}
            elif message["method"] in ("window/workDoneProgress/create", "workspace/codeLens/refresh"):
                result = None
            else:
                raise Refuse
        except Refuse as refusal:
            self.send({"id": message["id"], "error": {"code": refusal.code, "message": str(refusal)}})
            return
        except Exception as problem:
            self.problems.append(problem)
            self.send({"id": message["id"], "error": {"code": -32603, "message": "the script of the test failed"}})
            return
        self.send({"id": message["id"], "result": result})

    def apply(self, edit: dict[str, Any]) -> bool:
        """Applies a workspace edit whole, or not at all when a version in it is old."""
        if self.on_edit is not None:
            self.on_edit()
        versioned: list[dict[str, Any]] = edit.get("documentChanges") or []
        plain: dict[str, list[dict[str, Any]]] = edit.get("changes") or {}
        changes: list[tuple[dict[str, Any], list[dict[str, Any]]]]
        changes = [(one["textDocument"], one["edits"]) for one in versioned]
        changes += [({"uri": uri, "version": None}, edits) for uri, edits in plain.items()]
        for where, _ in changes:
            document = self.documents.get(where["uri"])
            if document is None or (where["version"] is not None and where["version"] != document.version):
                return False
        for where, edits in changes:
            text = self.documents[where["uri"]].text
            for one in sorted(edits, key=lambda one: self._offset(text, one["range"]["start"]), reverse=True):
                start, end = self._offset(text, one["range"]["start"]), self._offset(text, one["range"]["end"])
                self.replace(where["uri"], start, end, one["newText"])
        return True

    def _units(self, text: str) -> int:
        return {"utf-8": len(text.encode()), "utf-16": len(text.encode("utf-16-le")) // 2, "utf-32": len(text)}[self.encoding]

    def _position(self, text: str, offset: int) -> dict[str, int]:
        line, start = text.count("\n", 0, offset), text.rfind("\n", 0, offset) + 1
        return {"line": line, "character": self._units(text[start:offset])}

    def _offset(self, text: str, position: dict[str, int]) -> int:
        lines = text.split("\n")
        number = position["line"]
        if number >= len(lines):
            return len(text)
        line = lines[number].removesuffix("\r")
        column = next((at for at in range(len(line) + 1) if self._units(line[:at]) >= position["character"]), len(line))
        assert self._units(line[:column]) == min(position["character"], self._units(line)), "a position inside a character"
        return sum(len(one) + 1 for one in lines[:number]) + column


_GATES = {
    "window/workDoneProgress/create": "window.workDoneProgress",
    "workspace/codeLens/refresh": "workspace.codeLens.refreshSupport",
    "workspace/inlayHint/refresh": "workspace.inlayHint.refreshSupport",
    "workspace/diagnostic/refresh": "workspace.diagnostics.refreshSupport",
    "workspace/semanticTokens/refresh": "workspace.semanticTokens.refreshSupport",
    "workspace/foldingRange/refresh": "workspace.foldingRange.refreshSupport",
    "workspace/inlineValue/refresh": "workspace.inlineValue.refreshSupport",
    "workspace/textDocumentContent/refresh": "workspace.textDocumentContent",
    "tallystick/status": "experimental.tallystick.status",
}
"""What only clients get that declared it. Everything else that has an answer is tried."""


def undeclared(method: str, params: Any, declared: Mapping[str, Any]) -> str | None:
    """The capability without which the server must not send this; `None` where all is well."""
    if method == "client/registerCapability":
        needed = (_dynamic(one["method"]) for one in params["registrations"])
        return next((capability for capability in needed if not _declares(declared, capability)), None)
    capability = _GATES.get(method)
    return None if capability is None or _declares(declared, capability) else capability


def _dynamic(method: str) -> str:
    """Where a client says that it takes a registration of this method later."""
    area, _, name = method.partition("/")
    if name in ("didOpen", "didChange", "willSave", "willSaveWaitUntil", "didSave", "didClose"):
        name = "synchronization"
    elif name.endswith("Files") and name != "didChangeWatchedFiles":
        name = "fileOperations"
    return f"{area}.{name}.dynamicRegistration"


def _declares(declared: Mapping[str, Any], capability: str) -> bool:
    value: Any = declared
    for name in capability.split("."):
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return bool(value)


@contextlib.asynccontextmanager
async def started(
    environment: Mapping[str, str],
    *,
    command: tuple[str, ...] = SERVER,
    encoding: str = "utf-16",
    cwd: Path | None = None,
    stderr: "IO[bytes] | None" = None,
) -> AsyncGenerator[LspClient, None]:
    """A server and its client; the process is ended in any case."""
    known = {"PATH": os.environ["PATH"], **environment}
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env=known,
        limit=1 << 26,
        cwd=cwd,
    )
    client = LspClient(process, encoding)
    client.begin()
    try:
        yield client
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(WAIT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        reading = client._reading  # pyright: ignore[reportPrivateUsage]
        if reading is not None:
            await reading
    for problem in client.problems:
        raise problem
