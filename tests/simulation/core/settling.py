"""Within a transaction: what runs become, by the core's table and its figures."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation.core.rows import Order, Record, Run, Shelf, Stage

from watchfloor.domain.approval import awaits_approval, work_of
from watchfloor.domain.canary import (
    Baseline,
    Figures,
    StageState,
    is_dedupe_hit,
    judge,
    stage_sizes,
    stop_said,
)
from watchfloor.domain.errors import RefusedError
from watchfloor.domain.labels import labels
from watchfloor.domain.lifecycle import (
    acknowledge,
    apply_intent,
    due,
    may_dispatch,
    refusal,
    step,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Fact,
    Gate,
    History,
    Intake,
    Lifecycle,
    Phase,
    Results,
    Verb,
    Work,
)

#: The longest chain of the table is four.
_LONGEST_CHAIN = 8
_ENDS_A_STEP = (RecordState.DELIVERED, RecordState.FAILED)
_DROPPED = (RecordState.PENDING, RecordState.RETRY, RecordState.WAITING)


class Settling:
    """What one transaction does to runs."""

    def __init__(self, tx: Shelf, now_ms: int) -> None:
        self.tx = tx
        self.now_ms = now_ms

    def work(self, number: int) -> Work:
        """Return what is left of a run, as its lifecycle asks for it."""
        run, books = self.tx.runs[number], self.tx.books(number)
        waits = awaits_approval(run.plan.approve_after, run.approved_at_ms, run.started)
        return work_of(books, waits=waits)

    def tell(self, number: int, fact: Fact) -> bool:
        """Tell a run a fact; return whether the table had a row for it."""
        run, work = self.tx.runs[number], self.work(number)
        taken = step(run.lifecycle, work, fact)
        if taken is not None:
            self._keep(run, taken.after, None, work)
        return taken is not None

    def settle(self, number: int) -> None:
        """Apply what is acknowledged and tell every fact that has become true."""
        for _ in range(_LONGEST_CHAIN):
            run, work = self.tx.runs[number], self.work(number)
            life = run.lifecycle
            if life.intent is not None and not _holds_back(life, work):
                self._apply(run, work)
                continue
            if (
                run.is_doomed
                and _is_drained(work)
                and self.tell(number, Fact.FATAL_ERROR)
            ):
                continue
            fact = due(life, work)
            if fact is None or self._must_wait(run, work, fact):
                return
            self.tell(number, fact)

    def request(self, number: int, verb: Verb, order: Order) -> None:
        """Fill a run's intent slot; a weaker intent that was pending is replaced."""
        run = self.tx.runs[number]
        after = acknowledge(run.lifecycle, verb)
        if run.asked is not None:
            self.tx.answers[run.asked.order_id] = "INTENT_PENDING"
        self.tx.runs[number] = run._replace(
            lifecycle=after, asked=order, version=run.version + 1
        )

    def pause_itself(self, number: int, why: str) -> None:
        """Pause a run on the engine's own behalf, at once."""
        run = self.tx.runs[number]
        if refusal(run.lifecycle, Verb.PAUSE) is None:
            asked = Order("", "pause", number, said=why)
            self.request(number, Verb.PAUSE, asked)
            self._apply(self.tx.runs[number], self.work(number))

    def sweep(self, number: int, most: int) -> None:
        """Give some of what will never be attempted its last state."""
        for record in self._doomed(number)[:most]:
            fallen = record.over(_fallen(record), record.code)
            self.tx.records[number, record.seq] = fallen

    def archive(self, number: int) -> None:
        """Tell an ended run that its history is written, then that it is closed."""
        life = self.tx.runs[number].lifecycle
        if life.history is History.CREATING:
            self.tell(number, Fact.HISTORY_CREATED)
        elif life.results is Results.COLLECTING:
            self.tell(number, Fact.RESULTS_CLOSED)

    def is_anything_left(self) -> bool:
        """Whether a sweep has something to do."""
        return any(self._doomed(number) for number in self.tx.runs)

    def look_at_canary(self, number: int) -> None:
        """Open, judge or overrule the stage that holds others back."""
        run = self.tx.runs[number]
        if run.released_seq is None or not may_dispatch(run.lifecycle):
            return
        if run.lifecycle.intent is not None or run.is_doomed:
            return
        place = [one.last_seq for one in run.stages].index(run.released_seq)
        stage = run.stages[place]
        if stage.state is StageState.WAITING:
            self._open(number, place)
        elif stage.state is StageState.STOPPED:
            # Only a resume opens the gate again: somebody has seen the figures.
            self._mark(number, place, StageState.OVERRULED)
            self._open(number, place + 1)
        else:
            self._judge_stage(number, place)

    def read_on(self, number: int, rows: int) -> bool:
        """Read or judge some rows of the upload; return whether all of it is done."""
        run = self.tx.runs[number]
        life = run.lifecycle
        if life.is_ended or life.phase in (Phase.STOPPING, Phase.CANCELLING):
            return True
        if life.intake is Intake.PENDING:
            self.tell(number, Fact.INTAKE_STARTED)
        elif life.intake is Intake.EXTRACTING:
            for contact, zone in run.plan.rows[run.read :][:rows]:
                self._extract(number, contact, zone)
            if self.tx.runs[number].read == len(run.plan.rows):
                self.tell(number, Fact.EXTRACTED)
        elif life.intake is Intake.FILTERING:
            self._filter_on(number, rows)
        return self.tx.runs[number].lifecycle.intake in (Intake.DONE, Intake.ABORTED)

    def _filter_on(self, number: int, rows: int) -> None:
        for _ in range(min(rows, len(self.tx.runs[number].unjudged))):
            self._filter(number)
        if not self.tx.runs[number].unjudged:
            self._open_canary(number)
            self.tell(number, Fact.FILTER_DONE)

    def _extract(self, number: int, contact: str, zone: str) -> None:
        run = self.tx.runs[number]
        known = {one for one, _ in run.plan.rows[: run.read]}
        run = run._replace(read=run.read + 1)
        if not contact:
            run = run._replace(invalid=run.invalid + 1)
        elif contact in known:
            run = run._replace(duplicate=run.duplicate + 1)
        else:
            run = run._replace(unjudged=(*run.unjudged, (contact, zone)))
        self.tx.runs[number] = run

    def _filter(self, number: int) -> None:
        run = self.tx.runs[number]
        (contact, zone), *others = run.unjudged
        run = run._replace(unjudged=tuple(others))
        if contact in run.plan.filtered:
            run = run._replace(filtered=run.filtered + 1)
        elif contact in self.tx.opted_out:
            run = run._replace(suppressed=run.suppressed + 1)
        else:
            seq = len(self.tx.of_run(number)) + 1
            self.tx.records[number, seq] = Record(seq, contact, zone)
        self.tx.runs[number] = run

    def _open_canary(self, number: int) -> None:
        run = self.tx.runs[number]
        sizes = stage_sizes(len(self.tx.of_run(number)), canary=run.plan.canary)
        if len(sizes) > 1 and not run.lifecycle.launched:
            ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
            stages = tuple(Stage(end, StageState.WAITING) for end in ends)
            self.tx.runs[number] = run._replace(stages=stages, released_seq=ends[0])

    def _apply(self, run: Run, work: Work) -> None:
        asked = run.asked
        assert asked is not None
        try:
            taken = apply_intent(run.lifecycle, work)
        except RefusedError as error:
            life = replace(run.lifecycle, intent=None)
            self.tx.runs[run.number] = run._replace(
                lifecycle=life, asked=None, version=run.version + 1
            )
            self._answer(asked, str(error.refusal))
            return
        self._answer(asked, "applied")
        self._keep(run, taken.after, asked, work)

    def _answer(self, asked: Order, word: str) -> None:
        if asked.order_id:
            self.tx.answers[asked.order_id] = word
            count = self.tx.effects.get(asked.order_id, 0)
            self.tx.effects[asked.order_id] = count + 1

    def _keep(
        self, run: Run, after: Lifecycle, asked: Order | None, work: Work
    ) -> None:
        closes = run.is_open and after.gate is not Gate.OPEN
        opens = not run.is_open and after.gate is Gate.OPEN
        if asked is not None and closes:
            run = run._replace(
                gate_by="somebody" if asked.order_id else "engine", gate_why=asked.said
            )
        self.tx.runs[run.number] = run._replace(
            lifecycle=after,
            version=run.version + 1,
            asked=None if after.intent is None else run.asked,
            was_resumed=run.was_resumed or opens,
        )
        # Whatever a run comes to has a name in every dialect.
        told = labels(after, work)
        assert all((told.native, told.dialer, told.jobs_page, told.sender))

    def _must_wait(self, run: Run, work: Work, fact: Fact) -> bool:
        if fact is Fact.STOP_SETTLED:
            return self._drops_callbacks(run) and work.callbacks > 0
        return fact is Fact.ADMITTED and run.is_doomed

    def _drops_callbacks(self, run: Run) -> bool:
        life = run.lifecycle
        again = life.phase is Phase.STOPPING and life.stops > 1
        return run.is_doomed or life.phase is Phase.CANCELLING or again

    def _doomed(self, number: int) -> list[Record]:
        run = self.tx.runs[number]
        life = run.lifecycle
        ends_early = not life.launched and life.intent in (Verb.STOP, Verb.CANCEL)
        is_dropping = life.phase in (Phase.STOPPING, Phase.CANCELLING)
        if not (is_dropping or ends_early or run.is_doomed):
            return []
        states = set(_DROPPED)
        if self._drops_callbacks(run):
            states.add(RecordState.CALLBACK)
        return [one for one in self.tx.of_run(number) if one.state in states]

    def _judge_stage(self, number: int, place: int) -> None:
        run = self.tx.runs[number]
        figures = self._figures(run, place)
        if not figures.is_due:
            return
        verdict = judge(figures, Baseline())
        if verdict.passes:
            self._mark(number, place, StageState.PASSED)
            self._open(number, place + 1)
            return
        self.pause_itself(number, stop_said(place + 1, verdict))
        if not self.tx.runs[number].is_open:
            self._mark(number, place, StageState.STOPPED)

    def _figures(self, run: Run, place: int) -> Figures:
        first = run.stages[place - 1].last_seq + 1 if place else 1
        last = run.stages[place].last_seq
        records = [
            one for one in self.tx.of_run(run.number) if first <= one.seq <= last
        ]
        ends = [
            (attempt.outcome_class, attempt.code)
            for one in records
            for attempt in self.tx.attempts.get((run.number, one.seq), ())
            if not attempt.is_interrupted
        ]
        doubtful = (OutcomeClass.TRANSIENT, OutcomeClass.AMBIGUOUS)
        permanent = [code for end, code in ends if end is OutcomeClass.PERMANENT]
        return Figures(
            records=len(records),
            settled=sum(
                one.state.is_final or one.state is RecordState.CALLBACK
                for one in records
            ),
            failed=sum(
                one.state in (RecordState.FAILED, RecordState.UNKNOWN)
                for one in records
            ),
            attempts=len(ends),
            transient=sum(end in doubtful for end, _ in ends),
            permanent={code: permanent.count(code) for code in permanent},
            dedupe_hits={code: 1 for _, code in ends if is_dedupe_hit(code)},
        )

    def _open(self, number: int, place: int) -> None:
        run = self.tx.runs[number]
        is_last = place + 1 == len(run.stages)
        state = StageState.RELEASED if is_last else StageState.RUNNING
        self._mark(number, place, state)
        run = self.tx.runs[number]
        released = None if is_last else run.stages[place].last_seq
        self.tx.runs[number] = run._replace(released_seq=released)

    def _mark(self, number: int, place: int, state: StageState) -> None:
        run = self.tx.runs[number]
        stages = list(run.stages)
        stages[place] = stages[place]._replace(state=state)
        self.tx.runs[number] = run._replace(
            stages=tuple(stages), version=run.version + 1
        )


