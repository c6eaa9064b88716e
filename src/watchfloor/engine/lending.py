"""Whether a launch may use the secrets that its campaign refers to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import ConfigError, Refusal, RefusedError
from watchfloor.domain.lending import references, unlent, unlent_words
from watchfloor.domain.roles import Role, role_of
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.store.layout import Layout
from watchfloor.store.people import identity_of, owner_uid

#: An editor may put one in front; it is no part of the text.
_BYTE_ORDER_MARK: Final = 3


def demand_lent(
    campaign: Campaign,
    text: str,
    role: Role,
    settings: WorkspaceSettings,
    parent_text: str | None = None,
) -> None:
    """Refuse a campaign that refers to secrets which nobody lends to who launches it.

    Args:
        campaign: As it was read.
        text: What it was read from.
        role: Of who launches it.
        settings: The workspace's.
        parent_text: The campaign of the run of which a child is launched: what was
            allowed then is allowed now.

    Raises:
        RefusedError: ``NOT_ALLOWED``, with every such reference and what to do.
        ConfigError: The workspace's file cannot be used.
    """
    wanted = not_lent(campaign, text, role, settings, parent_text)
    if wanted:
        raise RefusedError(Refusal.NOT_ALLOWED, unlent_words(wanted))


def not_lent(
    campaign: Campaign,
    text: str,
    role: Role,
    settings: WorkspaceSettings,
    parent_text: str | None = None,
) -> tuple[str, ...]:
    """Return the references for which ``demand_lent`` would refuse a campaign.

    Raises:
        ConfigError: The workspace's file cannot be used.
    """
    named = references(campaign)
    if not named or role is Role.ADMIN:
        return ()
    return unlent(
        role,
        named,
        settings.now().lent,
        lambda: text == parent_text or _is_laid_down(settings.layout, text),
    )


def role_here(layout: Layout, settings: WorkspaceSettings, asks: str) -> Role:
    """Return what whoever runs this process is to a workspace.

    Args:
        layout: Which workspace.
        settings: Its own.
        asks: The most they are to be; empty for all they are.
    """
    who = identity_of(layout, os.geteuid())
    return role_of(who, settings.last_known().roles, asks=asks)


def _is_laid_down(layout: Layout, text: str) -> bool:
    """Whether the owner laid this very campaign down in the workspace."""
    size = len(text.encode())
    for path in _owners_files(layout):
        try:
            is_alike = 0 <= path.stat().st_size - size <= _BYTE_ORDER_MARK
            if is_alike and read_toml_text(path) == text:
                return True
        except (OSError, ConfigError):
            continue
    return False


def _owners_files(layout: Layout) -> Iterator[Path]:
    """Yield the campaign files that nobody but the workspace's owner can write."""
    owners = {0, owner_uid(layout)}
    try:
        if not _is_closed(layout.campaigns.stat(), owners):
            return
        for path in sorted(layout.campaigns.glob("*.toml")):
            about = path.lstat()
            if stat.S_ISREG(about.st_mode) and _is_closed(about, owners):
                yield path
    except OSError:
        return


def _is_closed(about: os.stat_result, owners: set[int | None]) -> bool:
    others_write = about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return about.st_uid in owners and not others_write
