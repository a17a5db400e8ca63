"""`tallystick run`: one task, headless. Owns the options and the way from events to an exit code.

It never waits for a person unless one is there: without a terminal, or with --json, what would be asked is refused.
"""

import asyncio
import contextlib
import signal
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from tallystick_agent.protocol.errors import SessionError
from tallystick_agent.protocol.events import Event, PermissionRequested, QuestionAsked, TurnFinished
from tallystick_agent.protocol.ids import SessionId
from tallystick_agent.protocol.operations import Answer, Cancel, Continue, Decide, Operation, Prompt
from tallystick_agent.protocol.usage import Budget, nanos_from_usd
from tallystick_server.cli.exit_codes import ExitCode, of_turn
from tallystick_server.cli.option_types import SLUG, USD
from tallystick_server.compose import Application

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

if TYPE_CHECKING:
    from tallystick_agent.ports import SessionHandle


class Renderer(Protocol):
    """Shows events; the two are `render_text` and `render_jsonl`."""

    def show(self, event: Event) -> None: ...

    async def ask_permission(self, body: PermissionRequested) -> Decide | None:
        """`None` where nobody is there."""
        ...

    async def ask_question(self, body: QuestionAsked) -> str: ...

    def close(self) -> None: ...


def task_options(command: Any) -> Any:
    """The options that `run` and `resume` share."""
    for option in reversed(
        [
            click.option("--repo", type=click.Path(path_type=Path), help="The repository's folder [default: the current one]."),
            click.option("--model", type=SLUG, help="Model as provider/model, or an OpenRouter name."),
            click.option("--fallback", type=SLUG, multiple=True, help="Model tried where the first fails; may be repeated."),
            click.option("--effort", type=click.Choice(EFFORTS), help="How hard the model is to think."),
            click.option(
                "--reasoning-tokens", metavar="N", type=click.IntRange(1), help="Tokens for thoughts, instead of --effort."
            ),
            click.option("--yes", is_flag=True, help="Allow everything inside the policy without asking."),
            click.option("--json", "as_json", is_flag=True, help="Print the event stream as JSON Lines."),
            click.option("--max-cost", type=USD, help="Stop before this many US dollars are spent."),
            click.option("--max-tokens", metavar="N", type=click.IntRange(1), help="Stop before this many tokens are used."),
            click.option("--max-requests", metavar="N", type=click.IntRange(1), help="Stop after this many model requests."),
            click.option("--timeout", metavar="S", type=click.FloatRange(0, min_open=True), help="Stop after this many seconds."),
            click.option(
                "--attempts",
                metavar="N",
                type=click.IntRange(1),
                help="Candidates of a small model tried against the tests.",
            ),
        ]
    ):
        command = option(command)
    return command


@click.command(name="run")
@click.argument("prompt")
@click.option("--resume", metavar="ID", help="Go on in this session instead of a new one.")
@task_options
def command(prompt: str, resume: str | None, **options: Any) -> int:
    """Do the task PROMPT in a repository."""
    if not prompt.strip():
        raise click.UsageError("PROMPT is empty.")
    return start(prompt, resume, **options)


def start(
    prompt: str | None,
    resume: str | None,
    *,
    repo: Path | None,
    model: str | None,
    fallback: tuple[str, ...],
    effort: str | None,
    reasoning_tokens: int | None,
    yes: bool,
    as_json: bool,
    max_cost: Decimal | None,
    max_tokens: int | None,
    max_requests: int | None,
    timeout: float | None,
    attempts: int | None,
) -> int:
    """Runs a turn to its end. A prompt of `None` takes up the turn that was cut short."""
    if effort is not None and reasoning_tokens is not None:
        raise click.UsageError("Give --effort or --reasoning-tokens, not both.")
    app = Application.load(_overrides(fallback, effort, reasoning_tokens))
    given = Budget(
        max_cost_nanos=nanos_from_usd(max_cost) if max_cost is not None else None,
        max_tokens=max_tokens,
        max_requests=max_requests,
        timeout_s=timeout,
    )
    operation = Continue(budget=given) if prompt is None else Prompt(text=prompt, budget=given)
    run = _Run(app, operation, resume, repo=repo, model=model, yes=yes, as_json=as_json, attempts=attempts)
    return int(asyncio.run(run.perform()))


