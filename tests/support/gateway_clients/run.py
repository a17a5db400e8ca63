"""Runs clients by name and writes the table of what came of them. Started by `scripts/clients/run`; owns that table."""

import argparse
import datetime
import sys
from pathlib import Path
from typing import Final

from tests.support.gateway_clients.proof import Result, bench
from tests.support.gateway_clients.roster import EVERY

TABLE: Final = Path("scripts/clients/RESULTS.md")
HEAD: Final = """<!-- Written by scripts/clients/run. -->

# Real clients through the gateway

Each ran its task against the scripted provider, through a gateway with a key for it. *Told* are the tokens that the provider
reported and *cost* what it said it charged; *ranked* are the tokens of the client's app in `/v1/rankings/apps`. *ok* means that
the task was done, that each answer stands in the ledger once with the provider's numbers, and that the ranking has their sum
and their cost to the nano-dollar; for SillyTavern also that its session grows turn by turn in the growth chart.

| client | version | wire | streaming | app | requests | told | ranked | cost, USD | result | on |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def line(result: Result, day: str) -> str:
    client = result.client
    app = client.app if client.app != "key" else f"key/{client.name}"
    # A table has no room for what a client printed: the first line names the fault.
    short = result.problem.splitlines()[0][:160].replace("|", "/") if result.problem else "ok"
    numbers = [str(result.requests), f"{result.expected:,}", f"{result.booked:,}", f"{result.nanos / 1e9:.9f}"]
    cells = [client.name, result.version or "?", client.wire, client.streaming, app, *numbers, short, day]
    return f"| {' | '.join(cells)} |"


def kept(names: set[str]) -> dict[str, str]:
    """The lines of earlier runs for clients that were not run now."""
    lines = TABLE.read_text("utf-8").splitlines() if TABLE.exists() else []
    found = {text.split("|")[1].strip(): text for text in lines if text.startswith("| ")}
    return {name: text for name, text in found.items() if name in EVERY and name not in names}


def main() -> int:
    parser = argparse.ArgumentParser(description="Run real clients through the gateway.")
    parser.add_argument("names", nargs="*", choices=[[], *EVERY], metavar="NAME", help=", ".join(EVERY))
    names: list[str] = parser.parse_args().names or list(EVERY)
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    lines = kept(set(names))
    bad = 0
    with bench() as proven:
        for name in names:
            result = proven.prove(EVERY[name])
            lines[name] = line(result, day)
            sys.stdout.write(lines[name] + "\n")
            sys.stdout.flush()
            if result.problem:
                bad += 1
                sys.stderr.write(f"{name}: {result.problem}\n")
    TABLE.write_text(HEAD + "".join(f"{lines[name]}\n" for name in EVERY if name in lines), "utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
