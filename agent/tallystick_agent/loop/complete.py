"""Completing at a cursor: one request a suggestion, to one model, in the books and in no session log.

Owns how a gap is put to a model, and which files a model may not see. Implements the `Completer` port.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from tallystick_agent.context.code.file_kinds import left_out_by_name
from tallystick_agent.context.gap.suggestion import Place, enough, place_of, suggestion
from tallystick_agent.context.gap.window import Window, opening, window
from tallystick_agent.git.repo import Repo
from tallystick_agent.loop.ask import Asked, Asker
from tallystick_agent.loop.parts import EngineParts, SessionOptions
from tallystick_agent.policy.paths import is_secret
from tallystick_agent.policy.redaction import redact
from tallystick_agent.ports import Filled, Gap
from tallystick_agent.prompts import load
from tallystick_agent.protocol.chat import ChatRequest, Infill, Reasoning
from tallystick_agent.protocol.errors import ContextOverflow, ProviderError
from tallystick_agent.protocol.events import EventBody
from tallystick_agent.protocol.ids import SessionId, TurnId
from tallystick_agent.protocol.messages import TextPart, UserMessage, text_of
from tallystick_agent.protocol.model_info import Endpoint, ReasoningRule
from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_agent.providers.wire import llama_infill, suffix_infill
from tallystick_agent.tokens.counter import Counter

PURPOSE: Final = "completion"
PREDICT_MS: Final = 4_000
"""Milliseconds that a slow machine may write on a suggestion of which a whole line is there."""
THOUGHTS: Final = 512
"""Tokens for a model that cannot be kept from thinking first."""
LEAST_WARM: Final = 64
"""Tokens of a file that is worth reading ahead."""
_NO_INFILL: Final = (400, 404, 422, 501)
"""How a server says that it does not know gaps, or that its model has no markers for them."""
_SMALLEST_WINDOW: Final = 512
"""Tokens of a window that are left for everything but the text before the cursor."""


@dataclass(slots=True)
class _Unrecorded:
    """Where the events of a completion go: nowhere. The ledger has the rows."""

    session_id: SessionId
    turn_id: TurnId | None = None

    async def emit(self, body: EventBody, *, durable: bool = False) -> None:
        return None


def _filler(endpoint: Endpoint) -> Endpoint | None:
    """The endpoint as it is asked to fill gaps; `None` where it can only be asked in words."""
    if endpoint.wire != "openai_chat":
        return None
    if endpoint.dialect == "llamacpp":
        return replace(endpoint, wire="llama_infill", base_url=llama_infill.base_of(endpoint.base_url))
    if endpoint.dialect in ("ollama", "deepseek") or (endpoint.dialect == "mistral" and endpoint.capabilities.infill):
        return replace(endpoint, wire="suffix_infill", base_url=suffix_infill.base_of(endpoint))
    return None


def _without_thoughts(endpoint: Endpoint) -> Endpoint:
    """The endpoint, so that thinking can be switched off: a server of this machine takes the switch, whatever its model is."""
    if endpoint.dialect != "llamacpp" or endpoint.capabilities.reasoning is not None:
        return endpoint
    return replace(endpoint, capabilities=replace(endpoint.capabilities, reasoning=ReasoningRule(style="toggle")))


class GapFiller:
    """One workspace's completions by one model. `options.target` is the model."""

    def __init__(self, parts: EngineParts, options: SessionOptions) -> None:
        self._parts = parts
        self._options = options
        self._settings = parts.settings.completion
        self._repo = Repo(options.workspace.root, parts.environment)
        self._session_id = SessionId(parts.ids.new("completion"))
        endpoint = options.endpoint
        self._filler = _filler(endpoint)
        """The endpoint for gaps; `None` where there is none, or where it refused the first."""
        self._chatter = _without_thoughts(endpoint)
        self._in_words = self._settings.model is not None or self._settings.enabled is True
        """Whether a model that fills no gaps is asked as in a chat: not one that merely happens to run here."""
        self._counter = Counter(endpoint.token_family)
        self.usage = Usage()
        self.cost = Cost(priced_nanos=0)

    async def allows(self, path: str) -> bool:
        if not path:
            return True
        if is_secret(path) or left_out_by_name(path):
            return False
        return not await asyncio.to_thread(self._repo.ignores, path)

    async def fill(self, gap: Gap) -> Filled:
        """Raises `TallystickError`; a model that takes too long suggests nothing."""
        place = place_of(gap.before, gap.after)
        if place.taken:
            return Filled(text="")
        seen = await self._window(gap)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                if self._filler is not None:
                    try:
                        return await self._fill(self._gap_request(seen, place), self._filler, place, chat=False)
                    except ProviderError as error:
                        self._refused(error)
                if not self._in_words:
                    return Filled(text="")
                return await self._fill(self._chat_request(gap, seen), self._chatter, place, chat=True)
        except TimeoutError:
            return Filled(text="")

    async def warm(self, text: str) -> None:
        filler = self._filler
        if filler is None or filler.wire != "llama_infill" or not (self._settings.warm and filler.free):
            return
        first = await asyncio.to_thread(opening, self._clean(text), self._counter.text, prefix_tokens=self._prefix_tokens)
        if self._counter.text(first) < LEAST_WARM:
            return
        # A limit of 0 writes a token all the same.
        request = ChatRequest(system="", messages=(), infill=Infill(prefix=first, suffix=""), max_output_tokens=1)
        try:
            await self._ask(request, filler)
        except ProviderError as error:
            self._refused(error)

    def _refused(self, error: ProviderError) -> None:
        """Asks for gaps no more where there are none; raises any other error again."""
        if error.status not in _NO_INFILL or isinstance(error, ContextOverflow):
            raise error
        self._filler = None

    @property
    def _prefix_tokens(self) -> int:
        known = self._options.endpoint.window_tokens
        most = self._settings.prefix_tokens
        return most if known is None else max(64, min(most, (known - _SMALLEST_WINDOW) // 2))

    async def _window(self, gap: Gap) -> Window:
        """In a thread: a long file is counted, and the first count loads the tokenizer."""
        seen = await asyncio.to_thread(
            window,
            gap.before,
            gap.after,
            self._counter.text,
            prefix_tokens=self._prefix_tokens,
            suffix_tokens=self._settings.suffix_tokens,
        )
        return Window(prefix=self._clean(seen.prefix), suffix=self._clean(seen.suffix))

    def _clean(self, text: str) -> str:
        """The text without the user's keys, and without halves of characters, which no server takes."""
        return redact(text, self._parts.secrets.values()).encode("utf-8", "replace").decode("utf-8")

    def _gap_request(self, seen: Window, place: Place) -> ChatRequest:
        gap = Infill(prefix=seen.prefix, suffix=seen.suffix, most_ms=PREDICT_MS)
        stop = ("\n",) if place.one_line else ()
        return ChatRequest(
            system="", messages=(), infill=gap, max_output_tokens=self._settings.max_tokens, temperature=0.0, stop=stop
        )

    def _chat_request(self, gap: Gap, seen: Window) -> ChatRequest:
        rule = self._chatter.capabilities.reasoning
        thoughts = THOUGHTS if rule is not None and rule.mandatory else 0
        name = gap.path or "untitled"
        parts = (
            TextPart(name="prompt", text=f"File `{name}` ({gap.language}), before the cursor:\n<before>\n"),
            TextPart(name="infill:prefix", text=seen.prefix),
            TextPart(name="prompt", text="</before>\nAfter the cursor:\n<after>"),
            TextPart(name="infill:suffix", text=seen.suffix),
            TextPart(name="prompt", text="</after>\nWrite what belongs at the cursor."),
        )
        return ChatRequest(
            system=load("complete"),
            messages=(UserMessage(parts=tuple(part for part in parts if part.text)),),
            max_output_tokens=self._settings.max_tokens + thoughts,
            temperature=0.0,
            reasoning=Reasoning(effort="none") if rule is not None else None,
            session_key=self._session_id,
        )

    async def _fill(self, request: ChatRequest, endpoint: Endpoint, place: Place, *, chat: bool) -> Filled:
        said: list[str] = []

        def ended(text: str) -> bool:
            said.append(text)
            return not chat and enough("".join(said), place)

        asked = await self._ask(request, endpoint, ended)
        if asked.reply.finish in ("content_filter", "repetition"):
            return Filled(text="")
        found = suggestion(text_of(asked.reply.message), place, finish=asked.reply.finish, chat=chat)
        return Filled(text=found.text, replaces_rest=found.replaces_rest)

    async def _ask(self, request: ChatRequest, endpoint: Endpoint, ended: Callable[[str], bool] | None = None) -> Asked:
        """The limits of a turn hold for each request: it is all that the user set in motion."""
        budget = self._parts.settings.budget.limits()
        asker = Asker(self._parts, self._options.caller(self._parts.settings.attribution), _Unrecorded(self._session_id), budget)
        try:
            return await asker.ask(request, endpoint, PURPOSE, show=False, guard=True, once=True, enough=ended)
        finally:
            self.usage = self.usage.plus(asker.usage)
            known = self.cost.nanos is not None and asker.cost.nanos is not None
            self.cost = Cost(priced_nanos=(self.cost.nanos or 0) + (asker.cost.nanos or 0)) if known else Cost()
