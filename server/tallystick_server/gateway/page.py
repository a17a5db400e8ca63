"""The web page's files as bytes with their headers. Owns what a browser may do with them; no routes, no server, no data."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PREFIX: Final = "/assets/"
POLICY: Final = (
    "default-src 'self'; base-uri 'none'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; img-src 'self'; "
    "object-src 'none'; script-src 'self'; style-src 'self'"
)
SECURITY: Final = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    # A new version of the gateway is a new page at once; the tag makes asking cheap.
    ("cache-control", "no-cache"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    body: bytes
    content_type: str
    etag: str

    @property
    def headers(self) -> dict[str, str]:
        """All but the length, which is the server's to say."""
        return {"content-type": self.content_type, "etag": self.etag, **dict(SECURITY)}

    def known(self, if_none_match: str) -> bool:
        """Whether a browser that sends this header has it already: the answer is 304 without a body."""
        tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return self.etag in tags or "*" in tags


def asset(path: str) -> Asset | None:
    """The file behind `/` or `/assets/NAME`; `None` where there is none. A name is looked up and never joined to a folder."""
    return _all().get("index.html" if path == "/" else path.removeprefix(PREFIX) if path.startswith(PREFIX) else "")


@cache
def _all() -> dict[str, Asset]:
    found: dict[str, Asset] = {}
    for entry in files("tallystick_server.gateway").joinpath("page").iterdir():
        kind = TYPES.get(entry.name[entry.name.rfind(".") :])
        if kind is not None and entry.is_file():
            body = entry.read_bytes()
            found[entry.name] = Asset(body=body, content_type=kind, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return found
