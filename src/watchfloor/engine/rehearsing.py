"""A launch on paper: the real file through intake, filter and windows.

Nobody is contacted. It works in a store of its own that is thrown away; the workspace
is only read.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from watchfloor.domain.campaign import Campaign
from watchfloor.domain.measures import duration_ms
from watchfloor.domain.quota import declined
from watchfloor.domain.records import RejectKind
from watchfloor.domain.rehearsal import Effort, Forecast, forecast
from watchfloor.engine.campaigns import check_reach, checked_campaign, wanted_rows
from watchfloor.engine.lending import not_lent, role_here
from watchfloor.engine.quotas import plan_use
from watchfloor.engine.suppressions import Suppressions, unusable_lines
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.surveying import Survey, survey
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.intake.audience_file import Batch
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.reports import seconds_per_attempt
from watchfloor.store.reads.suppression import all_digests
from watchfloor.store.reads.zones import records_by_zones
from watchfloor.store.writes.audience import AudienceWriter, Valid
from watchfloor.store.writes.connection import close_writer, open_writer

#: Where no earlier run of the campaign tells how long an attempt takes.
ASSUMED_S = 1.0
#: An attempt takes some time, even if a simulator says none.
LEAST_S = 0.001
_RUN_NO = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a launch would come to.

    Attributes:
        rejects: Rows by the kind of reject they would become.
        records: How many would be contacted.
        forecast: When, and for how long.
        seconds_per_attempt: What the forecast reckons with.
        timing: Where that comes from.
        warnings: What somebody should know about the suppression lists and the file.
        declined: Why the plan would refuse the launch; empty where it would not.
        not_lent: References to secrets for which the launch would be refused.
    """

    campaign_name: str
    survey: Survey
    rejects: Mapping[RejectKind, int]
    records: int
    forecast: Forecast
    seconds_per_attempt: float
    timing: str
    warnings: tuple[str, ...]
    declined: str
    not_lent: tuple[str, ...]


def rehearsed(
    layout: Layout,
    campaign_file: Path,
    upload: Path,
    around: Surroundings,
    *,
    asks: str = "",
    on_progress: Callable[[int], None] = lambda _: None,
) -> Rehearsal:
    """Rehearse a launch; an unpublished campaign may be rehearsed too.

    Args:
        layout: The workspace.
        campaign_file: The campaign.
        upload: The contact file.
        around: Clock and chance.
        asks: The most that who would launch is to be; empty for all they are.
        on_progress: Gets the rows read so far, now and then.

    Raises:
        ConfigError: A mistake in the campaign, or a file that cannot be used.
    """
    text = read_toml_text(campaign_file)
    campaign = checked_campaign(text, campaign_file.name)
    settings = WorkspaceSettings(layout)
    check_reach(campaign, campaign_file.name, settings.now, looks_up=True)
    with reading(layout) as connection:
        opted_out = list(all_digests(connection))
        measured = seconds_per_attempt(connection, campaign.campaign_id)
    suppressions = Suppressions(layout)
    suppressions.add(opted_out)
    lists = asyncio.run(suppressions.lists_of(campaign.audience))
    named = zip(campaign.audience.suppression, lists, strict=True)
    told = [unusable_lines(name, read) for name, read in named]
    with tempfile.TemporaryDirectory(prefix="watchfloor-rehearsal-") as folder:
        paper = _Paper(Layout(Path(folder)), suppressions.asked_with(lists))
        try:
            found = survey(upload, campaign, take=paper.take, on_progress=on_progress)
            audience = paper.judged(campaign, found.columns)
        finally:
            paper.close()
    records = sum(audience.values())
    seconds, timing = _timing(campaign, measured)
    effort = Effort(
        permits=campaign.limits.permits,
        rate_per_s=campaign.limits.rate_per_s,
        seconds_per_attempt=seconds,
    )
    with reading(layout) as connection:
        use = plan_use(connection, settings.now(), around.now_ms())
    return Rehearsal(
        campaign_name=campaign.name,
        survey=found,
        rejects={**found.rejects, **paper.rejects},
        records=records,
        forecast=forecast(audience, campaign.window, effort, around.now_ms()),
        seconds_per_attempt=effort.seconds_per_attempt,
        timing=timing,
        warnings=(*(one for one in told if one), *found.warnings),
        declined=declined(use.plan, use.used, wanted_records=records),
        not_lent=not_lent(campaign, text, role_here(layout, settings, asks), settings),
    )


def _timing(campaign: Campaign, measured: float | None) -> tuple[float, str]:
    """Return the seconds of one attempt and who says so."""
    if measured:
        return measured, "as in the newest runs of this campaign"
    latency = campaign.steps[0].settings.get("latency")
    if campaign.steps[0].channel == "simulator" and latency is not None:
        return max(
            duration_ms(latency, least_ms=0) / 1000, LEAST_S
        ), "as the simulator is set"
    return ASSUMED_S, "assumed: no run of this campaign has ended here yet"


class _Paper:
    """A throw-away store that takes an audience in as an engine would."""

    def __init__(self, layout: Layout, is_suppressed: Callable[[str], bool]) -> None:
        self._connection: Handle = open_writer(layout)
        self._writer = AudienceWriter(self._connection)
        self._is_suppressed = is_suppressed
        self._rows = 0
        self.rejects: Counter[RejectKind] = Counter()

    def take(self, batch: Batch) -> None:
        """Take a batch of rows in."""
        fresh = [
            Valid._make(row)
            for row in batch.candidates
            if not self._is_suppressed(row.digest.hex())
        ]
        self.rejects[RejectKind.SUPPRESSED] += len(batch.candidates) - len(fresh)
        with self._connection.begin():
            added, repeats = self._writer.add(
                self._connection, _RUN_NO, self._rows + 1, fresh
            )
        self._rows += added
        self.rejects[RejectKind.DUPLICATE] += len(repeats)

    def judged(
        self, campaign: Campaign, columns: tuple[str, ...]
    ) -> dict[tuple[tzinfo, ...], int]:
        """Return how many records there would be, by their zones."""
        wanted = wanted_rows(campaign, columns)
        seqs = range(1, self._rows + 1)
        with self._connection.begin():
            if wanted is None:
                self._writer.accept(self._connection, _RUN_NO, seqs, 0)
            else:
                judged = self._writer.judge(self._connection, _RUN_NO, seqs, wanted, 0)
                self.rejects[RejectKind.FILTERED] = judged.filtered
            found = records_by_zones(self._connection, _RUN_NO)
        if campaign.is_by_recipient or campaign.window is None:
            return {tuple(map(ZoneInfo, names)): count for names, count in found}
        zone = ZoneInfo(campaign.window.zone)
        return {(zone,): sum(count for _, count in found)}

    def close(self) -> None:
        """Let go of the store."""
        close_writer(self._connection)
