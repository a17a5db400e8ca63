"""Where providers are reached from here, and where each key may go. Owns the reading of the environment's base URLs.

Nothing of a workspace is read.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.catalog import providers
from tallystick_agent.providers.http import origin_of
from tallystick_agent.settings import Settings


def origins(settings: Settings, bases: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    """To which origins each key may be sent: those of the providers, endpoints and collector that name it."""
    found: dict[str, set[str]] = {}
    for provider in providers().values():
        base = bases.get(provider.name, provider.base_url)
        if provider.key_name and base:
            # A moved base URL takes the key along: who moved it is the user's own environment.
            found.setdefault(provider.key_name, set()).add(origin_of(base))
    own = [(one.key_name, one.base_url) for one in settings.providers.values()]
    for slug, one in settings.endpoints.items():
        # Another key for a model of a known provider belongs where that one is.
        head = slug.partition("/")[0]
        mine, known = settings.providers.get(head), providers().get(head)
        usual = mine.base_url if mine is not None else bases.get(known.name, known.base_url) if known is not None else ""
        own.append((one.key_name, one.base_url or usual))
    own += [(name, settings.telemetry.endpoint) for name in settings.telemetry.key_headers.values()]
    for name, url in own:
        if name and url:
            found.setdefault(name, set()).add(origin_of(url))
    return {name: frozenset(origins) for name, origins in found.items()}


def bases(environment: Mapping[str, str]) -> dict[str, str]:
    """Base URLs that the environment moves."""
    found: dict[str, str] = {}
    for provider in providers().values():
        value = environment.get(provider.base_env, "").strip() if provider.base_env else ""
        if not value:
            continue
        url = (value if "://" in value else f"http://{value}").rstrip("/")
        for path in ("/chat/completions", "/responses", "/messages"):
            # Some give the address of a request where that of the API is meant.
            url = url.removesuffix(path)
        if provider.name == "ollama" and ":" not in urlsplit(url).netloc:
            url = f"{url}:11434"
        found[provider.name] = url if not provider.suffix or url.endswith(provider.suffix) else url + provider.suffix
    return found


def check_url(endpoint: Endpoint) -> None:
    """Raises `ConfigurationError` for a base URL that no request can be sent to."""
    try:
        parts = urlsplit(endpoint.base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        good = False
    if not good:
        raise ConfigurationError(
            f"{endpoint.base_url} is no base URL for {endpoint.provider}.", remedy="Give it as http://HOST:PORT/PATH or https://…"
        )
