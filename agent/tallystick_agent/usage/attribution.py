"""Which app a request belongs to, by OpenRouter's published rules. Pure: headers in, attribution and notices out.

An app is its address. One of this machine says nothing without a title; without an address the program's own name counts,
then the name of the key. A library's name comes last: many apps send it, and a key is made for one.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from tallystick_agent.protocol.attribution import Attribution

CATEGORIES: Final = frozenset(
    "cli-agent ide-extension cloud-agent programming-app native-app-builder"
    " creative-writing video-gen image-gen audio-gen"
    " writing-assistant general-chat personal-agent legal"
    " roleplay game".split()
)
MOST_CATEGORIES: Final = 2
LONGEST_CATEGORY: Final = 30
LONGEST_TITLE: Final = 120
LONGEST_ADDRESS: Final = 500
_PRODUCT: Final = re.compile(r"[\w.+ -]+(?:/(?!v?\d)[\w.+-]+)*")
"""A program's name in its User-Agent, without the version: `python-httpx`, `OpenAI/Python`."""
_LIBRARIES: Final = frozenset(
    "ai ai-sdk aiohttp anthropic axios bun curl deno go-http-client google-genai-sdk got java java-http-client langchain"
    " langchainjs-anthropic langchainjs-openai libcurl litellm mozilla node node-fetch node.js okhttp openai openrouter"
    " python python-httpx python-requests python-urllib reqwest ruby undici wget".split()
)
"""Names that many apps send: clients of an API or of HTTP, and browsers. By the part before the first `/`, in lower case."""


def identity(url: str, title: str, *, agent: str = "", key: str = "") -> str:
    """What rows of one app are joined by; empty where nothing tells."""
    parts = _parts(url)
    if parts is not None and not _local(parts.hostname or ""):
        return _address(parts)
    name = _title(title)
    if parts is not None and name:
        return f"localhost/{name}"
    program = program_of(agent)
    if program and not (key and is_library(program)):
        return f"ua/{program}"
    return f"key/{key}" if key else name if not parts else ""


def is_library(program: str) -> bool:
    """Whether many apps send this name."""
    return program.partition("/")[0].lower() in _LIBRARIES


def inbound(headers: Mapping[str, str], *, door: str = "gateway", key: str = "") -> tuple[Attribution, tuple[str, ...]]:
    """Who a request of another app is from, and what of its headers was left out. Header names in any case.

    `user` and `workspace` are not told by these headers.
    """
    known = {name.lower(): value for name, value in headers.items()}
    notices: list[str] = []
    referer = known.get("http-referer") or known.get("referer") or ""
    title = _title(known.get("x-openrouter-title") or known.get("x-title") or "")
    agent = known.get("user-agent", "")
    parts = _parts(referer)
    if referer and parts is None:
        notices.append("HTTP-Referer is no address and was left out.")
    elif parts is not None and _local(parts.hostname or "") and not title:
        notices.append("HTTP-Referer names this machine: without X-Title the app is not told from others.")
    categories, dropped = accepted(known.get("x-openrouter-categories", "").split(","))
    notices += [f"X-OpenRouter-Categories: {why}" for why in dropped]
    program = program_of(agent)
    # A program's own name is its title, a library's is not: there the key's name stands.
    own = key if key and is_library(program) else program
    who = Attribution(
        door=door,
        # A title alone makes no app.
        app=identity(referer, title, agent=agent, key=key) if parts is not None or program or key else "",
        title=title or (own if parts is None else ""),
        url=referer[:LONGEST_ADDRESS] if parts is not None else "",
        categories=categories,
        key=key,
        client=program,
    )
    return who, tuple(notices)


def accepted(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of the categories named those that count, and why each other one does not."""
    kept: list[str] = []
    dropped: list[str] = []
    for raw in names:
        name = raw.strip()
        if not name or name in kept:
            continue
        shown = _title(name)[:LONGEST_CATEGORY]
        if name not in CATEGORIES:
            why = "is not lower case" if name.lower() in CATEGORIES else "is unknown"
            dropped.append(f"“{shown}” {'is too long' if len(name) > LONGEST_CATEGORY else why} and was dropped.")
        elif len(kept) == MOST_CATEGORIES:
            dropped.append(f"“{shown}” is one too many and was dropped; {MOST_CATEGORIES} count.")
        else:
            kept.append(name)
    return tuple(kept), tuple(dropped)


def program_of(agent: str) -> str:
    """The first program that a User-Agent names, without its version."""
    found = _PRODUCT.match(agent.strip())
    name = found[0] if found else ""
    # `Name 1.2` has its version behind a blank.
    return re.sub(r" v?\d.*$", "", name).strip()[:LONGEST_TITLE]


def _title(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()[:LONGEST_TITLE]


def _parts(url: str) -> SplitResult | None:
    """The address in its parts; `None` where it is none."""
    text = url.strip()
    if not text or any(letter.isspace() or not letter.isprintable() for letter in text):
        return None
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = parts.hostname
        # Reading the port raises where it is none.
        good = parts.scheme.isascii() and parts.port != 0
    except ValueError:
        return None
    if not host or not good or ("://" not in text and "." not in host and not _local(host)):
        return None
    return parts


def _address(parts: SplitResult) -> str:
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != usual else ""
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{port}{parts.path.rstrip('/')}"[:LONGEST_ADDRESS]


def _local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
