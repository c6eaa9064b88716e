"""Other runs that may contact the same people: of one campaign, file or family."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, literal_column, or_, select

from watchfloor.domain.regions import Intake, Phase
from watchfloor.domain.views import RunView
from watchfloor.store.reads.runs import run_view
from watchfloor.store.tables import run, upload

#: More than so many nobody looks at; the newest are told.
MOST_NEIGHBOURS: Final = 20
MOST_RELATIVES: Final = 20


class Beside(NamedTuple):
    """Another run, and what it has in common with the one that was asked about."""

    run_no: int
    run: RunView
    same_campaign: bool
    same_upload: bool
    same_fingerprint: bool


def upload_sha256(connection: Connection, upload_id: str) -> str:
    """Return the checksum of a contact file as received; empty where it is unknown."""
    query = select(upload.c.sha256).where(upload.c.upload_id == upload_id)
    return str(connection.scalar(query) or "")


def run_being_read(connection: Connection) -> str:
    """Return which run's upload is being read; empty for none: they go one by one."""
    is_read = run.c.intake.in_([Intake.EXTRACTING.value, Intake.FILTERING.value])
    is_live = run.c.phase != literal_column(f"'{Phase.ENDED.value}'")
    query = select(run.c.run_id).where(is_live, is_read).limit(1)
    return str(connection.scalar(query) or "")


def runs_beside(
    connection: Connection, run_id: str, *, ended_after_ms: int
) -> list[Beside]:
    """Return runs outside the family of the same campaign or over the same file.

    They are live, or contacted somebody and ended after *ended_after_ms*; newest first.
    """
    mine = connection.execute(
        select(
            run.c.run_no,
            run.c.family_id,
            run.c.campaign_id,
            run.c.fingerprint,
            upload.c.sha256,
        )
        .join_from(run, upload)
        .where(run.c.run_id == run_id)
    ).one()
    like_mine = [run.c.campaign_id == mine.campaign_id]
    if mine.sha256:
        like_mine.append(upload.c.sha256 == mine.sha256)
    recent = run.c.launch_id.is_not(None) & (run.c.ended_at_ms > ended_after_ms)
    query = (
        select(
            run.c.run_no,
            run.c.run_id,
            run.c.campaign_id,
            run.c.fingerprint,
            upload.c.sha256,
        )
        .join_from(run, upload)
        .where(
            or_(*like_mine),
            run.c.run_no != mine.run_no,
            run.c.family_id != mine.family_id,
            or_(run.c.phase != Phase.ENDED, recent),
        )
        .order_by(run.c.run_no.desc())
        .limit(MOST_NEIGHBOURS)
    )
    return [
        Beside(
            run_no=row.run_no,
            run=run_view(connection, row.run_id),
            same_campaign=row.campaign_id == mine.campaign_id,
            same_upload=bool(mine.sha256) and row.sha256 == mine.sha256,
            same_fingerprint=bool(mine.fingerprint)
            and row.fingerprint == mine.fingerprint,
        )
        for row in connection.execute(query).all()
    ]


def relatives(connection: Connection, run_id: str) -> list[tuple[int, RunView]]:
    """Return the other runs of a run's family, newest first."""
    this = run.alias()
    query = (
        select(run.c.run_no, run.c.run_id)
        .join(this, this.c.family_id == run.c.family_id)
        .where(this.c.run_id == run_id, run.c.run_id != run_id)
        .order_by(run.c.run_no.desc())
        .limit(MOST_RELATIVES)
    )
    rows = connection.execute(query).all()
    return [(row.run_no, run_view(connection, row.run_id)) for row in rows]
