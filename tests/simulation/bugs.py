"""Planted bugs: each makes one function of the product wrong, and must be found.

``python -m tests.simulation.bugs`` prints the table. A bug is what somebody could
write: a check left out, a bound off by one, a list not put back. It is planted while
worlds turn and taken out again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, cast
from unittest import mock

from tests.simulation.invariants import ViolationError
from tests.simulation.turning import Bench, bench

from watchfloor.domain import records
from watchfloor.domain.canary import Verdict as Said
from watchfloor.domain.outcomes import Delivery, OutcomeClass
from watchfloor.domain.pacing import Bucket
from watchfloor.domain.records import RecordState, Verdict
from watchfloor.domain.regions import Gate, Phase
from watchfloor.domain.windows import Opening
from watchfloor.engine import (
    booking,
    canaries,
    changes,
    collector,
    commands,
    committer,
    dropping,
    handing_out,
    openings,
    recovery,
    sparing,
    supervisor,
    throttles,
)
from watchfloor.engine import ledger as ledgers
from watchfloor.engine import pace as paces
from watchfloor.engine.committer import Committer
from watchfloor.engine.dispatcher import Dispatcher
from watchfloor.engine.extraction import judge
from watchfloor.engine.lanes import Lanes
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.proof import Proof
from watchfloor.engine.throttles import Line, Throttle
from watchfloor.store.writes import lease

#: So many seeds may a bug take.
MOST_SEEDS = 300
#: These found what few seeds find: they are turned first.
RARE = (
    58,
    66,
    73,
    113,
    76,
    114,
    212,
    2408,
    5378,
    7485,
    55150,
    10,
    2,
    0,
    33,
    74,
    147,
    168,
    50,
    184,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One planted bug.

    Attributes:
        broken: What it does wrong, in a few words.
        places: The modules or classes in which ``name`` is replaced.
        wrong: Makes the wrong function of the right one.
    """

    title: str
    broken: str
    places: tuple[Any, ...]
    name: str
    wrong: Callable[[Any], Any]


