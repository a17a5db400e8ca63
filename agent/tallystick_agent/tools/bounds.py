"""Cutting text to what a model should see. Owns the bound in bytes, lines and line length; pure."""

LONGEST_LINE = 2_000


def shorten_lines(text: str) -> str:
    """Lines cut at 2,000 characters: one minified line must not fill the window."""
    if len(text) <= LONGEST_LINE:
        return text
    return "\n".join(
        line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}… [{len(line) - LONGEST_LINE} more characters]"
        for line in text.split("\n")
    )


def head_and_tail(text: str, limit: int) -> tuple[str, int]:
    """At most about `limit` bytes, a third from the start and the rest from the end, and how many bytes are left out."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text, 0
    head = data[: limit // 3].decode("utf-8", "ignore")
    tail = data[-(limit - limit // 3) :].decode("utf-8", "ignore")
    left_out = len(data) - limit
    return f"{head}\n… [{left_out} bytes left out] …\n{tail}", left_out


def numbered(lines: list[str], first: int) -> str:
    return "\n".join(f"{number:>4} {line}" for number, line in enumerate(lines, first))
