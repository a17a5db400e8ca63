"""What a prompt names with `@`, looked up. Owns the way from a mention to text; the grammar is in `context.mentions`.

What cannot be looked up is a notice to the user, and the turn goes on with the words as they were typed.
"""

import asyncio
import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tallystick_agent.context.code.languages import language_of
from tallystick_agent.context.code.layout import shown_line
from tallystick_agent.context.code.record import read_text
from tallystick_agent.context.fragments import Form, Fragment, Kind, Shape
from tallystick_agent.context.mentions import IMAGES, Mention
from tallystick_agent.context.web_text import page_text
from tallystick_agent.git.changes import Change, changes, staged
from tallystick_agent.git.repo import Repo
from tallystick_agent.loop.parts import EngineParts, SessionOptions
from tallystick_agent.policy.paths import confine, is_secret
from tallystick_agent.policy.redaction import clean
from tallystick_agent.ports import Diagnostics
from tallystick_agent.protocol.diagnostics import Reports
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.messages import ImagePart, Message, ToolMessage
from tallystick_agent.tokens.images import image_size
from tallystick_agent.tools.bounds import head_and_tail, numbered, shorten_lines
from tallystick_agent.tools.new_errors import in_order, listed

MOST_CHARACTERS: Final = 200_000
"""Of one mention before its forms are weighed."""
MOST_IMAGE: Final = 5 * 1024 * 1024
EXCERPT_LINES: Final = 60
SYMBOL_TOKENS: Final = 1_500
URL_BYTES: Final = 1_000_000
CHECKED_FILES: Final = 20
CHECKED_MOST: Final = 100


@dataclass(slots=True)
class Looked:
    """What was found so far. `seen`: digests of the files that stand whole in the prompt, if they do."""

    fragments: list[Fragment] = field(default_factory=lambda: [])
    images: list[ImagePart] = field(default_factory=lambda: [])
    problems: list[str] = field(default_factory=lambda: [])
    seen: dict[str, str] = field(default_factory=lambda: {})


