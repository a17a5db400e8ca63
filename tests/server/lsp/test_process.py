"""The process around the server: what a start loads, and one client over TCP."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HEAVY = ("tiktoken", "httpx", "git", "tree_sitter", "pydantic", "rich", "sqlite3")


def test_a_start_loads_nothing_of_the_engine() -> None:
    code = f"""
import asyncio, sys
from tallystick_server.lsp.server import TallystickServer
async def main():
    TallystickServer(None)
asyncio.run(main())
print(sorted(set(sys.modules) & set({HEAVY!r})))
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_tcp_serves_one_client_on_this_machine(tmp_path: Path) -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: dict[str, Any]) -> Any:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        writer.write(b"content-length:%d\r\ncontent-type: application/vscode-jsonrpc\r\n\r\n%s" % (len(body), body))
        head = await reader.readuntil(b"\r\n\r\n")
        size = re.search(rb"Content-Length: (\d+)", head)
        assert size is not None
        return json.loads(await reader.readexactly(int(size.group(1))))

    async def run() -> None:
        code = "from tallystick_server.lsp.main import serve; raise SystemExit(serve(tcp_port=0, model=None))"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-c", code, stderr=asyncio.subprocess.PIPE, env={"TALLYSTICK_HOME": str(tmp_path)}
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(60):
                said = re.search(r"127\.0\.0\.1:(\d+)", (await process.stderr.readline()).decode())
                assert said is not None
                reader, writer = await asyncio.open_connection("127.0.0.1", int(said.group(1)))
                params: dict[str, Any] = {"processId": None, "rootUri": None, "capabilities": {}}
                answer = await ask(reader, writer, {"id": 1, "method": "initialize", "params": params})
                assert answer["result"]["serverInfo"]["name"] == "tallystick"
                try:
                    second = await asyncio.open_connection("127.0.0.1", int(said.group(1)))
                    assert await second[0].read() == b""
                    second[1].close()
                except ConnectionError:
                    pass
                assert (await ask(reader, writer, {"id": 2, "method": "shutdown"}))["result"] is None
                writer.close()
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    asyncio.run(run())
