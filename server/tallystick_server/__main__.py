"""`python -I -m tallystick_server`, and the console script. Owns only the start."""

import io
import os
import sys


def main() -> None:
    _import_nothing_from_here()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a mark gets a question mark, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    from tallystick_server.cli.main import cli

    sys.exit(cli())


def _import_nothing_from_here() -> None:
    """Takes the folder that we were started in off the module path: a workspace may hold a `json.py`.

    Python puts it there for `-m` without `-I`, and for an empty part of PYTHONPATH. What it imported before us is beyond us.
    """
    if sys.flags.isolated:
        return
    here = os.path.realpath(os.curdir)
    sys.path[:] = [path for path in sys.path if os.path.isabs(path) and os.path.realpath(path) != here]


if __name__ == "__main__":
    main()
