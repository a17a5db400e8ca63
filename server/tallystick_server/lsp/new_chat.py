"""Makes chat documents: a file with a name of its own in the chats folder, shown in the editor, and sent where that is asked.

An editor that shows no documents is told where the chat is; a turn in it runs all the same and writes into the file. The
default folder, inside the workspace, gets a `.gitignore` of its own: chats belong to their reader, not to the project.
"""

import asyncio
import contextlib
import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from tallystick_server.lsp.chat_document import SUFFIX, YOU, parse
from tallystick_server.lsp.chat_writer import revise
from tallystick_server.lsp.configuration import DEFAULT_FOLDER
from tallystick_server.lsp.documents import real_path
from tallystick_server.lsp.positions import units

if TYPE_CHECKING:
    from tallystick_server.lsp.server import TallystickServer

OPEN_S = 2.0
"""Seconds for an editor to tell us that it opened the chat which we asked it to show."""
MOST_SLUG = 40
MOST_NAMES = 1_000


async def new_chat(server: "TallystickServer", *, root: Path, text: str, send: bool) -> str:
    """Makes a chat with `text` as its prompt and gives its URI. Raises `OSError` where no file can be made.

    Without `send` the cursor stands behind the text, for the person to go on. A turn is begun, not waited for.
    """
    folder = await server.sessions.chats_folder(root)
    if await asyncio.to_thread(_leads_out, folder, root):
        raise OSError(f"{folder.name} leads out of the workspace")
    if folder == root / DEFAULT_FOLDER:
        await asyncio.to_thread(_ignore, folder)
    content = f"{YOU}\n\n{text}\n"
    path, made = await _create(server, folder, text, content)
    uri = path.as_uri()
    server.chats.works_on(uri, root)
    if not await _opened(server, uri, text):
        if not made and not path.exists():
            await asyncio.to_thread(_write_new, path, content)
        where = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        server.editor.say(f"Tallystick answers in {where}." if send else f"The chat is {where}. Go on there.")
        if send:
            server.documents.keep(uri, content, 0)
            server.editor.spawn(_run(server, uri))
        return uri
    await revise(uri, server.editor, server.documents, lambda now: now if parse(now).prompt or not text else content)
    if send:
        server.chats.get(uri).start()
    return uri


async def _run(server: "TallystickServer", uri: str) -> None:
    turn = server.chats.get(uri).start()
    try:
        if turn is not None:
            await asyncio.wait({turn})
    finally:
        if server.documents.filed(uri):
            server.documents.close(uri)
            server.chats.closed(uri)


async def _opened(server: "TallystickServer", uri: str, text: str) -> bool:
    """Whether the editor shows the chat."""
    last = text.rpartition("\n")[2]
    end = types.Position(line=2 + text.count("\n"), character=units(last, server.editor.encoding))
    if await server.editor.show(uri, types.Range(start=end, end=end)):
        return await server.documents.wait(uri, lambda document: document is not None, OPEN_S) is not None
    return server.documents.get(uri) is not None


async def _create(server: "TallystickServer", folder: Path, text: str, content: str) -> tuple[Path, bool]:
    """The new chat, and whether it is on the disk already. An editor that can make files makes it, so that it knows of it."""
    if server.editor.creates_files:
        path = await asyncio.to_thread(_free, folder, text)
        if await server.editor.create(path.as_uri(), content):
            return path, False
    for _ in range(MOST_NAMES):
        path = await asyncio.to_thread(_free, folder, text)
        try:
            await asyncio.to_thread(_write_new, path, content)
        except FileExistsError:
            continue
        return path, True
    raise FileExistsError("no free name for a chat")


def _leads_out(folder: Path, root: Path) -> bool:
    """A workspace must not choose where else on the disk its reader's chats go."""
    return folder.is_relative_to(root) and not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root))


def _ignore(folder: Path) -> None:
    """Makes the folder and keeps git away from it. One that is there already is as its reader wants it."""
    if os.path.lexists(folder):
        return
    with contextlib.suppress(FileExistsError):
        _write_new(folder / ".gitignore", "*\n")


def _free(folder: Path, text: str) -> Path:
    stem = f"{datetime.now().astimezone().date().isoformat()}-{slug(text)}"
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, MOST_NAMES + 1))
    path = next((one for name in names if not os.path.lexists(one := folder / f"{name}{SUFFIX}")), None)
    if path is None:
        raise FileExistsError(f"too many chats are named {stem}")
    # The URI must be the one that documents are known by.
    return real_path(path.as_uri()) or path


def _write_new(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write(content)


def slug(text: str) -> str:
    """The first words of a prompt as a part of a file's name."""
    words = re.sub(r"[^a-z0-9]+", "-", text[:200].lower()).strip("-")
    cut = words if len(words) <= MOST_SLUG else words[: MOST_SLUG + 1].rpartition("-")[0] or words[:MOST_SLUG]
    return cut or "chat"
