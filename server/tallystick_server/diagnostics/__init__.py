"""Checkers of files, beside the hosts: linters that we run, and what puts several sources behind one port."""
