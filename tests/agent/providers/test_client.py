"""One request over the endpoints that may serve it: waiting, moving on, and what is remembered of it. Real HTTP throughout."""

import asyncio
import contextlib
import socket
from typing import Any

import pytest
from tests.support.provider_client import Told, ask, endpoint_at, provider_client, saying, tell, text_of
from tests.support.scripted_provider import Reply, Script, ScriptedProvider

from tallystick_agent.protocol.chat import Reply as ProviderReply
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint, RateLimits
from tallystick_agent.providers.client import AttemptEnded, AttemptWaits
from tallystick_server.local.system import SystemClock

WHOLE_BODY = b'data: {"choices": [{"delta": {"content": "Hello."}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%s" % (len(WHOLE_BODY), WHOLE_BODY)
BUSY = Reply(status=429, headers={"retry-after": "60"}, body='{"error": {"message": "slow down"}}')


def named(url: str, slug: str, **fields: Any) -> Endpoint:
    provider, _, model = slug.partition("/")
    return endpoint_at(url, slug=slug, provider=provider, model=model, **fields)


def served_by(provider: ScriptedProvider) -> list[str]:
    return [request.body["model"] for request in provider.requests]


def by_model(**replies: Reply) -> Script:
    def script(body: dict[str, Any], number: int) -> Reply:
        return replies.get(body["model"], Reply(lines="Hello."))

    return script


def test_a_wait_that_a_provider_asks_for_is_no_wait_while_another_is_ready() -> None:
    with ScriptedProvider(by_model(a=BUSY)) as provider:
        told = ask(saying(), named(provider.url, "p/a"), named(provider.url, "q/b"))
        assert served_by(provider) == ["a", "b"]
    assert [event.retry_in_s for event in told.ended] == [0.0]


def test_a_router_passes_on_the_limit_of_one_model_which_is_none_of_another() -> None:
    with ScriptedProvider(by_model(a=BUSY)) as provider:
        told = ask(saying(), named(provider.url, "router/a"), named(provider.url, "router/b"))
        assert served_by(provider) == ["a", "b"]
    assert told.shown == "Hello."


def test_a_limit_of_the_account_holds_for_all_of_it() -> None:
    limits = RateLimits(requests=100, window_s=60.0, account="shared")
    with ScriptedProvider(by_model(a=BUSY)) as provider:
        order = (named(provider.url, "p/a", limits=limits), named(provider.url, "p/b", limits=limits), named(provider.url, "q/c"))
        told = ask(saying(), *order)
        assert served_by(provider) == ["a", "c"]
    assert told.shown == "Hello."


def test_a_long_wait_is_remembered_and_nothing_more_is_sent() -> None:
    long = Reply(status=429, headers={"retry-after": "3600"}, body='{"error": {"message": "tomorrow"}}')

    async def run(url: str) -> tuple[Told, Told, dict[str, str]]:
        async with provider_client() as client:
            one = named(url, "p/a")
            return await tell(client, saying(), one), await tell(client, saying(), one), client.closed((one,))

    with ScriptedProvider([long, "never"]) as provider:
        first, second, closed = asyncio.run(run(provider.url))
        assert len(provider.requests) == 1
    assert first.error is not None
    assert second.error is not None
    assert second.error.code == "provider_rate_limited"
    assert "max_retry_after_s" in second.error.remedy
    assert "asked to wait" in closed["p/a"]


def test_the_time_of_waiting_for_a_slot_is_not_the_endpoints() -> None:
    """Else an endpoint behind a limit would seem slow, and its stream would be over before it began."""
    limits = RateLimits(requests=1, window_s=600.0, account="slow")

    async def run(url: str) -> tuple[list[Told], float]:
        async with provider_client(idle_s=5.0) as client:
            one = named(url, "p/a", limits=limits)
            found = [await tell(client, saying(), one) for _ in range(2)]
            return found, max(seconds for _, seconds in client.health.snapshot()["p/a"].latencies)

    comments = Reply(lines="Hello.", comments=3)
    with ScriptedProvider([comments, comments]) as provider:
        found, slowest = asyncio.run(run(provider.url))
    assert [told.shown for told in found] == ["Hello.", "Hello."]
    waits = [event.seconds for event in found[1].events if isinstance(event, AttemptWaits)]
    assert waits
    assert 590 < waits[0] < 610
    assert slowest < 300


def test_a_filters_answer_moves_on_only_where_that_is_wished() -> None:
    filtered = Reply(finish="content_filter", input_tokens=100, output_tokens=1)

    async def run(url: str, wished: bool) -> list[Any]:
        async with provider_client() as client:
            order = (named(url, "p/a"), named(url, "q/b"))
            return [event async for event in client.send(saying(), order, refusals_may_move=wished)]

    for wished, served in ((True, ["a", "b"]), (False, ["a"])):
        with ScriptedProvider(by_model(a=filtered)) as provider:
            events = asyncio.run(run(provider.url, wished))
            assert served_by(provider) == served
        refused = [event.refused for event in events if getattr(event, "refused", None) is not None]
        assert len(refused) == wished
        assert all(reply.usage is not None and reply.usage.input_tokens == 100 for reply in refused)


class Trickle:
    """A server that gives a little now and then, and never an end."""

    def __init__(self, head: bytes, drop: bytes) -> None:
        self._head = head
        self._drop = drop

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._head)
            while not writer.is_closing():
                writer.write(self._drop)
                await writer.drain()
                await asyncio.sleep(0.02)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


