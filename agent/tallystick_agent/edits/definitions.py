"""Definitions of a Python text, and putting a model's version of one in its place. Owns that merge; pure.

A small model is asked for one function, and answers with a function, a method without its class, or the class with only
some of its methods. Whatever it names is replaced; what it leaves out stays as it is.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """`name` is qualified (`Cart.total`); `first` and `last` are line numbers from 1, decorators included."""

    name: str
    first: int
    last: int
    body_first: int
    """The first line after the signature and the docstring."""
    indent: int
    is_class: bool
    is_stub: bool
    """There is nothing in it yet: `pass`, `...` or `raise NotImplementedError`."""


def definitions(text: str) -> tuple[Definition, ...]:
    """All definitions in order, methods after their class; none where the text does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    found: list[Definition] = []
    _collect(tree.body, "", found)
    return tuple(found)


def _collect(body: list[ast.stmt], prefix: str, found: list[Definition]) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            rest = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            last = node.end_lineno or node.lineno
            found.append(
                Definition(
                    name=prefix + node.name,
                    first=_first(node),
                    last=last,
                    body_first=rest[0].lineno if rest else last + 1,
                    indent=node.col_offset,
                    is_class=isinstance(node, ast.ClassDef),
                    is_stub=not isinstance(node, ast.ClassDef) and all(_empty(one) for one in rest),
                )
            )
            if isinstance(node, ast.ClassDef):
                _collect(node.body, f"{prefix}{node.name}.", found)


def _first(node: ast.ClassDef | _Function) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _empty(node: ast.stmt) -> bool:
    match node:
        case ast.Pass():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
        case _:
            return False


def merge(files: Mapping[str, str], code: str) -> dict[str, str] | None:
    """The files with the definitions of `code` in place; `None` when nothing of it has a place or nothing changes.

    Imports that `code` needs and a file lacks are added above the first definition; new functions go after the file's last.
    """
    bare = _moved(code)
    try:
        tree = ast.parse(bare)
    except (SyntaxError, ValueError):
        return None
    lines = bare.split("\n")
    changed = dict(files)
    touched: set[str] = set()
    loose: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = [one for one in node.body if isinstance(one, _Function)]
            places = [_replace(changed, f"{node.name}.{one.name}", _source(lines, one)) for one in methods]
            known = next((place for place in places if place), None)
            if known is None:
                places = [_replace(changed, node.name, _source(lines, node))]
            else:
                changed[known] = _with_methods(changed[known], node.name, methods, lines)
            touched.update(place for place in places if place)
        elif isinstance(node, _Function):
            place = _replace(changed, node.name, _source(lines, node))
            if place:
                touched.add(place)
            else:
                loose.append(_source(lines, node))
    if len(touched) == 1:
        place = next(iter(touched))
        for source in loose:
            changed[place] = f"{changed[place].rstrip()}\n\n\n{source}\n"
        changed[place] = _with_imports(changed[place], tree, bare)
    if not touched or changed == dict(files) or any(not _parses(changed[path]) for path in touched):
        return None
    return changed


def put(text: str, code: str) -> str | None:
    """`text` with the definitions of `code` replaced where they exist and added at the end where they do not.

    `None` where `code` is no whole definition, or where the result would not parse.
    """
    bare = _moved(code).strip("\n")
    try:
        body = ast.parse(bare).body
    except (SyntaxError, ValueError):
        return None
    named = [node for node in body if isinstance(node, ast.ClassDef | _Function)]
    if not named:
        return None
    merged = merge({"file": text}, bare)
    if merged is not None:
        return merged["file"]
    if {node.name for node in named} & {one.name for one in definitions(text)}:
        return text
    added = f"{text.rstrip()}\n\n\n{bare}\n" if text.strip() else f"{bare}\n"
    return added if _parses(added) else None


def _source(lines: list[str], node: ast.ClassDef | _Function) -> str:
    return _moved("\n".join(lines[_first(node) - 1 : node.end_lineno]))


def _replace(files: dict[str, str], name: str, source: str) -> str | None:
    """Puts `source` where `name` is defined; a bare name may also mean the one method of that name."""
    for exact in (True, False):
        matches = [
            (path, one)
            for path, text in files.items()
            for one in definitions(text)
            if (one.name == name if exact else "." not in name and one.name.endswith(f".{name}"))
        ]
        if len(matches) == 1:
            path, found = matches[0]
            kept = files[path].split("\n")
            kept[found.first - 1 : found.last] = _moved(source, kept[found.first - 1][: found.indent]).split("\n")
            files[path] = "\n".join(kept)
            return path
    return None


def _with_methods(text: str, name: str, methods: list[_Function], lines: list[str]) -> str:
    """`text` with those methods at the end of the class `name` that it has not yet."""
    found = definitions(text)
    own = {one.name for one in found if one.name.startswith(f"{name}.")}
    # A name that stands there twice (a property and its setter) was not replaced, but it is not new either.
    new = [_source(lines, one) for one in methods if f"{name}.{one.name}" not in own]
    place = next((one for one in reversed(found) if one.is_class and one.name == name), None)
    sample = next((one for one in found if one.name in own), None)
    if not new or place is None or sample is None:
        return text
    kept = text.split("\n")
    indent = kept[sample.first - 1][: sample.indent]
    added = [line for source in new for line in ("", *_moved(source, indent).split("\n"))]
    return "\n".join([*kept[: place.last], *added, *kept[place.last :]])