def _holds_back(life: Lifecycle, work: Work) -> bool:
    """Whether an intent must wait: an end before launch leaves no work behind."""
    ends = not life.launched and life.intent in (Verb.STOP, Verb.CANCEL)
    return ends and (work.eligible > 0 or work.waiting > 0)


def _is_drained(work: Work) -> bool:
    return not (work.eligible or work.in_flight or work.callbacks or work.waiting)


def _fallen(record: Record) -> RecordState:
    """Return the last state of a record that an end leaves untouched."""
    if record.doubts:
        return RecordState.UNKNOWN
    if record.state is RecordState.CALLBACK:
        return RecordState.ABANDONED
    if record.earlier:
        return RecordState(record.earlier)
    return RecordState.NOT_ATTEMPTED


def take_on(tx: Shelf, number: int, record: Record, now_ms: int) -> None:
    """Let a record go on to the next step, if there is one for what it came to."""
    steps = tx.runs[number].plan.steps
    following = record.step + 1
    if following == len(steps) or record.state not in _ENDS_A_STEP:
        return
    if steps[following].after is record.state:
        tx.records[number, record.seq] = record._replace(
            state=RecordState.PENDING,
            step=following,
            base=record.attempts,
            interrupted=0,
            doubts=0,
            earlier=int(record.state),
            first_at_ms=None,
            next_at_ms=now_ms,
            expires_at_ms=None,
        )
