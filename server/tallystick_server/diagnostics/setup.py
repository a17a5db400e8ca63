"""Which checkers a workspace has, from the user's settings: made into sources, or told of in words. Owns the rules of trust."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tallystick_agent.ports import Terminal
from tallystick_agent.settings import Settings
from tallystick_server.diagnostics.linters import LinterSource, program
from tallystick_server.diagnostics.presets import Linter, linter_of
from tallystick_server.diagnostics.sources import Source
from tallystick_server.lsp_client.pool import ServerPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """One that is configured. `problem` says why it does not run here; empty where it does."""

    name: str
    kind: str
    found: str | None
    problem: str = ""
    linter: Linter | None = None


def checkers(settings: Settings, environment: Mapping[str, str], root: Path, *, trusted: bool) -> tuple[Checker, ...]:
    """Every linter and language server of the settings."""
    found: list[Checker] = []
    for name, given in settings.linters.items():
        linter = linter_of(name, given)
        if isinstance(linter, str):
            found.append(Checker(name=name, kind="linter", found=None, problem=linter))
            continue
        place, problem = _place(linter.command[0], environment, root, trusted=trusted, trusted_only=linter.trusted_only)
        found.append(Checker(name=name, kind="linter", found=place, problem=problem, linter=linter))
    for name, server in settings.language_servers.items():
        place, problem = _place(server.command[0], environment, root, trusted=trusted, trusted_only=True)
        found.append(Checker(name=name, kind="language server", found=place, problem=problem))
    return tuple(found)


def sources(
    settings: Settings,
    environment: Mapping[str, str],
    root: Path,
    *,
    trusted: bool,
    terminal: Terminal,
    pool: ServerPool,
    cache: Path,
) -> tuple[Source, ...]:
    """Those that may run here and are there."""
    made: list[Source] = []
    for one in checkers(settings, environment, root, trusted=trusted):
        if one.problem or one.found is None:
            continue
        if one.linter is not None:
            made.append(
                LinterSource(
                    linter=one.linter,
                    program=one.found,
                    root=root,
                    terminal=terminal,
                    trusted=trusted,
                    cache=cache / "linters" / one.name.replace("/", "_"),
                )
            )
        else:
            made.append(pool.source(one.name, settings.language_servers[one.name], one.found, root))
    return tuple(made)


def _place(name: str, environment: Mapping[str, str], root: Path, *, trusted: bool, trusted_only: bool) -> tuple[str | None, str]:
    place = program(name, environment, root, trusted=trusted)
    if place is None:
        return None, f"{name} is not on the PATH."
    if trusted_only and not trusted:
        return place, "It runs in trusted folders alone: tallystick trust"
    return place, ""
