"""Bugs planted in the core's decisions, each of which core worlds must find.

``python -m tests.simulation.core.plants`` prints the table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.simulation.bugs import (
    Bug,
    Finding,
    always,
    always_open,
    ambiguous_is_retried,
    deaf_to_wishes,
    doubt_is_forgotten,
    flights_are_no_work,
    judged,
    one_try_more,
    paused_in_flight,
    permanent_is_retried,
    planted,
    refills_twice_as_fast,
    retries_are_no_work,
    tabled,
    unknown_is_failed,
    waits_too_long,
    winter_time,
)
from tests.simulation.core import (
    booking,
    claiming,
    orders,
    owner,
    people,
    sayings,
    settling,
)
from tests.simulation.core.world import turned
from tests.simulation.invariants import ViolationError

from watchfloor.domain import blocked_by, lifecycle, previews, records
from watchfloor.domain.canary import Verdict as Said
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Fact, Intake, Phase, Verb

#: So many seeds may a bug take.
MOST_SEEDS = 1_000
#: These found what few seeds find: they are turned first.
RARE = (78, 4582, 289, 194, 151, 104, 31)


def finding(bug: Bug, most: int = MOST_SEEDS) -> Finding | None:
    """Return what found a bug; None where so many seeds did not."""
    others = (seed for seed in range(most) if seed not in RARE)
    for count, seed in enumerate((*RARE, *others), 1):
        with planted(bug):
            try:
                turned(seed)
            except ViolationError as found:
                return Finding(seed, count, found.number, str(found))
    return None


def _bursts_after_a_pause(_: Any) -> Any:
    def wrong(bucket: Any, now_s: float) -> Any:
        return replace(bucket, tokens=bucket.burst, at_s=now_s)

    return wrong


def _twice_the_permits(_: Any) -> Any:
    return lambda permits, _: 2 * permits


def _key_of_the_attempt(right: Any) -> Any:
    count = [0]

    def wrong(family: str, step: str, contact: bytes, generation: int) -> str:
        count[0] += 1
        key: str = right(family, step, contact, generation + count[0] % 7)
        return key

    return wrong


def _key_of_the_run(right: Any) -> Any:
    def wrong(family: str, step: str, contact: bytes, generation: int) -> str:
        assert step
        key: str = right(family, "", contact, generation)
        return key

    return wrong


def _drops_as_not_attempted(_: Any) -> Any:
    return lambda *_, **__: RecordState.NOT_ATTEMPTED


def _expires_whatever(_: Any) -> Any:
    return lambda **_: RecordState.EXPIRED


def _dispatches_at_any_phase(_: Any) -> Any:
    return lambda run: run.phase is not Phase.ENDED and run.launched


def _goes_on_once_paused(right: Any) -> Any:
    def wrong(run: Any) -> bool:
        goes: bool = right(run)
        return goes or (run.launched and not run.is_ended)

    return wrong


def _launches_under_a_cancel(right: Any) -> Any:
    def wrong(run: Any, work: Any) -> Any:
        if run.intent is Verb.CANCEL and run.phase is Phase.QUEUED:
            return right(replace(run, intent=None), work)
        return right(run, work)

    return wrong


def _forgets_a_fact(fact: Fact) -> Callable[[Any], Any]:
    def make(right: Any) -> Any:
        def wrong(run: Any, work: Any) -> Any:
            told = right(run, work)
            return None if told is fact else told

        return wrong

    return make


def _second_stop_is_a_first(right: Any) -> Any:
    def wrong(run: Any, work: Any, row: Any) -> Any:
        after = right(run, work, row)
        return replace(after, stops=min(after.stops, 1))

    return wrong


def _stop_drops_promises(right: Any) -> Any:
    def wrong(run: Any, work: Any, row: Any) -> Any:
        after = right(run, work, row)
        return replace(after, stops=2 if after.stops else 0)

    return wrong


def _end_is_reopened(right: Any) -> Any:
    def wrong(run: Any, work: Any, event: Any) -> Any:
        taken = right(run, work, event)
        if event is Fact.HISTORY_CREATED:
            return replace(taken, after=replace(taken.after, phase=Phase.CALLBACK))
        return taken

    return wrong


def _intake_begins_anew(right: Any) -> Any:
    def wrong(run: Any, work: Any, event: Any) -> Any:
        taken = right(run, work, event)
        if event is Fact.ADMITTED and taken is not None:
            after = replace(taken.after, intake=Intake.EXTRACTING)
            return replace(taken, after=after)
        return taken

    return wrong


def _anything_is_acknowledged(_: Any) -> Any:
    return lambda run, verb: replace(run, intent=verb)


def _held_is_no_reason(right: Any) -> Any:
    def wrong(*asked: Any, **more: Any) -> Any:
        return right(*asked, **{**more, "is_held": False})

    return wrong


def _canary_is_no_reason(right: Any) -> Any:
    def wrong(now: Any) -> Any:
        return right(replace(now, held_back=0))

    return wrong


def _backoff_is_no_reason(right: Any) -> Any:
    def wrong(now: Any) -> Any:
        found = right(now)
        return [one for one in found if one.reason != "retry backoff"]

    return wrong


def _sees_no_retries(right: Any) -> Any:
    def wrong(run: Any) -> Any:
        told = right(run)
        return replace(told, untouched=told.untouched - run.books.retry)

    return wrong


def _counts_the_settled(right: Any) -> Any:
    def wrong(**more: Any) -> Any:
        return right(**{**more, "records": more["settled"]})

    return wrong


def _bug(title: str, broken: str, place: Any, name: str, wrong: Any) -> Bug:
    known = place if isinstance(place, tuple) else (place,)
    return Bug(title=title, broken=broken, places=known, name=name, wrong=wrong)


PLANTS: tuple[Bug, ...] = (
    _bug(
        "ambiguous-retried",
        "an at-most-once attempt in doubt is sent again",
        booking,
        "judge",
        judged(ambiguous_is_retried),
    ),
    _bug(
        "permanent-retried",
        "a permanent failure is tried again",
        booking,
        "judge",
        judged(permanent_is_retried),
    ),
    _bug(
        "unknown-failed",
        "what may have been delivered is called failed",
        booking,
        "judge",
        judged(unknown_is_failed),
    ),
    _bug(
        "one-try-more",
        "the attempt cap is off by one",
        booking,
        "judge",
        judged(one_try_more),
    ),
    _bug(
        "doubt-forgotten",
        "a transient failure hides an earlier doubt",
        booking,
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
        "called-back-at-once",
        "a callback for now is made now, for ever",
        records,
        "SOONEST_CALLBACK_MS",
        lambda _: 0,
    ),
    _bug(
        "doubt-dropped",
        "an opt-out calls a doubtful record not attempted",
        claiming,
        "dropped",
        _drops_as_not_attempted,
    ),
    _bug(
        "doubt-expired",
        "a promise that expired hides an earlier doubt",
        claiming,
        "too_late",
        _expires_whatever,
    ),
    _bug(
        "retries-while-ending",
        "a stop or a cancel leaves what comes back for later",
        booking,
        "may_retry",
        always(True),
    ),
    _bug(
        "key-per-attempt",
        "the idempotency key changes with the attempt",
        owner,
        "dedupe_key",
        _key_of_the_attempt,
    ),
    _bug(
        "key-without-step",
        "two steps of a record have one key",
        owner,
        "dedupe_key",
        _key_of_the_run,
    ),
    _bug(
        "window-doubled",
        "at most once, twice the permits are stored ahead",
        claiming,
        "window",
        _twice_the_permits,
    ),
    _bug(
        "pace-doubled",
        "the bucket refills twice as fast",
        owner,
        "take",
        refills_twice_as_fast,
    ),
    _bug(
        "bursts-after-pause",
        "what the pace allowed in a pause goes out at once",
        owner,
        "reopened",
        _bursts_after_a_pause,
    ),
    _bug(
        "window-ignored",
        "the recipient's window is not asked",
        (claiming, owner),
        "opening",
        always_open,
    ),
    _bug("winter-time", "windows are an hour off", owner, "opening", winter_time),
    _bug(
        "approval-ignored",
        "a run goes on without the word it waits for",
        claiming,
        "attempts_before_approval",
        always(None),
    ),
    _bug(
        "paused-goes-on",
        "a closed gate lets attempts start",
        (claiming, owner),
        "may_call_back",
        _goes_on_once_paused,
    ),
    _bug(
        "dispatches-while-ending",
        "fresh records are attempted in every phase",
        claiming,
        "may_dispatch",
        _dispatches_at_any_phase,
    ),
    _bug(
        "paused-in-flight",
        "a pause is told settled with attempts in flight",
        settling,
        "apply_intent",
        paused_in_flight,
    ),
    _bug(
        "retries-no-work",
        "a run ends while records wait for a retry",
        settling,
        "work_of",
        retries_are_no_work,
    ),
    _bug(
        "flights-no-work",
        "a run ends while attempts are in flight",
        settling,
        "work_of",
        flights_are_no_work,
    ),
    _bug(
        "launched-under-cancel",
        "a cancel that is asked for loses to the launch",
        settling,
        "due",
        _launches_under_a_cancel,
    ),
    _bug(
        "never-done",
        "nobody says that everything is done",
        settling,
        "due",
        _forgets_a_fact(Fact.ALL_DONE),
    ),
    _bug(
        "never-settled",
        "a stop never settles",
        settling,
        "due",
        _forgets_a_fact(Fact.STOP_SETTLED),
    ),
    _bug(
        "second-stop-lost",
        "a second stop keeps promises as the first did",
        lifecycle,
        "_taken",
        _second_stop_is_a_first,
    ),
    _bug(
        "first-stop-drops",
        "the first stop drops promised callbacks",
        lifecycle,
        "_taken",
        _stop_drops_promises,
    ),
    _bug("end-reopened", "an end is not final", settling, "step", _end_is_reopened),
    _bug(
        "intake-anew",
        "a launch has the upload read again",
        settling,
        "step",
        _intake_begins_anew,
    ),
    _bug(
        "all-acknowledged",
        "a verb is acknowledged wherever it is asked",
        settling,
        "acknowledge",
        _anything_is_acknowledged,
    ),
    _bug(
        "canary-passes-all",
        "a stage passes whatever its figures say",
        settling,
        "judge",
        always(Said(findings=())),
    ),
    _bug(
        "canary-judged-early",
        "a stage is judged by those that have settled",
        settling,
        "Figures",
        _counts_the_settled,
    ),
    _bug(
        "drift-ignored",
        "an end is taken though more falls than was seen",
        orders,
        "check_drift",
        always(None),
    ),
    _bug(
        "seen-too-few",
        "a preview does not count retries",
        (previews, people),
        "seen",
        _sees_no_retries,
    ),
    _bug(
        "resent-while-ending",
        "a word has a record sent again by a run that ends",
        orders,
        "refusal_of",
        always(None),
    ),
    _bug(
        "held-no-reason",
        "a record outside its window is told dispatchable",
        sayings,
        "blocked_record",
        _held_is_no_reason,
    ),
    _bug(
        "canary-no-reason",
        "whom a canary holds back is counted dispatchable",
        sayings,
        "blocked_by",
        _canary_is_no_reason,
    ),
    _bug(
        "backoff-no-reason",
        "records in backoff have no reason",
        blocked_by,
        "_by_record",
        _backoff_is_no_reason,
    ),
)


if __name__ == "__main__":
    sys.exit(1 if tabled(PLANTS, finding) else 0)
