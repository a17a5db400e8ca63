"""The HTTP host: the gateway that other programs use, and its web page."""
