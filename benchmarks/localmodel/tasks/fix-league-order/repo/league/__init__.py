"""The table of a small football league."""
