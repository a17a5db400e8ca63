"""The o200k encoding from the vocabulary in this package. Owns loading, once and on first use; nothing is downloaded.

The file is OpenAI's published `o200k_base` vocabulary (MIT, see NOTICE), gzipped. A test checks its SHA-256; at run time
the package's own record covers it.
"""

import base64
import gzip
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""Of the unpacked vocabulary."""

_SPLIT = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)


def vocabulary_bytes() -> bytes:
    """The unpacked vocabulary: a base64 token and its rank on each line."""
    return gzip.decompress(files("tallystick_agent.tokens").joinpath("data/o200k_base.tiktoken.gz").read_bytes())


@cache
def o200k() -> "Encoding":
    """tiktoken's encoding; about 0.3 CPU seconds the first time."""
    from tiktoken import Encoding

    ranks = {
        base64.b64decode(token): int(rank)
        for token, _, rank in (line.partition(b" ") for line in vocabulary_bytes().splitlines())
    }
    encoding = Encoding("o200k_tallystick", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={})
    # Its core has a copy of its own. The dictionary, which it keeps for pickling alone, would hold some 25 MB as long as we run.
    ranks.clear()
    return encoding
