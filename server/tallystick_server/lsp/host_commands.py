"""The `/` commands that this host answers itself. Owns what each does; a command that asks a model becomes a `Prompt`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tallystick_agent.protocol.operations import Prompt, Rename
from tallystick_agent.protocol.usage import Budget
from tallystick_server.lsp import chat_reports as reports
from tallystick_server.lsp.slash_commands import Called
from tallystick_server.lsp.transcript import transcript

if TYPE_CHECKING:
    from tallystick_server.compose import Application
    from tallystick_server.lsp.sessions import OpenSession, Sessions

REVIEW: Final = (
    "Review the changes since the last commit: @diff\n"
    "Name what is wrong or risky, worst first, each with file and line and how to mend it. Say so if nothing is."
)
COMMIT: Final = (
    "Write the commit message for what is staged: @staged\n"
    "A first line in the imperative of at most 72 characters, then, only where the why is not plain, an empty line and a few"
    " short lines that say why. Answer with the message alone: no fence, no quotes, no comment."
)
NOTHING_STAGED: Final = "Nothing is staged for a commit."
MOST_NAMES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The chat that a command was given in."""

    path: Path | None
    named: str | None
    """The session that the document names, where it is this chat's."""
    model: str | None
    """That of the chat so far."""
    limits: Budget
    open: "Callable[[], Awaitable[OpenSession]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    text: str
    limits: Budget | None = None
    """The limits of the chat from now on, where the command set them."""
    model: str | None = None
    """The model of the chat from now on, where the command named one."""


async def run(called: Called, place: Place, sessions: "Sessions") -> Prompt | Said:
    """Raises `TallystickError`."""
    app, rest = await sessions.application(), called.rest
    match called.command.name:
        case "usage":
            return Said(text=await asyncio.to_thread(reports.usage, app, rest, place.named))
        case "context":
            return Said(text=await asyncio.to_thread(reports.context, app, place.named))
        case "model":
            return await _model(app, rest, place, sessions)
        case "route":
            return Said(text=await asyncio.to_thread(reports.route, app, rest or await _present(app, place, sessions)))
        case "budget":
            return await _budget(app, rest, place, sessions)
        case "review":
            return Prompt(text=REVIEW + (f"\n{rest}" if rest else ""), mode="plan")
        case "commit" if not await asyncio.to_thread(app.staged, sessions.root_for(place.path)):
            return Said(text=NOTHING_STAGED)
        case "commit":
            return Prompt(text=COMMIT + (f"\n{rest}" if rest else ""), mode="answer", purpose="commit_message")
        case "rename":
            if not rest:
                return Said(text="Give the title: `/rename the new title`.")
            await (await place.open()).session.submit(Rename(title=rest))
            return Said(text=f"This session is now called **{' '.join(rest.split())[:120]}**.")
        case "export":
            return Said(text=await export(app, place.named, place.path, rest))
        case _:
            return Said(text=reports.help_text())


async def _present(app: "Application", place: Place, sessions: "Sessions") -> str:
    """The model that would serve the next prompt."""
    return place.model or (await app.choose(sessions.preferred(app))).slug


async def _model(app: "Application", rest: str, place: Place, sessions: "Sessions") -> Said:
    if not rest:
        return Said(text=await asyncio.to_thread(reports.models, app, await _present(app, place, sessions)))
    slug = app.target(rest).endpoint.slug
    return Said(text=f"From the next prompt on `{slug}` answers here.", model=rest)


async def _budget(app: "Application", rest: str, place: Place, sessions: "Sessions") -> Said:
    below = app.settings.budget.limits()
    if not rest:
        return Said(text=reports.budget(place.limits.over(below)))
    wanted = Budget() if rest.strip().lower() == "off" else reports.read_budget(rest)
    if wanted is None:
        return Said(text="A limit is an amount (`/budget $0.50`), `20000 tokens`, `5 requests`, or `off`.")
    limits = wanted if wanted == Budget() else wanted.over(place.limits)
    text = reports.budget(limits.over(below))
    if limits.max_cost_nanos is not None:
        slug = await _present(app, place, sessions)
        if app.target(slug).endpoint.price is None:
            text += f" The price of `{slug}` is not known, so nothing can be sent under an amount: limit the tokens instead."
    return Said(text=text, limits=limits)


async def export(app: "Application", session_id: str | None, chat: Path | None, kind: str) -> str:
    """Writes the session beside its chat and says where. Raises `SessionError`, `StorageError`."""
    from tallystick_agent.protocol.errors import StorageError
    from tallystick_server.session_view import session_events, session_lines

    wanted = kind.strip().lower() or "markdown"
    if wanted not in ("markdown", "md", "jsonl", "json"):
        return f"`{wanted}` is neither `markdown` nor `jsonl`."
    if session_id is None or chat is None:
        return "This chat has no session or no file yet: there is nothing to export."
    lines = wanted in ("jsonl", "json")
    if lines:
        text = await asyncio.to_thread(session_lines, app, session_id)
    else:
        text = transcript(session_id, await asyncio.to_thread(session_events, app, session_id))
    stem = chat.name.removesuffix(".tally.md")
    try:
        made = await asyncio.to_thread(
            partial(_write_new, chat.parent, f"{stem}-{session_id}", ".jsonl" if lines else ".md", text)
        )
    except OSError as error:
        raise StorageError(f"The export was not written: {error.strerror}.", remedy="Check the folder of the chat.") from error
    return f"Written to `{made.name}` beside this chat."


def _write_new(folder: Path, stem: str, suffix: str, text: str) -> Path:
    for number in range(1, MOST_NAMES):
        path = folder / f"{stem}{'' if number == 1 else f'-{number}'}{suffix}"
        try:
            with path.open("x", encoding="utf-8", newline="", errors="replace") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise FileExistsError("no free name")
