"""Whether a call runs, is asked about or is refused: rules, grants of the session, and what no grant can reach."""

import pytest

from tallystick_agent.policy.approvals import Action, Grants, approve
from tallystick_agent.policy.commands import Verdict
from tallystick_agent.settings import PermissionSettings, Rule

READ = Action(effect="read", paths=("src/a.py",))
SECRET = Action(effect="read", paths=("src/a.py", ".env"))
EDIT = Action(effect="edit", paths=("src/a.py",))
HOOK = Action(effect="edit", paths=(".git/hooks/pre-commit",))
MAKE = Action(effect="command", command="make all")
SUDO = Action(effect="command", command="sudo make all")
NOTHING = Action(effect="none")


@pytest.mark.parametrize(
    ("action", "verdict"),
    [(NOTHING, "allow"), (READ, "allow"), (SECRET, "deny"), (EDIT, "ask"), (HOOK, "deny"), (MAKE, "ask"), (SUDO, "deny")],
)
def test_by_default_reading_is_free_and_effects_ask(action: Action, verdict: Verdict) -> None:
    assert approve(action, PermissionSettings(), Grants()).verdict == verdict


@pytest.mark.parametrize("rule", ["allow", "ask", "deny"])
def test_the_settings_decide_by_kind(rule: Rule) -> None:
    assert approve(READ, PermissionSettings(read=rule), Grants()).verdict == rule
    assert approve(EDIT, PermissionSettings(edit=rule), Grants()).verdict == rule
    assert approve(MAKE, PermissionSettings(command=rule), Grants()).verdict == rule
    assert approve(SECRET, PermissionSettings(read=rule), Grants()).verdict == "deny"
    assert approve(HOOK, PermissionSettings(edit=rule), Grants()).verdict == "deny"


@pytest.mark.parametrize(
    ("action", "verdict"),
    [(READ, "allow"), (EDIT, "allow"), (MAKE, "allow"), (SECRET, "deny"), (HOOK, "deny"), (SUDO, "deny")],
)
def test_yes_to_everything_answers_questions_and_lifts_no_refusal(action: Action, verdict: Verdict) -> None:
    assert approve(action, PermissionSettings(), Grants(everything=True)).verdict == verdict


def test_yes_to_everything_does_not_lift_the_users_own_denial() -> None:
    rules = PermissionSettings(edit="deny", deny_commands=("make",))
    assert approve(EDIT, rules, Grants(everything=True)).verdict == "deny"
    assert approve(MAKE, rules, Grants(everything=True)).verdict == "deny"


def test_always_for_an_edit_covers_edits_of_the_session_and_no_command() -> None:
    grants = Grants().with_always(EDIT)
    assert approve(Action(effect="edit", paths=("other.py",)), PermissionSettings(), grants).verdict == "allow"
    assert approve(HOOK, PermissionSettings(), grants).verdict == "deny"
    assert approve(MAKE, PermissionSettings(), grants).verdict == "ask"


def test_always_for_a_command_covers_that_very_text() -> None:
    grants = Grants().with_always(MAKE)
    assert approve(MAKE, PermissionSettings(), grants).verdict == "allow"
    for text in ("make all && rm -rf src", "make", "make all install", "make all;ls"):
        assert approve(Action(effect="command", command=text), PermissionSettings(), grants).verdict == "ask"
    assert approve(EDIT, PermissionSettings(), grants).verdict == "ask"


def test_grants_add_up_and_one_for_nothing_grants_nothing() -> None:
    grants = Grants().with_always(MAKE).with_always(EDIT).with_always(Action(effect="command", command="ls src > x"))
    assert grants == Grants(edits=True, commands=frozenset({"make all", "ls src > x"}))
    assert Grants().with_always(NOTHING) == Grants()
    assert Grants().with_always(READ) == Grants()


def test_one_secret_or_protected_path_among_many_decides() -> None:
    both = Action(effect="edit", paths=("src/a.py", ".vscode/tasks.json"))
    assert approve(both, PermissionSettings(edit="allow"), Grants()).verdict == "deny"


def test_every_judgement_says_why() -> None:
    for action in (NOTHING, READ, SECRET, EDIT, HOOK, MAKE, SUDO):
        for grants in (Grants(), Grants(everything=True), Grants(edits=True, commands=frozenset({"make all"}))):
            assert approve(action, PermissionSettings(), grants).reason
