"""`tallystick gateway`: the API for other apps, and the keys that they come in with. Owns the options and what is printed."""

import importlib
from datetime import UTC, datetime
from typing import Any

import click

from tallystick_server.compose import Application


@click.group(name="gateway", invoke_without_command=True)
@click.option("--port", type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 takes any that is free.")
@click.pass_context
def command(context: click.Context, port: int | None) -> int:
    """Serve one API over all providers to other apps, on 127.0.0.1, and book what they use.

    \b
    OpenAI's libraries take  http://127.0.0.1:8790/v1  as their base URL,
    Anthropic's take         http://127.0.0.1:8790     .
    """
    if context.invoked_subcommand is not None:
        return 0
    return int(_host().serve(Application.load(), port, _announce))


def _host() -> Any:
    # Hosts do not know each other: the command line only names the module that it starts.
    return importlib.import_module("tallystick_server.gateway.main")


def _announce(started: Any) -> None:
    click.echo(f"Tallystick serves at {click.style(started.url + '/v1', bold=True)}   (Ctrl-C ends it)")
    if started.new_key:
        click.echo(f"  key `default`, shown this once:  {started.new_key}")
        click.echo("  more keys, one an app:           tallystick gateway keys add NAME")
    click.echo(f"  rankings and usage:              {started.page}")


@command.group(name="keys", invoke_without_command=True)
@click.pass_context
def keys(context: click.Context) -> int:
    """List the keys that apps come in with; the keys themselves are kept nowhere."""
    if context.invoked_subcommand is not None:
        return 0
    found = _host().keys_of(Application.load()).all()
    if not found:
        click.echo("There are no keys yet. Make one: tallystick gateway keys add NAME")
    for one in found:
        made = datetime.fromtimestamp(one.created, UTC).date().isoformat()
        rights = "reads everybody's usage" if one.reads else "asks models"
        click.echo(f"{one.name}  made {made}  {rights}{f'  {one.title}' if one.title else ''}")
    return 0


@keys.command(name="add")
@click.argument("name")
@click.option("--reads", is_flag=True, help="Let it read everybody's usage, rankings and metrics.")
@click.option("--title", default="", help="The app's name, where its requests bring none.")
@click.option("--url", default="", help="The app's address, where its requests bring none.")
def add(name: str, reads: bool, title: str, url: str) -> int:
    """Make a key called NAME and print it, this once."""
    click.echo(_host().keys_of(Application.load()).add(name, reads=reads, title=title, url=url))
    return 0


@keys.command(name="remove")
@click.argument("name")
def remove(name: str) -> int:
    """Take the key NAME away: it is refused from the next request on."""
    if not _host().keys_of(Application.load()).remove(name):
        raise click.ClickException(f"There is no key called {name}.")
    click.echo(f"{name} is refused from now on.")
    return 0
