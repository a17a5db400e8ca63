"""The side of a system that answers: JSON lines on standard input and output. Imports nothing, as foreign Pythons run it too.

A line {"repo", "query", "budgets"} comes in; a line {"order", "maps"} or {"error"} goes out.
"""

import json
import os
import sys
from collections.abc import Callable

Ask = Callable[[str, str, list[int]], tuple[list[str], dict[int, str]]]
"""From a repository, a question and budgets to paths, best first, and a map for each budget."""


def serve(ask: Ask) -> None:
    # What a library prints must not end up among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            order, maps = ask(asked["repo"], asked["query"], asked["budgets"])
            answer = json.dumps({"order": order, "maps": maps})
        except Exception as error:  # The harness counts it; the next question may go well.
            answer = json.dumps({"error": f"{type(error).__name__}: {error}"})
        answers.write(answer + "\n")
        answers.flush()
