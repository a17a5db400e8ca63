"""`tallystick export`: the ledger in other formats. Owns the options; formats are `usage/exports/` and `telemetry/`."""

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from tallystick_agent.protocol.errors import ConfigurationError, ProviderError
from tallystick_server.compose import Application
from tallystick_server.usage_view import Period, since_ms

if TYPE_CHECKING:
    from tallystick_agent.usage.exports.columns import Entry
    from tallystick_server.telemetry.setup import Signals

_ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


@click.command(name="export")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl", "parquet", "otlp"]), help="Unset: by the file's ending.")
@click.option("--period", default="all", show_default=True, type=click.Choice(["today", "week", "month", "all"]))
@click.option("--since", metavar="TIME", help="From this day or time on: 2026-11-01, 2026-11-01T12:00Z. UTC without a zone.")
@click.option("--until", metavar="TIME", help="Until before this day or time.")
@click.option("--session", help="Only this session (an id or its beginning).")
@click.option("--app", "app_name", metavar="APP", help="Only this app, e.g. github.com/tallystick/tallystick.")
@click.option("--net", "fold", is_flag=True, help="Fold corrections into the rows that they correct.")
@click.option("-o", "--output", default="-", show_default=True, metavar="FILE", help="A file; - is standard output.")
@click.option("--endpoint", metavar="URL", help="With otlp: the collector, e.g. http://127.0.0.1:4318.")
@click.option(
    "--signals", type=click.Choice(["both", "traces", "metrics"]), help="With otlp: what is sent; unset: as set, else both."
)
def command(
    kind: str | None,
    period: str,
    since: str | None,
    until: str | None,
    session: str | None,
    app_name: str | None,
    fold: bool,
    output: str,
    endpoint: str | None,
    signals: str | None,
) -> int:
    """Write every request of a period as CSV, JSON Lines or Parquet, or send it to an OpenTelemetry collector.

    \b
    Examples:
      tallystick export --period month -o month.csv
      tallystick export --since 2026-11-01 --until 2026-12-01 --net -o november.parquet
      tallystick export --format jsonl --session s-2611 | jq .cost_usd
      tallystick export --format otlp --period week --endpoint http://127.0.0.1:4318

    Money is exact; what is not known is empty in CSV and null elsewhere. In CSV, text that a spreadsheet would run has a quote
    in front. docs/exports.md lists the columns.
    """
    chosen = kind or _ENDINGS.get(Path(output).suffix.lower()) or "csv"
    if (endpoint is not None or signals is not None) and chosen != "otlp":
        raise click.UsageError("--endpoint and --signals are for --format otlp.")
    if chosen == "otlp" and output != "-":
        raise click.UsageError("--format otlp sends to a collector and writes no file.")
    first = _time_ms(since, "--since") if since else since_ms(cast(Period, period), datetime.now().astimezone())
    last = _time_ms(until, "--until") if until else None
    app = Application.load()
    try:
        from tallystick_agent.usage.exports.net import net
        from tallystick_agent.usage.exports.walk import walk

        session_id = app.store.find(session) if session else None
        rows: Iterable[Entry] = walk(app.ledger, since_ms=first, until_ms=last, session_id=session_id, app=app_name)
        if chosen == "otlp":
            return _send(app, rows, endpoint, cast("Signals | None", signals))
        count = _write(chosen, net(rows) if fold else rows, output)
    finally:
        app.ledger.close()
    if output != "-":
        click.echo(f"{count:,} rows in {output}", err=True)
    return 0


def _write(kind: str, rows: "Iterable[Entry]", output: str) -> int:
    from tallystick_agent.usage.exports import parquet, text

    writers: dict[str, Callable[[Iterable[Entry], BinaryIO], int]] = {
        "csv": text.write_csv,
        "jsonl": text.write_jsonl,
        "parquet": parquet.write_parquet,
    }
    write = writers[kind]
    if kind == "parquet":
        parquet.check()
    if output == "-":
        if kind == "parquet" and sys.stdout.isatty():
            raise click.UsageError("Parquet is not for a terminal: name a file with -o.")
        count = write(rows, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return count
    from tallystick_server.local.whole_file import whole_file

    with whole_file(Path(output)) as out:
        return write(rows, out)


def _send(app: Application, rows: "Iterable[Entry]", endpoint: str | None, signals: "Signals | None") -> int:
    import asyncio

    from tallystick_server.cli.exit_codes import ExitCode
    from tallystick_server.cli.main import show_error
    from tallystick_server.telemetry.start import export_period

    try:
        done = asyncio.run(export_period(app, rows, endpoint, signals))
    except ProviderError as error:
        show_error(error.message, error.remedy)
        return int(ExitCode.PROVIDER)
    refused = f"; the collector refused {done.refused:,} of them" if done.refused else ""
    click.echo(f"{done.requests:,} requests as {done.spans:,} spans and {done.points:,} points{refused}", err=True)
    return 0


def _time_ms(text: str, option: str) -> int:
    """A day or a time in milliseconds; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{text} is no day and no time.", code="bad_usage", remedy=f"Give {option} as 2026-11-01 or 2026-11-01T12:00Z."
        ) from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
