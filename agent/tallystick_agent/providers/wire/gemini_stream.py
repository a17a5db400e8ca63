"""Reading Gemini's native answers: every event is a whole response, and so is an answer that is not streamed.

Usage is on every event and cumulative, so the last one holds; thoughts are counted apart from the candidates. A call ends
with a plain `STOP`. A blocked prompt has a reason and no candidate.
"""

import json
from typing import Any, Final, cast

from tallystick_agent.protocol.chat import Finish, Reply, StreamEvent
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.classify import classify_body
from tallystick_agent.providers.wire.base import count, part_of
from tallystick_agent.providers.wire.object_decoder import ObjectDecoder

_FINISH: Final[dict[str, Finish]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "ESCALATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "LANGUAGE": "content_filter",
}


class GeminiDecoder(ObjectDecoder):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._parts: list[dict[str, Any]] = []

    @property
    def started(self) -> bool:
        return self._answer.started or bool(self._parts)

    def _unwrapped(self, found: object) -> object:
        if not isinstance(found, list):
            return found
        # Google's servers wrap an error in a list.
        several = cast(list[object], found)
        return several[0] if several else None

    def _feed(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        if chunk.get("error"):
            raise classify_body(status=200, body=chunk)
        answer = self._answer
        answer.generation_id = str(chunk.get("responseId") or answer.generation_id)
        answer.model = str(chunk.get("modelVersion") or answer.model)
        answer.usage = usage_of(cast(dict[str, Any], chunk.get("usageMetadata") or {})) or answer.usage
        blocked = cast(dict[str, Any], chunk.get("promptFeedback") or {}).get("blockReason")
        if blocked and blocked != "BLOCKED_REASON_UNSPECIFIED" and blocked != "BLOCK_REASON_UNSPECIFIED":
            raise ProviderError(
                f"The provider's filter refused the prompt ({blocked}).",
                code="provider_content_filter",
                remedy="Change the prompt or the model.",
            )
        events: list[StreamEvent] = []
        for candidate in cast(list[dict[str, Any]], chunk.get("candidates") or [])[:1]:
            content = cast(dict[str, Any], candidate.get("content") or {})
            for part in cast(list[dict[str, Any]], content.get("parts") or []):
                events += self._take(part)
            reason = str(candidate.get("finishReason") or "")
            if reason and reason != "FINISH_REASON_UNSPECIFIED":
                known = _FINISH.get(reason)
                if known is None:
                    # Calls that the model wrote wrong, a signature that got lost: another try may do better.
                    raise ProviderError(f"The provider ended the answer with `{reason[:60]}`.", retryable=True)
                answer.finish = known
        return events

    def _take(self, part: dict[str, Any]) -> list[StreamEvent]:
        self._keep(part)
        call = part.get("functionCall")
        if isinstance(call, dict):
            known = cast(dict[str, Any], call)
            slot = self._answer.open_call(str(known.get("id") or ""), str(known.get("name") or ""))
            return [self._answer.more_call(slot, json.dumps(known.get("args") or {}, ensure_ascii=False))]
        text = part.get("text")
        if not isinstance(text, str) or not text:
            return []
        return [self._answer.think(text) if part.get("thought") else self._answer.say(text)]

    def _keep(self, part: dict[str, Any]) -> None:
        """Keeps a part as it came; plain text that only goes on is joined."""
        last = self._parts[-1] if self._parts else None
        if last is not None and set(part) <= {"text", "thought"} and set(last) == set(part) and "text" in part:
            last["text"] = str(last["text"]) + str(part["text"])
            return
        self._parts.append(dict(part))

    def finish(self, *, cut: bool = False) -> Reply:
        if any("thoughtSignature" in part or part.get("thought") for part in self._parts):
            self._answer.native = [part for part in self._parts if not _unwanted(part)]
        return self._answer.whole(cut=cut)


def _unwanted(part: dict[str, Any]) -> bool:
    """A summary of thoughts without a signature, which is for people, and a text of nothing, which the API refuses."""
    return "thoughtSignature" not in part and (bool(part.get("thought")) or (set(part) == {"text"} and not part["text"]))


def usage_of(raw: dict[str, Any]) -> Usage | None:
    """Gemini's counts in our inclusive convention; `None` where there are none."""
    prompt = count(raw.get("promptTokenCount"))
    if prompt is None:
        return None
    inputs = prompt + (count(raw.get("toolUsePromptTokenCount")) or 0)
    thoughts = count(raw.get("thoughtsTokenCount")) or 0
    outputs = (count(raw.get("candidatesTokenCount")) or 0) + thoughts
    if (inputs, outputs) == (0, 0):
        return None
    return Usage(
        input_tokens=inputs,
        cached_tokens=part_of(raw.get("cachedContentTokenCount"), inputs),
        output_tokens=outputs,
        reasoning_tokens=thoughts,
    )
