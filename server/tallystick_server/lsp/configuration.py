"""What the editor's own configuration says: initializationOptions, then `workspace/configuration`. Owns its bounds.

An editor may take these values from a file of the workspace, and nobody can tell that here. So they choose among what the
user's own settings allow, and narrow it; they never widen a permission or a limit, and name no key, address or command.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, cast

SECTION: Final = "tallystick"
DEFAULT_FOLDER: Final = ".tally"
Rule = Literal["allow", "ask", "deny"]
_STRICT: Final[dict[str, int]] = {"allow": 0, "ask": 1, "deny": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """`None` is what the editor does not say. Money in USD."""

    model: str | None = None
    chats_folder: str | None = None
    """Absolute, or relative to the workspace folder."""
    completion: bool | None = None
    permissions: dict[str, Rule] = field(default_factory=lambda: {})
    """`read`, `edit`, `command`."""
    deny_commands: tuple[str, ...] = ()
    max_cost_usd: Decimal | None = None
    max_tokens: int | None = None
    max_requests: int | None = None
    problems: tuple[str, ...] = ()
    """What could not be read, in words."""


def read(value: Any) -> Configuration:
    """A section as JSON. What is not understood is named in `problems` and has no effect; nothing raises."""
    if value is None:
        return Configuration()
    if not isinstance(value, dict):
        return Configuration(problems=("the section is no object",))
    section = cast("dict[str, Any]", value)
    problems: list[str] = []
    found = Configuration(
        model=_text(section, "model", problems),
        chats_folder=_text(section, "chatsFolder", problems),
    )
    completion = _object(section, "completion", problems)
    if isinstance(completion.get("enabled"), bool):
        found = replace(found, completion=completion["enabled"])
    found = _permissions(found, _object(section, "permissions", problems), problems)
    found = _budget(found, _object(section, "budget", problems), problems)
    # An extension keeps keys of its own in the same section; only what looks like ours and is wrong is worth a word.
    problems += [f"`{name}` is not read from an editor; it belongs in settings.toml" for name in section if name in _USERS]
    return replace(found, problems=tuple(problems))


_USERS: Final = frozenset(
    ("providers endpoints network routing data limits attribution local tests linters language_servers diagnostics").split()
)


def _permissions(found: Configuration, section: dict[str, Any], problems: list[str]) -> Configuration:
    rules: dict[str, Rule] = {}
    for name in ("read", "edit", "command"):
        rule = section.get(name)
        if isinstance(rule, str) and rule in _STRICT:
            rules[name] = cast("Rule", rule)
        elif rule is not None:
            problems.append(f"`permissions.{name}` is none of allow, ask, deny")
    denied = section.get("denyCommands")
    words = cast("list[object]", denied) if isinstance(denied, list) else []
    return replace(found, permissions=rules, deny_commands=tuple(one for one in words if isinstance(one, str)))


def _budget(found: Configuration, section: dict[str, Any], problems: list[str]) -> Configuration:
    cost = section.get("maxCostUsd")
    usd = Decimal(str(cost)) if isinstance(cost, int | float) and not isinstance(cost, bool) else None
    if cost is not None and (usd is None or not usd.is_finite() or usd < 0):
        problems.append("`budget.maxCostUsd` is no amount")
        usd = None
    tokens, requests = _count(section, "maxTokens", problems), _count(section, "maxRequests", problems)
    return replace(found, max_cost_usd=usd, max_tokens=tokens, max_requests=requests)


def _count(section: dict[str, Any], name: str, problems: list[str]) -> int | None:
    number = section.get(name)
    if isinstance(number, int) and not isinstance(number, bool) and number > 0:
        return number
    if number is not None:
        problems.append(f"`budget.{name}` is no whole number above 0")
    return None


def _text(section: dict[str, Any], name: str, problems: list[str]) -> str | None:
    value = section.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        return value.strip()
    problems.append(f"`{name}` is no text")
    return None


def _object(section: dict[str, Any], name: str, problems: list[str]) -> dict[str, Any]:
    value = section.get(name)
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    if value is not None:
        problems.append(f"`{name}` is no object")
    return {}


def narrowed(editor: Configuration, user: Any) -> dict[str, Any]:
    """The overrides that lay the editor's words over the user's `Settings`: in each place the narrower of both."""
    permissions: dict[str, Any] = {
        name: rule for name, rule in editor.permissions.items() if _STRICT[rule] > _STRICT[getattr(user.permissions, name)]
    }
    if editor.deny_commands:
        permissions["deny_commands"] = (*user.permissions.deny_commands, *editor.deny_commands)
    budget: dict[str, Any] = {}
    for name in ("max_cost_usd", "max_tokens", "max_requests"):
        value, limit = getattr(editor, name), getattr(user.budget, name)
        if value is not None and (limit is None or value < limit):
            budget[name] = value
    completion = {"enabled": False} if editor.completion is False else {}
    found: dict[str, Any] = {"permissions": permissions, "budget": budget, "completion": completion}
    return {name: values for name, values in found.items() if values}


def chats_folder(editor: Configuration, root: Path) -> Path:
    """Where new chats of a workspace folder go."""
    named = Path(editor.chats_folder or DEFAULT_FOLDER).expanduser()
    return named if named.is_absolute() else root / named
