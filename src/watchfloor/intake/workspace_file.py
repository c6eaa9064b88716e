"""The workspace's ``watchfloor.toml``: what the boundary of runs is called."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from watchfloor.intake.toml_file import StrictForm, checked

#: Designed, and not obeyed yet.
UNSUPPORTED = frozenset(
    {
        "plan",
        "limits",
        "mail",
        "smtp",
        "channels",
        "hosts",
        "roles",
        "retention",
        "workspace.monthly_runs",
        "workspace.monthly_records",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The boundary of campaigns, uploads and runs.

    Attributes:
        zone: An IANA name: the zone in which its people read times.
    """

    workspace_id: str
    name: str
    zone: str = "UTC"


def parse_workspace(text: str, origin: str) -> Workspace:
    """Return the workspace that *text* describes.

    Raises:
        ConfigError: With every mistake: file, key, what is wrong, what would be right.
    """
    form = checked(text, WorkspaceFile, origin, UNSUPPORTED).workspace
    return Workspace(workspace_id=form.id, name=form.name, zone=form.zone)


def default_workspace_text(workspace_id: str, name: str) -> str:
    """Return a file that ``parse_workspace`` reads back."""
    # JSON's strings are TOML's basic strings, but for DEL, which TOML wants escaped.
    quoted_id, quoted_name = (
        json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
        for text in (workspace_id, name)
    )
    return (
        "[workspace]\n"
        f"id = {quoted_id}\n"
        f"name = {quoted_name}\n"
        'zone = "UTC"  # an IANA name, such as "America/New_York"\n'
    )


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is not a time zone") from error


class WorkspaceForm(StrictForm):
    """``[workspace]``."""

    id: str = Field(
        pattern=r"\A[a-z0-9-]{1,64}\z", examples=['id = "front-desk" (a-z 0-9 -)']
    )
    name: str = Field(
        min_length=1, max_length=200, examples=['name = "The front desk"']
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", examples=['zone = "Europe/Berlin"']
    )


class WorkspaceFile(StrictForm):
    """The whole file."""

    workspace: WorkspaceForm = Field(examples=["a table [workspace] with id and name"])
