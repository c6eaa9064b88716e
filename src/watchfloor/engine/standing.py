"""Roles where a command is consumed: by the system's word, never by the command's."""

from __future__ import annotations

from dataclasses import replace

from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.roles import (
    Role,
    RoleRules,
    a_role,
    known_as,
    needed_for,
    role_of,
    who_may,
)
from watchfloor.engine.changes import Transaction
from watchfloor.store.commands import Command


def proven(command: Command) -> Command:
    """Return a command by whoever the system says it is of."""
    if command.asker is None:
        return command
    return replace(command, by=known_as(command.asker, command.by))


def demand_role(
    tx: Transaction, command: Command, rules: RoleRules | None = None
) -> None:
    """Refuse what the asker's role does not allow.

    Args:
        tx: Where the command is taken.
        command: By whoever the system says it is of.
        rules: Who is what, where that was looked at before; else as it is now.

    Raises:
        RefusedError: ``NOT_ALLOWED``; nothing was changed.
    """
    now = tx.workspace.last_known().roles if rules is None else rules
    needed, role = _needed(command), role_by(now, command)
    if not role.may(needed):
        detail = f"{command.verb} {who_may(needed)}; {command.by} is {a_role(role)}"
        raise RefusedError(Refusal.NOT_ALLOWED, detail)


def role_in(tx: Transaction, command: Command) -> Role:
    """Return what the asker of a command is to the workspace."""
    return role_by(tx.workspace.last_known().roles, command)


def role_by(rules: RoleRules, command: Command) -> Role:
    """Return what the asker of a command is by these rules."""
    if command.asker is None:
        # Asked inside the process that owns the workspace.
        return Role.ADMIN
    return role_of(command.asker, rules, asks=command.role)


def is_allowed(rules: RoleRules, command: Command) -> bool:
    """Whether the asker's role allows by these rules what a command asks for."""
    return role_by(rules, command).may(_needed(command))


def _needed(command: Command) -> Role:
    payload = command.payload
    scope = payload.get("scope", "run") if isinstance(payload, dict) else "run"
    return needed_for(command.verb, str(scope))
