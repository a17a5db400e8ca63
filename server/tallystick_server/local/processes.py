"""Which process this is, and whether another one of this machine still runs. Owns nothing but reading it from the system."""

import os
import socket
from pathlib import Path

from tallystick_agent.usage.openings import Process


def this_process() -> Process:
    """Ids of processes count within a room of this machine (a container is one), and since its last start."""
    return Process(host=f"{socket.gethostname()} {_room()}".strip(), pid=os.getpid(), born=_born(os.getpid()))


def alive(process: Process) -> bool:
    """Whether it runs; a process that has its id by now is another. Where that cannot be told it does."""
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    born = _born(process.pid)
    return not process.born or not born or born == process.born


def _room() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _born(pid: int) -> str:
    """The start of a process in the system's own words, with that of the machine; empty where the system tells none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
    # The name of the program stands in brackets and may hold any.
    fields = stat.rpartition(")")[2].split()
    # A process that ended and that nobody has asked for yet holds its id.
    return "" if len(fields) < 20 else f"{boot} {fields[19]}" if fields[0] != "Z" else "ended"
