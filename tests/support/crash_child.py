"""The real program, made to die with SIGKILL at the n-th append to a session's log. A program of its own, for tests.

    python crash_child.py N before|after ARGUMENTS…

It runs `tallystick ARGUMENTS` in this process; `before` dies with the event unwritten, which leaves a side effect without
its outcome, `after` with the event on the disk.
"""

import os
import signal
import sys

from tallystick_agent.protocol.events import Event
from tallystick_agent.sessions.event_log import EventLog


def main() -> None:
    at, when, *arguments = sys.argv[1:]
    left = int(at)
    append = EventLog.append

    def dying(self: EventLog, event: Event) -> None:
        nonlocal left
        left -= 1
        if left == 0 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        append(self, event)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    EventLog.append = dying  # type: ignore[method-assign]
    from tallystick_server.cli.main import cli

    sys.exit(cli(arguments))


if __name__ == "__main__":
    main()
