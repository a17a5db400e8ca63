"""`tallystick resume`: a session goes on, with a new prompt or with the turn that was cut short."""

from typing import Any

import click

from tallystick_server.cli.run import start, task_options


@click.command(name="resume")
@click.argument("session")
@click.argument("prompt", required=False)
@task_options
def command(session: str, prompt: str | None, **options: Any) -> int:
    """Go on with SESSION (an id or its beginning): with PROMPT, or where it was cut short."""
    return start(prompt, session, **options)
