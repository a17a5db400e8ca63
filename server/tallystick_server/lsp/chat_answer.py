"""The answer in a chat document: a fold of the turn's events, and its Markdown. Pure.

Rendering starts from the whole answer each time, so a tool call's line can change from *running* to its outcome in place.
Owns no position in the document: `chat_document.place` does that.
"""

import re
from dataclasses import dataclass, replace

from tallystick_agent.protocol.events import (
    CompactionItem,
    EventBody,
    FilesChanged,
    Item,
    ItemDelta,
    ItemFinished,
    ItemStarted,
    MessageItem,
    Notice,
    PermissionRequested,
    PlanItem,
    QuestionAsked,
    ReasoningItem,
    ToolCallItem,
    TurnFinished,
    TurnStarted,
)
from tallystick_server.lsp.chat_document import ANSWER, YOU, open_fence, quoted
from tallystick_server.money import brief_money

_TOLD = ("mode", "rules_untrusted")
"""Words of ours that a reader is to see although nothing is wrong."""
MOST_DIFF_LINES = 120
MOST_DIFF_CHARS = 8_000
MOST_LINE_CHARS = 200
_STEP = {"pending": " ", "in_progress": "~", "done": "x"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    key: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    key: str
    title: str
    note: str = ""
    detail: str = ""
    """A diff or a command, shown in a fence below."""
    language: str = "diff"


Block = Text | Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    blocks: tuple[Block, ...] = ()
    model: str = ""
    ended: TurnFinished | None = None


def step(answer: Answer, body: EventBody) -> Answer:
    """The answer after one more event; an event that is not for the reader's eyes changes nothing."""
    match body:
        case TurnStarted():
            return replace(answer, model=body.model)
        case TurnFinished():
            return replace(answer, ended=body)
        case ItemStarted() | ItemFinished():
            return _item(answer, str(body.item_id), body.item, ended=isinstance(body, ItemFinished))
        case ItemDelta():
            known = _find(answer, str(body.item_id))
            return _put(answer, replace(known, text=known.text + body.text)) if isinstance(known, Text) else answer
        case PermissionRequested():
            language = "diff" if body.detail.startswith(("---", "+++", "@@", "diff ")) else "sh"
            note = "waiting for your permission"
            return _put(answer, Call(key=body.call_id, title=body.title, note=note, detail=body.detail, language=language))
        case QuestionAsked():
            options = f" ({' / '.join(body.options)})" if body.options else ""
            return _put(answer, Text(key=f"question {body.call_id}", text=f"**Question:** {body.question}{options}"))
        case FilesChanged():
            known = _find(answer, body.call_id)
            title = known.title if isinstance(known, Call) else "change files"
            text = "".join(change.diff if change.diff.endswith("\n") else change.diff + "\n" for change in body.changes)
            return _put(answer, Call(key=body.call_id, title=title, detail=text))
        case Notice() if body.level != "info" or body.code in _TOLD:
            return _put(answer, Text(key=f"notice {len(answer.blocks)}", text=f"> {_line(f'{body.message} {body.remedy}')}"))
        case _:
            return answer


def _item(answer: Answer, key: str, item: Item, *, ended: bool) -> Answer:
    match item:
        case MessageItem(origin="assistant"):
            known = _find(answer, key)
            text = item.text or (known.text if isinstance(known, Text) else "")
            return _put(answer, Text(key=key, text=text))
        case ToolCallItem():
            known = _find(answer, item.call_id)
            changed = isinstance(known, Call) and known.language == "diff" and item.status not in ("denied", "error")
            kept = known.detail if isinstance(known, Call) and changed else ""
            return _put(answer, Call(key=item.call_id, title=item.title or item.name, note=_outcome(item), detail=kept))
        case PlanItem() if ended:
            steps = "\n".join(f"- [{_STEP[one.status]}] {_line(one.text)}" for one in item.steps)
            return _put(answer, Text(key=key, text=steps))
        case CompactionItem() if ended:
            what = "brought back" if item.restores else "condensed"
            freed = f"{item.tokens_before:,} → {item.tokens_after:,} tokens"
            return _put(answer, Text(key=key, text=f"*The context window was {what}: {freed}.*"))
        case ReasoningItem() | MessageItem() | PlanItem() | CompactionItem():
            return answer


def _outcome(item: ToolCallItem) -> str:
    if item.status == "running" or (item.status == "ok" and not item.side_effect):
        return ""
    return item.output.strip().split("\n")[0] or item.status


def _find(answer: Answer, key: str) -> Block | None:
    return next((block for block in answer.blocks if block.key == key), None)


def _put(answer: Answer, block: Block) -> Answer:
    """Replaces the block of that key, or adds it at the end."""
    if _find(answer, block.key) is None:
        return replace(answer, blocks=(*answer.blocks, block))
    return replace(answer, blocks=tuple(block if one.key == block.key else one for one in answer.blocks))


def render(answer: Answer) -> str:
    """The Markdown, from the heading on. It ends in a line break; once the turn has ended, in a heading to write under."""
    parts = [ANSWER + "\n"]
    after_call = False
    for block in answer.blocks:
        if isinstance(block, Call):
            parts.append(("" if after_call else "\n") + _bullet(block))
            after_call = not block.detail
        elif block.text.strip():
            text = quoted(block.text.strip())
            more = block is not answer.blocks[-1] or answer.ended is not None
            fence = open_fence(text) if more else ""
            parts.append(f"\n{text}\n" + (f"{fence}\n" if fence else ""))
            after_call = False
    if answer.ended is not None:
        why = _why(answer.ended)
        parts.append((f"\n> {why}\n" if why else "") + f"\n{usage_line(answer.ended, answer.model)}\n\n{YOU}\n\n")
    return "".join(parts)


def reply(text: str) -> str:
    """An answer of the host's own, with the heading to write under."""
    return f"{ANSWER}\n\n{quoted(text.strip())}\n\n{YOU}\n\n"


def usage_line(ended: TurnFinished, model: str) -> str:
    """What the turn cost. A price that is not known is said to be unknown, never 0."""
    about = "about " if ended.usage.source == "estimated" else ""
    money = brief_money(ended.cost.nanos)
    requests = f"{ended.requests} request{'' if ended.requests == 1 else 's'}"
    tokens = f"{about}{ended.usage.input_tokens:,} tokens in, {ended.usage.output_tokens:,} out"
    return f"*{', '.join(part for part in (tokens, money, requests, model) if part)}*"


def _why(ended: TurnFinished) -> str:
    """Why a turn ended other than by an answer."""
    if ended.stop == "end_turn":
        return ""
    words = _line(f"{ended.detail} {ended.remedy}")
    # Only a bug is told as one: what the user can set right is named by its code.
    named = ended.code if ended.stop == "internal_error" and ended.code not in (None, "internal") else ended.stop
    return f"**Stopped** ({named.replace('_', ' ')})" + (f": {words}" if words else ".")


def _bullet(call: Call) -> str:
    line = f"- {_line(call.title)}" + (f": {_line(call.note)}" if call.note else "") + "\n"
    if not call.detail:
        return line
    detail = _bounded(call.detail)
    longest = max((len(run) for run in re.findall("`+", detail)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{line}\n{fence}{call.language}\n{detail}\n{fence}\n"


def _bounded(text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    kept: list[str] = []
    size = 0
    for line in lines[:MOST_DIFF_LINES]:
        size += len(line) + 1
        if size > MOST_DIFF_CHARS:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    return "\n".join([*kept, f"… {left} more lines"] if left else kept)


def _line(text: str) -> str:
    """Any text as one bounded line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MOST_LINE_CHARS else flat[: MOST_LINE_CHARS - 1] + "…"
