"""Where a session's tokens went: by turn, by request, by part of the request. Owns that reading of a log; pure.

What was planned is an estimate from before the request, what was reported sums exactly to the provider's figure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tallystick_agent.protocol.events import (
    CompactionItem,
    Event,
    ItemFinished,
    RequestFinished,
    RequestPlanned,
    SessionOpened,
    Shown,
    TurnStarted,
)
from tallystick_agent.protocol.usage import Segment, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A named part of one request, in tokens. `before`: how many of the planned ones the request before had too."""

    name: str
    planned: int
    before: int
    reported: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    number: int
    turn: int
    purpose: str
    endpoint: str
    planned: RequestPlanned | None
    finished: RequestFinished
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnUse:
    """`parts`: reported tokens by name over all its requests."""

    number: int
    prompt: str
    shown: tuple[Shown, ...]
    requests: int
    usage: Usage
    cost_nanos: int
    cost_known: bool
    parts: tuple[Segment, ...]
    compactions: tuple[CompactionItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    workspace: str
    model: str
    turns: tuple[TurnUse, ...]
    requests: tuple[Request, ...]


@dataclass(slots=True)
class _Turn:
    number: int
    prompt: str
    shown: tuple[Shown, ...]
    requests: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_nanos: int = 0
    cost_known: bool = True
    parts: dict[str, int] = field(default_factory=lambda: {})
    compactions: list[CompactionItem] = field(default_factory=lambda: [])

    def frozen(self) -> TurnUse:
        parts = tuple(
            Segment(name=name, tokens=tokens) for name, tokens in sorted(self.parts.items(), key=lambda x: (-x[1], x[0]))
        )
        return TurnUse(
            number=self.number,
            prompt=self.prompt,
            shown=self.shown,
            requests=self.requests,
            usage=self.usage,
            cost_nanos=self.cost_nanos,
            cost_known=self.cost_known,
            parts=parts,
            compactions=tuple(self.compactions),
        )


def explain(events: Iterable[Event]) -> Explained:
    workspace = model = ""
    turns: list[_Turn] = []
    requests: list[Request] = []
    planned: dict[str, RequestPlanned] = {}
    before: RequestPlanned | None = None
    for event in events:
        match event.body:
            case SessionOpened() as body:
                workspace, model = body.workspace, body.model
            case TurnStarted(continued=False) as body:
                turns.append(_Turn(len(turns) + 1, body.prompt, body.shown))
                model = body.model or model
            case ItemFinished(item=CompactionItem() as item) if turns:
                turns[-1].compactions.append(item)
            case RequestPlanned() as body:
                planned[body.request_id] = body
            case RequestFinished() as body:
                turn = turns[-1] if turns else _Turn(0, "", ())
                plan = planned.get(body.request_id)
                parts = _parts(plan, before, body)
                number = len(requests) + 1
                requests.append(
                    Request(
                        number=number,
                        turn=turn.number,
                        purpose=body.purpose,
                        endpoint=body.endpoint,
                        planned=plan,
                        finished=body,
                        parts=parts,
                    )
                )
                _add(turn, body)
                before = plan or before
            case _:
                continue
    return Explained(workspace=workspace, model=model, turns=tuple(turn.frozen() for turn in turns), requests=tuple(requests))


def _add(turn: _Turn, body: RequestFinished) -> None:
    turn.requests += 1
    turn.usage = turn.usage.plus(body.usage)
    turn.cost_nanos += body.cost.nanos or 0
    turn.cost_known = turn.cost_known and body.cost.nanos is not None
    for one in body.segments:
        turn.parts[one.name] = turn.parts.get(one.name, 0) + one.tokens


def _parts(plan: RequestPlanned | None, before: RequestPlanned | None, body: RequestFinished) -> tuple[Part, ...]:
    """In the order of the plan, which is that of the request; what only the report has comes after."""
    told = {one.name: one.tokens for one in body.segments}
    had = {one.name: one.tokens for one in before.segments} if before else {}
    # What is learned from a report moves all counts of the next request; system and tools are the same text in both.
    scale = _fixed(plan) / _fixed(before) if plan and before and _fixed(before) else 1.0
    found = [
        Part(
            name=one.name,
            planned=one.tokens,
            before=min(one.tokens, round(had.get(one.name, 0) * scale)),
            reported=told.pop(one.name, 0),
        )
        for one in (plan.segments if plan else ())
    ]
    return (*found, *(Part(name=name, planned=0, before=0, reported=tokens) for name, tokens in told.items()))


def _fixed(plan: RequestPlanned) -> int:
    return sum(one.tokens for one in plan.segments if one.name == "system" or one.name.startswith("tool:"))