def _moved(text: str, indent: str = "") -> str:
    """`text` without the margin that its lines share, and with `indent` in its place; strings keep every letter.

    A docstring moves with its code, as far as its lines have the margin, and so does a comment.
    """
    lines = text.split("\n")
    strings, docstrings = _inside_strings(text)
    loose = docstrings | {number for number, line in enumerate(lines, 1) if line.lstrip().startswith("#")}
    code = [line for number, line in enumerate(lines, 1) if line.strip() and number not in strings | loose]
    margin = _margin(code)
    moved: list[str] = []
    for number, line in enumerate(lines, 1):
        if number in strings or (number in docstrings and line.strip() and not line.startswith(margin)):
            moved.append(line)
        elif not line.strip():
            moved.append("")
        else:
            moved.append(indent + (line[len(margin) :] if line.startswith(margin) else line.lstrip()))
    return "\n".join(moved)


def _margin(lines: list[str]) -> str:
    """The white space that all lines begin with. It lies between the first and the last in order, so two are enough."""
    if not lines:
        return ""
    least, most = min(lines), max(lines)
    same = next((at for at, (one, two) in enumerate(zip(least, most, strict=False)) if one != two), min(len(least), len(most)))
    return least[: len(least) - len(least.lstrip())][:same]


def _inside_strings(text: str) -> tuple[set[int], set[int]]:
    """The numbers of the lines that begin inside a string, and of those that begin inside a docstring."""
    strings: set[int] = set()
    docstrings: set[int] = set()
    for first, last, alone in _strings(text):
        (docstrings if alone else strings).update(range(first + 1, last + 1))
    return strings, docstrings


def _strings(text: str) -> Iterator[tuple[int, int, bool]]:
    """First line and last line of every string, and whether it is a statement of its own; of broken text its first part."""
    starts: list[int] = []
    held: tuple[int, int] | None = None
    fresh = True
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = tokenize.tok_name[token.type]
            if kind in ("NL", "COMMENT", "INDENT", "DEDENT"):
                continue
            if held is not None:
                yield (*held, kind == "NEWLINE")
                held = None
            # From Python 3.12 on, a string with expressions in it is many tokens.
            if kind in ("FSTRING_START", "TSTRING_START"):
                starts.append(token.start[0])
            elif kind in ("FSTRING_END", "TSTRING_END"):
                yield starts.pop(), token.end[0], False
            elif kind == "STRING" and fresh:
                held = token.start[0], token.end[0]
            elif kind == "STRING":
                yield token.start[0], token.end[0], False
            fresh = kind == "NEWLINE"
    except (tokenize.TokenError, SyntaxError, ValueError):
        pass
    if held is not None:
        yield (*held, True)


def _with_imports(text: str, tree: ast.Module, code: str) -> str:
    """`text` with the imports of `tree` that it lacks, below all that must stay first."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return text
    there = {name for one in _always(body) for name in _imported(one)}
    missing: list[ast.stmt] = []
    for one in tree.body:
        if not there.issuperset(_imported(one)):
            missing.append(one)
            there.update(_imported(one))
    if not missing:
        return text
    missing.sort(key=lambda one: not _of_the_future(one))
    kept = text.split("\n")
    at = _head(body, kept)
    added = [ast.get_source_segment(code, one) or ast.unparse(one) for one in missing]
    return "\n".join([*kept[:at], *([""] if at else []), *added, *kept[at:]])


def _always(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, with those that it tries: `try: import tomllib` needs no second import."""
    for one in body:
        if isinstance(one, ast.Try):
            yield from _always(one.body)
        else:
            yield one


def _imported(node: ast.stmt) -> set[tuple[str, str, str]]:
    """What an import binds, as (module, name in it, name here)."""
    match node:
        case ast.Import(names=names):
            return {(one.name, "", one.asname or "") for one in names}
        case ast.ImportFrom(module=module, names=names, level=level):
            return {("." * (level or 0) + (module or ""), one.name, one.asname or one.name) for one in names}
        case _:
            return set()


def _of_the_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _head(body: list[ast.stmt], lines: list[str]) -> int:
    """How many lines come before the first import that may stand there."""
    last = 0
    for number, one in enumerate(body):
        documented = number == 0 and isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
        if not documented and not _of_the_future(one):
            break
        last = one.end_lineno or one.lineno
    if last:
        return last
    comments = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if comments == len(lines) or not lines[comments].strip():
        return comments
    # A comment right above a definition is about that definition; only what the system reads stays above.
    system = re.compile(r"#!|#.*coding[:=]")
    return max((number for number, line in enumerate(lines[: min(comments, 2)], 1) if system.match(line)), default=0)


def _parses(text: str) -> bool:
    """Whether Python takes it. `compile` also refuses what `ast.parse` lets pass, such as a late `from __future__`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<merged>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True
