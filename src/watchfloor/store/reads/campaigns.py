"""The campaigns that the runs of a store were launched with."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from watchfloor.domain.regions import Phase
from watchfloor.store.tables import run


class Frozen(NamedTuple):
    """A campaign as it was frozen with its runs.

    Attributes:
        text: The campaign file.
        is_live: Whether any of the runs has not ended.
    """

    text: str
    is_live: bool


def frozen_campaigns(connection: Connection) -> list[Frozen]:
    """Return every campaign that a run was launched with, each text once."""
    query = select(
        run.c.campaign_text, func.max(run.c.phase != Phase.ENDED).label("is_live")
    ).group_by(run.c.campaign_text)
    return [Frozen(text, bool(is_live)) for text, is_live in connection.execute(query)]