PLAIN = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "server",
    [
        Trickle(b"HTTP/1.1 200 OK\r\n", b"x-slow: 1\r\n"),
        Trickle(PLAIN % b"500 Down", b" "),
        Trickle(PLAIN % b"200 OK", b" "),
        Trickle(PLAIN % b"200 OK", b"{"),
        Trickle(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n", b": ping\n\n"),
    ],
    ids=["headers", "refusal", "blanks", "object", "comments"],
)
def test_whatever_trickles_in_for_ever_ends_by_a_deadline(server: Trickle) -> None:
    async def run() -> Told:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        async with listening:
            url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
            options = {"idle_s": 0.2, "max_attempts": 1, "clock": SystemClock(), "request_timeout_s": 0.6}
            async with provider_client(**options) as client:  # type: ignore[arg-type]
                return await tell(client, saying(), endpoint_at(url))

    told = asyncio.run(run())
    assert told.error is not None
    assert told.error.code in ("provider_timeout", "provider_unavailable", "provider_failed")


def test_a_name_and_password_in_a_base_url_are_in_no_message() -> None:
    told = ask(saying(), endpoint_at("http://user:s3cret@127.0.0.1:9/v1"), max_attempts=1)
    assert told.error is not None
    assert "s3cret" not in f"{told.error.message} {told.error.remedy}"


def test_a_success_that_says_nothing_is_left_for_long_does_not_end_the_work() -> None:
    """Some tell when a limit is full again, which is long after the next request may come."""
    spent = Reply(lines="Hello.", headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8m38s"})

    async def run(url: str) -> list[str]:
        async with provider_client() as client:
            one = named(url, "p/a")
            return [(await tell(client, saying(), one)).shown for _ in range(2)]

    with ScriptedProvider([spent, "Again."]) as provider:
        assert asyncio.run(run(provider.url)) == ["Hello.", "Again."]


@pytest.mark.parametrize("dropped", [True, False], ids=["on a new connection", "on the kept one"])
def test_a_request_that_was_read_whole_is_not_sent_twice_on_a_new_connection(dropped: bool) -> None:
    """A kept connection that was closed under the request is another thing: nobody read it, and it goes out again."""
    seen: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(set(seen))
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            for _ in range(1 if dropped else 2):
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
                await reader.readexactly(int(length.partition(b":")[2]))
                seen.append(number)
                if len(seen) == 2:
                    return
                writer.write(WHOLE)
                await writer.drain()

    async def run() -> tuple[Told, Told]:
        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with listening:
            url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
            async with provider_client(max_attempts=1) as client:
                first = await tell(client, saying(), endpoint_at(url))
                await asyncio.sleep(0.1)
                return first, await tell(client, saying(), endpoint_at(url))

    first, second = asyncio.run(run())
    assert first.error is None
    if dropped:
        assert seen == [0, 1]
        assert second.error is not None
        assert second.error.code == "provider_unavailable"
    else:
        assert seen == [0, 0, 1]
        assert second.error is None


def test_a_connection_that_never_came_to_be_took_nothing() -> None:
    """However short the whole may be: what reached nobody costs nothing."""

    async def run() -> Told:
        with socket.socket() as full, contextlib.ExitStack() as held:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(3):
                waiting = held.enter_context(socket.socket())
                waiting.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    waiting.connect(full.getsockname())
            options = {"max_attempts": 1, "clock": SystemClock(), "request_timeout_s": 0.5, "connect_timeout_s": 5.0}
            async with provider_client(**options) as client:  # type: ignore[arg-type]
                return await tell(client, saying(), endpoint_at(f"http://127.0.0.1:{full.getsockname()[1]}/v1"))

    told = asyncio.run(run())
    assert [(event.accepted, event.error.code) for event in told.ended] == [(False, "provider_unavailable")]


def test_once_is_one_attempt() -> None:
    async def run(url: str) -> tuple[int, str]:
        async with provider_client() as client:
            ended: list[AttemptEnded] = []
            try:
                async for event in client.send(saying(), (named(url, "p/a"), named(url, "q/b")), once=True):
                    ended += [event] if isinstance(event, AttemptEnded) else []
            except ProviderError as error:
                assert [event.retry_in_s for event in ended] == [None]
                return len(ended), error.code
        raise AssertionError("no failure")

    with ScriptedProvider([Reply(status=500, body="{}"), "Hello."]) as provider:
        assert asyncio.run(run(provider.url)) == (1, "provider_unavailable")
        assert len(provider.requests) == 1


def test_enough_ends_the_stream_and_the_answer() -> None:
    async def run(url: str) -> tuple[str, str, object]:
        async with provider_client() as client:
            said = ""

            def enough(text: str) -> bool:
                nonlocal said
                said += text
                return "four" in said

            async for event in client.send(saying(), (named(url, "p/a"),), enough=enough):
                if isinstance(event, ProviderReply):
                    return text_of(event), event.finish, event.usage
        raise AssertionError("no answer")

    words = "one two three four " + "five " * 500
    with ScriptedProvider([Reply(lines=words, delay_s=0.005)]) as provider:
        text, finish, usage = asyncio.run(run(provider.url))
        assert provider.closed_early.wait(10)
    assert text.startswith("one two three four")
    assert len(text) < 100
    assert (finish, usage) == ("stop", None)


def test_enough_at_the_end_loses_nothing() -> None:
    async def run(url: str) -> object:
        async with provider_client() as client:
            async for event in client.send(saying(), (named(url, "p/a"),), enough=lambda text: "end" in text):
                if isinstance(event, ProviderReply):
                    return event.finish
        raise AssertionError("no answer")

    with ScriptedProvider(["the end"]) as provider:
        assert asyncio.run(run(provider.url)) == "stop"
