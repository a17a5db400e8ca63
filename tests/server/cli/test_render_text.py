"""The sentences that a person reads during a run: who is asked, what failed, how to go on."""

import pytest

from tallystick_agent.protocol.events import (
    AttemptFailed,
    Event,
    EventBody,
    RequestStarted,
    SessionOpened,
    TurnFinished,
)
from tallystick_agent.protocol.ids import RequestId, SessionId, TurnId
from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_server.cli.render_text import TextRenderer

R = RequestId("r")


def asked(endpoint: str, attempt: int = 1) -> RequestStarted:
    return RequestStarted(request_id=R, endpoint=endpoint, reason="cheapest", attempt=attempt)


def failed(message: str, retry_in_s: float | None) -> AttemptFailed:
    return AttemptFailed(
        request_id=R, endpoint="p/m", attempt=1, code="provider_unavailable", message=message, retry_in_s=retry_in_s
    )


def ended(remedy: str) -> TurnFinished:
    return TurnFinished(
        stop="budget_exhausted", usage=Usage(), cost=Cost(), requests=0, detail="Stopped.", code="budget_exhausted", remedy=remedy
    )


SAID: dict[str, tuple[list[EventBody], list[str]]] = {
    "the model of the header is asked without a word": ([asked("p/m"), asked("p/m", 2)], []),
    "a first attempt elsewhere says so": ([asked("q/m")], ["asking q/m: cheapest"]),
    "once for as long as it stays there": ([asked("q/m"), asked("q/m")], ["asking q/m: cheapest"]),
    "and again when it comes back": ([asked("q/m"), asked("p/m")], ["asking q/m: cheapest", "asking p/m: cheapest"]),
    "a later attempt elsewhere": ([asked("p/m"), asked("q/m", 2)], ["asking q/m instead: cheapest"]),
    "a failure that is tried again": (
        [failed("A web page came instead of an answer.", 2.0)],
        ["! p/m: A web page came instead of an answer; again in 2.0 s"],
    ),
    "a failure without a period": ([failed("the GPU caught fire", 2.0)], ["! p/m: the GPU caught fire; again in 2.0 s"]),
    "a failure that is not tried again": ([failed("It is down.", None)], ["! p/m: It is down."]),
    "a limit names the command": (
        [ended("Raise --max-cost, or budget.max_cost_usd in settings.toml, then resume the session.")],
        ["Limit reached: Stopped.", "  To go on with more: tallystick resume s-1 --max-cost …"],
    ),
    "any other remedy stays": ([ended("Wait a day.")], ["Limit reached: Stopped.", "  Wait a day."]),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    bodies, lines = SAID[name]
    renderer = TextRenderer("p/m", "it was asked for", interactive=False)
    opened = SessionOpened(workspace="/w", model="p/m", app="cli")
    for number, body in enumerate([opened, *bodies], 1):
        renderer.show(Event(session_id=SessionId("s-1"), turn_id=TurnId("t"), seq=number, time="", body=body))
    renderer.close()
    first, *others = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert first == "/w  ·  p/m (it was asked for)  ·  session s-1"
    assert others == lines
