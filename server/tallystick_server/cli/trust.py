"""`tallystick trust`: folders whose rules for agents are read."""

from pathlib import Path

import click

from tallystick_server.compose import Application


@click.command(name="trust")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--remove", is_flag=True, help="Trust it no longer.")
@click.option("--list", "listing", is_flag=True, help="List the trusted folders.")
def command(folder: Path, remove: bool, listing: bool) -> int:
    """Let the rules of FOLDER (the current one) be read: AGENTS.md, CLAUDE.md, GEMINI.md, .clinerules, .cursor/rules and others.

    Whoever can write those files tells the agent what to do, so they are read in trusted folders alone.
    """
    trust = Application.load().trust
    if listing:
        for one in trust.folders():
            click.echo(one)
    elif remove:
        gone = trust.remove(folder)
        click.echo("It is trusted no longer." if gone else "It was not trusted by itself; --list shows what is.")
    elif not folder.is_dir():
        # One that is gone can be removed: whoever makes it anew must not be trusted.
        raise click.BadParameter(f"The folder {folder} does not exist.")
    else:
        click.echo(f"Trusted: {trust.add(folder)}")
    return 0
