"""`tallystick doctor`: is everything there and whole? Owns the checks; each says what to do where it fails."""

import asyncio
import importlib.util
import shutil
import sys
from collections.abc import Iterator

import click

from tallystick_agent import __version__
from tallystick_agent.protocol.errors import TallystickError
from tallystick_server.compose import Application


@click.command(name="doctor")
@click.option("--repair", metavar="SESSION", help="Keep the readable part of a damaged session, and the damaged file beside it.")
def command(repair: str | None) -> int:
    """Check the installation, the keys, the model and the data; exit 2 where something has to be done."""
    app = Application.load()
    if repair is not None:
        kept, damaged = app.store.repair(app.store.find(repair))
        click.echo(f"{kept} events are readable. The file as it was: {damaged}")
        return 0
    failed = False
    for good, text in _checks(app):
        failed = failed or not good
        click.secho("✓ " if good else "✗ ", fg="green" if good else "red", nl=False)
        click.echo(text)
    return 2 if failed else 0


def _checks(app: Application) -> Iterator[tuple[bool, str]]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield True, f"Tallystick {__version__}, Python {python}, state in {app.home}"
    yield True, f"settings: {'settings.toml' if (app.home / 'settings.toml').exists() else 'defaults'}"
    git = shutil.which("git")
    yield (
        git is not None,
        f"git: {git}" if git else "git is missing: files are listed without its ignore rules. Install git.",
    )
    yield _ripgrep()
    names = sorted(app.keys.names())
    yield True, f"keys: {', '.join(names) if names else 'none'}"
    local = "installed" if importlib.util.find_spec("xllamacpp") else "not installed (pip install 'tallystick[local]')"
    yield True, f"local models: {', '.join(app.weights.pulled()) or 'none pulled'}; runtime {local}"
    yield from _checkers(app)
    yield asyncio.run(_model(app))
    damaged = [one.session_id for one in app.store.list() if one.damaged]
    yield (
        not damaged,
        f"sessions: {len(app.store.list())}"
        + (f"; damaged: {', '.join(damaged)}. Run: tallystick doctor --repair ID" if damaged else ""),
    )
    yield _ledger(app)
    if app.settings.telemetry.endpoint:
        from tallystick_server.telemetry.start import probe

        why = asyncio.run(probe(app))
        yield not why, f"telemetry: {why or f'{app.settings.telemetry.endpoint} takes it'}"


def _ripgrep() -> tuple[bool, str]:
    import sysconfig
    from pathlib import Path

    beside = Path(sysconfig.get_path("scripts")) / "rg"
    found = str(beside) if beside.exists() else shutil.which("rg")
    return found is not None, f"ripgrep: {found}" if found else "ripgrep is missing. Run: pip install ripgrep"


def _checkers(app: Application) -> Iterator[tuple[bool, str]]:
    from pathlib import Path

    from tallystick_server.diagnostics.setup import checkers

    root = Path.cwd()
    for one in checkers(app.settings, app.environment, root, trusted=app.trust.holds(root)):
        # That a folder is not trusted is nothing to mend.
        text = f"{one.kind} {one.name}: {one.found or 'not found'}{f'. {one.problem}' if one.problem else ''}"
        yield one.found is not None, text


async def _model(app: Application) -> tuple[bool, str]:
    try:
        chosen = await app.choose(None)
        app.target(chosen.slug)
        return True, f"model: {chosen.slug} ({chosen.reason})"
    except TallystickError as error:
        return False, f"model: {error.message} {error.remedy}"
    finally:
        await app.engine.parts.transport.close()


CHECKED_DAYS = 31
"""UTC days back that the ledger's rows and sums are held against each other: all of a large one would take minutes."""


def _ledger(app: Application) -> tuple[bool, str]:
    today = int(app.clock.now().timestamp()) // 86_400
    try:
        taken, lost = app.engine.parts.books.tidy()
        first_day = today - CHECKED_DAYS
        wrong = app.ledger.unbalanced(first_day * 86_400_000)
        sums = sum(app.ledger.differing(first_day).values())
        if sums:
            # What is derived from rows can be derived again.
            app.ledger.rebuild()
    except TallystickError as error:
        return False, f"ledger: {error.message} {error.remedy}"
    finally:
        app.ledger.close()
    if wrong:
        return False, f"ledger: {wrong} rows do not sum to their tokens"
    found = f"; {taken} rows that had waited were taken in" if taken else ""
    found += f"; {lost} requests of processes that are gone were booked" if lost else ""
    mended = f"; {sums} sums were not those of the rows and were made anew" if sums else ""
    return not sums, f"ledger: every row sums to its tokens{found}{mended}"
