"""What is wrong with a setting, in words for the person who wrote it. Owns the words; the checks are `settings`. Pure."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WORDS: Final = {
    "missing": "is missing",
    "tuple_type": 'must be a list, as in ["one", "two"]',
    "dict_type": "must be a table, with a line for each of its names",
    "model_type": "must be a table, with a line for each of its names",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "finite_number": "must be a number",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def sentence(errors: "Sequence[ErrorDetails]", root: type[BaseModel]) -> str:
    """What is wrong first, e.g. "`routing.ordr` is not a setting; did you mean `order`?"."""
    first = errors[0]
    key, names = _place(first["loc"], root)
    # A value that may be one of several things has an error for each; the one that went deepest was meant.
    same = [one for one in errors if _place(one["loc"], root)[0] == key]
    meant = max(same, key=lambda one: len(one["loc"]))
    if meant["type"] == "extra_forbidden":
        return f"`{key}` is not a setting{_near(str(meant['loc'][-1]), names)}"
    return f"The setting `{key}` {_words(meant)}." if key else f"The settings are not valid: {_words(meant)}."


def _words(error: "ErrorDetails") -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"must be {words} {str(context[name]).removesuffix('.0')}"
    if kind == "literal_error":
        return f"must be {context['expected']}"
    return f"is not valid: {error['msg'].removeprefix('Value error, ')}"


def _near(name: str, names: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, names, 1)
    return f"; did you mean `{close[0]}`?" if close else "."


def _place(loc: Sequence[int | str], root: type[BaseModel]) -> tuple[str, list[str]]:
    """The key as a person writes it, without what is told of the ways to read a value; and the names that could stand there."""
    parts: list[str] = []
    table: Any = root
    names: list[str] = []
    for part in loc:
        names = []
        if isinstance(table, type) and issubclass(table, BaseModel):
            names = [*table.model_fields]
            field = table.model_fields.get(str(part))
            table = _inner(field.annotation) if field is not None else None
        elif get_origin(table) is dict:
            table = get_args(table)[1]
        else:
            # An item of a list has a number; else it is the name of a type that was tried.
            if isinstance(part, int):
                parts.append(f"{part + 1}")
            break
        parts.append(_quoted(str(part)))
    return ".".join(parts), names


def _quoted(name: str) -> str:
    """As TOML wants a key to be written."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def _inner(annotation: Any) -> Any:
    """The table that an optional one is; other types as they are."""
    tables = [one for one in get_args(annotation) if isinstance(one, type) and issubclass(one, BaseModel)]
    return tables[0] if tables and get_origin(annotation) is not dict else annotation
