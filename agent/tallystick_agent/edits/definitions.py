"""Definitions of a Python text, and putting a model's version of one in its place. Owns that merge; pure.

A small model is asked for one function, and answers with a function, a method without its class, or the class with only
some of its methods. Whatever it names is replaced; what it leaves out stays as it is.
"""

import ast
import textwrap
from collections.abc import Mapping
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
    try:
        tree = ast.parse(textwrap.dedent(code))
    except (SyntaxError, ValueError):
        return None
    lines = textwrap.dedent(code).split("\n")
    changed = dict(files)
    touched: set[str] = set()
    loose: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = [one for one in node.body if isinstance(one, _Function)]
            places = [_replace(changed, f"{node.name}.{one.name}", _source(lines, one)) for one in methods]
            if not any(places):
                places = [_replace(changed, node.name, _source(lines, node))]
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
        changed[place] = _with_imports(changed[place], tree, lines)
    if not touched or changed == dict(files) or any(not _parses(changed[path]) for path in touched):
        return None
    return changed


def put(text: str, code: str) -> str | None:
    """`text` with the definitions of `code` replaced where they exist and added at the end where they do not.

    `None` where `code` is no whole definition, or where the result would not parse.
    """
    bare = textwrap.dedent(code).strip("\n")
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
    return textwrap.dedent("\n".join(lines[_first(node) - 1 : node.end_lineno]))


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
            kept[found.first - 1 : found.last] = textwrap.indent(source, " " * found.indent).split("\n")
            files[path] = "\n".join(kept)
            return path
    return None


def _with_imports(text: str, tree: ast.Module, lines: list[str]) -> str:
    wanted = [
        "\n".join(lines[one.lineno - 1 : one.end_lineno]) for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)
    ]
    missing = [line for line in wanted if line not in text]
    if not missing:
        return text
    body = ast.parse(text).body
    after_docstring = (
        body[0].end_lineno if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) else 0
    )
    kept = text.split("\n")
    at = after_docstring or 0
    return "\n".join([*kept[:at], *([""] if at else []), *missing, *kept[at:]])


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True
