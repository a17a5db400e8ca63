"""`tallystick lsp`: the server for editors. Owns the options; the server is `tallystick_server.lsp`."""

import importlib

import click

from tallystick_server.cli.option_types import SLUG


@click.command(name="lsp")
@click.option("--tcp", "port", type=click.IntRange(1, 65535), help="Serve one client on 127.0.0.1 at this port instead of stdio.")
@click.option("--model", type=SLUG, help="Model as provider/model.")
def command(port: int | None, model: str | None) -> int:
    """Serve an editor over the Language Server Protocol (stdio)."""
    # Hosts do not know each other: the command line only names the module that it starts.
    serve = importlib.import_module("tallystick_server.lsp.main").serve
    return int(serve(tcp_port=port, model=model))
