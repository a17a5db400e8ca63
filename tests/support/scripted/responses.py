"""OpenAI Responses. Owns that JSON: items, their events in order, and the three ways in which a response ends."""

from typing import Any

from tests.support.scripted.reply import CREATED, SIGNATURE, Call, Reply, Said, Tokens, pieces, sse

COMMENT = b": keep-alive\n\n"
CONTENT_TYPE = "text/event-stream"
_INCOMPLETE = {"length": "max_output_tokens", "max_output_tokens": "max_output_tokens", "content_filter": "content_filter"}


def usage_of(reply: Reply, tokens: Tokens) -> dict[str, Any] | None:
    if reply.usage is not None:
        return reply.usage or None
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_write},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
        **({"cost": tokens.cost} if tokens.cost is not None else {}),
    }


def items(reply: Reply) -> list[dict[str, Any]]:
    """The finished items. Their ids are never the ids of calls."""
    said = Said.of(reply)
    found: list[dict[str, Any]] = []
    if said.reasoning:
        summary = [{"type": "summary_text", "text": said.reasoning}]
        found.append(_thought(len(found), summary, reply.signature or SIGNATURE))
    if reply.redacted:
        found.append(_thought(len(found), [], reply.redacted))
    content: list[dict[str, Any]] = []
    if said.text:
        content.append(_text(said.text))
    if said.refusal:
        content.append({"type": "refusal", "refusal": said.refusal})
    if content:
        found.append(_message(len(found), content, "completed"))
    for call in said.calls:
        found.append(_call(len(found), call, call.arguments, "completed"))
    if found and reply.finish in _INCOMPLETE:
        found[-1]["status"] = "incomplete"
    return found


def _thought(index: int, summary: list[dict[str, Any]], sealed: str) -> dict[str, Any]:
    return {"id": f"rs_{index}", "type": "reasoning", "summary": summary, "encrypted_content": sealed}


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _message(index: int, content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    return {"id": f"msg_{index}", "type": "message", "role": "assistant", "status": status, "content": content}


def _call(index: int, call: Call, arguments: str, status: str) -> dict[str, Any]:
    names = {"call_id": call.call_id, "name": call.name, "arguments": arguments}
    return {"id": f"fc_{index}", "type": "function_call", "status": status, **names}


def whole(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> dict[str, Any]:
    """The answer to a request that asked for no stream."""
    response = _response(model, reply_id)
    output = items(reply)
    reason = _INCOMPLETE.get(reply.finish)
    if reply.error_after or reply.finish == "failed":
        error = {"code": reply.error_code or "server_error", "message": reply.error_after or "The model failed."}
        return {**response, "status": "failed", "error": error, "output": output}
    if reason is not None:
        response = {**response, "incomplete_details": {"reason": reason}}
    status = "completed" if reason is None else "incomplete"
    return {**response, "status": status, "output": output, "usage": usage_of(reply, tokens)}


def _response(model: str, reply_id: str) -> dict[str, Any]:
    return {
        "id": f"resp_{reply_id}",
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


def events(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> list[dict[str, Any]]:
    """Every event of a stream, numbered."""
    response = _response(model, reply_id)
    last = whole(reply, tokens, model=model, reply_id=reply_id)
    found: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.in_progress", "response": response},
    ]
    for index, item in enumerate(last["output"]):
        found += _item_events(index, item)
    found.append({"type": f"response.{last['status']}", "response": last})
    return [{**event, "sequence_number": number} for number, event in enumerate(found)]


def _item_events(index: int, item: dict[str, Any]) -> list[dict[str, Any]]:
    where = {"item_id": item["id"], "output_index": index}
    opened, between = {
        "reasoning": _thought_events,
        "message": _message_events,
        "function_call": _call_events,
    }[item["type"]](item, where)
    first = {"type": "response.output_item.added", "output_index": index, "item": opened}
    return [first, *between, {"type": "response.output_item.done", "output_index": index, "item": item}]


Opened = tuple[dict[str, Any], list[dict[str, Any]]]
"""An item as it is added, and the events until it is done."""


def _thought_events(item: dict[str, Any], where: dict[str, Any]) -> Opened:
    found: list[dict[str, Any]] = []
    for index, part in enumerate(item["summary"]):
        at = {**where, "summary_index": index}
        found.append({"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}})
        found += [{"type": "response.reasoning_summary_text.delta", **at, "delta": piece} for piece in pieces(part["text"])]
        found.append({"type": "response.reasoning_summary_text.done", **at, "text": part["text"]})
        found.append({"type": "response.reasoning_summary_part.done", **at, "part": part})
    # What is sealed is whole only when the item is done.
    return {**item, "summary": [], "encrypted_content": item["encrypted_content"][:4]}, found


def _message_events(item: dict[str, Any], where: dict[str, Any]) -> Opened:
    found: list[dict[str, Any]] = []
    for index, part in enumerate(item["content"]):
        at = {**where, "content_index": index}
        name, kind = ("text", "output_text") if part["type"] == "output_text" else ("refusal", "refusal")
        more: dict[str, Any] = {"logprobs": []} if name == "text" else {}
        found.append({"type": "response.content_part.added", **at, "part": {**part, name: ""}})
        found += [{"type": f"response.{kind}.delta", **at, "delta": piece, **more} for piece in pieces(part[name])]
        found.append({"type": f"response.{kind}.done", **at, name: part[name], **more})
        found.append({"type": "response.content_part.done", **at, "part": part})
    return {**item, "content": [], "status": "in_progress"}, found


def _call_events(item: dict[str, Any], where: dict[str, Any]) -> Opened:
    kind = "response.function_call_arguments"
    found: list[dict[str, Any]] = [{"type": f"{kind}.delta", **where, "delta": piece} for piece in pieces(item["arguments"])]
    found.append({"type": f"{kind}.done", **where, "arguments": item["arguments"]})
    return {**item, "arguments": "", "status": "in_progress"}, found


def frames(reply: Reply, tokens: Tokens, *, model: str = "scripted", reply_id: str = "gen-1") -> list[bytes]:
    """The events of a stream, as bytes."""
    return [sse(event, event["type"]) for event in events(reply, tokens, model=model, reply_id=reply_id)]
