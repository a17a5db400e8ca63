"""`tallystick keys`: which API keys are here, where each may be sent, and storing one. Owns no secret longer than a prompt."""

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
        origins = ", ".join(sorted(app.keys.origins_of(name))) or "nowhere: nothing in the settings names it"
        click.echo(f"{name}  ({where})  goes to {origins}")
    return 0


@command.command(name="set")
@click.argument("name")
@click.option("--file", "to_file", is_flag=True, help="Keep it in keys.env, readable by you alone, instead of the keyring.")
def set_(name: str, to_file: bool) -> int:
    """Store the key NAME in the system's keyring; it is asked for, or read from standard input."""
    from tallystick_server.local.keys import keyring_available

    app = Application.load()
    if not app.keys.origins_of(name):
        raise ConfigurationError(
            f"No provider uses a key {name}.",
            code="bad_usage",
            remedy="`tallystick models --all` shows the providers; name your own under [providers] in settings.toml first.",
        )
    value = click.prompt(f"{name} (not shown)", hide_input=True, err=True).strip()
    if not value or not value.isascii() or not value.isprintable():
        raise ConfigurationError("That is no key.", code="bad_usage", remedy="Paste the key alone, without quotes.")
    where = app.keys.put(name, value, keyring=not to_file and keyring_available())
    click.echo(f"{name} is kept in {'the keyring' if where == 'keyring' else app.home / 'keys.env'}.")
    return 0


@command.command(name="delete")
@click.argument("name")
def delete(name: str) -> int:
    """Remove the stored key NAME."""
    app = Application.load()
    if not app.keys.remove(name):
        raise ConfigurationError(f"No key {name} is stored here.", code="bad_usage", remedy="`tallystick keys` lists them.")
    click.echo(f"{name} is removed.")
    return 0
