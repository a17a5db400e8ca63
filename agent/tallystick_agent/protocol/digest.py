"""Digests of text: how approvals, staleness and recovery name a state of a file. Owns no file access."""

import hashlib


def digest(text: str) -> str:
    """128 bits of SHA-256 over the UTF-8 form, lone surrogates included, as 32 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
