"""The command line: for people at a terminal, for scripts and for CI."""
