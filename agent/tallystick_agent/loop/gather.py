"""What goes before a prompt: rules, the workspace, a map, and what the prompt names. Owns the gathering.

`context.budget` chooses what of it goes in. Of a session's first prompt come rules, listing and map; of every prompt what it
names with `@`. Nothing in it depends on the time, the process or the order in which things were found: the same prompt in the
same files is the same bytes.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tallystick_agent.context.budget import Allowance, choose
from tallystick_agent.context.fragments import Form, Fragment, Shape, in_order
from tallystick_agent.context.mentions import mentions
from tallystick_agent.context.rules import Rule, applying, beginning, distinct, read_rule, rule_paths, rule_text
from tallystick_agent.context.test_command import TestCommand
from tallystick_agent.context.view import workspace_view
from tallystick_agent.loop.mentioned import Lookup
from tallystick_agent.loop.parts import EngineParts, SessionOptions
from tallystick_agent.policy.redaction import clean
from tallystick_agent.ports import Workspace
from tallystick_agent.protocol.code import Hints
from tallystick_agent.protocol.errors import TallystickError, WorkspaceError
from tallystick_agent.protocol.events import Notice, Shown
from tallystick_agent.protocol.messages import ImagePart, Message
from tallystick_agent.sessions.replay import carried

INDEX_S: Final = 5.0
"""Seconds that a first prompt waits for the index of a new workspace; its building goes on without it."""
SHORT_RULE: Final = 1_500
"""Characters of a file of rules where there is no room for all of it."""
MAP_HEAD: Final = "Definitions that the task may be about, best files first (line numbers lead):\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    shown: tuple[Shown, ...]
    images: tuple[ImagePart, ...]
    notices: tuple[Notice, ...]
    seen: dict[str, str]
    """Digests of the files that the model has whole."""


class Gatherer:
    """For one prompt."""

    def __init__(
        self, parts: EngineParts, options: SessionOptions, tests: TestCommand | None, count: Callable[[str], int]
    ) -> None:
        self._parts, self._options, self._tests, self._count = parts, options, tests, count
        self._notices: list[Notice] = []

    async def gather(self, prompt: str, messages: tuple[Message, ...], allowed: Allowance) -> Gathered:
        files = await self._options.workspace.files()
        fragments: list[Fragment] = []
        fragments += await self._rules(files, frozenset(part.name for part in carried(messages)), first=not messages)
        if not messages:
            fragments += [*self._view(files), *await self._map(prompt, files, allowed)]
        looked = await Lookup(self._parts, self._options, files, messages, self._count).all(mentions(prompt, files))
        fragments += looked.fragments
        for problem in looked.problems:
            self._notices.append(Notice(level="warning", code="mention", message=problem))
        chosen = choose(in_order(tuple(fragments)), allowed)
        for one in chosen:
            if one.shape is None and one.fragment.kind not in ("map", "files"):
                said = f"{one.fragment.name} is left out: {one.reason}."
                self._notices.append(Notice(level="warning", code="context_left_out", message=said))
        shown = tuple(
            Shown(name=one.fragment.name, text=one.shape.text, form=one.shape.form, reason=one.reason)
            for one in chosen
            if one.shape is not None
        )
        whole = {one.fragment.source for one in chosen if one.fragment.kind == "file" and one.form == "whole"}
        seen = {path: digest for path, digest in looked.seen.items() if path in whole}
        return Gathered(shown=shown, images=tuple(looked.images), notices=tuple(self._notices), seen=seen)

    async def _rules(self, files: tuple[str, ...], told: frozenset[str], *, first: bool) -> list[Fragment]:
        """Those that the window does not hold yet: the folder may be trusted since the session began."""
        paths = applying(rule_paths(files), None)
        if not paths or not self._parts.settings.context.rules:
            return []
        if not self._options.trusted and not first:
            return []
        if not self._options.trusted:
            said = f"{', '.join(paths[:3])} {'is' if len(paths) == 1 else 'are'} not read: this folder is not trusted."
            self._notices.append(
                Notice(level="info", code="rules_untrusted", message=said, remedy="To read its rules: tallystick trust")
            )
            return []
        rules = await read_rules(self._options.workspace, paths)
        return [
            Fragment(kind="rules", source=one.path, shapes=self._rule_shapes(one))
            for one in rules
            if f"rules:{one.path}" not in told
        ]

    def _rule_shapes(self, rule: Rule) -> tuple[Shape, ...]:
        """Whole, or its beginning: a long file of rules must not leave a small window without all that comes after it."""
        whole = self._shape("whole", rule_text(rule))
        short = self._shape("excerpt", rule_text(beginning(rule, SHORT_RULE)))
        return (whole, short) if short.tokens < whole.tokens else (whole,)

    def _view(self, files: tuple[str, ...]) -> list[Fragment]:
        limit = self._parts.settings.context.file_list
        limit = min(limit, 25) if self._options.endpoint.scale == "small" else limit
        text = workspace_view(files, limit=limit, test_command=self._tests.command if self._tests else None)
        return [Fragment(kind="files", source="", shapes=(self._shape("whole", text),))] if text else []

    async def _map(self, prompt: str, files: tuple[str, ...], allowed: Allowance) -> list[Fragment]:
        finder, most = self._options.finder, min(self._parts.settings.context.map_tokens, allowed.tokens)
        # A workspace that is listed whole needs no map, and a small model has no room for one.
        if finder is None or most < 100 or len(files) <= self._parts.settings.context.file_list:
            return []
        if self._options.endpoint.scale == "small":
            return []
        most -= self._count(MAP_HEAD)
        budgets = [most, most // 2, most // 4]
        at = Hints(open=frozenset(self._options.workspace.open_paths()))
        try:
            async with asyncio.timeout(INDEX_S):
                found = await finder.find(prompt, budgets, mode="outline", hints=at)
        except TimeoutError:
            self._notices.append(
                Notice(level="info", code="index_building", message="The index of this workspace is being built.")
            )
            return []
        except (TallystickError, OSError) as error:
            logging.getLogger("tallystick").warning("no map: %s", type(error).__name__)
            return []
        forms: tuple[Form, ...] = ("whole", "excerpt", "outline")
        shapes = [self._shape(form, MAP_HEAD + found.maps[n].text.rstrip("\n")) for form, n in zip(forms, budgets, strict=True)]
        shorter = [one for at, one in enumerate(shapes) if at == 0 or one.tokens < shapes[at - 1].tokens]
        return [Fragment(kind="map", source="", shapes=tuple(shorter))] if found.maps[most].text and found.about else []

    def _shape(self, form: Form, raw: str) -> Shape:
        """Names and lines of files may hold what would hide words from a person or move a cursor."""
        text = clean(raw)
        return Shape(form=form, text=text, tokens=self._count(f"{text}\n\n"))


async def read_rules(workspace: Workspace, paths: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules in these files, each text once; unreadable ones are left out."""
    found: list[Rule] = []
    for path in paths:
        try:
            rule = read_rule(path, (await workspace.read(path)).text)
        except WorkspaceError:
            continue
        if rule is not None:
            found.append(rule)
    return distinct(found)
