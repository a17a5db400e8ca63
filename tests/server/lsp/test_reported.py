"""The store of an editor's reports by itself: when they count as the whole of what it has to say."""

import asyncio
from pathlib import Path
from typing import Any

from lsprotocol import types

from tallystick_agent.ports import Document
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.reported import Reports

URI = "file:///w/a.py"
ZERO = {"line": 0, "character": 0}


def test_a_report_that_came_just_before_the_look_may_not_be_the_last() -> None:
    """An editor's servers answer one after the other, the first perhaps before anybody asks."""

    async def scene() -> None:
        documents = OpenDocuments()
        documents.open(types.TextDocumentItem(uri=URI, language_id="python", version=1, text="x"))
        reports = Reports(documents)
        slow: Any = {"range": {"start": ZERO, "end": ZERO}, "message": "from the slow one", "severity": 1, "source": "slow"}
        assert reports.take({"uri": URI, "version": 1, "diagnostics": []})
        document = Document(path="a.py", text="x", digest="", version=1)
        asking = asyncio.ensure_future(reports.source(Path("/w")).look(document, 30))
        await asyncio.sleep(0)
        assert reports.take({"uri": URI, "version": 1, "diagnostics": [slow]})
        assert [one.message for one in await asking or ()] == ["from the slow one"]

    asyncio.run(scene())
