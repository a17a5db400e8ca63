"""`tallystick keys`: which API keys are here, where each may be sent, and storing one. Owns no secret longer than a prompt."""

import sys

import click

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_server.compose import Application


@click.group(name="keys", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> int:
    """List the API keys that are here, where they are kept, and the origins that they may be sent to."""
    if context.invoked_subcommand is not None:
        return 0
    app = Application.load()
    places = app.keys.places()
    if not places:
        click.echo("No keys are here. Set one in the environment, or run: tallystick keys set OPENROUTER_API_KEY")
    for name, where in sorted(places.items()):
        click.echo(f"{name}  ({where})  goes {_aims(app, name)}")
    return 0


def _aims(app: Application, name: str) -> str:
    """Where a key may go, in words; a provider whose accounts have a base URL each has none before one is set."""
    from tallystick_server.model_view import addresses_to_set

    origins = sorted(one for one in app.keys.origins_of(name) if not one.startswith("://"))
    if origins:
        return f"to {', '.join(origins)}"
    unset = addresses_to_set(name)
    return f"nowhere before {' or '.join(unset)} is set" if unset else "nowhere: nothing in the settings names it"


@command.command(name="set")
@click.argument("name")
@click.option("--file", "to_file", is_flag=True, help="Keep it in keys.env, readable by you alone, instead of the keyring.")
@click.option("--keyring", "to_keyring", is_flag=True, help="Keep it in the keyring or nowhere.")
def set_(name: str, to_file: bool, to_keyring: bool) -> int:
    """Store the key NAME in the system's keyring, or in keys.env where there is none.

    It is asked for at a terminal; else it is the first line of standard input.
    """
    from tallystick_server.local.keys import keyring_missing, no_key

    if to_file and to_keyring:
        raise click.UsageError("Give --file or --keyring, not both.")
    app = Application.load()
    if not app.keys.origins_of(name):
        raise ConfigurationError(
            f"No provider uses a key {name}.",
            code="bad_usage",
            remedy="`tallystick models --all` shows the providers; name your own under [providers] in settings.toml first.",
        )
    missing = "" if to_file else keyring_missing()
    if missing and to_keyring:
        raise ConfigurationError(missing, code="bad_usage", remedy="Keep the key in keys.env: leave --keyring away.")
    value = _read(name)
    if refused := no_key(value):
        raise ConfigurationError(refused, code="bad_usage", remedy="Give the key alone, in one line, without quotes.")
    # Asked before anything is kept: a keys file that others can read is refused here.
    holders = app.keys.holders(name)
    where = app.keys.put(name, value, keyring=not to_file and not missing)
    click.echo(f"{missing} {name} is kept in {'the keyring' if where == 'keyring' else app.home / 'keys.env'}.".lstrip())
    if where == "keyring" and app.keys.unfile(name):
        click.echo("Its line in keys.env, which would have been used instead, is removed.")
    if where == "keys.env" and "keyring" in holders:
        click.echo("The keyring has one of that name too; the one in keys.env is used.")
    if "environment" in holders:
        click.echo("The environment has one of that name too, and that one is used wherever it is set.")
    return 0


def _read(name: str) -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt(f"{name} (not shown)", hide_input=True, err=True)
        return typed.strip()
    return sys.stdin.buffer.readline().decode("utf-8", "replace").strip()


@command.command(name="delete")
@click.argument("name")
def delete(name: str) -> int:
    """Remove the stored key NAME."""
    app = Application.load()
    if not app.keys.remove(name):
        raise ConfigurationError(f"No key {name} is stored here.", code="bad_usage", remedy="`tallystick keys` lists them.")
    click.echo(f"{name} is removed.")
    return 0
