"""tallystick/diagnostics: an extension reports what its editor says of a document. A plain function, so that order holds."""

import logging
from typing import Any

from tallystick_server.lsp.server import TallystickServer

REPORT = "tallystick/diagnostics"
_log = logging.getLogger(__name__)


def register(server: TallystickServer) -> None:
    def reported(params: Any) -> None:
        if not server.reports.take(params):
            _log.warning("a report of diagnostics that is misshapen")

    server.on(REPORT, reported)
