"""The engine as a screen sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from watchfloor.domain.canary import CanaryView
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.handover import Handover
from watchfloor.domain.lens import EVERY, Dimension, Lens
from watchfloor.domain.live import (
    AuditPage,
    Charts,
    LiveOps,
    Pulse,
    UnknownPage,
)
from watchfloor.domain.previews import Preview
from watchfloor.domain.prospects import CampaignOffer, Prospect, UploadOffer
from watchfloor.domain.records import RecordState
from watchfloor.domain.recovery import RetryPreview
from watchfloor.domain.regions import Verb
from watchfloor.domain.resolutions import ResolveAs, ResolvePreview
from watchfloor.domain.runbook import Triage
from watchfloor.domain.views import (
    CallbackPage,
    EventView,
    Journey,
    Overview,
    PageKey,
    Receipt,
    RecordPage,
    RunView,
)


class Desk(Protocol):
    """Reads are snapshots of one short transaction each; commands are durable rows.

    Every method may raise ``WatchfloorError`` with a sentence for the operator; a
    screen then keeps what it shows and says how old it is.
    """

    async def close(self) -> None:
        """Let go of the store; what was checked and not launched is dropped."""
        ...

    async def overview(self) -> Overview:
        """Return the newest runs, newest first, and who owns the workspace."""
        ...

    async def pulse(self) -> Pulse:
        """Return the owner, the number of changes and the cards; cheap to poll."""
        ...

    async def run(self, run_id: str) -> RunView:
        """Return one run."""
        ...

    async def records(self, run_id: str, wanted: PageKey) -> RecordPage:
        """Return a page of a run's records by key.

        A filter or a text is looked for in so many records and no more: then the page
        may be short, and its ``searched_to`` says how far it looked.

        Raises:
            ConfigError: The filter is none, or names a field that there is not.
        """
        ...

    async def callbacks(
        self, run_id: str, *, after: tuple[int, int] | None = None, size: int = 40
    ) -> CallbackPage:
        """Return promised callbacks, the next one first.

        Args:
            run_id: Whose callbacks.
            after: What the page before this one told; None for the first.
            size: The most callbacks.
        """
        ...

    async def results(self, run_id: str) -> Mapping[str, int]:
        """Return of how many records each kind of result was reported."""
        ...

    async def journey(self, run_id: str, seq: int) -> Journey:
        """Return everything that happened to one record."""
        ...

    async def events(self, run_id: str, *, limit: int = 200) -> tuple[EventView, ...]:
        """Return the newest entries of the run's journal, oldest first."""
        ...

    async def live(self) -> LiveOps:
        """Return how every run does that has not ended, and who holds shared limits."""
        ...

    async def triage(self, run_id: str, *, watch_s: float = 0.0) -> Triage:
        """Return a run judged by the runbook's checks.

        Args:
            run_id: Which run.
            watch_s: Read the counters a second time so many seconds later; 0 not to.
        """
        ...

    async def charts(self, run_id: str) -> Charts:
        """Return what is drawn of a run: its progress, failures and promises."""
        ...

    async def lens(
        self,
        run_id: str,
        by: Sequence[Dimension] = EVERY,
        states: frozenset[RecordState] = frozenset(),
    ) -> Lens:
        """Return what failed in a run, in groups of the same cause.

        Of a run with very many failures only so many are looked at, the newest.

        Args:
            run_id: Whose failures.
            by: In what the records of a group agree.
            states: Only records in these states; empty for all that failed.
        """
        ...

    async def cohort(
        self, run_id: str, selection: Selection, wanted: PageKey
    ) -> RecordPage:
        """Return a page of the records that a selection selects, as ``records``.

        Of *wanted* only the place and the size are asked.
        """
        ...

    async def unknowns(
        self, run_id: str = "", *, after: tuple[str, int] | None = None, size: int = 40
    ) -> UnknownPage:
        """Return unknown records of one run, or of all runs.

        Args:
            run_id: Whose; empty for all runs'.
            after: What the page before this one told; None for the first.
            size: The most records.
        """
        ...

    async def audit(
        self,
        run_id: str = "",
        *,
        text: str = "",
        before: int | None = None,
        size: int = 40,
    ) -> AuditPage:
        """Return entries of the journal, newest first.

        Args:
            run_id: Of which run; empty for all.
            text: What must occur in who, what, why or the detail; or empty.
            before: What the page before this one told; None for the newest.
            size: The most entries.
        """
        ...

    async def handover(self, span_ms: int) -> Handover:
        """Return what the next shift is told of the time since so long ago."""
        ...

    async def campaigns(self) -> tuple[CampaignOffer, ...]:
        """Return the workspace's campaign files, by name; faulty ones too."""
        ...

    async def campaign(self, path: str) -> CampaignOffer:
        """Return the campaign file at a path, faulty or not."""
        ...

    async def uploads(self, path: str) -> tuple[UploadOffer, ...]:
        """Return the contact files at or under a path, the newest first.

        Args:
            path: A file, a directory, or the beginning of either.
        """
        ...

    async def prospect(
        self, campaign: str, upload: str, on_progress: Callable[[int], None]
    ) -> Prospect:
        """Check a campaign file against every row of a contact file.

        Args:
            campaign: Path of the campaign file.
            upload: Path of the contact file.
            on_progress: Gets the rows read so far; may be called on another thread.

        Raises:
            ConfigError: A mistake in the campaign or a file that cannot be used; every
                one is named and nothing was kept.
        """
        ...

    async def launch(self, prospect: Prospect, *, allow_twin: bool = False) -> Receipt:
        """Ask for the launch that was checked; the receipt's run id is the run's.

        Args:
            prospect: As ``prospect`` returned it; it is used up unless refused as a
                twin.
            allow_twin: Launch although the same was launched before.
        """
        ...

    async def drop_prospect(self, prospect: Prospect) -> None:
        """Forget a launch that was checked, and the copy of its contact file."""
        ...

    async def preview(self, verb: Verb, run_id: str) -> Preview:
        """Return what *verb* would do to the run as it is now."""
        ...

    async def ask(self, preview: Preview, reason: str = "", typed: str = "") -> Receipt:
        """Store the command the preview stands for; it carries what was seen.

        Args:
            preview: What was shown.
            reason: Why, for the journal.
            typed: What the person typed to confirm it; the engine looks whether that
                is what the preview wants.

        Returns:
            A receipt in state ``asked``: the row is durable, nothing is applied yet.
        """
        ...

    async def resolve_preview(
        self, run_id: str, selection: Selection, resolve_as: ResolveAs
    ) -> ResolvePreview:
        """Return what resolving would do to the unknown records of a selection."""
        ...

    async def resolve(self, preview: ResolvePreview, reason: str) -> Receipt:
        """Store the resolution a preview stands for; it carries the number seen.

        Args:
            preview: As it was shown; one with a refusal is refused again.
            reason: For the journal; without one the engine refuses.

        Returns:
            A receipt in state ``asked``, as ``ask`` does. One of very many records is
            ``acknowledged`` for a while and tells in its detail how far it is.
        """
        ...

    async def look_up(self, run_id: str, seq: int | None, reason: str) -> Receipt:
        """Ask the provider about unknown records of a run, where a channel can.

        Args:
            run_id: Whose.
            seq: Of which record; None for all of the run.
            reason: For the journal; may stay empty.
        """
        ...

    async def order(
        self,
        verb: str,
        run_id: str,
        *,
        reason: str = "",
        payload: Mapping[str, object] | None = None,
    ) -> Receipt:
        """Store a command that carries nothing that was seen.

        Args:
            verb: approve, limit, hide, unhide or close_results.
            run_id: Which run.
            reason: For the journal; may stay empty.
            payload: For a limit its scope, permits and rate_per_s.

        Returns:
            A receipt in state ``asked``, as ``ask`` does.
        """
        ...

    async def retry_preview(
        self, run_id: str, selection: Selection, *, with_unknown: bool = False
    ) -> RetryPreview:
        """Return what a retry of an ended run's records would do; see ``refusal``.

        Args:
            run_id: The run whose records failed.
            selection: Which of them; one that names no state and no record means all
                that failed or are unknown.
            with_unknown: Also those that may have been delivered.
        """
        ...

    async def retry(
        self, preview: RetryPreview, *, canary: bool, reason: str
    ) -> Receipt:
        """Ask for the retry that was shown; the receipt's run id is the child's.

        What ``preview.typed(canary=canary)`` asks to be typed was typed before.
        """
        ...

    async def canary(self, run_id: str) -> CanaryView | None:
        """Return how a retry's canary does; None for a run that has none."""
        ...

    async def receipt(self, command_id: str) -> Receipt | None:
        """Return what became of a command; None while the engine has not taken it."""
        ...
