"""Repair with a small model: which candidates to ask for, and in which words. Owns the plan; pure.

Measured with a 1.5B model on 24 small tasks: asked in JSON for a wrong line and its correction it fixed none of 12 bugs,
asked in prose for the function 6, and asked to fill the gap of the wrong line 8. So gaps on the most suspect lines come
first, prose between them, and the tests judge every candidate.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tallystick_agent.context.suspects import Suspect
from tallystick_agent.context.test_report import Failure
from tallystick_agent.edits.definitions import Definition, definitions, merge
from tallystick_agent.prompts import load
from tallystick_agent.protocol.chat import ChatRequest, Infill
from tallystick_agent.protocol.messages import TextPart, UserMessage

AROUND = 26
"""Lines of a file shown on each side of a gap."""
_FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known about the failure before a model is asked."""

    task: str
    texts: Mapping[str, str]
    """Source files that may be changed: no tests."""
    failure: Failure
    test_source: str
    all_tests: str
    suspects: tuple[Suspect, ...]
    focus: tuple[str, ...]
    """Paths, most relevant first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One request, and how its answer becomes new texts."""

    name: str
    request: ChatRequest
    path: str = ""
    first: int = 0
    """The gap, as lines from 1; `last` before `first` for an answer in prose."""
    last: int = -1
    indent: str = ""


_QUESTION = re.compile(
    r"^(?:what|why|how|where|which|who|when|does|do|is|are|can|could|should|explain|describe|list|show|tell|summari[sz]e)\b",
    re.IGNORECASE,
)


def asks_for_change(task: str) -> bool:
    """Whether a prompt may mean that something is to be mended: a plain question runs no tests."""
    text = task.strip()
    polite = re.match(r"^(?:can|could|would) you (?:please )?(?!explain|tell|describe|show|list)", text, re.IGNORECASE)
    return bool(polite) or not (_QUESTION.match(text) and text.count(".") <= 1)


def candidates(scene: Scene, *, infill: bool) -> Iterator[Candidate]:
    """In the order in which they are worth their tokens."""
    stubs = [(path, one) for path in scene.focus for one in definitions(scene.texts[path]) if one.is_stub]
    if stubs:
        yield from _for_stub(scene, *stubs[0], infill=infill)
        return
    lines = list(scene.suspects[:8]) if infill else []
    yield from (_line_gap(scene, suspect) for suspect in lines[:3])
    yield _prose(scene, "repair", temperature=0.0, seed=0)
    yield from (_line_gap(scene, suspect) for suspect in lines[3:5])
    bodies = _suspect_bodies(scene)[:2] if infill else []
    yield from (_body_gap(scene, *body, temperature=0.0, seed=0) for body in bodies)
    yield from (_line_gap(scene, suspect) for suspect in lines[5:])
    for seed in range(1, 20):
        yield _prose(scene, "repair", temperature=0.8, seed=seed)
        yield from (_body_gap(scene, *body, temperature=0.6, seed=seed) for body in bodies)


def _for_stub(scene: Scene, path: str, stub: Definition, *, infill: bool) -> Iterator[Candidate]:
    yield _prose(scene, "implement", temperature=0.0, seed=0, name=stub.name)
    for seed in range(20):
        if infill:
            yield _body_gap(scene, path, stub, temperature=0.6 if seed else 0.0, seed=seed)
        yield _prose(scene, "implement", temperature=0.6, seed=seed + 1, name=stub.name)


def read(candidate: Candidate, answer: str, texts: Mapping[str, str]) -> dict[str, str] | None:
    """The texts with the candidate in place; `None` when it is no Python or changes nothing."""
    if not candidate.path:
        found = _FENCE.search(answer)
        code = found[1] if found else answer
        return merge(texts, code)
    lines = texts[candidate.path].split("\n")
    filled = candidate.indent + answer.rstrip() if candidate.indent or candidate.first == candidate.last else answer.rstrip()
    changed = "\n".join([*lines[: candidate.first - 1], *filled.split("\n"), *lines[candidate.last :]])
    if changed == texts[candidate.path] or not filled.strip():
        return None
    try:
        if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(texts[candidate.path])):
            return None
    except (SyntaxError, ValueError):
        return None
    return {**texts, candidate.path: changed}


