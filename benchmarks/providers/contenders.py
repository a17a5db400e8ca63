"""The contenders, each measured in a process of its own: `contenders.py NAME URL CALLS` prints its CPU as JSON.

They send the same two messages, whole and streamed, and read the text of the answer.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

MESSAGES = [{"role": "system", "content": "You help."}, {"role": "user", "content": "Say hello to the world, please."}]
Ask = Callable[[bool], Awaitable[str]]


def bare_httpx(url: str) -> Ask:
    import httpx

    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=64), timeout=60)

    async def ask(streamed: bool) -> str:
        body = {"model": "scripted", "messages": MESSAGES, "stream": streamed}
        if not streamed:
            reply = (await client.post(f"{url}/chat/completions", json=body, headers={"authorization": "Bearer k"})).json()
            return str(reply["choices"][0]["message"]["content"])
        text: list[str] = []
        async with client.stream("POST", f"{url}/chat/completions", json=body, headers={"authorization": "Bearer k"}) as got:
            async for line in got.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    for choice in json.loads(line[6:])["choices"]:
                        text.append(choice["delta"].get("content") or "")
        return "".join(text)

    return ask


def ours(url: str) -> Ask:
    import tempfile
    from pathlib import Path

    from tallystick_agent.protocol.chat import ChatRequest, Reply
    from tallystick_agent.protocol.messages import TextPart, UserMessage
    from tallystick_agent.protocol.model_info import Endpoint
    from tallystick_agent.providers.client import ModelClient
    from tallystick_agent.providers.health import HealthBoard
    from tallystick_agent.providers.http import Transport
    from tallystick_agent.providers.pacing import Pacer
    from tallystick_agent.settings import AttributionSettings, NetworkSettings
    from tallystick_server.local.system import SystemClock

    class Keys:
        def get(self, name: str, origin: str) -> str | None:
            return "k"

        def values(self) -> tuple[str, ...]:
            return ("k",)

    clock, network = SystemClock(), NetworkSettings()
    transport = Transport(network, AttributionSettings(), clock)
    pacer = Pacer(Path(tempfile.gettempdir()) / "tallystick-bench-limits.json", clock)
    client = ModelClient(transport, Keys(), clock, network, pacer=pacer, health=HealthBoard())
    endpoint = Endpoint(
        slug="bench/scripted", provider="bench", model="scripted", base_url=url, dialect="openai_compatible", key_name="K"
    )
    user = UserMessage(parts=(TextPart(text=MESSAGES[1]["content"]),))

    async def ask(streamed: bool) -> str:
        request = ChatRequest(system=MESSAGES[0]["content"], messages=(user,), stream=streamed)
        async for event in client.send(request, (endpoint,)):
            if isinstance(event, Reply):
                return "".join(part.text for part in event.message.parts if part.kind == "text")
        raise AssertionError("no reply")

    return ask


def openai_sdk(url: str) -> Ask:
    import openai

    client: Any = openai.AsyncOpenAI(base_url=url, api_key="k")

    async def ask(streamed: bool) -> str:
        if not streamed:
            reply = await client.chat.completions.create(model="scripted", messages=MESSAGES)
            return str(reply.choices[0].message.content)
        text: list[str] = []
        async for chunk in await client.chat.completions.create(model="scripted", messages=MESSAGES, stream=True):
            text.extend(choice.delta.content or "" for choice in chunk.choices)
        return "".join(text)

    return ask


def litellm_sdk(url: str) -> Ask:
    import litellm

    library: Any = litellm
    library.telemetry = False

    async def ask(streamed: bool) -> str:
        common = {"model": "openai/scripted", "messages": MESSAGES, "api_base": url, "api_key": "k"}
        if not streamed:
            reply = await library.acompletion(**common)
            return str(reply.choices[0].message.content)
        text: list[str] = []
        async for chunk in await library.acompletion(**common, stream=True):
            text.extend(choice.delta.content or "" for choice in chunk.choices)
        return "".join(text)

    return ask


async def measure(make: Callable[[str], Ask], url: str, calls: int, import_started: float) -> dict[str, float]:
    ask = make(url)
    imported = time.process_time() - import_started
    assert "help" in await ask(False)
    assert (await ask(True)).count("word") == 1_000
    at = time.process_time()
    for _ in range(calls):
        await ask(False)
    one = time.process_time()
    for _ in range(max(1, calls // 32)):
        await asyncio.gather(*(ask(False) for _ in range(32)))
    together = time.process_time()
    streams = max(4, calls // 20)
    for _ in range(streams):
        await ask(True)
    done = time.process_time()
    return {
        "import_s": imported,
        "call_ms": (one - at) * 1000 / calls,
        "call32_ms": (together - one) * 1000 / (max(1, calls // 32) * 32),
        "chunks_ms": (done - together) * 1000 / streams,
    }


if __name__ == "__main__":
    started = time.process_time()
    contender = {"bare_httpx": bare_httpx, "ours": ours, "openai_sdk": openai_sdk, "litellm_sdk": litellm_sdk}[sys.argv[1]]
    print(json.dumps(asyncio.run(measure(contender, sys.argv[2], int(sys.argv[3]), started))))
