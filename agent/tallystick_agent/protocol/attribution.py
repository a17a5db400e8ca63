"""Who used tokens, as a value. Owns no rules of how it is told: those are in `usage.attribution`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who used the tokens."""

    door: str
    """How it came in: `cli`, `lsp`, `gateway`, …"""
    app: str = ""
    """The app's identity, which its rows are joined by: its address without scheme, or a name where it has none."""
    title: str = ""
    """The app's name for people."""
    url: str = ""
    categories: tuple[str, ...] = ()
    key: str = ""
    """The name of the gateway key that it came with; never the key."""
    client: str = ""
    """The editor or program behind it."""
    user: str = ""
    workspace: str = ""
