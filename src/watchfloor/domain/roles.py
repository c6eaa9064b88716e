"""Who may do what: viewers look, operators command, admins configure.

The tables are literal: what is not in them is nobody's. The operators' page is
``docs/guides/roles.md``; a test holds the two equal, and the tables with the verbs of
the command line, the commands of the engine and the keys of the console.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is to a workspace; each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Whether this role allows what needs *needed*."""
        return _RANK[self] >= _RANK[needed]


_NAME: Final = re.compile(r"[^\W_][\w.@+-]{0,63}")
#: No account is called so, for the blanks in it.
_SOMEBODY: Final = "somebody of "
_RANK: Final = {role: rank for rank, role in enumerate(Role)}

#: What a command needs where it is consumed, by its verb in the inbox.
COMMANDS: Final = {
    "launch": Role.OPERATOR,
    "retry": Role.OPERATOR,
    "approve": Role.OPERATOR,
    "pause": Role.OPERATOR,
    "resume": Role.OPERATOR,
    "stop": Role.OPERATOR,
    "cancel": Role.OPERATOR,
    "resolve": Role.OPERATOR,
    "look_up": Role.OPERATOR,
    "withdraw_look_up": Role.OPERATOR,
    "hide": Role.OPERATOR,
    "unhide": Role.OPERATOR,
    "suppress": Role.OPERATOR,
    "results": Role.OPERATOR,
    "close_results": Role.OPERATOR,
    "limit": Role.OPERATOR,
    "purge": Role.ADMIN,
    "take_over": Role.ADMIN,
}

#: Scopes of limits that concern every run, beside those of one run.
SHARED_LIMITS: Final = Role.ADMIN

#: What a verb of the command line needs. Some need more with an option: ``verb_role``.
VERBS: Final = {
    "console": Role.VIEWER,
    "runs": Role.VIEWER,
    "show": Role.VIEWER,
    "why": Role.VIEWER,
    "books": Role.VIEWER,
    "events": Role.VIEWER,
    "records": Role.VIEWER,
    "callbacks": Role.VIEWER,
    "failures": Role.VIEWER,
    "journey": Role.VIEWER,
    "status": Role.VIEWER,
    "triage": Role.VIEWER,
    "alerts": Role.VIEWER,
    "handover": Role.VIEWER,
    "unknowns": Role.VIEWER,
    "canary": Role.VIEWER,
    "plan": Role.VIEWER,
    "history": Role.VIEWER,
    "doctor": Role.VIEWER,
    "completion": Role.VIEWER,
    "campaign": Role.VIEWER,
    "bundle": Role.VIEWER,
    "ssh-session": Role.VIEWER,
    "results": Role.VIEWER,
    "limit": Role.VIEWER,
    "audit": Role.VIEWER,
    "rejects": Role.OPERATOR,
    "launch": Role.OPERATOR,
    "pause": Role.OPERATOR,
    "resume": Role.OPERATOR,
    "stop": Role.OPERATOR,
    "cancel": Role.OPERATOR,
    "resolve": Role.OPERATOR,
    "look-up": Role.OPERATOR,
    "retry": Role.OPERATOR,
    "approve": Role.OPERATOR,
    "suppress": Role.OPERATOR,
    "hide": Role.OPERATOR,
    "unhide": Role.OPERATOR,
    "purge": Role.ADMIN,
    "engine": Role.ADMIN,
    "backup": Role.ADMIN,
    "restore": Role.ADMIN,
    "init": Role.ADMIN,
    "demo": Role.ADMIN,
}

#: Verbs that a session behind a forced command has: none of them starts a program,
#: reads a file that the session names, or writes one.
OVER_SSH: Final = frozenset(
    {
        *("console", "runs", "show", "why", "books", "events", "records", "callbacks"),
        *("failures", "journey", "status", "triage", "alerts", "handover", "unknowns"),
        *("canary", "plan", "history", "doctor", "pause", "resume", "stop", "cancel"),
        *("resolve", "look-up", "retry", "approve", "suppress", "hide", "unhide"),
        *("limit", "purge", "audit"),
    }
)
#: Options that name a file, or make the engine tell the world: not over SSH.
NOT_OVER_SSH: Final = frozenset({"anchor", "evidence", "preferences", "output", "file"})

