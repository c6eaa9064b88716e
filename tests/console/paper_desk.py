"""A desk with no engine behind it: its records exist only as arithmetic."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from watchfloor.domain.books import Books
from watchfloor.domain.errors import EXPLANATIONS, NotFoundError, Refusal
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.previews import PROMISES_NAMED, Preview, preview
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Gate,
    History,
    Intake,
    Lifecycle,
    Phase,
    Results,
    RunOutcome,
    Verb,
)
from watchfloor.domain.views import (
    Asked,
    CallbackPage,
    EngineView,
    EventView,
    Journey,
    JourneyEntry,
    Overview,
    Receipt,
    RecordPage,
    RecordView,
    RunView,
)

#: 2026-11-22 14:02:11 UTC.
NOON_MS = 1_795_356_131_000
MINUTE_MS = 60_000
OWN_PID = 4711

_PATTERN = (
    *([RecordState.DELIVERED] * 11),
    RecordState.FAILED,
    RecordState.DELIVERED,
    RecordState.RETRY,
    RecordState.DELIVERED,
    RecordState.CALLBACK,
    RecordState.DELIVERED,
    RecordState.PENDING,
    RecordState.UNKNOWN,
    RecordState.ATTEMPTING,
)
_CLASSES = {
    RecordState.DELIVERED: (OutcomeClass.DELIVERED, "http_200"),
    RecordState.FAILED: (OutcomeClass.PERMANENT, "wrong_number"),
    RecordState.RETRY: (OutcomeClass.TRANSIENT, "busy"),
    RecordState.CALLBACK: (OutcomeClass.CALLBACK, "asked_later"),
    RecordState.UNKNOWN: (OutcomeClass.AMBIGUOUS, "reset"),
}


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    now_ms: int = NOON_MS

    def __call__(self) -> int:
        return self.now_ms

    def pass_ms(self, span_ms: int) -> None:
        self.now_ms += span_ms


def balanced(records: int, **states: int) -> Books:
    """Books that add up: what no state takes is pending."""
    rejects = {"invalid": records // 100, "duplicate": records // 250}
    pending = records - sum(states.values())
    done = sum(states.get(key, 0) for key in ("delivered", "failed", "unknown"))
    return Books(
        extracted=records + sum(rejects.values()),
        records=records,
        pending=pending,
        attempts=done,
        **rejects,
        **states,
    )


def a_run(number: int, name: str, lifecycle: Lifecycle, books: Books) -> RunView:
    started = None if not lifecycle.launched else NOON_MS - number * 41 * MINUTE_MS
    ended = NOON_MS - number * 7 * MINUTE_MS if lifecycle.is_ended else None
    return RunView(
        run_id=f"run-{number:04}",
        campaign_id=f"campaign-{number}",
        campaign_name=name,
        upload_id=f"up-{number}",
        upload_name=f"contacts-{number}.csv",
        lifecycle=lifecycle,
        books=books,
        version=3,
        created_at_ms=NOON_MS - number * 42 * MINUTE_MS,
        launch_id=f"launch-{number}" if lifecycle.launched else None,
        started_at_ms=started,
        ended_at_ms=ended,
        bytes_total=48_000_000,
        bytes_read=48_000_000 if lifecycle.intake is Intake.DONE else 20_160_000,
        permits=16,
        rate_per_s=20.0,
        progress_at_ms=NOON_MS - 1_000 if lifecycle.launched else None,
        gate_asked=Asked()
        if lifecycle.gate is Gate.OPEN
        else Asked(by="ann@desk-3", at_ms=NOON_MS - MINUTE_MS, why="wrong greeting"),
    )


def some_runs() -> list[RunView]:
    live = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
    over = Lifecycle(
        phase=Phase.ENDED,
        intake=Intake.DONE,
        launched=True,
        results=Results.COLLECTING,
        history=History.CREATED,
        outcome=RunOutcome.COMPLETED,
    )
    return [
        a_run(
            1,
            "Autumn billing",
            live,
            balanced(1_000_000, delivered=419_975, failed=17, attempting=8, callback=4),
        ),
        a_run(
            2,
            "Reminder DE",
            replace(live, gate=Gate.PAUSING),
            balanced(120_000, delivered=116_400, attempting=3, retry=41),
        ),
        a_run(
            3,
            "Welcome texts",
            replace(live, gate=Gate.PAUSED),
            balanced(9_000, delivered=900, failed=2),
        ),
        a_run(
            4,
            "Win-back Q4",
            Lifecycle(intake=Intake.EXTRACTING),
            Books(extracted=410_000, unjudged=1_200, records=408_800, pending=408_800),
        ),
        a_run(
            5,
            "Survey NPS",
            replace(live, phase=Phase.CALLBACK),
            balanced(2_000, delivered=1_991, failed=5, callback=4),
        ),
        a_run(
            6,
            "Outage notice",
            over,
            balanced(52_000, delivered=51_997, failed=1, unknown=2),
        ),
        a_run(
            7,
            "KYC refresh",
            replace(live, phase=Phase.STOPPING),
            balanced(
                30_000, delivered=18_900, failed=9, attempting=6, not_attempted=11_085
            ),
        ),
        a_run(
            8,
            "Beta invite",
            replace(over, outcome=RunOutcome.FAILED, results=Results.CLOSED),
            balanced(800, delivered=12, failed=88, not_attempted=700),
        ),
    ]


def campaign_runs() -> list[RunView]:
    """Runs that wait for words and windows, keep promises, and have ended."""
    live = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
    over = replace(live, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
    asks, shut, outside, promises, archived, purged = (
        a_run(number, name, lifecycle, books)
        for number, (name, lifecycle, books) in enumerate(
            (
                (
                    "First words",
                    live,
                    balanced(5_000, delivered=17, failed=2, retry=1),
                ),
                ("Night shift", live, balanced(40_000, delivered=12_000)),
                ("All zones", live, balanced(9_000, delivered=4_000, retry=20)),
                (
                    "Promised",
                    replace(live, phase=Phase.STOPPED_CALLBACK, stops=1),
                    balanced(
                        800, delivered=60, callback=45, failed=5, not_attempted=690
                    ),
                ),
                (
                    "Well told",
                    replace(over, history=History.CREATING, results=Results.COLLECTING),
                    balanced(1_000, delivered=990, failed=10),
                ),
                (
                    "Forgotten",
                    replace(over, history=History.CREATED, results=Results.CLOSED),
                    balanced(300, delivered=300),
                ),
            ),
            11,
        )
    )
    opens_ms = NOON_MS + 19 * 60 * MINUTE_MS - 131_000
    return [
        replace(asks, approve_after=20, books=replace(asks.books, attempts=20)),
        replace(shut, shut_until_ms=opens_ms),
        replace(outside, held=420),
        promises,
        replace(
            archived,
            archived=430,
            parent_id="run-0001",
            spent_ms={
                "active": 200 * MINUTE_MS,
                "paused": 60 * MINUTE_MS,
                "window": 120 * MINUTE_MS,
                "waiting": 0,
            },
        ),
        replace(purged, purge="done", is_hidden=True),
    ]


#: Minutes from now until each promise is due, next ones first.
_DUE_IN = (-50, -5, -1, 15, 125, 1_500)


@dataclass
class PaperDesk:
    """Everything a console asks for, out of a few figures.

    Attributes:
        fault: Raised by every read while it is set.
        bump: Changes one record and one run; every change of it is a change of them.
        refusals: Names with which commands are refused once asked, first ones first.
        stages: What a receipt says at the first poll, the second one, and so on.
        poison: Stands in every text from outside.
        hold: While it is not set, an overview waits.
        steps: The campaign's steps, which records stand in by turns.
        reports: What providers reported, of how many records each.
        ordered: Verb, run, reason and payload of every order.
        told: What an order's receipt says.
    """

    runs: list[RunView] = field(default_factory=some_runs)
    total: int = 1_000_000
    fault: Exception | None = None
    bump: int = 0
    changes: int = 1_000
    alive: bool = True
    pid: int = OWN_PID
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
            released=False,
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

    async def overview(self) -> Overview:
        self._check("overview")
        await self.hold.wait()
        return Overview(
            runs=tuple(self._now(run) for run in self.runs),
            engine=self._engine(),
            as_of_ms=self.clock(),
        )

    async def pulse(self) -> EngineView:
        self._check("pulse")
        return self._engine()

    async def run(self, run_id: str) -> RunView:
        self._check("run")
        for run in self.runs:
            if run.run_id == run_id:
                return self._now(run)
        msg = f"no run {run_id} in this workspace; watchfloor runs lists them"
        raise NotFoundError(msg)

    def record(self, seq: int) -> RecordView:
        shift = self.bump if seq == 10 or self.all_change else 0
        state = _PATTERN[(seq + shift) % len(_PATTERN)]
        outcome, code = _CLASSES.get(state, (None, ""))
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

    async def records(
        self,
        run_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        state: RecordState | None = None,
        size: int = 40,
    ) -> RecordPage:
        self._check("records")
        run = await self.run(run_id)
        total = min(self.total, run.books.records)
        if state is not None and state not in _PATTERN:
            return RecordPage()
        step = 1 if before is None else -1
        seq = (after or 0) + 1 if before is None else (before or total + 1) - 1
        found: list[RecordView] = []
        while 1 <= seq <= total and len(found) <= size:
            record = self.record(seq)
            if state is None or record.state is state:
                found.append(record)
            seq += step
        more, found = len(found) > size, found[:size]
        if step < 0:
            found.reverse()
            return RecordPage(
                records=tuple(found), has_before=more, has_after=before != 0
            )
        return RecordPage(records=tuple(found), has_before=bool(after), has_after=more)

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
        if not run.books.callback:
            return preview(run, verb)
        page = await self.callbacks(run_id, size=PROMISES_NAMED)
        return preview(run, verb, page.callbacks)

    async def ask(self, preview: Preview, reason: str = "") -> Receipt:
        self._check("ask")
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
