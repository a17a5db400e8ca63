"""Definitions of a text by tree-sitter. Owns the parsers; nobody else in the package imports a grammar for code.

A text with errors still gives the definitions around them; a text that is too large gives none.
"""

import importlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from tallystick_agent.context.code.languages import BY_NAME, Language

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query, Tree

LONGEST_NAME = 120
MOST_DEFINITIONS = 20_000
_ANNOTATIONS = frozenset(
    """annotation marker_annotation attribute attribute_list attribute_declaration attribute_specifier decorator
    comment line_comment block_comment multiline_comment""".split()
)
_WRAPPERS = frozenset("decorated_definition export_statement template_declaration".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Lines count from 1; `last` is included. `kind` is the grammar's own word for the node."""

    name: str
    kind: str
    first: int
    """Where it begins, after its annotations."""
    last: int
    lead: int
    """Where the first of its annotations begins; `first` where it has none."""


@cache
def parser_of(name: str) -> "tuple[Parser, Query]":
    """The parser and the query for a language of the table."""
    from tree_sitter import Language as Grammar
    from tree_sitter import Parser, Query

    language = BY_NAME[name]
    given: Any = getattr(importlib.import_module(language.module), language.function)()
    # Some grammars still hand out a number, which is another overload to the type checker.
    grammar = Grammar(cast(object, given))
    return Parser(grammar), Query(grammar, language.query)


def parse(data: bytes, language: Language, old: "Tree | None" = None) -> "Tree":
    """The syntax tree; `old` is a tree that was told of its edits, which is then reused."""
    parser = parser_of(language.name)[0]
    return parser.parse(data, old) if old is not None else parser.parse(data)


def definitions(data: bytes, language: Language, tree: "Tree | None" = None) -> tuple[Definition, ...]:
    """Every definition of `data`, outer ones before those inside them, each line range once."""
    from tree_sitter import QueryCursor

    query = parser_of(language.name)[1]
    root = (tree or parse(data, language)).root_node
    found: dict[tuple[int, int], Definition] = {}
    for node in QueryCursor(query).captures(root).get("d", [])[:MOST_DEFINITIONS]:
        name = _name(node)
        if not name:
            continue
        last = node.end_point[0] + 1
        # A node that ends at the start of a line does not have that line.
        last = last - 1 if node.end_point[1] == 0 and last > node.start_point[0] + 1 else last
        first = min(_begin(node), last)
        outer = node.parent if node.parent is not None and node.parent.type in _WRAPPERS else node
        lead = min(outer.start_point[0] + 1, first)
        found.setdefault((first, last), Definition(name=name, kind=node.type, first=first, last=last, lead=lead))
    return tuple(sorted(found.values(), key=lambda one: (one.first, -one.last)))


def _begin(node: "Node") -> int:
    """The line of a definition's first word that is no annotation: that of `class` below `@Deprecated`."""
    at: Node | None = node.child(0)
    while at is not None:
        if at.type == "modifiers":
            at = at.child(0) or at.next_sibling
        elif at.type in _ANNOTATIONS:
            at = at.next_sibling or (at.parent.next_sibling if at.parent is not None and at.parent.type == "modifiers" else None)
        else:
            return at.start_point[0] + 1
    return node.start_point[0] + 1


def _name(node: "Node") -> str:
    named = node.child_by_field_name("name")
    if named is None and node.type == "impl_item":
        named = node.child_by_field_name("type")
    if named is None and node.type == "field_definition":
        named = node.child_by_field_name("property")
    if named is None and (left := node.child_by_field_name("left")) is not None:
        named = left.child_by_field_name("property")
    if named is None:
        named = _declared(node)
    if named is None and node.type in ("class_declaration", "object_declaration", "function_declaration", "type_alias"):
        named = next((child for child in node.named_children if child.type.endswith("identifier")), None)
    if named is None and node.type == "init_declaration":
        return "init"
    text: Any = named.text if named is not None else None
    return text.decode("utf-8", "replace")[:LONGEST_NAME] if text else ""


_DECLARED = ("identifier", "declarator")


def _declared(node: "Node") -> "Node | None":
    """The identifier inside C's nested declarators."""
    inner = node.child_by_field_name("declarator")
    while inner is not None:
        if inner.type.endswith("identifier") or inner.type in ("destructor_name", "operator_name"):
            return inner
        below = inner.child_by_field_name("declarator")
        inner = below if below is not None else next((one for one in inner.named_children if one.type.endswith(_DECLARED)), None)
    return None
