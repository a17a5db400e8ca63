"""Who may come in: the Host, the Origin, the key. Pure but for the key store. Owns no routes.

A page in a browser may reach any port of this machine. The Host must be ours, which a name that was bound anew to 127.0.0.1
is not; an Origin must be ours or one that the user allowed; and nothing but the page itself is given without a key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tallystick_server.gateway.failures import Refused
from tallystick_server.gateway.keys import GatewayKey

_LOCAL: Final = ("127.0.0.1", "localhost", "[::1]")
_KEY_HEADERS: Final = ("x-api-key", "api-key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the user allows to come in. Hosts and origins besides those of this machine."""

    port: int
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


def check_host(headers: Mapping[str, str], door: Door) -> None:
    """Raises `Refused` (421) for a Host that is not ours."""
    host = headers.get("host", "").lower()
    own = {f"{name}:{door.port}" for name in _LOCAL} | set(_LOCAL)
    if host not in own and host not in door.hosts:
        raise Refused(
            421,
            "This Host is not served here.",
            remedy="Use http://127.0.0.1:PORT, or name the host in gateway.allowed_hosts.",
            code="permission_denied",
        )


def check_origin(headers: Mapping[str, str], door: Door) -> str:
    """The Origin where it may read answers; empty where none was sent. Raises `Refused` (403)."""
    origin = headers.get("origin", "")
    if not origin:
        return ""
    own = {f"http://{name}:{door.port}" for name in _LOCAL}
    if origin.lower() in own or origin in door.origins:
        return origin
    raise Refused(
        403,
        "Pages of this origin may not use the gateway.",
        remedy="Name it in gateway.allowed_origins in settings.toml if it is yours.",
        code="permission_denied",
    )


def key_of(headers: Mapping[str, str]) -> str:
    """The key as it was sent: as a bearer, or in the headers of other APIs; empty where there is none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return next((headers[name].strip() for name in _KEY_HEADERS if headers.get(name, "").strip()), "")


def unknown_key(given: str) -> Refused:
    what = "This key is not known here." if given else "A key is needed."
    return Refused(401, what, remedy="Make one: tallystick gateway keys add NAME", code="permission_denied")


def may_read(key: GatewayKey) -> None:
    """Raises `Refused` (403) for a key that sees its own usage alone."""
    if not key.reads:
        raise Refused(
            403,
            f"The key {key.name} may not read everybody's usage.",
            remedy="Make one that may: tallystick gateway keys add NAME --reads",
            code="permission_denied",
        )
