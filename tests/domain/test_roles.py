from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from watchfloor.cli import main
from watchfloor.console.keymap import ACTS
from watchfloor.domain.regions import Verb
from watchfloor.domain.roles import (
    COMMANDS,
    OVER_SSH,
    VERBS,
    Identity,
    Role,
    RoleRules,
    a_role,
    is_somebody,
    known_as,
    needed_for,
    person,
    role_of,
    somebody_of,
    who_may,
)
from watchfloor.engine.commands import ORDERS

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "roles.md"
CAROL = Identity(uid=1001, name="carol", groups=frozenset({"ops", "people"}))


def test_the_roles_stand_in_a_row_and_each_may_what_those_before_it_may():
    for one, other in product(Role, Role):
        assert one.may(other) == (list(Role).index(one) >= list(Role).index(other))


def test_every_command_of_the_engine_has_its_role_and_no_other():
    assert set(COMMANDS) == set(ORDERS) | {verb.value for verb in Verb}
    assert Role.VIEWER not in COMMANDS.values()


def test_every_verb_of_the_command_line_has_its_role_and_no_other():
    assert set(VERBS) == set(main.VERBS)
    assert set(VERBS) >= OVER_SSH


def test_what_no_table_names_needs_an_admin():
    assert needed_for("format_disk") is Role.ADMIN


def test_limits_of_every_run_need_an_admin_and_those_of_one_an_operator():
    assert needed_for("limit", "run") is Role.OPERATOR
    assert needed_for("limit", "workspace") is Role.ADMIN
    assert needed_for("limit", "channel:webhook") is Role.ADMIN


def test_no_key_of_the_console_changes_what_needs_an_admin():
    verbs = {act.ident.partition(".")[2] for act in ACTS if act.changes_run}

    assert "purge" not in verbs
    assert "pause" in verbs


@pytest.mark.parametrize(
    ("rules", "role"),
    [
        (RoleRules(), Role.OPERATOR),
        (RoleRules(viewers=frozenset({"carol"})), Role.VIEWER),
        (RoleRules(viewers=frozenset({"@ops"})), Role.VIEWER),
        (RoleRules(admins=frozenset({"carol"})), Role.ADMIN),
        (RoleRules(admins=frozenset({"@ops"})), Role.ADMIN),
        (RoleRules(operators=frozenset({"dan"})), Role.VIEWER),
        (RoleRules(operators=frozenset({"@people"})), Role.OPERATOR),
        # What is said of her by name holds over what is said of her groups ...
        (
            RoleRules(admins=frozenset({"carol"}), viewers=frozenset({"@ops"})),
            Role.ADMIN,
        ),
        # ... and the least of what is said in the same way holds.
        (
            RoleRules(admins=frozenset({"@ops"}), viewers=frozenset({"@people"})),
            Role.VIEWER,
        ),
        (
            RoleRules(admins=frozenset({"carol"}), operators=frozenset({"carol"})),
            Role.OPERATOR,
        ),
        (RoleRules(viewers=frozenset({"ops", "@carol"})), Role.OPERATOR),
    ],
)
def test_a_role_comes_from_the_file_by_name_and_group(rules, role):
    assert role_of(CAROL, rules) is role


def test_no_file_takes_the_owner_s_role():
    owner = Identity(uid=7, name="olaf", is_owner=True)
    rules = RoleRules(viewers=frozenset({"olaf"}), operators=frozenset({"dan"}))

    assert role_of(owner, rules) is Role.ADMIN


def test_what_is_asked_for_only_lowers():
    for groups, asks in product(
        (RoleRules(), RoleRules(viewers=frozenset({"carol"}))), Role
    ):
        own = role_of(CAROL, groups)
        lowered = role_of(CAROL, groups, asks=asks)
        assert own.may(lowered)
        assert asks.may(lowered)
        assert lowered in (own, asks)


def test_a_role_that_nobody_knows_leaves_a_viewer():
    owner = Identity(uid=7, name="olaf", is_owner=True)

    assert role_of(owner, RoleRules(), asks="root") is Role.VIEWER


def test_a_name_given_behind_an_account_is_told_with_the_account():
    assert known_as(CAROL, "carol") == "carol"
    assert known_as(CAROL, "") == "carol"
    assert known_as(CAROL, "root") == "root via carol"
    for claim in ("root" + " " * 300, "root, carol", "a" * 65, "\x1b[2K", "root\n"):
        assert known_as(CAROL, claim) == "carol"


def test_one_account_is_one_person_unless_the_file_says_that_several_share_it():
    shared = RoleRules(shared_account=True)

    assert person("ann via oncall", RoleRules(), "oncall") == "oncall"
    assert person("ann via oncall", shared, "oncall") == "ann via oncall"
    for rules in (RoleRules(), shared):
        assert person("carol", rules, "oncall") == "carol"


def test_names_behind_an_account_that_is_not_the_owner_s_are_one_person():
    shared = RoleRules(shared_account=True)

    names = [f"{name} via mallory" for name in ("alice", "bob")]
    assert {person(one, shared, "oncall") for one in names} == {"mallory"}


def test_every_role_stands_in_a_sentence_with_its_article():
    assert [a_role(one) for one in Role] == ["a viewer", "an operator", "an admin"]


def test_whoever_is_refused_hears_whom_to_ask():
    assert who_may(Role.OPERATOR) == "needs an operator or an admin"
    assert who_may(Role.ADMIN) == "needs an admin"


def test_the_guide_tells_the_role_of_every_verb_as_the_table_has_it():
    guide = GUIDE.read_text(encoding="utf-8")
    told = dict(re.findall(r"(?m)^\| `([a-z-]+)` \| (\w+) \|", guide))

    assert told == {verb: role.value for verb, role in VERBS.items()}


def test_the_guide_tells_which_verbs_nobody_has_over_ssh():
    guide = GUIDE.read_text(encoding="utf-8")
    told = set(re.findall(r"(?m)^\| `([a-z-]+)` \| \w+ \| not over ssh", guide))

    assert told == set(VERBS) - OVER_SSH - {"ssh-session"}


def test_where_nobody_knows_who_only_looks_everybody_but_the_owner_does():
    unread = RoleRules(are_known=False)

    assert role_of(CAROL, unread) is Role.VIEWER
    assert role_of(CAROL, RoleRules()) is Role.OPERATOR
    owner = replace(CAROL, is_owner=True)
    assert role_of(owner, unread) is Role.ADMIN


def test_who_asked_through_a_file_of_several_is_nobody_known_whatever_the_name():
    who = Identity(uid=1001, name=somebody_of(50))

    assert is_somebody(known_as(who, ""))
    assert is_somebody(known_as(who, "carol"))
    assert not is_somebody(known_as(CAROL, who.name))
    assert not is_somebody(known_as(CAROL, "somebody"))
