"""How a run ends, as a number. Part of the stable interface (README); pure."""

from enum import IntEnum
from typing import assert_never

from tallystick_agent.protocol.errors import Code, TallystickError
from tallystick_agent.protocol.events import TurnFinished


class ExitCode(IntEnum):
    DONE = 0
    """An answer ended the task."""
    INTERNAL = 1
    """A bug of ours, or a machine that cannot go on (disk full)."""
    USAGE = 2
    """Bad usage or configuration."""
    GAVE_UP = 3
    """The model gave up or could not finish."""
    PERMISSION = 4
    """A permission was needed and nobody was there to give it."""
    BUDGET = 5
    """A limit of money, tokens, requests or time was reached."""
    PROVIDER = 6
    """The provider failed."""
    CONTEXT = 7
    """The request cannot fit the model's context window."""
    INTERRUPTED = 130
    """The user stopped it."""


_USAGE: frozenset[Code] = frozenset({"bad_settings", "bad_usage", "price_unknown", "no_model", "no_repository"})


def of_turn(body: TurnFinished) -> ExitCode:
    """The exit code for how a turn ended."""
    match body.stop:
        case "end_turn":
            return ExitCode.DONE
        case "max_tokens" | "max_turn_requests" | "refusal" | "gave_up":
            return ExitCode.GAVE_UP
        case "permission_denied":
            return ExitCode.PERMISSION
        case "budget_exhausted":
            return ExitCode.BUDGET
        case "provider_failed":
            return ExitCode.PROVIDER
        case "context_cannot_fit":
            return ExitCode.CONTEXT
        case "cancelled":
            return ExitCode.INTERRUPTED
        case "internal_error":
            return ExitCode.USAGE if body.code in _USAGE else ExitCode.INTERNAL
        case _ as never:
            assert_never(never)


def of_error(error: TallystickError) -> ExitCode:
    """The exit code for an error before a turn could start."""
    return ExitCode.INTERNAL if error.code in ("internal", "storage") else ExitCode.USAGE
