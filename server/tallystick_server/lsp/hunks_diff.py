"""Hunks as a unified diff. Pure."""

from collections.abc import Sequence

from tallystick_server.lsp.hunks import CONTEXT, Hunk, Lines


def as_diff(path: str, lines: Lines, hunks: Sequence[Hunk]) -> str:
    """What the hunks, which stand in `lines` from top to bottom, changed; empty where there are none."""
    if not hunks:
        return ""
    groups: list[list[Hunk]] = []
    for hunk in hunks:
        if groups and hunk.line - groups[-1][-1].end <= 2 * CONTEXT:
            groups[-1].append(hunk)
        else:
            groups.append([hunk])
    written: list[str] = []
    shift = 0
    for group in groups:
        body, grown = _body(lines, group)
        first, last = max(0, group[0].line - CONTEXT), min(len(lines), group[-1].end + CONTEXT)
        old, new = last - first - grown, last - first
        written += [f"@@ -{first + 1 - shift},{old} +{first + 1},{new} @@", *body]
        shift += grown
    return "\n".join([f"--- a/{path}", f"+++ b/{path}", *written, ""])


def _body(lines: Lines, group: Sequence[Hunk]) -> tuple[list[str], int]:
    """The lines of one `@@`, and by how many lines the new text is longer."""
    body: list[str] = []
    at, grown = max(0, group[0].line - CONTEXT), 0
    for hunk in group:
        body += [f" {line}" for line in lines[at : hunk.line]]
        body += [f"-{line}" for line in hunk.old]
        body += [f"+{line}" for line in hunk.new]
        at, grown = hunk.end, grown + len(hunk.new) - len(hunk.old)
    return body + [f" {line}" for line in lines[at : at + CONTEXT]], grown
