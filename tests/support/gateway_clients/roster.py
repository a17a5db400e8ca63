"""The list of the clients. Owns nothing else."""

from typing import Final

from tests.support.gateway_clients.agents import AGENTS
from tests.support.gateway_clients.libraries import LIBRARIES
from tests.support.gateway_clients.roo import ROO
from tests.support.gateway_clients.sillytavern import SILLYTAVERN

LIGHT: Final = (*LIBRARIES, ROO)
"""Those that `make test` runs."""
HEAVY: Final = (*AGENTS, SILLYTAVERN)
EVERY: Final = {client.name: client for client in (*LIGHT, *HEAVY)}
