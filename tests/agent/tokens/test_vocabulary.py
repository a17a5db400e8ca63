"""The vocabulary in the package is the published one, to the byte."""

import hashlib

from tallystick_agent.tokens.encodings import SHA256, vocabulary_bytes


def test_the_vocabulary_is_whole() -> None:
    assert hashlib.sha256(vocabulary_bytes()).hexdigest() == SHA256