def _overrides(fallback: tuple[str, ...], effort: str | None, reasoning_tokens: int | None) -> dict[str, Any]:
    """What the command line says above the settings file."""
    found: dict[str, Any] = {"routing": {"fallback_models": fallback}} if fallback else {}
    if effort is not None or reasoning_tokens is not None:
        found["reasoning"] = {"effort": effort, "max_tokens": reasoning_tokens}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The session to take up, its folder and its model."""

    session_id: SessionId | None
    folder: Path
    model: str | None = None


class _Run:
    def __init__(
        self,
        app: Application,
        operation: Prompt | Continue,
        resume: str | None,
        *,
        repo: Path | None,
        model: str | None,
        yes: bool,
        as_json: bool,
        attempts: int | None,
    ) -> None:
        self._app = app
        self._operation = operation
        self._resume = resume
        self._repo = repo
        self._model = model
        self._yes = yes
        self._json = as_json
        self._attempts = attempts

    async def perform(self) -> ExitCode:
        renderer: Renderer | None = None
        try:
            place = self._place()
            chosen = await self._app.choose(self._model or place.model)
            renderer = self._renderer(chosen.slug, chosen.reason)
            workspace = self._app.disk(place.folder)
            session = await self._app.open(
                workspace, app="cli", model=chosen.slug, yes=self._yes, attempts=self._attempts, resume=place.session_id
            )
            try:
                return await self._drive(session, renderer, self._operation)
            finally:
                await session.close()
        finally:
            if renderer is not None:
                renderer.close()
            await self._app.close()

    def _place(self) -> "_Place":
        if self._resume is None:
            return _Place(session_id=None, folder=(self._repo or Path.cwd()).absolute())
        from tallystick_agent.sessions.event_log import read_log
        from tallystick_agent.sessions.replay import fold

        session_id = self._app.store.find(self._resume)
        state = fold(read_log(self._app.store.path(session_id)))
        if isinstance(self._operation, Continue) and (not state.turns or state.last_stop == "end_turn"):
            raise SessionError(
                f"Session {session_id} has nothing to go on with: its last turn came to its end.",
                code="bad_usage",
                remedy=f'Give it something to do: tallystick resume {session_id} "…"',
            )
        return _Place(
            session_id=session_id,
            folder=(self._repo or Path(state.workspace)).absolute(),
            model=state.model or None,
        )

    def _renderer(self, slug: str, reason: str) -> Renderer:
        if self._json:
            from tallystick_server.cli.render_jsonl import JsonlRenderer

            return JsonlRenderer()
        from tallystick_server.cli.render_text import TextRenderer

        return TextRenderer(slug, reason, interactive=sys.stdin.isatty() and sys.stdout.isatty() and not self._yes)

    async def _drive(self, session: "SessionHandle", renderer: Renderer, operation: Operation) -> ExitCode:
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()

        def interrupt() -> None:
            tasks.add(asyncio.ensure_future(session.submit(Cancel())))

        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError):
                loop.add_signal_handler(number, interrupt)
        events = session.events()
        await session.submit(operation)
        async for event in events:
            renderer.show(event)
            match event.body:
                case PermissionRequested() | QuestionAsked() as body:
                    # Beside the events, so that an interrupt or a limit ends the turn while somebody thinks.
                    tasks.add(asyncio.ensure_future(_ask(session, renderer, body)))
                case TurnFinished() as body:
                    for task in tasks:
                        task.cancel()
                    return of_turn(body)
                case _:
                    pass
        return ExitCode.INTERNAL


async def _ask(session: "SessionHandle", renderer: Renderer, body: PermissionRequested | QuestionAsked) -> None:
    match body:
        case PermissionRequested():
            nobody = Decide(call_id=body.call_id, digest=body.digest, decision="reject", by="policy")
            await session.submit(await renderer.ask_permission(body) or nobody)
        case QuestionAsked():
            await session.submit(Answer(call_id=body.call_id, text=await renderer.ask_question(body)))
