"""What a turn does next. Pure: what happened in, the next state and a command out.

Owns the guards: repeated calls (3 warn, 5 stop), malformed calls (3 in a row stop), empty answers (one more try), and
which errors end a turn in which way.
"""

from dataclasses import dataclass, replace
from typing import Final

from tallystick_agent.protocol.chat import Reply
from tallystick_agent.protocol.digest import digest
from tallystick_agent.protocol.errors import Code, ContextOverflow, ProviderError, TallystickError
from tallystick_agent.protocol.events import StopReason
from tallystick_agent.protocol.messages import ToolCallPart

WARN_AT: Final = 3
STOP_AT: Final = 5
MALFORMED_STOP: Final = 3
EMPTY_STOP: Final = 2
RESTARTS: Final = 2
"""Times that an answer which broke off after its first words is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnState:
    """Counters of one turn."""

    malformed: int = 0
    empty: int = 0
    restarts: int = 0
    compactions: int = 0
    outcomes: tuple[tuple[str, int], ...] = ()
    """How often each (call, result) was seen, by digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskModel:
    """Send the next request; `note` goes to the model first where there is one."""

    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTools:
    calls: tuple[ToolCallPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactFirst:
    """Drop old tool output, then ask again. `limit_tokens` is the window where the provider named it."""

    limit_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    stop: StopReason
    detail: str = ""
    code: Code | None = None
    remedy: str = ""


Command = AskModel | RunTools | CompactFirst | Finish


def after_reply(state: TurnState, reply: Reply) -> tuple[TurnState, Command]:
    """The next command for a whole answer."""
    calls = tuple(part for part in reply.message.parts if isinstance(part, ToolCallPart))
    text = "".join(part.text for part in reply.message.parts if part.kind == "text").strip()
    match reply.finish:
        case "content_filter":
            remedy = "Change the prompt or the model."
            return state, Finish(
                stop="refusal",
                detail="The provider's filter stopped the answer.",
                code="provider_content_filter",
                remedy=remedy,
            )
        case "repetition":
            return _again(
                state,
                "Your last answer repeated itself without end and was dropped. Answer again, briefly.",
                "the model repeats itself",
            )
        case "length" if not calls:
            return state, Finish(
                stop="max_tokens",
                detail="The answer was cut at the output limit.",
                code="model_gave_up",
                remedy="Ask for less at once, or raise context.output_tokens.",
            )
        case _:
            pass
    if calls:
        return replace(state, empty=0), RunTools(calls=calls)
    if not text:
        return _again(
            state, "Your last answer was empty. Use a tool, or say what the result is.", "the model gives empty answers"
        )
    return state, Finish(stop="end_turn")


def _again(state: TurnState, note: str, why: str) -> tuple[TurnState, Command]:
    state = replace(state, empty=state.empty + 1)
    if state.empty >= EMPTY_STOP:
        return state, Finish(stop="gave_up", detail=f"Stopped: {why}.", code="model_gave_up", remedy="Try another model.")
    return state, AskModel(note=note)


def after_tool(state: TurnState, call: ToolCallPart, result: str, *, malformed: bool) -> tuple[TurnState, str, Finish | None]:
    """The state, a warning for the model (empty: none), and the end of the turn where a guard says so."""
    key = digest(f"{call.name}\0{call.arguments}\0{result}")
    seen = dict(state.outcomes)
    seen[key] = seen.get(key, 0) + 1
    state = replace(state, outcomes=tuple(seen.items()), malformed=state.malformed + 1 if malformed else 0)
    if state.malformed >= MALFORMED_STOP:
        detail = f"Stopped: {MALFORMED_STOP} malformed tool calls in a row."
        return (
            state,
            "",
            Finish(stop="gave_up", detail=detail, code="model_gave_up", remedy="Try a model that is better with tools."),
        )
    if seen[key] >= STOP_AT:
        detail = f"Stopped: the same call of {call.name} gave the same result {STOP_AT} times."
        return (
            state,
            "",
            Finish(
                stop="gave_up",
                detail=detail,
                code="model_gave_up",
                remedy="Say the task differently, or try another model.",
            ),
        )
    if seen[key] == WARN_AT:
        return (
            state,
            f"You made the same call of {call.name} {WARN_AT} times with the same result. Do something else.",
            None,
        )
    return state, "", None


def after_error(state: TurnState, error: TallystickError, *, visible: bool) -> tuple[TurnState, Command]:
    """The next command for a request that failed after all its attempts. `visible`: words of it had been shown."""
    match error:
        case ContextOverflow():
            if state.compactions < 3:
                return replace(state, compactions=state.compactions + 1), CompactFirst(limit_tokens=error.limit_tokens)
            return state, cannot_fit(error.message)
        case ProviderError() if visible and error.retryable and state.restarts < RESTARTS:
            return replace(state, restarts=state.restarts + 1), AskModel()
        case ProviderError():
            stop: StopReason = "refusal" if error.code == "provider_content_filter" else "provider_failed"
            return state, Finish(stop=stop, detail=error.message, code=error.code, remedy=error.remedy)
        case _:
            stop = "budget_exhausted" if error.code == "budget_exhausted" else "internal_error"
            stop = "context_cannot_fit" if error.code == "context_cannot_fit" else stop
            return state, Finish(stop=stop, detail=error.message, code=error.code, remedy=error.remedy)


def cannot_fit(detail: str) -> Finish:
    return Finish(
        stop="context_cannot_fit",
        detail=f"The request does not fit the model's context window, and nothing more can be left out. {detail}".strip(),
        code="context_cannot_fit",
        remedy="Use a model with a larger window, or start a new session with a narrower task.",
    )
