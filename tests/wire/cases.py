"""Answers that every official client is asked to read. Owns the table; a prompt of `case:NAME` gets the answer of NAME,
and one of `whole-calls:NAME` gets it with its calls in one piece each.
"""

import json
import re
from dataclasses import replace
from typing import Any

from tests.support.scripted.reply import Reply

NUMBERS: dict[str, Any] = {"input_tokens": 100, "output_tokens": 20}
CASES: dict[str, Reply] = {
    "text": Reply(lines="Hello, wörld 🎉: it's\na second line.", **NUMBERS),
    "reasoning": Reply(lines="reasoning I think about it for a while.\nThe answer.", reasoning_tokens=7, **NUMBERS),
    "signed": Reply(lines='reasoning Hm.\ncall list_files {"path": "."}', signature="c2lnbmVk", **NUMBERS),
    "redacted": Reply(lines="reasoning I think.\nThe answer.", redacted="c2VjcmV0", **NUMBERS),
    "one-call": Reply(lines='call read_file {"path": "a.py", "lines": [1, 2]}', **NUMBERS),
    "parallel": Reply(lines='Both.\ncall read_file {"path": "ä.py"}\ncall read_file {"path": "b.py"}', call_id="x", **NUMBERS),
    "no-arguments": Reply(lines="call list_files", **NUMBERS),
    "cache": Reply(lines="Hello.", cached=60, cache_write=30, **NUMBERS),
    "cost": Reply(lines="Hello.", cost=0.0125, **NUMBERS),
    "length": Reply(lines="Once upon a", finish="length", **NUMBERS),
    "filtered": Reply(lines="Well,", finish="content_filter", **NUMBERS),
    "refused": Reply(refusal="I will not do that.", **NUMBERS),
    "error-after": Reply(lines="Well, I am overloaded", error_after="Too many of you.", **NUMBERS),
    "gzip": Reply(lines="Hello, in few bytes.", gzip=True, **NUMBERS),
    "comments": Reply(lines="Hello.", comments=3, **NUMBERS),
}


def answer(body: dict[str, Any], index: int) -> Reply:
    """The script: the case that the prompt names."""
    found = re.search(r"(case|whole-calls):([\w-]+)", json.dumps(body))
    if found is None:
        return Reply(status=400, body='{"error": {"message": "no case"}}')
    return replace(CASES[found[2]], whole_calls=found[1] == "whole-calls")
