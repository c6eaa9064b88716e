"""Before a launch is asked for: campaign and upload are checked, the upload is kept."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchfloor.domain.actors import Asker
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.identity import new_id
from watchfloor.domain.regions import Mode
from watchfloor.engine.campaigns import check_reach, checked_campaign
from watchfloor.engine.kept_uploads import Hold
from watchfloor.engine.lending import demand_lent, role_here
from watchfloor.engine.suppressions import Suppressions, unusable_lines
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.surveying import Survey, survey
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.intake.file_marks import marks_at
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.store.archive.private_files import sealed, settle_folder
from watchfloor.store.inbox import Command
from watchfloor.store.layout import Layout, upload_id_of
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import campaign_text, run_view

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A launch that was checked and whose upload is kept: ready to be asked for.

    Attributes:
        hold: Keeps an engine from sweeping the upload away while it is considered.
        is_streaming: Whether people are contacted while the file is still read.
        warnings: What does not keep it from being launched, and somebody should know.
    """

    run_id: str
    campaign_name: str
    columns: tuple[str, ...]
    survey: Survey
    warnings: tuple[str, ...]
    is_streaming: bool
    command: Command
    hold: Hold = field(repr=False, compare=False)


def prepared_launch(  # noqa: PLR0913 - the last ones are options, by name
    layout: Layout,
    campaign_file: Path | None,
    upload: Path,
    asker: Asker,
    around: Surroundings,
    *,
    allow_twin: bool = False,
    parent_id: str = "",
    on_progress: Callable[[int], None] = lambda _: None,
) -> Launch:
    """Check a campaign against every row of an upload, and keep the upload.

    Nothing is asked yet: hand ``command`` to ``asked_of_engine``.

    Args:
        layout: The workspace.
        campaign_file: The campaign; None for the parent's, as it was frozen.
        upload: The contact file.
        asker: Who launches.
        around: Clock and chance.
        allow_twin: Launch although the same was launched before.
        parent_id: The run of whose family this one is: it uses their keys, and
            contacts nobody who is a record of theirs.
        on_progress: Gets the rows read so far, now and then.

    Raises:
        ConfigError: A mistake in the campaign or a file that cannot be used; every
            one is named and nothing was kept.
        RefusedError: It refers to secrets that are not lent to who launches it;
            nothing was kept.
        NotFoundError: There is no such parent.
    """
    text, origin = _campaign_text(layout, campaign_file, parent_id)
    campaign = checked_campaign(text, origin)
    settings = WorkspaceSettings(layout)
    check_reach(campaign, origin, settings.now, looks_up=True)
    demand_lent(
        campaign,
        text,
        role_here(layout, settings, asker.role),
        settings,
        text if campaign_file is None else None,
    )
    lists = asyncio.run(Suppressions(layout).lists_of(campaign.audience))
    named = zip(campaign.audience.suppression, lists, strict=True)
    told = [unusable_lines(name, read) for name, read in named]
    marks = marks_at(upload)
    found = survey(upload, campaign, on_progress=on_progress)
    now_ms = around.now_ms()
    run_id = new_id(now_ms, around.entropy(3))
    upload_id = upload_id_of(run_id)
    kept = layout.upload(upload_id)
    digest, size, hold = _kept(upload, kept, layout.file_mode)
    if marks_at(upload) != marks:
        # What was judged is not what was copied: nobody knows whom it would contact.
        kept.unlink(missing_ok=True)
        msg = f"{upload} changed while it was read; nothing was kept. Try again"
        raise ConfigError(msg)
    payload = {
        "campaign_text": text,
        "campaign_origin": origin,
        "upload_id": upload_id,
        "upload_name": upload.name,
        "sha256": digest,
        "bytes": size,
        "records": found.candidates,
        "parent_id": parent_id,
        "allow_twin": allow_twin,
    }
    command = Command(
        command_id=new_id(now_ms, around.entropy(10)),
        at_ms=now_ms,
        verb="launch",
        run_id=run_id,
        by=asker.by,
        origin=asker.origin,
        role=asker.role,
        payload=payload,
    )
    return Launch(
        run_id=run_id,
        campaign_name=campaign.name,
        columns=found.columns,
        survey=found,
        warnings=(*(one for one in told if one), *found.warnings),
        is_streaming=campaign.audience.mode is Mode.STREAMING,
        command=command,
        hold=hold,
    )


def _campaign_text(
    layout: Layout, campaign_file: Path | None, parent_id: str
) -> tuple[str, str]:
    if campaign_file is not None:
        if parent_id:
            with reading(layout) as connection:
                run_view(connection, parent_id)
        return read_toml_text(campaign_file), campaign_file.name
    if not parent_id:
        raise ConfigError("name a campaign file, or a parent run whose campaign to use")
    with reading(layout) as connection:
        run_view(connection, parent_id)
        return campaign_text(connection, parent_id), f"the campaign of run {parent_id}"


def _kept(source: Path, target: Path, mode: int) -> tuple[str, int, Hold]:
    """Copy an upload into the workspace; return its sha-256, size in bytes and hold."""
    digest = hashlib.sha256()
    size = 0
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with (
            source.open("rb") as read,
            os.fdopen(os.open(target, flags, mode), "wb") as written,
        ):
            # An engine of another account reads it; a umask must not keep it out.
            os.fchmod(written.fileno(), mode)
            hold = Hold(written.fileno())
            while chunk := read.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                written.write(chunk)
            sealed(written)
        # The command that names it may be durable before the folder is by itself. Who
        # may not list the folder may not sync it: there the file's own sync carries it.
        with suppress(PermissionError):
            settle_folder(target.parent)
    except OSError as error:
        if not isinstance(error, FileExistsError):  # that one is another launch's
            target.unlink(missing_ok=True)
        free = shutil.disk_usage(target.parent.parent).free
        msg = (
            f"{source} cannot be kept as {target}: {error.strerror}; nothing was "
            f"launched ({free:,} bytes are free)"
        )
        raise ConfigError(msg) from error
    return digest.hexdigest(), size, hold
