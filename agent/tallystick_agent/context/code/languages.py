"""Languages that are parsed: endings, grammars, and which nodes define something. Owns that table; imports no grammar.

A query captures `@d` for every definition; its name is the field `name` unless the table says otherwise. Grammars come in
wheels of their own, one a language, and are imported on first use: nothing is downloaded.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    name: str
    module: str
    """The package with the grammar."""
    query: str
    """A tree-sitter query that captures definitions as `@d`."""
    function: str = "language"
    """What gives the grammar in that package."""


def _nodes(kinds: str) -> str:
    return " ".join(f"({kind}) @d" for kind in kinds.split())


_SCRIPT = """
(variable_declarator value: [(arrow_function) (function_expression)]) @d
(program [(lexical_declaration (variable_declarator) @d) (variable_declaration (variable_declarator) @d)])
(export_statement [(lexical_declaration (variable_declarator) @d) (variable_declaration (variable_declarator) @d)])
((assignment_expression left: (member_expression object: (_) @on) right: [(arrow_function) (function_expression)]) @d
 (#match? @on "^(module[.]exports|exports|[A-Z][A-Za-z0-9_$]*([.]prototype)?)$"))
"""
_FIELD = "(%s value: [(arrow_function) (function_expression)]) @d"
_JS = _nodes("function_declaration generator_function_declaration class_declaration method_definition") + _SCRIPT
_TS = (
    _JS
    + (_FIELD % "public_field_definition")
    + _nodes(
        "abstract_class_declaration interface_declaration type_alias_declaration enum_declaration internal_module"
        " abstract_method_signature"
    )
)

LANGUAGES: tuple[Language, ...] = (
    Language(name="python", module="tree_sitter_python", query=_nodes("function_definition class_definition")),
    Language(name="javascript", module="tree_sitter_javascript", query=_JS + (_FIELD % "field_definition")),
    Language(name="typescript", module="tree_sitter_typescript", function="language_typescript", query=_TS),
    Language(name="tsx", module="tree_sitter_typescript", function="language_tsx", query=_TS),
    Language(
        name="go",
        module="tree_sitter_go",
        query=_nodes("function_declaration method_declaration type_spec type_alias"),
    ),
    Language(
        name="rust",
        module="tree_sitter_rust",
        query=_nodes(
            "function_item struct_item enum_item union_item trait_item impl_item macro_definition function_signature_item"
            " mod_item type_item"
        ),
    ),
    Language(
        name="java",
        module="tree_sitter_java",
        query=_nodes(
            "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration"
            " method_declaration constructor_declaration"
        ),
    ),
    Language(
        name="c",
        module="tree_sitter_c",
        query="(function_definition) @d (struct_specifier body: (_)) @d (union_specifier body: (_)) @d"
        " (enum_specifier body: (_)) @d (type_definition) @d (preproc_function_def) @d",
    ),
    Language(
        name="cpp",
        module="tree_sitter_cpp",
        query="(function_definition) @d (class_specifier body: (_)) @d (struct_specifier body: (_)) @d"
        " (union_specifier body: (_)) @d (enum_specifier body: (_)) @d (namespace_definition) @d (alias_declaration) @d"
        " (preproc_function_def) @d",
    ),
    Language(
        name="csharp",
        module="tree_sitter_c_sharp",
        query=_nodes(
            "class_declaration interface_declaration struct_declaration enum_declaration record_declaration"
            " method_declaration constructor_declaration property_declaration delegate_declaration namespace_declaration"
        ),
    ),
    Language(name="ruby", module="tree_sitter_ruby", query="(method) @d (singleton_method) @d (class name: (_)) @d (module) @d"),
    Language(
        name="php",
        module="tree_sitter_php",
        function="language_php",
        query=_nodes(
            "function_definition method_declaration class_declaration interface_declaration trait_declaration enum_declaration"
        ),
    ),
    Language(name="bash", module="tree_sitter_bash", query=_nodes("function_definition")),
    Language(
        name="kotlin",
        module="tree_sitter_kotlin",
        query=_nodes("class_declaration object_declaration function_declaration type_alias"),
    ),
    Language(
        name="scala",
        module="tree_sitter_scala",
        query=_nodes(
            "class_definition object_definition trait_definition function_definition function_declaration enum_definition"
        ),
    ),
    Language(
        name="swift",
        module="tree_sitter_swift",
        query=_nodes("class_declaration protocol_declaration function_declaration init_declaration typealias_declaration"),
    ),
    Language(name="lua", module="tree_sitter_lua", query=_nodes("function_declaration")),
)
BY_NAME = {language.name: language for language in LANGUAGES}

_ENDINGS = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c h",
    "cpp": "cc cpp cxx hh hpp hxx ipp",
    "csharp": "cs",
    "ruby": "rb rake",
    "php": "php",
    "bash": "sh bash",
    "kotlin": "kt kts",
    "scala": "scala sc",
    "swift": "swift",
    "lua": "lua",
}
_BY_ENDING = {ending: BY_NAME[name] for name, endings in _ENDINGS.items() for ending in endings.split()}


def language_of(path: str) -> Language | None:
    """By the ending of the path; `None` for what is read as words."""
    _, dot, ending = path.rpartition("/")[2].rpartition(".")
    return _BY_ENDING.get(ending.lower()) if dot else None
