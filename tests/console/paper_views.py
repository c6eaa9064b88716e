"""What the screens beside the jobs ask for, on paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.console.paper_runs import MINUTE_MS, NOON_MS, HandClock

from watchfloor.domain.blocked_by import Blocked, Reason, Situation
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.evidence import Counters, Evidence, Setup, StepSetup
from watchfloor.domain.failing import FailureGroup, Failures
from watchfloor.domain.handover import (
    AlertTold,
    Coming,
    EngineTold,
    Handover,
    RunTold,
)
from watchfloor.domain.health import Health
from watchfloor.domain.lens import EVERY, Dimension, Found, Lens, Tally
from watchfloor.domain.live import (
    AuditEntry,
    AuditPage,
    Cards,
    Charts,
    DueSpan,
    LiveOps,
    LiveRun,
    Unknown,
    UnknownPage,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.progress import SAMPLE_MS, Gain, Progress, Sample, done_share
from watchfloor.domain.prospects import CampaignOffer, Prospect, UploadOffer
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Phase
from watchfloor.domain.runbook import Triage
from watchfloor.domain.sharing import SharedUse
from watchfloor.domain.views import (
    EngineView,
    EventView,
    Receipt,
    RecordView,
    RunView,
)
from watchfloor.triage.reporting import triage

MiB = 1024 * 1024
#: How a paper run is said to do.
_SAID = {
    Health.OK: "moves as it should, 11/s lately; the window shuts at 21:00",
    Health.BLOCKED: "paused by ann since 13:31: wrong list",
    Health.STALLED: "stalled since 14:02: 4 records could start and none does",
}
_TRANSIENT, _PERMANENT = OutcomeClass.TRANSIENT, OutcomeClass.PERMANENT
#: What failed in every run that has failures, and how many a child run took up.
FAILED = (
    (RecordState.FAILED, _TRANSIENT, "http_503", "call", "@example.org", 600, 17, 0),
    (RecordState.FAILED, _TRANSIENT, "busy", "call", "+15550", 210, 32, 0),
    (RecordState.FAILED, _PERMANENT, "wrong_number", "call", "+15550", 120, 12, 0),
    (RecordState.FAILED, _TRANSIENT, "busy", "text", "@mail.example.net", 40, 37, 40),
    (RecordState.RETRY, _TRANSIENT, "busy", "text", "@example.org", 9, 35, 0),
    (RecordState.UNKNOWN, OutcomeClass.AMBIGUOUS, "reset", "call", "+15551", 3, 18, 0),
)


def cards_of(runs: list[RunView]) -> Cards:
    """The sums that a poll tells."""
    live = [run for run in runs if not run.lifecycle.is_ended]
    queued = [run for run in live if run.lifecycle.phase is Phase.QUEUED]
    return Cards(
        asking=sum(run.awaits_approval for run in live),
        active=len(live) - len(queued),
        queued=len(queued),
        failed=sum(run.books.failed for run in runs),
        callback=sum(run.books.callback for run in runs),
        unknown=sum(run.books.unknown for run in runs),
        attempting=sum(run.books.attempting for run in runs),
        permits=sum(run.permits for run in live if run not in queued),
        per_s=12.0,
    )


class PaperViews:
    """The part of a paper desk behind live ops, triage, audit and the wizard.

    Attributes:
        launched: Every launch that was asked for, with whether a twin was allowed.
        dropped: Every launch that was checked and dropped.
        failures_of: So many failures a run has, where not all are looked at.
    """

    runs: list[RunView]
    clock: HandClock
    poison: str
    failures_of: int
    launched: list[tuple[Prospect, bool]]
    dropped: list[Prospect]

    def _check(self, what: str) -> None:
        raise NotImplementedError

    def _engine(self) -> EngineView:
        raise NotImplementedError

    def _now(self, run: RunView) -> RunView:
        raise NotImplementedError

    def record(self, seq: int) -> RecordView:
        raise NotImplementedError

    async def run(self, run_id: str) -> RunView:
        raise NotImplementedError

    async def events(self, run_id: str, *, limit: int = 200) -> tuple[EventView, ...]:
        raise NotImplementedError

    def live_run(self, run: RunView) -> LiveRun:
        """How a run does: one is stalled, one late, the paused ones blocked."""
        is_paused = run.lifecycle.gate is not Gate.OPEN
        health = Health.BLOCKED if is_paused else Health.OK
        blocked: tuple[Blocked, ...] = ()
        left = run.books.remaining - run.books.attempting
        if is_paused:
            blocked = (Blocked(Reason.GATE, left, "paused by ann"),)
        elif run.run_id == "run-0005":
            health = Health.STALLED
            blocked = (Blocked(Reason.DISPATCHABLE, left),)
        elif left:
            blocked = (Blocked(Reason.PERMITS_FULL, left, "8 of 16 in flight"),)
        return LiveRun(
            run=self._now(run),
            health=health,
            blocked=blocked,
            attempts_per_s=12.0 if health is Health.OK else 0.0,
            done_per_s=11.4 if health is Health.OK else 0.0,
            oldest_at_ms=NOON_MS - 4_100 if run.books.attempting else None,
            expected_ms=20 * MINUTE_MS if run.run_id == "run-0001" else None,
            is_late=run.run_id == "run-0001",
            sentence=f"{done_share(run.books)} done, {_SAID[health]}",
        )

    async def live(self) -> LiveOps:
        self._check("live")
        live = [run for run in self.runs if not run.lifecycle.is_ended]
        rank = {Health.STALLED: 0, Health.BLOCKED: 1, Health.OK: 2}
        told = sorted(map(self.live_run, live), key=lambda one: rank[one.health])
        return LiveOps(
            runs=tuple(told),
            shared=(
                SharedUse(
                    scope="workspace",
                    permits=16,
                    rate_per_s=20.0,
                    in_flight=17,
                    holders=(("run-0001", 8), ("run-0007", 6), ("run-0002", 3)),
                ),
                SharedUse(scope=self.poison or "channel:webhook", permits=50),
            ),
            engine=self._engine(),
            as_of_ms=self.clock(),
        )

    def failures(self, run: RunView) -> Failures:
        """Failures of a run, by why."""
        groups = (
            (RecordState.FAILED, OutcomeClass.PERMANENT, "wrong_number", 12, 12),
            (RecordState.FAILED, OutcomeClass.TRANSIENT, "busy", 5, 32),
            (RecordState.UNKNOWN, OutcomeClass.AMBIGUOUS, "reset", 2, 19),
        )
        return Failures(
            groups=tuple(
                FailureGroup(state, klass, self.poison or code, "call", records, seq)
                for state, klass, code, records, seq in groups
            ),
            looked_at=19,
            of=max(19, run.books.failed),
        )

    async def triage(self, run_id: str, *, watch_s: float = 0.0) -> Triage:
        """A run judged by the real checks, on evidence on paper."""
        self._check("watched" if watch_s else "triage")
        run = await self.run(run_id)
        found = self.evidence(run)
        if watch_s:
            gained = replace(run.books, attempts=run.books.attempts + 36)
            found = replace(
                found,
                again=Counters(
                    at_ms=self.clock() + round(watch_s * 1_000),
                    books=gained if found.situation.engine_alive else run.books,
                    bytes_read=run.bytes_read,
                    progress_at_ms=run.progress_at_ms,
                    heartbeat_at_ms=found.engine.heartbeat_at_ms,
                ),
            )
        return triage(found)

    def evidence(self, run: RunView) -> Evidence:
        """What is known of a run; the first is late."""
        engine, live = self._engine(), self.live_run(run)
        return Evidence(
            workspace_id="ws-1",
            workspace_name=self.poison or "Prod EU",
            as_of_ms=self.clock(),
            engine=engine,
            run=live.run,
            situation=Situation(
                lifecycle=run.lifecycle,
                books=run.books,
                engine_alive=engine.is_alive(self.clock()),
                run_id=run.run_id,
                heartbeat_age_s=1.0,
                gate_detail="paused by ann",
                permits=run.permits,
                oldest_s=4.1 if run.books.attempting else None,
                awaits_approval=run.awaits_approval,
            ),
            attempts_per_s=live.attempts_per_s,
            done_per_s=live.done_per_s,
            expected_ms=live.expected_ms,
            setup=Setup(
                steps=(StepSetup("call", "webhook", 4),),
                kind="phone",
                region="DE",
                filter=self.poison,
            ),
            upload_sha256="ab" * 32,
            failures=self.failures(run),
            free_bytes=4 << 30,
        )

    def progress(self, run: RunView, factor: float = 1.0) -> Progress:
        """A run that starts fast, stands still for a while, and goes on."""
        start = run.started_at_ms or NOON_MS
        samples = [
            Sample(start + i * SAMPLE_MS, SAMPLE_MS, round(120 * factor), done, done)
            for i in range(240)
            if not 90 <= i < 120
            for done in [round((110 + 10 * (i % 7)) * factor)]
        ]
        return Progress(
            run_id=run.run_id,
            campaign_name=self.poison or run.campaign_name,
            started_at_ms=run.started_at_ms,
            ended_at_ms=run.ended_at_ms,
            records=run.books.records,
            samples=tuple(samples),
        )

    async def charts(self, run_id: str) -> Charts:
        self._check("charts")
        run = await self.run(run_id)
        before = replace(run, run_id="run-0000", ended_at_ms=NOON_MS)
        return Charts(
            run=run,
            progress=self.progress(run),
            earlier=(self.progress(before, 1.3),),
            failures=self.failures(run),
            due=tuple(
                DueSpan(NOON_MS + i * 15 * MINUTE_MS, 15 * MINUTE_MS, 3 + i % 5)
                for i in range(run.books.callback and 24)
            ),
        )

    async def lens(
        self,
        run_id: str,
        by: Sequence[Dimension] = EVERY,
        states: frozenset[RecordState] = frozenset(),
    ) -> Lens:
        self._check("lens")
        run = await self.run(run_id)
        found = [
            Found(
                state=state,
                outcome_class=klass,
                code=self.poison or code,
                step=self.poison or step,
                source=self.poison or source,
                records=records,
                example_seq=seq,
                first_at_ms=NOON_MS - 50 * MINUTE_MS,
                last_at_ms=NOON_MS - seq * 1_000,
                retried=retried,
            )
            for state, klass, code, step, source, records, seq, retried in FAILED
            if run.books.failed and (not states or state in states)
        ]
        tally = Tally(tuple(by))
        tally.add(found)
        return tally.lens(states, self.failures_of)

    async def unknowns(
        self, run_id: str = "", *, after: tuple[str, int] | None = None, size: int = 40
    ) -> UnknownPage:
        self._check("unknowns")
        found = [
            Unknown(
                run_id=run.run_id,
                campaign_name=self._now(run).campaign_name,
                record=self.record(18 + 20 * i),
            )
            for run in self.runs
            for i in range(run.books.unknown)
            if run_id in ("", run.run_id)
        ]
        keys = [(one.run_id, one.record.seq) for one in found]
        start = keys.index(after) + 1 if after in keys else 0
        shown = found[start : start + size]
        left = len(found) > start + size
        return UnknownPage(
            unknowns=tuple(shown),
            after=(shown[-1].run_id, shown[-1].record.seq) if left else None,
            of=len(found),
        )

    async def handover(self, span_ms: int) -> Handover:
        self._check("handover")
        changes = await self.events(self.runs[0].run_id) if self.runs else ()
        return Handover(
            workspace_id="prod-eu",
            workspace_name=self.poison or "Production",
            zone="Europe/Berlin",
            since_ms=NOON_MS - span_ms,
            until_ms=NOON_MS,
            engine=EngineTold(self._engine(), is_alive=True, starts=2, crashes=1),
            runs=tuple(
                RunTold(
                    run.run_id,
                    run.campaign_name,
                    "62 % done, slow since 11:02: 421 from one domain; the window "
                    "shuts at 20:00",
                    Gain(1_240, 1_200, 1_180, 20),
                )
                for run in self.runs[:3]
            ),
            more_runs=max(0, len(self.runs) - 3),
            changes=changes,
            alerts=(
                AlertTold(NOON_MS - 40 * MINUTE_MS, None, "slow: Autumn billing"),
                AlertTold(NOON_MS - 90 * MINUTE_MS, NOON_MS, "stalled: Winter tyres"),
            ),
            waits=("Autumn billing (run-0001) waits for approval",),
            coming=(
                Coming(NOON_MS + 60 * MINUTE_MS, "Autumn billing: the window shuts"),
                Coming(NOON_MS + 900 * MINUTE_MS, "Winter tyres: it ends", about=True),
            ),
            questions=("Why is Autumn billing slow? watchfloor why run-0001",),
        )

    async def audit(
        self,
        run_id: str = "",
        *,
        text: str = "",
        before: int | None = None,
        size: int = 40,
    ) -> AuditPage:
        self._check("audit")
        entries: list[AuditEntry] = []
        for run in self.runs:
            for event in await self.events(run.run_id):
                number = len(entries) + 1
                entries.append(
                    AuditEntry(
                        event=replace(event, entry_id=number),
                        run_name=self._now(run).campaign_name,
                        receipt=self.receipt_of(event) if event.by == "ann" else None,
                    )
                )
        entries.reverse()
        found = [
            one
            for one in entries
            if run_id in ("", one.event.run_id)
            and text.casefold() in f"{one.event.by} {one.event.why}".casefold()
            and (before is None or one.event.entry_id < before)
        ]
        more = len(found) > size
        return AuditPage(
            entries=tuple(found[:size]),
            before=found[size - 1].event.entry_id if more else None,
        )

    def receipt_of(self, event: EventView) -> Receipt:
        """What became of the command behind an event."""
        return Receipt(
            command_id=f"cmd-{event.entry_id}",
            verb=event.event,
            run_id=event.run_id,
            state="settled",
            detail=self.poison,
            asked_at_ms=event.at_ms - 40,
            acknowledged_at_ms=event.at_ms,
            applied_at_ms=event.at_ms + 10,
            settled_at_ms=event.at_ms + 210,
        )

    async def campaigns(self) -> tuple[CampaignOffer, ...]:
        self._check("campaigns")
        return (
            CampaignOffer(
                path=self.poison or "campaigns/autumn.toml",
                name=self.poison or "Autumn billing",
                summary="call, then text; 16 permits, 20/s",
            ),
            CampaignOffer(
                path="campaigns/broken.toml",
                fault=self.poison or "steps.call.channel: there is no channel webhok",
            ),
        )

    async def campaign(self, path: str) -> CampaignOffer:
        self._check("campaign")
        name = path.rpartition("/")[2]
        if "broken" in name:
            return CampaignOffer(path=path, fault=f"{name}: line 6: this is not TOML")
        return CampaignOffer(path=path, name=name)

    async def uploads(self, path: str) -> tuple[UploadOffer, ...]:
        self._check("uploads")
        names = (self.poison or "september.csv", "october.csv", "broken.csv")
        return tuple(
            UploadOffer(
                path=f"lists/{name}", bytes=i * MiB, modified_at_ms=NOON_MS - i * 1_000
            )
            for i, name in enumerate(names, 1)
            if path in f"lists/{name}"
        )

    async def prospect(
        self, campaign: str, upload: str, on_progress: Callable[[int], None]
    ) -> Prospect:
        self._check("prospect")
        if "broken" in upload:
            msg = f"{upload} cannot be read: it is no text; nothing was launched"
            raise ConfigError(msg)
        on_progress(5_000)
        on_progress(10_000)
        return Prospect(
            ident="run-0100",
            campaign_name=self.poison or "Autumn billing",
            campaign_path=campaign,
            upload_name=upload.rpartition("/")[2],
            upload_bytes=2 * MiB,
            columns=(self.poison or "phone", "first_name"),
            rows=10_000,
            candidates=9_900,
            rejects={"invalid": 60, "duplicate": 40},
            reasons={self.poison or "not a phone number": 60},
            unfit=1,
            unfit_examples=(f"row 17, call: {self.poison or 'no first name'}",),
            sample=(("call", self.poison or "POST /calls to +1***0001"),),
            warnings=(self.poison or "global.csv: 2 lines cannot be read",),
            limits="16 permits, 20/s",
        )

    async def launch(self, prospect: Prospect, *, allow_twin: bool = False) -> Receipt:
        raise NotImplementedError

    async def drop_prospect(self, prospect: Prospect) -> None:
        self._check("drop_prospect")
        self.dropped.append(prospect)
