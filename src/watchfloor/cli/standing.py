"""What this process may do, told before anything is asked; the engine decides again."""

from __future__ import annotations

import os
from argparse import Namespace

from watchfloor.cli import compose
from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.roles import (
    SHARED_LIMITS,
    VERBS,
    Role,
    RoleRules,
    a_role,
    role_of,
    who_may,
)
from watchfloor.store.layout import Layout
from watchfloor.store.people import identity_of


def own_role(layout: Layout) -> Role:
    """Return what whoever runs this process is to a workspace."""
    who = identity_of(layout, os.geteuid())
    rules = RoleRules()
    if not who.is_owner:
        # An owner's status line need not wait for what reads the file.
        from watchfloor.engine.workspace_settings import WorkspaceSettings  # noqa: PLC0415 - see above

        rules = WorkspaceSettings(layout).last_known().roles
    return role_of(who, rules, asks=compose.started_as().role)


def sees_people(layout: Layout) -> bool:
    """Whether whoever runs this process may find out who the people of a run are."""
    return own_role(layout).may(Role.OPERATOR)


def check_allowed(options: Namespace, verb: str) -> None:
    """Refuse what the role of this process does not allow.

    Raises:
        RefusedError: ``NOT_ALLOWED``; nothing was read or asked.
    """
    for needed, what in _needs(options, verb):
        if needed is Role.VIEWER:
            continue
        role = own_role(compose.layout(options))
        if not role.may(needed):
            detail = f"{what} {who_may(needed)}; you are {a_role(role)}"
            raise RefusedError(Refusal.NOT_ALLOWED, detail)


def _needs(options: Namespace, verb: str) -> list[tuple[Role, str]]:
    """Return what a command line needs, the options of its verb included."""
    given = vars(options)
    needs = [(_of_verb(options, verb), verb)]
    if given.get("unmask"):
        needs.append((Role.OPERATOR, "--unmask"))
    if verb == "alerts" and given.get("action") == "test":
        needs.append((Role.OPERATOR, "alerts test"))
    if verb == "results" and given.get("action") in ("ingest", "close"):
        needs.append((Role.OPERATOR, f"results {given['action']}"))
    return needs


def _of_verb(options: Namespace, verb: str) -> Role:
    if verb in ("init", "demo", "restore"):
        # They make a workspace of one's own, wherever one may make a folder.
        return Role.ADMIN if compose.started_as().role else Role.VIEWER
    if verb != "limit":
        return VERBS.get(verb, Role.ADMIN)
    if options.permits is None and options.rate is None and not options.clear:
        return Role.VIEWER
    is_shared = options.scope == "workspace" or options.scope.startswith("channel:")
    return SHARED_LIMITS if is_shared else Role.OPERATOR
