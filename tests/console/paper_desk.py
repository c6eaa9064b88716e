"""A desk with no engine behind it: its records exist only as arithmetic."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.console.paper_runs import (
    CLASSES,
    MINUTE_MS,
    NOON_MS,
    OWN_PID,
    PATTERN,
    HandClock,
    a_run,
    some_runs,
)
from tests.console.paper_views import PaperViews, cards_of

from watchfloor.domain import resolutions
from watchfloor.domain.books import Books
from watchfloor.domain.canary import CanaryView
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.draining import Drain
from watchfloor.domain.errors import EXPLANATIONS, ConfigError, NotFoundError, Refusal
from watchfloor.domain.live import Pulse
from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.previews import PROMISES_NAMED, Preview, Seen, preview
from watchfloor.domain.prospects import Prospect
from watchfloor.domain.records import RecordState
from watchfloor.domain.recovery import Counted, RetryPreview
from watchfloor.domain.regions import (
    Gate,
    Intake,
    Lifecycle,
    Verb,
)
from watchfloor.domain.resolutions import ResolveAs, ResolvePreview
from watchfloor.domain.roles import Role
from watchfloor.domain.views import (
    Asked,
    CallbackPage,
    EngineView,
    EventView,
    Journey,
    JourneyEntry,
    Overview,
    PageKey,
    Receipt,
    RecordPage,
    RecordView,
    RunView,
)

#: Minutes from now until each promise is due, next ones first.
_DUE_IN = (-50, -5, -1, 15, 125, 1_500)


@dataclass
class PaperDesk(PaperViews):
    """Everything a console asks for, out of a few figures.

    Attributes:
        fault: Raised by every read while it is set.
        alert: The newest alert's number.
        store: Which of the stores that stood in its place it is.
        name: What the workspace is called; empty where nobody looks.
        role: What who asks is to the workspace; None where nobody looks.
        bump: Changes one record and one run; every change of it is a change of them.
        refusals: Names with which commands are refused once asked, first ones first.
        stages: What a receipt says at the first poll, the second one, and so on.
        poison: Stands in every text from outside.
        hold: While it is not set, an overview waits.
        steps: The campaign's steps, which records stand in by turns.
        reports: What providers reported, of how many records each.
        ordered: Verb, run, reason and payload of every order.
        told: What an order's receipt says.
        left: Why the last engine let go; empty while one owns the workspace.
        drain: How far the engine is that ends; None while it goes on.
        hangs: One that is not alive stands still, and holds the workspace.
        is_unseen: Of one that is not alive nobody can tell whether its process lives.
        holder: Who holds the workspace of one that is not alive, as the lock names it.
        search_most: So many records a search looks at before it stops.
        retries: Every retry that was asked for, whether as a canary, and why.
        canaries: By the run that has one.
        overruled: What a resume overrules.
        typed: What was typed for each command that was asked.
        seen: What each such command carries as seen.
    """

    runs: list[RunView] = field(default_factory=some_runs)
    total: int = 1_000_000
    fault: Exception | None = None
    bump: int = 0
    alert: int = 0
    store: int = 1
    name: str = ""
    role: Role | None = None
    changes: int = 1_000
    alive: bool = True
    pid: int = OWN_PID
    left: str = ""
    drain: Drain | None = None
    hangs: bool = False
    is_unseen: bool = False
    holder: str = ""
    clock: HandClock = field(default_factory=HandClock)
    asked: list[tuple[str, str, str, int]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    stages: tuple[str, ...] = ("acknowledged", "applied", "settled")
    poison: str = ""
    reads: list[str] = field(default_factory=list)
    all_change: bool = False
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    steps: tuple[str, ...] = ("call",)
    reports: dict[str, int] = field(default_factory=dict)
    ordered: list[tuple[str, str, str, dict[str, object]]] = field(default_factory=list)
    told: str = ""
    search_most: int = 50_000
    launched: list[tuple[Prospect, bool]] = field(default_factory=list)
    dropped: list[Prospect] = field(default_factory=list)
    retries: list[tuple[RetryPreview, bool, str]] = field(default_factory=list)
    canaries: dict[str, CanaryView] = field(default_factory=dict)
    overruled: tuple[str, ...] = ()
    failures_of: int = 0
    typed: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    _receipts: dict[str, list[Receipt]] = field(default_factory=dict)

    def _check(self, what: str) -> None:
        self.reads.append(what)
        if self.fault is not None:
            raise self.fault

    def _engine(self) -> EngineView:
        return EngineView(
            epoch=7,
            owner="ann",
            pid=self.pid,
            host="desk-3",
            started_at_ms=NOON_MS - 60 * MINUTE_MS,
            heartbeat_at_ms=self.clock() if self.alive else NOON_MS - MINUTE_MS,
            changes=self.changes,
            released=bool(self.left),
            left=self.left,
            left_at_ms=NOON_MS if self.left else 0,
            drain=self.drain,
            hangs=self.hangs,
            is_unseen=self.is_unseen,
            holder=self.holder,
        )

    def _now(self, run: RunView) -> RunView:
        if self.poison:
            run = replace(
                run,
                campaign_name=self.poison,
                upload_name=self.poison,
                cause=self.poison,
                gate_asked=Asked(by=self.poison, at_ms=NOON_MS, why=self.poison),
            )
        if self.bump and run.run_id == "run-0001":
            more = run.books.failed + self.bump
            less = run.books.pending - self.bump
            books = replace(run.books, failed=more, pending=less)
            return replace(run, books=books)
        return run

    def __post_init__(self) -> None:
        self.hold.set()

    async def close(self) -> None:
        self.reads.append("close")

    async def overview(self) -> Overview:
        self._check("overview")
        await self.hold.wait()
        return Overview(
            runs=tuple(self._now(run) for run in self.runs),
            said={
                run.run_id: self.live_run(run).sentence
                for run in self.runs
                if not run.lifecycle.is_ended
            },
            unwell=frozenset({"run-0005"}),
            engine=self._engine(),
            as_of_ms=self.clock(),
            store=self.store,
            name=self.name,
        )

    async def pulse(self) -> Pulse:
        self._check("pulse")
        return Pulse(
            engine=self._engine(),
            cards=cards_of(self.runs),
            alert=self.alert,
            store=self.store,
            name=self.name,
            role=self.role,
        )

    async def run(self, run_id: str) -> RunView:
        self._check("run")
        for run in self.runs:
            if run.run_id == run_id:
                return self._now(run)
        msg = f"no run {run_id} in this workspace; watchfloor runs lists them"
        raise NotFoundError(msg)

    def record(self, seq: int) -> RecordView:
        shift = self.bump if seq == 10 or self.all_change else 0
        state = PATTERN[(seq + shift) % len(PATTERN)]
        outcome, code = CLASSES.get(state, (None, ""))
        later = state in (RecordState.RETRY, RecordState.CALLBACK)
        return RecordView(
            seq=seq,
            contact=self.poison or f"+1555{seq % 10**7:07}",
            state=state,
            step=self.poison or self.steps[seq % len(self.steps)],
            attempts=0 if state is RecordState.PENDING else 1 + seq % 3,
            outcome_class=outcome,
            code=self.poison or code,
            updated_at_ms=NOON_MS - seq % 3_600 * 1_000,
            next_at_ms=NOON_MS + seq % 50 * MINUTE_MS if later else None,
            row_no=seq + 1,
            result=self._result(seq),
        )

    def _result(self, seq: int) -> str:
        kinds = sorted(self.reports)
        return self.poison or (kinds[seq % len(kinds)] if kinds else "")

    def promise(self, number: int) -> RecordView:
        due = NOON_MS + (_DUE_IN[number % len(_DUE_IN)] + number // 6) * MINUTE_MS
        is_held = number % len(_DUE_IN) == 0
        return replace(
            self.record(15 + 20 * number),
            next_at_ms=NOON_MS + 88 * MINUTE_MS if is_held else due,
            due_at_ms=due,
            expires_at_ms=due + (48 * 60 if number != 2 else 1) * MINUTE_MS,
            is_held=is_held,
            result="",
        )

    async def callbacks(
        self, run_id: str, *, after: tuple[int, int] | None = None, size: int = 40
    ) -> CallbackPage:
        self._check("callbacks")
        run = await self.run(run_id)
        known = sorted(
            (promise.next_at_ms or 0, promise.seq, promise)
            for promise in map(self.promise, range(run.books.callback))
        )
        left = [one for one in known if after is None or one[:2] > after]
        shown = left[:size]
        return CallbackPage(
            callbacks=tuple(promise for *_, promise in shown),
            after=shown[-1][:2] if len(left) > size else None,
        )

    async def results(self, run_id: str) -> Mapping[str, int]:
        self._check("results")
        await self.run(run_id)
        return {self.poison or kind: n for kind, n in self.reports.items()}

    async def records(self, run_id: str, wanted: PageKey) -> RecordPage:
        self._check("records")
        if wanted.where.startswith("nonsense"):
            msg = "--where: column 1: there is no field nonsense"
            raise ConfigError(msg)
        run = await self.run(run_id)
        total = min(self.total, run.books.records)
        if wanted.state is not None and wanted.state not in PATTERN:
            return RecordPage()
        after, before, size = wanted.after, wanted.before, wanted.size
        step = 1 if before is None else -1
        seq = (after or 0) + 1 if before is None else (before or total + 1) - 1
        found: list[RecordView] = []
        looked_at = 0
        while 1 <= seq <= total and len(found) <= size:
            record = self.record(seq)
            if _passes(record, wanted):
                found.append(record)
            seq += step
            looked_at += 1
            if looked_at >= self.search_most and (wanted.where or wanted.text):
                break
        stopped = seq - step if looked_at >= self.search_most else None
        more, found = len(found) > size, found[:size]
        searched_to = None if more else stopped
        if step < 0:
            found.reverse()
            return RecordPage(
                records=tuple(found),
                has_before=more or searched_to is not None,
                has_after=before != 0,
                searched_to=searched_to,
            )
        return RecordPage(
            records=tuple(found),
            has_before=bool(after),
            has_after=more or searched_to is not None,
            searched_to=searched_to,
        )

    async def cohort(
        self, run_id: str, selection: Selection, wanted: PageKey
    ) -> RecordPage:
        self._check("cohort")
        run = await self.run(run_id)
        total = min(self.total, run.books.records, 2_000)
        seqs = [
            seq
            for seq in range((wanted.after or 0) + 1, total + 1)
            if self.record(seq).state in selection.states
        ]
        return RecordPage(
            records=tuple(map(self.record, seqs[: wanted.size])),
            has_before=bool(wanted.after),
            has_after=len(seqs) > wanted.size,
        )

    async def journey(self, run_id: str, seq: int) -> Journey:
        self._check("journey")
        if not 1 <= seq <= self.total:
            msg = f"no record {seq} in run {run_id}"
            raise NotFoundError(msg)
        record = self.record(seq)
        detail = self.poison or f"line to {record.contact} was answered"
        steps = (
            ("", "received", "", None, f"row {record.row_no} of contacts.csv"),
            ("", "normalised", "", None, "E.164"),
            (record.step, "attempt", "transient busy", 812, "busy, retry in 30 s"),
            (record.step, "retry_at", "", None, "14:03:11"),
            (record.step, "attempt", f"delivered {record.code}", 141, detail),
        )
        return Journey(
            run_id=run_id,
            record=record,
            key=f"wf-{run_id}-{seq}-1",
            fields={
                self.poison or "phone": self.poison or f"(555) {seq % 10**7:07}",
                "first_name": self.poison or "Ada",
                "mail": self.poison or "ada.lovelace@example.org",
            },
            entries=tuple(
                JourneyEntry(
                    at_ms=NOON_MS - 60_000 + 1_118 * i,
                    step=step,
                    event=event,
                    outcome=outcome,
                    took_ms=took,
                    detail=text,
                )
                for i, (step, event, outcome, took, text) in enumerate(steps)
            ),
        )

    async def events(self, run_id: str, *, limit: int = 200) -> tuple[EventView, ...]:
        self._check("events")
        told = tuple(
            EventView(
                entry_id=i,
                at_ms=NOON_MS - (10 - i) * MINUTE_MS,
                run_id=run_id,
                event=event,
                before=before,
                after=after,
                by=self.poison or by,
                origin="console",
                why=self.poison or why,
                detail=self.poison,
            )
            for i, (event, before, after, by, why) in enumerate(
                (
                    ("admitted", "Queued", "Running", "engine", ""),
                    ("pause", "Running", "Running + pausing", "ann", "wrong greeting"),
                    ("pause_settled", "Running + pausing", "Running + paused", "", ""),
                    ("resume", "Running + paused", "Running", "ann", "fixed"),
                )
            )
        )
        return told[-limit:]

    async def preview(self, verb: Verb, run_id: str) -> Preview:
        run = await self.run(run_id)
        if verb is Verb.RESUME and self.overruled:
            told = preview(run, verb)
            lines = (*self.overruled, *told.lines)
            return replace(told, lines=lines, overrules=True)
        if not run.books.callback:
            return preview(run, verb)
        page = await self.callbacks(run_id, size=PROMISES_NAMED)
        return preview(run, verb, page.callbacks)

    async def ask(self, preview: Preview, reason: str = "", typed: str = "") -> Receipt:
        self._check("ask")
        self.typed.append(typed)
        self.seen.append(preview.seen)
        verb, seen = preview.verb.value, preview.seen.version
        self.asked.append((verb, preview.run_id, reason, seen))
        receipt = Receipt(
            command_id=f"cmd-{len(self.asked)}",
            verb=verb,
            run_id=preview.run_id,
            state="asked",
            asked_at_ms=self.clock() + 120,
        )
        self._receipts[receipt.command_id] = self._future(receipt)
        return receipt

    async def resolve_preview(
        self, run_id: str, selection: Selection, resolve_as: ResolveAs
    ) -> ResolvePreview:
        self._check("resolve_preview")
        run = await self.run(run_id)
        return resolutions.preview(
            run,
            resolve_as,
            selection,
            records=len(selection.seqs) or run.books.unknown,
            others=0,
            steps=1,
            delivery=Delivery.AT_MOST_ONCE,
        )

    async def resolve(self, preview: ResolvePreview, reason: str) -> Receipt:
        payload: dict[str, object] = {
            "as": preview.resolve_as.value,
            "expected": preview.records,
            "seqs": sorted(preview.selection.seqs),
        }
        if preview.selection.codes:
            payload["codes"] = sorted(preview.selection.codes)
        return await self.order(
            "resolve", preview.run_id, reason=reason, payload=payload
        )

    async def look_up(self, run_id: str, seq: int | None, reason: str) -> Receipt:
        return await self.order("look_up", run_id, reason=reason, payload={"seq": seq})

    async def launch(self, prospect: Prospect, *, allow_twin: bool = False) -> Receipt:
        self._check("launch")
        self.launched.append((prospect, allow_twin))
        receipt = Receipt(
            command_id=f"launch-{len(self.launched)}",
            verb="launch",
            run_id=prospect.ident,
            state="asked",
            asked_at_ms=self.clock() + 120,
        )
        ahead = self._future(receipt)[-1:]
        self._receipts[receipt.command_id] = ahead
        if ahead and ahead[0].state != "refused":
            live = Lifecycle(intake=Intake.EXTRACTING)
            run = a_run(100, prospect.campaign_name, live, Books())
            self.runs.insert(0, replace(run, run_id=prospect.ident))
        return receipt

    async def retry_preview(
        self, run_id: str, selection: Selection, *, with_unknown: bool = False
    ) -> RetryPreview:
        run = await self.run(run_id)
        failed, unknown = run.books.failed, run.books.unknown
        permanent = failed // 4
        counts = Counted(
            selected=failed + unknown,
            retried=failed - permanent + (unknown if with_unknown else 0),
            permanent=permanent,
            unknown=0 if with_unknown else unknown,
            may_repeat=unknown if with_unknown else 0,
            digest=f"digest-{self.bump}",
        )
        ended = run.lifecycle.is_ended
        return RetryPreview(
            run_id=run_id,
            campaign_name=run.campaign_name,
            selection=selection,
            counts=counts,
            with_unknown=with_unknown,
            plan="The plan has no limit",
            refusal=None if ended else Refusal.STILL_LIVE,
        )

    async def retry(
        self, preview: RetryPreview, *, canary: bool, reason: str
    ) -> Receipt:
        self._check("retry")
        self.retries.append((preview, canary, reason))
        receipt = Receipt(
            command_id=f"retry-{len(self.retries)}",
            verb="retry",
            run_id=f"child-{len(self.retries):04}",
            state="asked",
            asked_at_ms=self.clock() + 120,
        )
        self._receipts[receipt.command_id] = self._future(receipt)[-1:]
        return receipt

    async def canary(self, run_id: str) -> CanaryView | None:
        self._check("canary")
        found = self.canaries.get(run_id)
        if found is None or not self.poison:
            return found
        stages = [
            replace(one, evidence=(self.poison,) * 2, decided_by=self.poison)
            for one in found.stages
        ]
        return replace(found, stages=tuple(stages))

    async def order(
        self,
        verb: str,
        run_id: str,
        *,
        reason: str = "",
        payload: Mapping[str, object] | None = None,
    ) -> Receipt:
        self._check("order")
        self.ordered.append((verb, run_id, reason, dict(payload or {})))
        receipt = Receipt(
            command_id=f"order-{len(self.ordered)}",
            verb=verb,
            run_id=run_id,
            state="asked",
            asked_at_ms=self.clock() + 120,
        )
        ahead = self._future(receipt)[-1:]
        if not self.refusals and ahead and ahead[0].state != "refused":
            ahead = [replace(ahead[0], detail=self.poison or self.told)]
        self._receipts[receipt.command_id] = ahead
        return receipt

    def _future(self, receipt: Receipt) -> list[Receipt]:
        if self.refusals:
            name = self.refusals.pop(0)
            detail = (
                "now Running: 579,000 records not attempted"
                if name is Refusal.DRIFTED
                else EXPLANATIONS[name]
            )
            detail = f"{name}: {detail}"  # as the engine tells it
            return [
                replace(
                    receipt,
                    state="refused",
                    refusal=name,
                    detail=detail,
                    acknowledged_at_ms=self.clock() + 153,
                )
            ]
        out = []
        for i, stage in enumerate(self.stages, 1):
            at = self.clock() + 120 + 33 * i
            times: dict[str, Any] = {f"{stage}_at_ms": at}
            receipt = replace(receipt, state=stage, **times)
            out.append(receipt)
        return out

    async def receipt(self, command_id: str) -> Receipt | None:
        self._check("receipt")
        ahead = self._receipts[command_id]
        if not ahead:
            return None
        now = ahead[0]
        if now.state == "applied":
            self._apply(now)
        if now.state == "settled" and now.verb == "approve":
            self.runs = [
                replace(run, approved_at_ms=self.clock())
                if run.run_id == now.run_id
                else run
                for run in self.runs
            ]
        if len(ahead) > 1:
            ahead.pop(0)
        return now

    def _apply(self, receipt: Receipt) -> None:
        for i, run in enumerate(self.runs):
            if run.run_id == receipt.run_id and receipt.verb == "pause":
                life = replace(run.lifecycle, gate=Gate.PAUSED)
                books = replace(
                    run.books,
                    attempting=0,
                    delivered=run.books.delivered + run.books.attempting,
                )
                self.runs[i] = replace(
                    run, lifecycle=life, books=books, version=run.version + 1
                )


def _passes(record: RecordView, wanted: PageKey) -> bool:
    """What a filter and a text let pass on paper: where is a code, text anything."""
    if wanted.state is not None and record.state is not wanted.state:
        return False
    if wanted.where and record.code not in wanted.where:
        return False
    held = f"{record.contact} {record.code} {record.step}".casefold()
    return wanted.text.casefold() in held