class Finding(NamedTuple):
    """Which seed found a bug, after how many, and by which invariant."""

    seed: int
    seeds: int
    number: int
    told: str


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Let the product have the bug during the block."""
    patches = [
        mock.patch.object(place, bug.name, bug.wrong(getattr(place, bug.name)))
        for place in bug.places
    ]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def finding(
    turned: Bench, bug: Bug, most: int = MOST_SEEDS, *, first: Sequence[int] = ()
) -> Finding | None:
    """Return what found a bug, *first* turned before others; None where none did."""
    for count, seed in enumerate(dict.fromkeys((*first, *RARE, *range(most))), 1):
        turned.prepare(seed)
        with planted(bug):
            try:
                turned.world(seed).run()
            except ViolationError as found:
                return Finding(seed, count, found.number, str(found))
    return None


def judged(change: Callable[..., Verdict]) -> Callable[[Any], Any]:
    def wrong(right: Any) -> Any:
        def judge(outcome: Any, policy: Any, delivery: Any, seen: Any) -> Verdict:
            return change(right, outcome, policy, delivery, seen)

        return judge

    return wrong


def always(value: Any) -> Callable[[Any], Any]:
    return lambda _: lambda *_, **__: value


def ambiguous_is_retried(right: Any, *asked: Any) -> Verdict:
    outcome, policy, _, seen = asked
    verdict: Verdict = right(outcome, policy, Delivery.IDEMPOTENT, seen)
    return verdict


def permanent_is_retried(right: Any, *asked: Any) -> Verdict:
    outcome, *others = asked
    if outcome.outcome_class is OutcomeClass.PERMANENT:
        outcome = replace(outcome, outcome_class=OutcomeClass.TRANSIENT)
        verdict: Verdict = right(outcome, *others)
        return verdict
    return cast("Verdict", right(outcome, *others))


def unknown_is_failed(right: Any, *asked: Any) -> Verdict:
    verdict: Verdict = right(*asked)
    if verdict.state is RecordState.UNKNOWN:
        return Verdict(RecordState.FAILED)
    return verdict


def _ambiguous_is_delivered(right: Any, *asked: Any) -> Verdict:
    outcome, _, _, _ = asked
    if outcome.code == "connect_refused":
        return Verdict(RecordState.DELIVERED)
    verdict: Verdict = right(*asked)
    return verdict


def one_try_more(right: Any, *asked: Any) -> Verdict:
    outcome, policy, *others = asked
    verdict: Verdict = right(
        outcome, replace(policy, attempts=policy.attempts + 1), *others
    )
    return verdict


def doubt_is_forgotten(right: Any, *asked: Any) -> Verdict:
    *others, seen = asked
    verdict: Verdict = right(*others, replace(seen, in_doubt=False))
    return verdict


def deaf_to_wishes(right: Any) -> Any:
    def wrong(*asked: Any, **more: Any) -> int:
        at_ms: int = right(*asked, **{**more, "retry_after_ms": 0})
        return at_ms

    return wrong


def waits_too_long(right: Any) -> Any:
    def wrong(*asked: Any, **more: Any) -> int:
        at_ms: int = right(*asked, **more)
        return at_ms + 120_000

    return wrong


def _resends_everything(right: Any) -> Any:
    def wrong(tx: Any, writer: Any, ledger: Any, rows: Any, promise: Any) -> None:
        assert promise
        right(tx, writer, ledger, rows, Delivery.IDEMPOTENT)

    return wrong


def _hands_out_at_once(right: Any) -> Any:
    def wrong(self: Any, tx: Any, lane: Any) -> Any:
        taken = right(self, tx, lane)
        if taken.claimed:
            lane.receive(taken.claimed)
        return taken._replace(claimed=[])

    return wrong


def _key_of_the_attempt(right: Any) -> Any:
    def wrong(self: Any, claimed: Any) -> Any:
        return right(self, claimed._replace(generation=claimed.attempts))

    return wrong


def _body_of_the_attempt(right: Any) -> Any:
    def wrong(self: Any, claimed: Any) -> Any:
        dispatch = right(self, claimed)
        fields = {**dispatch.fields, "attempt": str(dispatch.number)}
        return replace(dispatch, fields=fields)

    return wrong


def _one_permit_more(right: Any) -> Any:
    def wrong(self: Any, permits: int) -> None:
        right(self, permits + 1)

    return wrong


def _full_is_one_late(_: Any) -> Any:
    return property(
        lambda self: self.permits is not None and self.in_use > self.permits
    )


def refills_twice_as_fast(right: Any) -> Any:
    def wrong(bucket: Bucket, *asked: Any) -> tuple[Bucket, float]:
        quick = replace(bucket, rate_per_s=bucket.rate_per_s * 2)
        taken, wait_s = right(quick, *asked)
        return replace(taken, rate_per_s=bucket.rate_per_s), wait_s

    return wrong


def _pace_is_spent_first(_: Any) -> Any:
    async def wrong(self: Any, line: Any) -> bool:
        await self._pace.wait()
        self._pace.took()
        entered: bool = await line.enter()
        return entered

    return wrong


def _holds_nothing(_: Any) -> Any:
    return lambda _, run_ids: run_ids


def _looks_past_the_canary(right: Any) -> Any:
    def wrong(tx: Any, writer: Any, ledger: Any, *asked: Any, **more: Any) -> Any:
        kept, ledger.released_seq = ledger.released_seq, None
        try:
            return right(tx, writer, ledger, *asked, **more)
        finally:
            ledger.released_seq = kept

    return wrong


def _counts_the_settled(right: Any) -> Any:
    def wrong(*asked: Any, **more: Any) -> Any:
        told = right(*asked, **more)
        return replace(told, records=told.settled) if told.settled else told

    return wrong


def _keys_of_the_run(right: Any) -> Any:
    def wrong(self: Any, claimed: Any) -> Any:
        plan = self._plan
        self._plan = replace(plan, family_id=self.run_id)
        try:
            return right(self, claimed)
        finally:
            self._plan = plan

    return wrong


def always_open(_: Any) -> Any:
    return lambda *_: Opening(is_open=True, until_ms=None)


def winter_time(right: Any) -> Any:
    def wrong(window: Any, zones: Any, now_ms: int) -> Any:
        return right(window, zones, now_ms + 3_600_000)

    return wrong


def _an_hour_early(right: Any) -> Any:
    def wrong(tx: Any, *others: Any) -> Any:
        return right(tx._replace(now_ms=tx.now_ms + 3_600_000), *others)

    return wrong


def _asks_nobody(right: Any) -> Any:
    def wrong(row: Any, rules: Any, now_ms: int) -> Any:
        fate = right(row, rules, now_ms)
        is_suppressed = getattr(fate, "code", "") == handing_out.SUPPRESSED
        return None if is_suppressed else fate

    return wrong


def _takes_all(_: Any) -> Any:
    return lambda _tx, _writer, _ledger, rows: list(rows)


def _never_too_late(right: Any) -> Any:
    def wrong(row: Any, rules: Any, now_ms: int) -> Any:
        return right(row._replace(expires_at_ms=None), rules, now_ms)

    return wrong


def paused_in_flight(right: Any) -> Any:
    def wrong(run: Any, work: Any) -> Any:
        step = right(run, work)
        if step.after.gate is Gate.PAUSING:
            return replace(step, after=replace(step.after, gate=Gate.PAUSED))
        return step

    return wrong


def retries_are_no_work(right: Any) -> Any:
    def wrong(books: Any, **more: Any) -> Any:
        work = right(books, **more)
        return replace(work, eligible=max(0, work.eligible - books.retry))

    return wrong


def flights_are_no_work(right: Any) -> Any:
    def wrong(books: Any, **more: Any) -> Any:
        return replace(right(books, **more), in_flight=0)

    return wrong


def _counts_one_side(_: Any) -> Any:
    def wrong(self: Any, before: Any, after: Any, count: int = 1) -> None:
        assert before is not None
        self.tally[after.word] += count
        self.touch()

    return wrong


def _frontier_stays(right: Any) -> Any:
    def wrong(tx: Any, writer: Any, ledger: Any, rows: Any) -> None:
        frontier, exhausted = ledger.frontier, ledger.is_exhausted
        right(tx, writer, ledger, rows)
        ledger.frontier, ledger.is_exhausted = frontier, exhausted

    return wrong


def _doubt_is_swept(right: Any) -> Any:
    def wrong(ledger: Any) -> Any:
        return [(move, doubtful) for move, doubtful in right(ledger) if not doubtful]

    return wrong


def _sweep_is_remembered(_: Any) -> Any:
    def wrong(self: Any, before: Any, after: Any, count: int = 1) -> None:
        self.tally[before.word] -= count
        self.tally[after.word] += count
        self.touch()

    return wrong


def _held_is_not_counted_again(right: Any) -> Any:
    def wrong(tx: Any, writer: Any, ledger: Any, rows: Any) -> None:
        was = ledger.held_is_counted
        right(tx, writer, ledger, rows)
        ledger.held_is_counted = was

    return wrong


def _second_stop_at_once(_: Any) -> Any:
    return property(lambda self: self.is_being_dropped)


def _epoch_is_kept(right: Any) -> Any:
    def wrong(connection: Any, *asked: Any, **more: Any) -> int:
        epoch: int = right(connection, *asked, **more)
        if epoch > 1:
            connection.exec_driver_sql("UPDATE lease SET epoch = epoch - 1")
            return epoch - 1
        return epoch

    return wrong


def _permit_is_kept(right: Any) -> Any:
    count = [0]

    def wrong(self: Any) -> None:
        count[0] += 1
        if count[0] % 3:
            right(self)

    return wrong


def _more_only(right: Any) -> Any:
    def wrong(self: Any, permits: int, rate_per_s: Any) -> None:
        right(self, max(permits, self._permits), rate_per_s)

    return wrong


def _resume_resends_unknown(right: Any) -> Any:
    def wrong(tx: Any, ledger: Any) -> None:
        was = ledger.lifecycle.gate
        right(tx, ledger)
        if was is not Gate.OPEN and ledger.lifecycle.gate is Gate.OPEN:
            moved = tx.connection.exec_driver_sql(
                "UPDATE record SET state = 3, next_at_ms = 0 "
                "WHERE state = 8 AND run_no = ?",
                (ledger.run_no,),
            )
            ledger.moved(RecordState.UNKNOWN, RecordState.RETRY, moved.rowcount)
            ledger.note_due(0)

    return wrong


def _tells_twice(right: Any) -> Any:
    def wrong(self: Any, finished: Any) -> None:
        right(self, finished)
        right(self, finished)

    return wrong


def _launched_anew(right: Any) -> Any:
    def wrong(self: Any, row: Any) -> None:
        right(self, row)
        if self.lifecycle.phase is Phase.RUNNING:
            self.lifecycle = replace(self.lifecycle, phase=Phase.QUEUED)

    return wrong


def _held_is_not_counted(right: Any) -> Any:
    def wrong(tx: Any, writer: Any, ledger: Any, rows: Any, opens_at_ms: int) -> None:
        held = ledger.held
        right(tx, writer, ledger, rows, opens_at_ms)
        ledger.held = held

    return wrong


def _rest_is_never_taken_up(right: Any) -> Any:
    async def wrong(run_id: str, campaign: Any, submit: Any, known: Any) -> None:
        def is_half(tx: Any) -> bool:
            ledger = tx.ledgers.get(run_id)
            return ledger is not None and ledger.tally["extracted"] > 0

        if await submit(is_half):
            # Of what a crash left a new engine thinks that it is all there is.
            await judge(run_id, None, submit)
        else:
            await right(run_id, campaign, submit, known)

    return wrong


def _begins_at_the_beginning(right: Any) -> Any:
    async def wrong(run_id: str, campaign: Any, submit: Any, known: Any) -> None:
        def forget(tx: Any) -> None:
            if run_id in tx.ledgers:
                tx.ledgers[run_id].tally["extracted"] = 0

        await submit(forget)
        await right(run_id, campaign, submit, known)

    return wrong


_JUDGE = (booking,)


def _bug(title: str, broken: str, places: Any, name: str, wrong: Any) -> Bug:
    known = places if isinstance(places, tuple) else (places,)
    return Bug(title=title, broken=broken, places=known, name=name, wrong=wrong)


BUGS: tuple[Bug, ...] = (
    _bug(
        "ambiguous-retried",
        "an at-most-once attempt in doubt is sent again",
        _JUDGE,
        "judge",
        judged(ambiguous_is_retried),
    ),
    _bug(
        "permanent-retried",
        "a permanent failure is tried again",
        _JUDGE,
        "judge",
        judged(permanent_is_retried),
    ),
    _bug(
        "unknown-failed",
        "what may have been delivered is called failed",
        _JUDGE,
        "judge",
        judged(unknown_is_failed),
    ),
    _bug(
        "refused-delivered",
        "a refused connection is called delivered",
        _JUDGE,
        "judge",
        judged(_ambiguous_is_delivered),
    ),
    _bug(
        "one-try-more",
        "the attempt cap is off by one",
        _JUDGE,
        "judge",
        judged(one_try_more),
    ),
    _bug(
        "doubt-forgotten",
        "a transient failure hides an earlier doubt",
        _JUDGE,
        "judge",
        judged(doubt_is_forgotten),
    ),
    _bug(
        "retry-after-ignored",
        "the provider's Retry-After is not obeyed",
        records,
        "next_attempt_at_ms",
        deaf_to_wishes,
    ),
    _bug(
        "backoff-uncapped",
        "a retry waits longer than its longest pause",
        records,
        "next_attempt_at_ms",
        waits_too_long,
    ),
    _bug(
        "crash-resends",
        "after a crash everything in flight is sent again",
        recovery,
        "_close",
        _resends_everything,
    ),
    _bug(
        "crash-forgets",
        "after a crash what was in flight is left there",
        recovery,
        "_recover_run",
        always(0),
    ),
    _bug(
        "sent-before-commit",
        "intents are handed out before their commit",
        Committer,
        "_claim",
        _hands_out_at_once,
    ),
    _bug(
        "gate-stays-open",
        "a pause does not close the gate of the dispatcher",
        Dispatcher,
        "hold",
        always(None),
    ),
    _bug(
        "gate-closes-late",
        "the gate closes after the answer, once the run is followed",
        Lanes,
        "hold",
        _holds_nothing,
    ),
    _bug(
        "retries-while-ending",
        "a stop or a cancel leaves what comes back for a later try",
        booking,
        "may_retry",
        always(True),
    ),
    _bug(
        "no-last-look",
        "opt-outs and windows are not asked just before the send",
        Dispatcher,
        "_must_not",
        always(False),
    ),
    _bug(
        "key-per-attempt",
        "the idempotency key changes with the attempt",
        Dispatcher,
        "_dispatch",
        _key_of_the_attempt,
    ),
    _bug(
        "body-per-attempt",
        "the same key comes with another body",
        Dispatcher,
        "_dispatch",
        _body_of_the_attempt,
    ),
    _bug(
        "one-permit-more",
        "a run has one attempt too many in flight",
        Dispatcher,
        "_staff",
        _one_permit_more,
    ),
    _bug(
        "limits-only-grow",
        "fewer permits are not obeyed",
        Dispatcher,
        "set_limits",
        _more_only,
    ),
    _bug(
        "full-is-late",
        "a shared limit lets one too many in",
        Throttle,
        "is_full",
        _full_is_one_late,
    ),
    _bug(
        "permit-leaks",
        "every third attempt keeps its shared permit",
        Line,
        "leave",
        _permit_is_kept,
    ),
    _bug(
        "pace-doubled",
        "the bucket refills twice as fast",
        (paces, throttles),
        "take",
        refills_twice_as_fast,
    ),
    _bug(
        "pace-before-limits",
        "the run's own pace is spent before shared limits are waited for",
        Dispatcher,
        "_entered_in_time",
        _pace_is_spent_first,
    ),
    _bug(
        "window-ignored",
        "the recipient's window is not asked",
        openings.Openings,
        "at",
        always_open,
    ),
    _bug("winter-time", "windows are an hour off", openings, "opening", winter_time),
    _bug(
        "taken-up-early",
        "retries and callbacks are taken up an hour early",
        handing_out,
        "_due",
        _an_hour_early,
    ),
    _bug(
        "opt-out-ignored",
        "claiming does not ask for opt-outs, nor the last look",
        handing_out,
        "_fate",
        _asks_nobody,
    ),
    _bug(
        "expired-promise",
        "a callback is made after it expired",
        handing_out,
        "_fate",
        _never_too_late,
    ),
    _bug(
        "approval-ignored",
        "a run goes on without the word it waits for",
        handing_out,
        "attempts_before_approval",
        always(None),
    ),
    _bug(
        "canary-ignored",
        "records past a canary's stage are attempted",
        handing_out,
        "_looked_at",
        _looks_past_the_canary,
    ),
    _bug(
        "canary-passes-all",
        "a stage passes whatever its figures say",
        canaries,
        "judge",
        always(Said(findings=())),
    ),
    _bug(
        "canary-judged-early",
        "a stage is judged by those that have settled",
        canaries,
        "figures",
        _counts_the_settled,
    ),
    _bug(
        "canary-overrules",
        "a stage that stopped is overruled without a person",
        canaries,
        "may_dispatch",
        always(True),
    ),
    _bug(
        "retry-keys-anew",
        "a child run has keys of its own",
        Dispatcher,
        "_dispatch",
        _keys_of_the_run,
    ),
    _bug(
        "paused-in-flight",
        "a pause is told settled with attempts in flight",
        changes,
        "apply_intent",
        paused_in_flight,
    ),
    _bug(
        "retries-no-work",
        "a run ends while records wait for a retry",
        ledgers,
        "work_of",
        retries_are_no_work,
    ),
    _bug(
        "flights-no-work",
        "a run ends while attempts are in flight",
        ledgers,
        "work_of",
        flights_are_no_work,
    ),
    _bug(
        "one-sided-count",
        "a counter is raised and the other not lowered",
        Ledger,
        "moved",
        _counts_one_side,
    ),
    _bug(
        "held-not-counted",
        "records at rest are not counted",
        handing_out,
        "_rest",
        _held_is_not_counted,
    ),
    _bug(
        "frontier-stays",
        "a released intent is left behind the frontier",
        committer,
        "book_releases",
        _frontier_stays,
    ),
    _bug(
        "left-not-put-back",
        "who was looked at and not taken is passed over",
        handing_out,
        "_put_back",
        always(None),
    ),
    _bug(
        "never-due",
        "retries are never looked for again",
        handing_out,
        "_next_due",
        always(None),
    ),
    _bug(
        "doubt-swept",
        "a stop calls a doubtful retry not attempted",
        dropping,
        "_dropped",
        _doubt_is_swept,
    ),
    _bug(
        "held-after-sweep",
        "what comes back to its window during a sweep stays counted",
        committer,
        "book_releases",
        _held_is_not_counted_again,
    ),
    _bug(
        "doubt-after-sweep",
        "a doubtful retry that comes back during a sweep is called not attempted",
        Ledger,
        "moved",
        _sweep_is_remembered,
    ),
    _bug(
        "first-stop-drops",
        "the first stop drops promised callbacks",
        Ledger,
        "drops_callbacks",
        _second_stop_at_once,
    ),
    _bug(
        "no-fence",
        "an older owner's transaction is not fenced",
        lease,
        "fence",
        always(None),
    ),
    _bug(
        "epoch-kept",
        "a new owner keeps the old epoch",
        sys.modules["watchfloor.engine.tenure"],
        "take",
        _epoch_is_kept,
    ),
    _bug(
        "proof-never-old",
        "an engine that has committed nothing for long goes on sending",
        Proof,
        "is_old",
        always(False),
    ),
    _bug(
        "command-twice",
        "a command that was answered is taken again",
        commands,
        "receipt",
        always(None),
    ),
    _bug(
        "unknown-resent",
        "a resume sends unknown records again",
        changes,
        "apply",
        _resume_resends_unknown,
    ),
    _bug(
        "outcome-twice",
        "an attempt is closed twice",
        Dispatcher,
        "_finish",
        _tells_twice,
    ),
    _bug(
        "seeded-never",
        "what a crash left of a cohort is never taken up",
        supervisor,
        "seed",
        _rest_is_never_taken_up,
    ),
    _bug(
        "seeded-twice",
        "after a crash a cohort is taken up from its beginning again",
        supervisor,
        "seed",
        _begins_at_the_beginning,
    ),
    _bug(
        "nobody-spared",
        "a retry tries whom a late report calls reached",
        collector,
        "spare",
        always(None),
    ),
    _bug(
        "nobody-kept-back",
        "a resend waits on although a report calls its record reached",
        sparing,
        "keep_back",
        always(None),
    ),
    _bug(
        "resent-as-said",
        "what was reported while an intent was stored is not asked for the next one",
        handing_out,
        "without_reached",
        _takes_all,
    ),
    _bug(
        "launched-anew",
        "a restart launches a running run again",
        Ledger,
        "load",
        _launched_anew,
    ),
)


def tabled(bugs: Sequence[Bug], found_by: Callable[[Bug], Finding | None]) -> int:
    """Print bugs, each with the seed that found it; return how many none did.

    Those whose titles stand on the command line, if any do.
    """
    print("| bug | what is broken | invariant | seed | seeds |")  # noqa: T201 - its purpose
    print("| --- | --- | --- | --- | --- |")  # noqa: T201 - its purpose
    missed = 0
    for bug in bugs:
        if sys.argv[1:] and bug.title not in sys.argv[1:]:
            continue
        found = found_by(bug)
        missed += found is None
        told = (
            "| not found | | |"
            if found is None
            else (f"| {found.number} | {found.seed} | {found.seeds} |")
        )
        print(f"| {bug.title} | {bug.broken} {told}", flush=True)  # noqa: T201 - its purpose
    return missed


def main() -> None:
    """Print the table of planted bugs."""
    with bench() as turned:
        missed = tabled(BUGS, partial(finding, turned))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
