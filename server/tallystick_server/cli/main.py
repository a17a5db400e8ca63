"""The command `tallystick`: its sub-commands and how each error leaves it. Owns no work: every command has a file."""

import importlib
import sys
from typing import Any

import click

from tallystick_agent import __version__
from tallystick_agent.protocol.errors import TallystickError

_COMMANDS = {
    "run": "Do a task in a repository.",
    "resume": "Go on with a session.",
    "sessions": "List sessions.",
    "usage": "Show what was used, by app, model, purpose, session or segment.",
    "export": "Write the ledger as CSV, JSON Lines or Parquet, or send it to an OpenTelemetry collector.",
    "rankings": "Rank models, authors, apps, purposes, languages and more by what they used.",
    "growth": "Show why a session's tokens grow, and how long its window and money last.",
    "whatif": "Price what was used as another model would have.",
    "budgets": "Show hard budgets and what is left of them.",
    "context": "Find the code that a task is about, or show what a session's requests were made of.",
    "models": "List models, or pull one that runs on this machine.",
    "route": "Show which endpoints would serve a model, and why.",
    "trust": "Trust a folder's rules (AGENTS.md and the like), or list the trusted ones.",
    "keys": "List API keys and where they may go, or store one.",
    "lsp": "Serve an editor over the Language Server Protocol.",
    "gateway": "Serve one API over all providers to other apps, and book what they use.",
    "doctor": "Check this installation, and repair a damaged session.",
}


class _Lazy(click.Group):
    """Loads a command's module when it is called, so that `--version` and `lsp` stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"tallystick_server.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tallystick", message="%(prog)s %(version)s")
def group() -> None:
    """A coding agent that accounts for every token."""


def cli(arguments: list[str] | None = None) -> int:
    """Runs a command and gives the exit code. No error leaves here as a traceback."""
    try:
        result: Any = group.main(arguments, prog_name="tallystick", standalone_mode=False)
        return int(result) if isinstance(result, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except TallystickError as error:
        from tallystick_server.cli.exit_codes import of_error

        show_error(error.message, error.remedy)
        return int(of_error(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody to tell.
        sys.stderr.close()
        return 1
    except Exception as error:
        import logging

        logging.getLogger("tallystick").debug("unexpected", exc_info=True)
        show_error(
            f"A bug in Tallystick: {type(error).__name__}: {error}",
            "Please report it. `tallystick doctor` checks the installation.",
        )
        return 1


def show_error(message: str, remedy: str) -> None:
    """An error for a person: what happened, and what to do."""
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)
    if remedy:
        click.echo(f"  {remedy}", err=True)
