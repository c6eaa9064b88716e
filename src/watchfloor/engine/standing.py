"""Roles where a command is consumed: by the system's word, never by the command's."""

from __future__ import annotations

from dataclasses import replace

from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.roles import (
    Role,
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


def demand_role(tx: Transaction, command: Command) -> None:
    """Refuse what the asker's role does not allow.

    Raises:
        RefusedError: ``NOT_ALLOWED``; nothing was changed.
    """
    needed, role = _needed(command), role_in(tx, command)
    if not role.may(needed):
        detail = f"{command.verb} {who_may(needed)}; {command.by} is {a_role(role)}"
        raise RefusedError(Refusal.NOT_ALLOWED, detail)


def role_in(tx: Transaction, command: Command) -> Role:
    """Return what the asker of a command is to the workspace."""
    if command.asker is None:
        # Asked inside the process that owns the workspace.
        return Role.ADMIN
    rules = tx.workspace.last_known().roles
    return role_of(command.asker, rules, asks=command.role)


def _needed(command: Command) -> Role:
    payload = command.payload
    scope = payload.get("scope", "run") if isinstance(payload, dict) else "run"
    return needed_for(command.verb, str(scope))
