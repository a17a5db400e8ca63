"""textDocument/didOpen, didChange, didClose: keeps `documents` in step with the editor.

These handlers are plain functions: they must have run before anything that came after them is looked at.
"""

import logging

from lsprotocol import types

from tallystick_server.lsp.server import TallystickServer

_log = logging.getLogger(__name__)


def register(server: TallystickServer) -> None:
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        server.documents.open(params.text_document)
        server.inline.opened(params.text_document.uri)
        server.chat_watch.changed(params.text_document.uri)

    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        document = params.text_document
        try:
            server.documents.change(document.uri, document.version, params.content_changes, server.editor.encoding)
            server.chat_watch.changed(document.uri)
        except KeyError:
            _log.warning("a change of a document that is not open")

    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        server.documents.close(params.text_document.uri)
        server.chat_watch.closed(params.text_document.uri)
        server.reports.forget(params.text_document.uri)
        server.chats.closed(params.text_document.uri)
        server.inline.closed(params.text_document.uri)

    server.on(types.TEXT_DOCUMENT_DID_OPEN, did_open)
    server.on(types.TEXT_DOCUMENT_DID_CHANGE, did_change)
    server.on(types.TEXT_DOCUMENT_DID_CLOSE, did_close)
