"""Launches that are considered: offered, checked, kept, and asked for or dropped."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import NotFoundError, WatchfloorError
from watchfloor.domain.identity import new_id, run_fingerprint
from watchfloor.domain.prospects import CampaignOffer, Prospect, UploadOffer
from watchfloor.domain.quota import declined
from watchfloor.domain.views import Receipt
from watchfloor.engine.campaigns import checked_campaign
from watchfloor.engine.dry_render import dry_render
from watchfloor.engine.launching import TWIN_MS
from watchfloor.engine.offers import (
    campaign_offer,
    campaign_offers,
    limits_words,
    place_of,
    upload_offers,
    working_folder,
)
from watchfloor.engine.operations import apply_what_waits
from watchfloor.engine.preparing import Launch, prepared_launch
from watchfloor.engine.quotas import plan_use
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.inbox import Command, ask
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.journal import receipt
from watchfloor.store.reads.runs import ledger_rows, twin


@dataclass(slots=True)
class _Held:
    """A launch that was checked, and the commands that asked for it, oldest first.

    There are several where somebody launches a twin on purpose, or meant to: any of
    them may have been accepted.
    """

    launch: Launch
    commands: list[Command] = field(default_factory=list)


class _GivenUp(Exception):  # noqa: N818 - no error: nobody waits for the check any more
    """Ends a check on its thread."""


class Prospects:
    """What ``Desk`` says of campaigns, uploads and prospects, over one workspace.

    A check keeps a private copy of its contact file: the bytes that were checked are
    the ones that are launched. The copy goes with ``drop_prospect``, with ``close``,
    with this object, and at the latest with the process; never once its launch was
    asked for and not refused each time, for then it is a run's.

    Any number of checks may be made at a time; each is one thread.
    """

    def __init__(
        self, layout: Layout, around: Surroundings, asker: Asker, owner: Owner
    ) -> None:
        self._layout = layout
        self._around = around
        self._asker = asker
        self._owner = owner
        self._held: dict[str, _Held] = {}
        self._here = working_folder(layout.root)
        self._places = [self._here]
        self._sweep = weakref.finalize(self, _forget_all, layout, self._held)

    async def close(self) -> None:
        """Drop what was checked and never asked for."""
        await asyncio.to_thread(_forget_all, self._layout, self._held)

    async def campaigns(self) -> tuple[CampaignOffer, ...]:
        """Return the workspace's campaign files, by name; faulty ones too."""
        return await asyncio.to_thread(campaign_offers, self._layout.campaigns)

    async def campaign(self, path: str) -> CampaignOffer:
        """Return the campaign file at a path, faulty or not."""
        offer = await asyncio.to_thread(campaign_offer, place_of(path, self._here))
        return replace(offer, path=path)

    async def uploads(self, path: str) -> tuple[UploadOffer, ...]:
        """Return the contact files at or under a path, the newest first.

        Args:
            path: A file, a directory, or the beginning of either; empty for where this
                process was started and where files were checked before.

        Raises:
            ConfigError: The directory cannot be read.
        """
        return await asyncio.to_thread(
            upload_offers, path, self._here, tuple(self._places)
        )

    async def prospect(
        self, campaign: str, upload: str, on_progress: Callable[[int], None]
    ) -> Prospect:
        """Check a campaign file against every row of a contact file.

        A check that is cancelled ends after the rows in its hands and keeps nothing.

        Args:
            campaign: Path of the campaign file.
            upload: Path of the contact file.
            on_progress: Gets the rows read so far, on another thread.

        Raises:
            ConfigError: A mistake in the campaign or a file that cannot be used; every
                one is named and nothing was kept.
        """
        given_up = threading.Event()

        def told(rows: int) -> None:
            if given_up.is_set():
                raise _GivenUp
            on_progress(rows)

        def checked() -> Prospect:
            files = place_of(campaign, self._here), place_of(upload, self._here)
            found = self._checked(*files, told)
            if given_up.is_set():
                self._drop(found.ident)
                raise _GivenUp
            return found

        checking = asyncio.ensure_future(asyncio.to_thread(checked))
        try:
            return await asyncio.shield(checking)
        except asyncio.CancelledError:
            given_up.set()
            checking.add_done_callback(self._unwanted)
            raise

    def _unwanted(self, checking: asyncio.Future[Prospect]) -> None:
        """Drop what a check still found in the moment in which it was given up."""
        if not checking.cancelled() and checking.exception() is None:
            self._drop(checking.result().ident)

    def _checked(
        self, campaign_file: Path, upload: Path, told: Callable[[int], None]
    ) -> Prospect:
        launch = prepared_launch(
            self._layout,
            campaign_file,
            upload,
            self._asker,
            self._around,
            on_progress=told,
        )
        self._held[launch.run_id] = _Held(launch)
        try:
            found = self._told_of(launch, campaign_file, upload)
        except BaseException:
            self._drop(launch.run_id)
            raise
        if upload.parent not in self._places:
            self._places.append(upload.parent)
        return found

    def _told_of(self, launch: Launch, campaign_file: Path, upload: Path) -> Prospect:
        asked, found = launch.command.payload, launch.survey
        campaign = checked_campaign(asked["campaign_text"], asked["campaign_origin"])
        kept = self._layout.upload(asked["upload_id"])
        plan, repeats = self._standing(campaign, asked["sha256"], found.candidates)
        return Prospect(
            ident=launch.run_id,
            campaign_name=campaign.name,
            campaign_path=str(campaign_file),
            upload_name=upload.name,
            upload_path=str(upload),
            upload_bytes=asked["bytes"],
            sha256=asked["sha256"],
            columns=found.columns,
            rows=found.rows,
            candidates=found.candidates,
            rejects={kind.value: count for kind, count in found.rejects.items()},
            reasons=found.reasons,
            unfit=found.unfit,
            unfit_examples=found.unfit_examples,
            sample=dry_render(kept, campaign),
            warnings=(*launch.warnings, *repeats),
            is_streaming=launch.is_streaming,
            obstacle=_obstacle(campaign, found.candidates),
            plan=plan,
            limits=limits_words(campaign),
        )

    def _standing(
        self, campaign: Campaign, sha256: str, candidates: int
    ) -> tuple[str, tuple[str, ...]]:
        """Return why the plan would refuse, and which run this one would repeat."""
        now_ms = self._around.now_ms()
        mark = run_fingerprint(campaign.campaign_id, sha256, campaign.audience.filter)
        with reading(self._layout) as connection:
            use = plan_use(connection, WorkspaceSettings(self._layout).now(), now_ms)
            same = twin(connection, mark, ended_after_ms=now_ms - TWIN_MS)
        plan = declined(use.plan, use.used, wanted_records=candidates)
        if same is None:
            return plan, ()
        run_id, is_live = same
        state = "is live" if is_live else "ended within a day"
        told = (
            f"run {run_id} of this campaign over this very file {state}: a launch "
            "is refused as its twin, for it would contact the same people again"
        )
        return plan, (told,)

    async def launch(self, prospect: Prospect, *, allow_twin: bool = False) -> Receipt:
        """Ask for the launch that was checked; the receipt's run id is the run's.

        Asking twice for the same has one effect. Where nobody owns the workspace, it
        is applied before this returns.

        Raises:
            NotFoundError: The prospect was dropped; nothing was asked.
            StoreError: The command could not be stored.
        """
        held = self._held.get(prospect.ident)
        if held is None:
            msg = (
                f"the check of {prospect.upload_name} was dropped; nothing was "
                "launched. Check it again"
            )
            raise NotFoundError(msg)
        commands = held.commands
        if not commands or commands[-1].payload["allow_twin"] != allow_twin:
            now_ms = self._around.now_ms()
            asked = replace(
                held.launch.command,
                command_id=new_id(now_ms, self._around.entropy(10)),
                at_ms=now_ms,
                payload={**held.launch.command.payload, "allow_twin": allow_twin},
            )
            commands.append(asked)
        command = commands[-1]
        await asyncio.shield(asyncio.to_thread(self._ask, command))
        return Receipt(
            command_id=command.command_id,
            verb=command.verb,
            run_id=command.run_id,
            state="asked",
            asked_at_ms=command.at_ms,
        )

    def _ask(self, command: Command) -> None:
        ask(self._layout, command)
        apply_what_waits(self._layout, self._around, self._owner)

    async def drop_prospect(self, prospect: Prospect) -> None:
        """Forget a launch that was checked, and the copy of its contact file."""
        await asyncio.to_thread(self._drop, prospect.ident)

    def _drop(self, ident: str) -> None:
        held = self._held.pop(ident, None)
        if held is not None:
            _forget(self._layout, held)


def _obstacle(campaign: Campaign, candidates: int) -> str:
    if not campaign.published:
        return (
            f"campaign {campaign.campaign_id} is not published; write "
            "published = true into its file, then check again"
        )
    if not candidates:
        return "no row of the file is usable; nobody would be contacted"
    return ""


def _forget_all(layout: Layout, held: dict[str, _Held]) -> None:
    while held:
        _, one = held.popitem()
        _forget(layout, one)


def _forget(layout: Layout, held: _Held) -> None:
    """Remove the copy, unless it is a run's or may become one's."""
    if not held.commands or _is_in_vain(layout, held):
        upload = layout.upload(held.launch.command.payload["upload_id"])
        upload.unlink(missing_ok=True)


def _is_in_vain(layout: Layout, held: _Held) -> bool:
    """Whether every command is known to be refused, and no run came of any."""
    try:
        with reading(layout) as connection:
            answers = [receipt(connection, one.command_id) for one in held.commands]
            is_run = bool(ledger_rows(connection, held.launch.run_id))
    except WatchfloorError:
        return False
    return not is_run and all(
        answer is not None and answer.state == "refused" for answer in answers
    )