class Lookup:
    def __init__(
        self,
        parts: EngineParts,
        options: SessionOptions,
        files: tuple[str, ...],
        messages: tuple[Message, ...],
        count: Callable[[str], int],
    ) -> None:
        self._parts, self._options, self._files, self._messages, self._count = parts, options, files, messages, count
        self._found = Looked()

    async def all(self, named: tuple[Mention, ...]) -> Looked:
        for one in named:
            try:
                await self._one(one, named)
            except TallystickError as error:
                self._found.problems.append(f"@{one.target or one.kind}: {error.message}")
        return self._found

    async def _one(self, one: Mention, named: tuple[Mention, ...]) -> None:
        match one.kind:
            case "file":
                await self._file(one)
            case "image":
                await self._image(one.target)
            case "folder":
                inside = [path for path in self._files if path.startswith(one.target) and not is_secret(path)]
                self._add("folder", one.target, "\n".join([f"Files in {one.target} ({len(inside)}):", *inside]))
            case "symbol":
                await self._symbol(one.target)
            case "diff":
                await self._diff()
            case "staged":
                await self._staged()
            case "commit":
                shown = await asyncio.to_thread(partial(self._repo().show, one.target, hidden=is_secret))
                self._need(shown, one, "there is no such commit", partial(self._add, "commit", one.target))
            case "url":
                local = self._parts.settings.context.local_urls
                kind, body = await self._parts.transport.get_text(one.target, most_bytes=URL_BYTES, local=local)
                text = page_text(body, html="html" in kind)
                self._add("url", one.target, f'<page url="{one.target}">\n{text}\n</page>')
            case "terminal":
                self._need(_last_output(self._messages), one, "no command was run yet", partial(self._add, "terminal", ""))
            case "diagnostics":
                await self._diagnostics(named)

    def _repo(self) -> Repo:
        return Repo(self._options.workspace.root, self._parts.environment)

    def _need(self, text: str | None, one: Mention, problem: str, take: Callable[[str], None]) -> None:
        if text:
            take(text)
        else:
            self._found.problems.append(f"@{one.target or one.kind}: {problem}.")

    async def _file(self, one: Mention) -> None:
        path = confine(self._options.workspace.root, one.target)
        if is_secret(path):
            self._found.problems.append(f"@{path}: it may hold secrets and is not read.")
            return
        document = await self._options.workspace.read(path)
        lines = document.text.split("\n")
        lines = lines[:-1] if lines and not lines[-1] else lines
        if one.lines is not None:
            first, last = one.lines
            if first > len(lines):
                self._found.problems.append(f"@{path}:{first}: the file has only {len(lines)} lines.")
                return
            self._add("file", f"{path}:{first}-{last}", _block(path, lines[first - 1 : last], first))
            return
        whole = _block(path, lines, 1)
        head = _block(path, lines[:EXCERPT_LINES], 1) + f"\n[Lines 1-{EXCERPT_LINES} of {len(lines)}; read_file shows the rest.]"
        outline = _outline(path, document.text, len(lines))
        shapes: list[tuple[Form, str]] = [("whole", whole), ("excerpt", head), ("outline", outline)]
        self._found.fragments.append(Fragment(kind="file", source=path, shapes=self._shapes(shapes)))
        self._found.seen[path] = document.digest

    async def _image(self, path: str) -> None:
        def load() -> bytes:
            return self._options.workspace.now().load(inside)

        inside = confine(self._options.workspace.root, path)
        if is_secret(inside):
            self._found.problems.append(f"@{path}: it may hold secrets and is not read.")
            return
        data = await asyncio.to_thread(load)
        if len(data) > MOST_IMAGE:
            self._found.problems.append(f"@{path}: over {MOST_IMAGE >> 20} MiB.")
            return
        if image_size(data) is None:
            # A provider refuses the whole request for it, and every later one of the session.
            self._found.problems.append(f"@{path}: it is no picture.")
            return
        kind = IMAGES[path.rpartition(".")[2].lower()]
        self._found.images.append(ImagePart(media_type=kind, data=base64.b64encode(data).decode()))

    async def _symbol(self, name: str) -> None:
        finder = self._options.finder
        if finder is None:
            self._found.problems.append(f"@symbol:{name}: there is no index of this workspace.")
            return
        found = await finder.find(f"`{name}`", [SYMBOL_TOKENS], mode="bodies")
        text = found.maps[SYMBOL_TOKENS].text
        # The search always finds something; what does not even name the symbol is not what was meant.
        if re.split(r"\W+", name.strip("."))[-1] in text and text:
            self._add("symbol", name, f"Code for {name}:\n{text}")
        else:
            self._found.problems.append(f"@symbol:{name}: nothing here is called like that.")

    async def _diff(self) -> None:
        files, repo = self._options.workspace.now(), await asyncio.to_thread(self._repo)
        if not repo.found:
            self._found.problems.append("@diff: this folder is in no git repository.")
            return
        found = await asyncio.to_thread(changes, repo, files)
        if not found:
            self._found.problems.append("@diff: nothing differs from HEAD.")
            return
        self._changes("", "last commit", found)

    async def _staged(self) -> None:
        repo = await asyncio.to_thread(self._repo)
        found = await asyncio.to_thread(staged, repo) if repo.found else ()
        if found:
            self._changes("staged", "last commit, as far as they are staged", found)
        else:
            self._found.problems.append("@staged: nothing is staged for a commit.")

    async def _diagnostics(self, named: tuple[Mention, ...]) -> None:
        """Of the files that the prompt names too and of those that are open; where there are none, of those that changed."""
        checks = self._options.diagnostics
        if checks is None:
            self._found.problems.append("@diagnostics: nothing checks files here; docs/diagnostics.md says how to set it up.")
            return
        paths = [one.target for one in named if one.kind == "file"] + list(checks.watched())
        if not paths and (repo := await asyncio.to_thread(self._repo)).found:
            paths = [one.path for one in await asyncio.to_thread(changes, repo, self._options.workspace.now())]
        paths = [path for path in dict.fromkeys(paths) if checks.covers(path) and not is_secret(path)][:CHECKED_FILES]
        if not paths:
            self._found.problems.append("@diagnostics: nothing checks the files that are open, named with @ or changed.")
            return
        looks = await asyncio.gather(*(self._look(checks, path) for path in paths))
        silent = [path for path, reports in zip(paths, looks, strict=True) if not reports]
        if silent:
            self._found.problems.append(f"@diagnostics: no checker answered for {', '.join(silent)}.")
        found = in_order({one for reports in looks for said in reports.values() for one in said})
        if found:
            self._add("diagnostics", "", f"Diagnostics now:\n{listed(found, CHECKED_MOST)}")
        elif len(silent) < len(paths):
            self._add("diagnostics", "", "The checkers find nothing wrong now.")

    async def _look(self, checks: Diagnostics, path: str) -> Reports:
        try:
            document = await self._options.workspace.read(path)
        except TallystickError:
            return {}
        return await checks.look(document, self._parts.settings.diagnostics.timeout_s)

    def _changes(self, source: str, since: str, found: Sequence[Change]) -> None:
        secret = "(it may hold secrets and is not shown)"
        diffs = [f"--- a/{one.path}\n+++ b/{one.path}\n{secret}\n" if is_secret(one.path) else one.diff for one in found]
        whole = f"Changes since the {since}:\n" + "".join(diffs)
        listed = f"Changed since the {since}:\n" + "\n".join(one.path for one in found)
        self._found.fragments.append(
            Fragment(kind="diff", source=source, shapes=self._shapes([("whole", whole), ("outline", listed)]))
        )

    def _add(self, kind: Kind, source: str, text: str) -> None:
        text = shorten_lines(text.rstrip("\n"))
        shapes: list[tuple[Form, str]] = [("whole", text)]
        for limit in (8_000, 1_500):
            if len(text.encode("utf-8", "replace")) > limit:
                shapes.append(("excerpt", head_and_tail(text, limit)[0]))
        self._found.fragments.append(Fragment(kind=kind, source=source, shapes=self._shapes(shapes)))

    def _shapes(self, given: Sequence[tuple[Form, str]]) -> tuple[Shape, ...]:
        """From longest to shortest; one that is no shorter than the one before adds nothing."""
        found: list[Shape] = []
        for form, raw in given:
            text = clean(raw)
            if len(text) > MOST_CHARACTERS:
                # Whoever has this has not seen the whole file.
                form, text = "excerpt" if form == "whole" else form, head_and_tail(text, MOST_CHARACTERS)[0]
            tokens = self._count(text + "\n\n")
            if not found or tokens < found[-1].tokens:
                found.append(Shape(form=form, text=text, tokens=tokens))
        return tuple(found)


def _block(path: str, lines: list[str], first: int) -> str:
    return f'<file path="{path}">\n{shorten_lines(numbered(lines, first))}\n</file>'


def _outline(path: str, text: str, lines: int) -> str:
    language = language_of(path)
    data = text.encode("utf-8", "replace")
    chunks = read_text(data, language.name).chunks[1:] if language else ()
    shown = "".join(shown_line(one.first, one.signature, plain=False) for one in chunks[:80])
    return f"{path} ({lines} lines; read_file shows them):\n{shown}".rstrip("\n")


def _last_output(messages: tuple[Message, ...]) -> str:
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            for part in reversed(message.parts):
                if part.name in ("run_command", "run_tests"):
                    return f"Output of the last command:\n{part.text}"
    return ""
