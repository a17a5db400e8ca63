"""To which call a fragment of OpenAI Chat Completions belongs. Owns the rule: id first, then index, then the open call."""

import json
from typing import Any, cast

from tallystick_agent.protocol.chat import ToolCallDelta
from tallystick_agent.providers.wire.answer import Answer, Call


class CallRouter:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._by_id: dict[str, int] = {}
        self._by_index: dict[Any, int] = {}

    def take(self, piece: dict[str, Any]) -> ToolCallDelta:
        """Adds a fragment to its call, or begins one."""
        function = cast(dict[str, Any], piece.get("function") or {})
        call_id, index = str(piece.get("id") or ""), piece.get("index")
        name = str(function.get("name") or "")
        slot = self._slot(call_id, index, name)
        if slot is None:
            slot = self._answer.open_call(call_id, "")
            if index is not None:
                self._by_index[index] = slot
        call = self._answer.calls[slot]
        if call_id:
            call.call_id = call_id
            self._by_id[call_id] = slot
        if name and not call.name:
            call.name = name
        arguments = function.get("arguments")
        return self._answer.more_call(
            slot, arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        )

    def _slot(self, call_id: str, index: Any, name: str) -> int | None:
        if call_id in self._by_id:
            return self._by_id[call_id]
        if index is not None:
            known = self._by_index.get(index)
            # Some servers give every call the index 0: a new id on a known index is a new call, and so is another name
            # where there are no ids.
            return known if known is not None and _continues(self._answer.calls[known], call_id, name) else None
        if self._answer.calls and not call_id and not name:
            return len(self._answer.calls) - 1
        return None


def _continues(call: Call, call_id: str, name: str) -> bool:
    """Whether a piece with this id and name, at the index of `call`, is more of that call."""
    if call_id and call.call_id:
        return call_id == call.call_id
    return not (name and call.name and name != call.name)
