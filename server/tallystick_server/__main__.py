"""`python -I -m tallystick_server`, and the console script. Owns only the start."""

import io
import sys


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a mark gets a question mark, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    from tallystick_server.cli.main import cli

    sys.exit(cli())


if __name__ == "__main__":
    main()