#: Acts of the console that an operator may do and a viewer may not, beside those that
#: change a run.
ACTS: Final = {"run.new": Role.OPERATOR, "safety.arm": Role.OPERATOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody as the operating system knows them.

    Attributes:
        uid: Who owns the file that a command came in, or runs this process.
        groups: Names of the groups they are a member of.
        is_owner: Whether the workspace is theirs, or they are the superuser: no file
            keeps out either.
    """

    uid: int
    name: str
    groups: frozenset[str] = frozenset()
    is_owner: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRules:
    """Who is what, as the workspace's file says: names, ``@`` before a group's.

    Attributes:
        operators: With anybody in it, whoever is not named anywhere only looks.
        shared_account: Names given with ``--as`` behind the owner's account count as
            persons, since only forced commands give them. Else one account is one
            person.
        are_known: False where the file could not be read: nobody knows then who only
            looks.
    """

    admins: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    viewers: frozenset[str] = frozenset()
    shared_account: bool = False
    are_known: bool = True


def role_of(who: Identity, rules: RoleRules, *, asks: str = "") -> Role:
    """Return what somebody is: by the system's word, at most what they ask to be.

    Args:
        who: As the system knows them.
        rules: The workspace's.
        asks: The role that a forced command or an option gives; it only lowers. What
            is no role's name leaves a viewer.
    """
    own = _own(who, rules)
    if not asks:
        return own
    if asks not in _RANK:
        return Role.VIEWER
    return min(own, Role(asks), key=lambda role: _RANK[role])


def _own(who: Identity, rules: RoleRules) -> Role:
    if who.is_owner:
        return Role.ADMIN
    if not rules.are_known:
        return Role.VIEWER
    names = {who.name, *(f"@{group}" for group in who.groups)}
    # The least that is said of somebody by name holds over what a group gives them.
    for named in ({who.name}, names):
        if named & rules.viewers:
            return Role.VIEWER
        if named & rules.operators:
            return Role.OPERATOR
        if named & rules.admins:
            return Role.ADMIN
    # Who may write the inbox is an operator, where the file says nothing else.
    return Role.VIEWER if rules.operators else Role.OPERATOR


def is_name(text: str) -> bool:
    """Whether somebody behind an account may be called so."""
    return _NAME.fullmatch(text) is not None


def known_as(who: Identity, called: str) -> str:
    """Return who did it, for the journal: ``alice via oncall`` behind an account.

    What is no name is left out: a claim of a thousand blanks would push the account
    that stands behind it off every screen.
    """
    if called == who.name or not is_name(called):
        return who.name
    return f"{called} via {who.name}"


def person(by: str, rules: RoleRules, owner: str) -> str:
    """Return who counts as one person of those that the journal names.

    Args:
        by: As ``known_as`` told who asked.
        rules: The workspace's.
        owner: Whose account it is: the only one that forced commands may share, since
            whoever has another writes any name into the files that they lay down.
    """
    account = by.rpartition(" via ")[2]
    return by if rules.shared_account and account == owner else account


def somebody_of(group: int) -> str:
    """Return who asked through a file that all of a group may write: nobody knows."""
    return f"{_SOMEBODY}{group}"


def is_somebody(by: str) -> bool:
    """Whether the journal names nobody in particular; see ``somebody_of``."""
    return by.rpartition(" via ")[2].startswith(_SOMEBODY)


def needed_for(verb: str, scope: str = "run") -> Role:
    """Return what a command needs; what nobody knows needs an admin.

    Args:
        verb: The command's.
        scope: Of limits: a run's, the workspace's or a channel's.
    """
    if verb == "limit" and scope != "run":
        return SHARED_LIMITS
    return COMMANDS.get(verb, Role.ADMIN)


def a_role(role: Role) -> str:
    """Return a role as a sentence needs it."""
    return f"a {role}" if role is Role.VIEWER else f"an {role}"


def who_may(needed: Role) -> str:
    """Return whom to ask: ``needs an operator or an admin``."""
    if needed is Role.ADMIN:
        return "needs an admin"
    return f"needs an {needed} or an admin"
