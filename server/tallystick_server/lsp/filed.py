"""Chat documents that no editor has open: the server keeps their text, in the file. Owns how such a text is written.

An editor that opens one has the last word from then on; so has whoever changed the file meanwhile.
"""

import asyncio
import os
import tempfile
from pathlib import Path

from tallystick_server.lsp.documents import OpenDocument, OpenDocuments


async def write(documents: OpenDocuments, document: OpenDocument, text: str) -> bool:
    """Puts `text` in the place of what we know. False where the file or the document is no longer that."""
    if document.path is None or documents.get(document.uri) is not document:
        return False
    try:
        found = await asyncio.to_thread(_replace, document.path, document.text, text)
    except OSError:
        return False
    if documents.get(document.uri) is not document:
        return False
    documents.keep(document.uri, text if found is None else found, document.version + 1)
    return found is None


def _replace(path: Path, known: str, text: str) -> str | None:
    """The file's text where it is not what was `known`."""
    found = path.read_bytes().decode("utf-8", "replace")
    if found != known:
        return found
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "surrogatepass"))
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return None
