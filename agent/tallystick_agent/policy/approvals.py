"""Whether a tool call runs, is asked about, or is refused. Pure: the call and the rules in, a judgement out.

Nothing that the model says about its own call relaxes anything. An answer binds to the digest of what was shown.
"""

from dataclasses import dataclass, field
from typing import Literal

from tallystick_agent.policy.commands import Judgement, judge
from tallystick_agent.policy.paths import is_protected, is_secret
from tallystick_agent.settings import PermissionSettings

Effect = Literal["read", "edit", "command", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a call would do, as the tool itself works it out from checked arguments."""

    effect: Effect
    paths: tuple[str, ...] = ()
    command: str = ""
    leads_out: bool = False
    """A path in the command resolves to somewhere outside, or to a secret: a harmless program is then not harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What the user has allowed for the rest of the session."""

    edits: bool = False
    commands: frozenset[str] = field(default_factory=lambda: frozenset[str]())
    everything: bool = False
    """`--yes`: what would be asked is allowed; what is denied stays denied."""

    def with_always(self, action: Action) -> "Grants":
        if action.effect == "edit":
            return Grants(edits=True, commands=self.commands, everything=self.everything)
        if action.effect == "command":
            return Grants(edits=self.edits, commands=self.commands | {action.command}, everything=self.everything)
        return self


def approve(action: Action, rules: PermissionSettings, grants: Grants) -> Judgement:
    """The judgement for one call."""
    judgement = _by_rules(action, rules)
    if judgement.verdict != "ask":
        return judgement
    if grants.everything:
        return Judgement(verdict="allow", reason="--yes")
    if action.effect == "edit" and grants.edits and not any(is_protected(path) for path in action.paths):
        return Judgement(verdict="allow", reason="edits were allowed for this session")
    if action.effect == "command" and action.command in grants.commands:
        return Judgement(verdict="allow", reason="this command was allowed for this session")
    return judgement


def _by_rules(action: Action, rules: PermissionSettings) -> Judgement:
    match action.effect:
        case "none":
            return Judgement(verdict="allow", reason="it changes nothing")
        case "read":
            if any(is_secret(path) for path in action.paths):
                return Judgement(verdict="deny", reason="the file may hold secrets")
            return Judgement(verdict=rules.read, reason="the rule for reading")
        case "edit":
            if any(is_protected(path) for path in action.paths):
                return Judgement(verdict="deny", reason="the path is protected: an editor, git or an agent would act on it")
            return Judgement(verdict=rules.edit, reason="the rule for edits")
        case "command":
            judgement = judge(action.command, allow=rules.allow_commands, deny=rules.deny_commands, unknown=rules.command)
            if judgement.verdict == "allow" and action.leads_out and rules.command != "allow":
                return Judgement(verdict="ask", reason="a path in it leads outside the workspace or to a secret")
            return judgement
