"""`python -I -m tallystick_server`, and the console script. Owns only the start."""

import sys


def main() -> None:
    from tallystick_server.cli.main import cli

    sys.exit(cli())


if __name__ == "__main__":
    main()
