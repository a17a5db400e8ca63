"""What a shell command would do, as far as it can be known. Owns parsing and the table of harmless programs; pure.

Parse or ask: only plain words joined by `&&`, `||`, `;` and `|` are judged part by part. Everything else (substitution,
redirection, assignments, globs in the program's name, background jobs, a text that does not parse) is one unknown
command, and unknown asks. A string rule is a convenience; it is not a boundary around a program.
"""

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tallystick_agent.policy.paths import SECRET_FILES, is_secret

if TYPE_CHECKING:
    from tree_sitter import Node

Verdict = Literal["allow", "ask", "deny"]

HARMLESS: Final = frozenset("ls pwd echo true false cat head tail wc which basename dirname uname whoami nl stat".split())
"""Programs that only read and print, whatever their options."""
FORBIDDEN: Final = frozenset(
    "sudo su doas shutdown reboot halt poweroff mkfs dd mount umount chroot insmod crontab systemctl".split()
)
_JOINERS: Final = frozenset({"&&", "||", ";", "|", "\n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    verdict: Verdict
    reason: str


def split_plain(command: str) -> list[list[str]] | None:
    """The commands as words, or `None` where the text is more than plain words and joiners."""
    if "\r" in command or "\0" in command or len(command) > 10_000:
        return None
    source = command.encode("utf-8", "replace")
    root = _parse(source)
    if root.has_error:
        return None
    parts: list[list[str]] = []
    return parts if _walk(root, parts) and parts else None


def judge(command: str, *, allow: tuple[str, ...], deny: tuple[str, ...], unknown: Verdict) -> Judgement:
    """Deny wins over ask, ask over allow. `allow` and `deny` are word prefixes from the user's settings."""
    parts = split_plain(command)
    if parts is None:
        loose = re.findall(r"[\w./+-]+", command.replace("\\\n", ""))
        if any(_under(loose[at:], rule) for rule in deny for at in range(len(loose))):
            return Judgement(verdict="deny", reason="a denied command stands in it")
        verdict: Verdict = "ask" if unknown == "allow" and _forbidden_word(loose) else unknown
        return Judgement(verdict=verdict, reason="it is more than plain words, so its parts cannot be judged")
    judged = [_judge_one(words, allow, deny, unknown) for words in parts]
    for wanted in ("deny", "ask"):
        for judgement in judged:
            if judgement.verdict == wanted:
                return judgement
    return judged[0] if len(judged) == 1 else Judgement(verdict="allow", reason="every part is allowed")


def _judge_one(words: list[str], allow: tuple[str, ...], deny: tuple[str, ...], unknown: Verdict) -> Judgement:
    program = words[0].rsplit("/", 1)[-1]
    for rule in deny:
        if _under(words, rule):
            return Judgement(verdict="deny", reason=f"the rule `{rule}` denies it")
    if program in FORBIDDEN:
        return Judgement(verdict="deny", reason=f"{program} changes the system")
    if program == "rm" and any(word in ("/", "/*", "~", "..", ".") or word.startswith(("/", "~", "..")) for word in words[1:]):
        return Judgement(verdict="deny", reason="rm outside the workspace")
    for rule in allow:
        if _under(words, rule):
            return Judgement(verdict="allow", reason=f"the rule `{rule}` allows it")
    if words[0] in HARMLESS and not _follows(words) and not any(_leaves(word) for word in words[1:]):
        return Judgement(verdict="allow", reason=f"{program} only reads")
    return Judgement(verdict=unknown, reason=f"no rule names `{program}`")


def _follows(words: list[str]) -> bool:
    """`tail -f` never ends."""
    return words[0] == "tail" and any(re.match(r"-\w*[fF]|--follow|--retry", word) for word in words[1:])


def _leaves(word: str) -> bool:
    """Whether an argument may name a place outside the workspace, or a secret inside it."""
    parts = re.split(r"[/=]", word)
    if word.startswith(("/", "~")) or ".." in parts or "=/" in word or "=~" in word:
        return True
    return is_secret(word) or is_secret(parts[-1]) or _may_match_secret(parts[-1])


def _may_match_secret(name: str) -> bool:
    """Whether the shell could turn a pattern into the name of a secret; a brace is never looked into."""
    if "{" in name:
        return True
    if not any(mark in name for mark in "*?["):
        return False
    # A leading star does not match a leading dot in the shell.
    hidden = name.startswith((".", "["))
    names = [*SECRET_FILES, ".env.local", ".env.production"]
    return any(fnmatch.fnmatch(secret, name.casefold()) for secret in names if hidden or not secret.startswith("."))


def _under(words: list[str], rule: str) -> bool:
    prefix = rule.split()
    return bool(prefix) and words[: len(prefix)] == prefix


def _forbidden_word(words: list[str]) -> bool:
    return any(word.rsplit("/", 1)[-1] in FORBIDDEN for word in words)


def _parse(source: bytes) -> "Node":
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language())).parse(source).root_node


def _walk(node: "Node", parts: list[list[str]]) -> bool:
    """Collects the commands below `node`; False as soon as something is not plain."""
    if node.type in _JOINERS:
        return True
    if node.type == "command":
        words = [_word(child) for child in node.children]
        if any(word is None for word in words):
            return False
        parts.append([word for word in words if word is not None])
        return bool(parts[-1]) and not any(mark in parts[-1][0] for mark in "*?[{=")
    if node.type in ("program", "list", "pipeline"):
        return all(_walk(child, parts) for child in node.children)
    return False


def _word(node: "Node") -> str | None:
    """The literal text of a word, or `None` where the shell would expand something."""
    text = (node.text or b"").decode("utf-8", "replace")
    match node.type:
        case "command_name":
            return _word(node.children[0]) if len(node.children) == 1 else None
        case "word" | "number":
            return None if any(mark in text for mark in "\\$`~!") and not text.startswith("~") else text
        case "raw_string":
            return text[1:-1]
        case "string":
            plain = all(child.type in ('"', "string_content") for child in node.children)
            return text[1:-1] if plain and "\\" not in text and "!" not in text else None
        case "concatenation":
            pieces = [_word(child) for child in node.children]
            return None if any(piece is None for piece in pieces) else "".join(piece or "" for piece in pieces)
        case _:
            return None
