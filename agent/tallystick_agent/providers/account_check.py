"""Asking a provider what is left of an account's day. Owns when it was asked last; what it says goes to the pacer."""

from typing import Final

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.account import parse_key
from tallystick_agent.providers.http import Transport
from tallystick_agent.providers.pacing import Pacer
from tallystick_agent.providers.variants import parse

EVERY_S: Final = 900.0
"""Seconds for which an answer, or the lack of one, is good."""
WAIT_S: Final = 3.0


class AccountCheck:
    def __init__(self, transport: Transport, pacer: Pacer, clock: Clock) -> None:
        self._transport = transport
        self._pacer = pacer
        self._clock = clock
        self._asked: dict[str, float] = {}

    async def look(self, endpoint: Endpoint, key: str | None) -> None:
        """Before a request to a free model: how many of the day are used, by every program of the account.

        An account that cannot be asked is no reason to fail: then our own count holds.
        """
        if not endpoint.aggregator or endpoint.limits.requests_per_day is None or not parse(endpoint.model).has("free"):
            # The provider counts its free models alone; a limit that the user set for others is another one.
            return
        account, now = endpoint.limits.account, self._clock.monotonic()
        if now - self._asked.get(account, -EVERY_S) < EVERY_S:
            return
        self._asked[account] = now
        try:
            url = f"{endpoint.base_url.rstrip('/')}/key"
            found = parse_key(await self._transport.fetch(url, key=key, auth=endpoint.auth, timeout_s=WAIT_S))
        except ProviderError:
            return
        if found.free_used is not None and found.free_limit is not None:
            await self._pacer.told(endpoint, used=found.free_used, limit=found.free_limit)
