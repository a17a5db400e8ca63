"""A language server that behaves as it is told: `python odd_language_server.py MODE [FILE]`.

It appends a line to FILE at its start.

Knows only what the tests of the client half need; shares no code with the product.
"""

import json
import os
import sys
import time
from typing import Any


def send(message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    sys.stdout.buffer.flush()


def receive() -> dict[str, Any]:
    size = 0
    while (line := sys.stdin.buffer.readline()).strip():
        if line.lower().startswith(b"content-length"):
            size = int(line.split(b":")[1])
    if not line:
        sys.exit(0)
    message: dict[str, Any] = json.loads(sys.stdin.buffer.read(size))
    return message


def publish(uri: str, version: int | None, text: str) -> None:
    """An error for each line that says `bad`."""
    lines = [number for number, line in enumerate(text.split("\n")) if "bad" in line]
    marks = [
        {"range": {"start": {"line": n, "character": 0}, "end": {"line": n, "character": 3}}, "message": "bad", "severity": 1}
        for n in lines
    ]
    params: dict[str, Any] = {"uri": uri, "diagnostics": marks}
    if version is not None:
        params["version"] = version
    send({"method": "textDocument/publishDiagnostics", "params": params})


def answer(mode: str, document: dict[str, Any], text: str) -> None:
    """What it says of a text."""
    if mode == "die":
        sys.exit(4)
    if mode == "flood":
        while True:
            publish("file:///elsewhere", None, "bad")
    if mode == "ask":
        send({"id": "q1", "method": "workspace/configuration", "params": {"items": [{"section": "odd.level"}, {}]}})
        said = receive()
        text = f"bad {said['result'][0]}" if said["result"][0] == "high" else ""
        send({"id": "q2", "method": "odd/unknown", "params": None})
        assert receive()["error"]["code"] == -32601
        send({"id": "q3", "method": "workspace/applyEdit", "params": {"edit": {}}})
        assert receive()["result"] == {"applied": False}
    if mode == "silent":
        return
    if mode == "misshapen":
        for diagnostics in (None, 7, [None, {"range": 3}, {"range": {"start": {"line": "x"}}}]):
            send(
                {
                    "method": "textDocument/publishDiagnostics",
                    "params": {"uri": document["uri"], "diagnostics": diagnostics},
                }
            )
        send({"method": "textDocument/publishDiagnostics", "params": [1]})
    if mode == "late":
        publish(document["uri"], document["version"] - 1, "bad\nbad\nbad")
    publish(document["uri"], None if mode == "unversioned" else document["version"], text)


def main(mode: str, log: str | None) -> None:
    if log:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"start {os.getpid()}\n")
    if mode == "hang":
        time.sleep(600)
    if mode == "garbage":
        sys.stdout.write("Segmentation fault (not really)\n" * 3)
        sys.stdout.flush()
        time.sleep(600)
    if mode == "huge":
        sys.stdout.write("Content-Length: 99999999999\r\n\r\n")
        sys.stdout.flush()
        time.sleep(600)
    while True:
        message = receive()
        method = message.get("method")
        params: dict[str, Any] = message.get("params") or {}
        if method == "initialize":
            if mode == "crash":
                sys.exit(3)
            if mode == "refuse":
                send({"id": message["id"], "error": {"code": -32603, "message": "no"}})
                continue
            send({"id": message["id"], "result": {"capabilities": {"textDocumentSync": 1}}})
        elif method == "shutdown":
            if mode == "stubborn":
                time.sleep(600)
            send({"id": message["id"], "result": None})
        elif method == "exit":
            sys.exit(0)
        elif method in ("textDocument/didOpen", "textDocument/didChange"):
            document = params["textDocument"]
            text = document["text"] if "text" in document else params["contentChanges"][-1]["text"]
            answer(mode, document, text)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
