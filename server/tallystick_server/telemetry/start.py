"""Telemetry for an application: what the settings ask for, made and closed. A request never waits for any of it."""

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tallystick_agent.protocol.errors import TallystickError
from tallystick_server.telemetry import encode
from tallystick_server.telemetry.after import Exported, PeriodExport
from tallystick_server.telemetry.live import LiveExport
from tallystick_server.telemetry.send import Sent, Signal, send
from tallystick_server.telemetry.setup import Signals, asked, configured, only, servers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tallystick_agent.usage.exports.columns import Entry
    from tallystick_server.compose import Application

AT_CLOSE_S: Final = 3.0
"""Seconds that closing waits for a collector."""
PROBE_S: Final = 3.0


def live_export(app: "Application") -> LiveExport | None:
    """What tells requests while they happen; `None` where nobody asked for it, or where it cannot be, which the log says."""
    telemetry = app.settings.telemetry
    if not telemetry.endpoint:
        return None
    try:
        encode.check()
        collector = configured(telemetry, app.keys)
    except TallystickError as error:
        logging.getLogger("tallystick.telemetry").warning("there is no telemetry: %s %s", error.message, error.remedy)
        return None
    from tallystick_server.local.system import TimeIds

    return LiveExport(
        collector,
        servers(app.settings, app.bases()),
        encode.resource_of(telemetry.resource, TimeIds().new("process")),
        app.clock,
        interval_s=telemetry.interval_s,
        delta=telemetry.temporality == "delta",
    )


async def close_export(export: LiveExport) -> None:
    await asyncio.to_thread(export.close, AT_CLOSE_S)


async def export_period(
    app: "Application", entries: "Iterable[Entry]", endpoint: str | None, signals: "Signals | None" = None
) -> Exported:
    """Sends a period that is over. `signals` unset goes by the collector. Raises `TallystickError`."""
    from tallystick_agent.providers.http import Transport

    encode.check()
    telemetry = app.settings.telemetry.model_copy(update={"signals": signals} if signals else {})
    collector = only(asked(endpoint, telemetry, app.keys, app.environment), signals)
    transport = Transport(app.settings.network, app.settings.attribution, app.clock)
    resource = encode.resource_of(app.settings.telemetry.resource, "ledger")
    try:
        export = PeriodExport(transport, collector, servers(app.settings, app.bases()), resource, app.clock)
        return await export.run(entries)
    finally:
        await transport.close()


async def probe(app: "Application") -> str:
    """Sends the settings' collector a batch of nothing. Gives why it does not take one; empty where it does."""
    from tallystick_agent.providers.http import Transport

    try:
        encode.check()
        collector = replace(configured(app.settings.telemetry, app.keys), timeout_s=PROBE_S)
    except TallystickError as error:
        return f"{error.message} {error.remedy}"
    transport = Transport(app.settings.network, app.settings.attribution, app.clock)
    try:
        both: tuple[tuple[Signal, str], ...] = (("traces", collector.traces_url), ("metrics", collector.metrics_url))
        for signal, url in both:
            sent = await send(transport, collector, signal, b"", app.clock, lambda: True) if url else Sent()
            if sent.error:
                return f"{url}: {sent.error}"
    finally:
        await transport.close()
    return ""