def _prose(scene: Scene, prompt: str, *, temperature: float, seed: int, name: str = "") -> Candidate:
    files = "\n\n".join(f"{path}:\n```python\n{scene.texts[path].strip()}\n```" for path in scene.focus[:2])
    error = scene.failure.error
    if prompt == "implement":
        tests = scene.all_tests if seed % 2 == 0 else scene.test_source
        text = load(prompt).format(task=scene.task, files=files, tests=tests, error="", name=name.rpartition(".")[2])
    else:
        text = load(prompt).format(
            task=scene.task, files=files, test_file=scene.failure.file, test=scene.test_source, error=error
        )
    request = ChatRequest(
        system="",
        messages=(UserMessage(parts=(TextPart(text=text),)),),
        max_output_tokens=600,
        temperature=temperature,
        seed=seed,
        stop=("\n```\n",),
    )
    return Candidate(name="rewrite" if prompt == "repair" else "implement", request=request)


def _line_gap(scene: Scene, suspect: Suspect) -> Candidate:
    lines = scene.texts[suspect.path].split("\n")
    line = lines[suspect.line - 1]
    indent = line[: len(line) - len(line.lstrip())]
    at = suspect.line - 1
    infill = Infill(
        prefix="\n".join([_hint(scene), *lines[max(0, at - AROUND) : at], indent]),
        suffix="\n" + "\n".join(lines[at + 1 : at + AROUND]),
    )
    request = ChatRequest(system="", messages=(), infill=infill, max_output_tokens=80, temperature=0.0, stop=("\n",))
    return Candidate(
        name=f"line {suspect.line} of {suspect.path}",
        request=request,
        path=suspect.path,
        first=suspect.line,
        last=suspect.line,
        indent=indent,
    )


def _body_gap(scene: Scene, path: str, definition: Definition, *, temperature: float, seed: int) -> Candidate:
    lines = scene.texts[path].split("\n")
    start = definition.body_first - 1
    infill = Infill(
        prefix="\n".join([_hint(scene, whole=definition.is_stub), *lines[max(0, start - AROUND) : start]]) + "\n",
        suffix="\n" + "\n".join(lines[definition.last : definition.last + AROUND // 2]),
    )
    stops = ("\ndef ", "\nclass ", "\n@") + (("\n    def ", "\n    @") if definition.indent else ())
    request = ChatRequest(
        system="", messages=(), infill=infill, max_output_tokens=320, temperature=temperature, seed=seed, stop=stops
    )
    name = f"body of {definition.name}"
    return Candidate(name=name, request=request, path=path, first=definition.body_first, last=definition.last)


def _suspect_bodies(scene: Scene) -> list[tuple[str, Definition]]:
    """The functions that hold suspects, most suspect first."""
    found: list[tuple[str, Definition]] = []
    for suspect in scene.suspects:
        functions = [one for one in definitions(scene.texts[suspect.path]) if not one.is_class]
        inside = [one for one in functions if one.first <= suspect.line <= one.last]
        innermost = (suspect.path, min(inside, key=lambda one: one.last - one.first)) if inside else None
        if innermost is not None and innermost not in found:
            found.append(innermost)
    return found


def _hint(scene: Scene, *, whole: bool = False) -> str:
    """Task and test as comments above the code: a completion model reads them as what the code must do."""
    test = scene.all_tests if whole else scene.test_source
    task = " ".join(scene.task.split())[:400]
    lines = [f"# {'Task' if whole else 'Bug'}: {task}", "# Test:", *(f"#   {line}" for line in test.splitlines()[:24])]
    return "\n".join(lines)
