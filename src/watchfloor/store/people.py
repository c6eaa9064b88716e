"""People as the operating system knows them: by the uid of a file or a process."""

from __future__ import annotations

import grp
import os
import pwd

from watchfloor.domain.roles import Identity
from watchfloor.store.accounts import account, uid_of
from watchfloor.store.layout import Layout


def identity_of(layout: Layout, uid: int) -> Identity:
    """Return who an account is, with its groups, and whether the workspace is its own.

    Never from the environment: a name there is anybody's claim.
    """
    # What nobody owns yet is nobody else's.
    is_owner = uid == 0 or owner_uid(layout) in (uid, None)
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Identity(uid=uid, name=account(uid), is_owner=is_owner)
    numbers = os.getgrouplist(entry.pw_name, entry.pw_gid)
    groups = frozenset(name for one in numbers if (name := _group(one)))
    return Identity(uid=uid, name=entry.pw_name, groups=groups, is_owner=is_owner)


def owner_uid(layout: Layout) -> int | None:
    """Return whose the workspace is: of its store, else of its folder."""
    state = uid_of(layout.state)
    return uid_of(layout.root) if state is None else state


def owner_name(layout: Layout) -> str:
    """Return what the account is called whose workspace it is; empty for nobody's."""
    uid = owner_uid(layout)
    return "" if uid is None else identity_of(layout, uid).name


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""
