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


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Lines count from 1; `last` is included. `kind` is the grammar's own word for the node."""

    name: str
    kind: str
    first: int
    last: int


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
        first, last = node.start_point[0] + 1, node.end_point[0] + 1
        # A node that ends at the start of a line does not have that line.
        last = last - 1 if node.end_point[1] == 0 and last > first else last
        found.setdefault((first, last), Definition(name=name, kind=node.type, first=first, last=last))
    return tuple(sorted(found.values(), key=lambda one: (one.first, -one.last)))


def _name(node: "Node") -> str:
    named = node.child_by_field_name("name")
    if named is None and node.type == "impl_item":
        named = node.child_by_field_name("type")
    if named is None:
        named = _declared(node)
    if named is None and node.type in ("class_declaration", "object_declaration", "function_declaration", "type_alias"):
        named = next((child for child in node.named_children if child.type.endswith("identifier")), None)
    if named is None and node.type == "init_declaration":
        return "init"
    text: Any = named.text if named is not None else None
    return text.decode("utf-8", "replace")[:LONGEST_NAME] if text else ""


def _declared(node: "Node") -> "Node | None":
    """The identifier inside C's nested declarators."""
    inner = node.child_by_field_name("declarator")
    while inner is not None:
        if inner.type.endswith("identifier") or inner.type in ("destructor_name", "operator_name"):
            return inner
        below = inner.child_by_field_name("declarator")
        inner = below if below is not None else next((one for one in inner.named_children if "identifier" in one.type), None)
    return None
