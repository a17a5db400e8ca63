"""Taking a change back by its diff. Pure: a diff and the text as it is now in, the text without the change out.

What the user or later edits changed elsewhere stays. A place that is no longer as the change left it is never guessed at:
then nothing is taken back.
"""

from collections.abc import Sequence

from tallystick_agent.edits.changeset import Applied, Refused
from tallystick_agent.edits.match import lines_of
from tallystick_agent.protocol.diffs import read_diff


def take_back(text: str, diff: str) -> Applied | Refused:
    """The text without the change that `diff` describes."""
    try:
        blocks = read_diff(diff)
    except ValueError as error:
        return Refused(reason=f"its diff cannot be read ({error})")
    lines = lines_of(text)
    for block in reversed(blocks):
        old = [line.whole for line in block.lines if line.mark != "+"]
        new = [line.whole for line in block.lines if line.mark != "-"]
        at = _place(lines, new, block.at)
        if at is None:
            return Refused(reason="it was changed since at the same place")
        lines[at : at + len(new)] = old
    return Applied(text="".join(lines), notes=())


def _place(lines: Sequence[str], block: Sequence[str], at: int) -> int | None:
    """Where the block stands: at the place that is known, else at the only one that there is."""
    size = len(block)
    if list(lines[at : at + size]) == block and (size or not lines):
        return at
    if not size:
        return None
    found = [at for at in range(len(lines) - size + 1) if list(lines[at : at + size]) == block]
    return found[0] if len(found) == 1 else None
