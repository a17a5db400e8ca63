"""The real program at another time. A program of its own, for tests.

    python at_time.py 2031-05-06T07:08:09 ARGUMENTS…

It runs `tallystick ARGUMENTS` in this process, with a clock that began there. Without `-I`, so that `PYTHONHASHSEED` counts.
"""

import sys
from datetime import UTC, datetime


def main() -> None:
    when, *arguments = sys.argv[1:]
    from tallystick_server.local.system import SystemClock

    began, then = datetime.now(UTC), datetime.fromisoformat(when).replace(tzinfo=UTC)

    def now(self: SystemClock) -> datetime:
        return then + (datetime.now(UTC) - began)

    SystemClock.now = now  # type: ignore[method-assign]
    from tallystick_server.cli.main import cli

    sys.exit(cli(arguments))


if __name__ == "__main__":
    main()
