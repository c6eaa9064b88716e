"""The invariants, numbered as in the design: each one small function over what is seen.

None asks the product what is allowed: what may follow on what stands here once more, in
tables of its own.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

from watchfloor.domain.outcomes import Outcome
from watchfloor.domain.taking_over import PROOF_S

if TYPE_CHECKING:
    from tests.simulation.life import Life
    from tests.simulation.sight import Sight
    from tests.simulation.wire import Arrival
    from tests.simulation.world import World

Row = dict[str, Any]

PENDING, CLAIMED, ATTEMPTING, RETRY, CALLBACK, WAITING = range(6)
DELIVERED, FAILED, UNKNOWN, NOT_ATTEMPTED, EXPIRED, ABANDONED = range(6, 12)
WORDS = (
    "pending",
    "claimed",
    "attempting",
    "retry",
    "callback",
    "waiting",
    "delivered",
    "failed",
    "unknown",
    "not_attempted",
    "expired",
    "abandoned",
)
ARRIVED, TRANSIENT, PERMANENT, CALLED_BACK = 1, 2, 3, 5
_LEFT = (PENDING, CLAIMED, ATTEMPTING, RETRY, CALLBACK, WAITING)
_DONE_WITHOUT = (FAILED, NOT_ATTEMPTED, EXPIRED)
#: After these the request may have reached a contact.
_REACHED = frozenset({"delivered", "lost", "late", "hang", "bug", "garbage"})
PHASES = {
    "queued": {"running", "ended", "callback", "stopping"},
    "running": {"callback", "stopping", "cancelling", "stopped_callback", "ended"},
    "callback": {"running", "stopping", "cancelling", "stopped_callback", "ended"},
    "stopping": {"stopped_callback", "ended"},
    "stopped_callback": {"stopping", "cancelling", "ended"},
    "cancelling": {"ended"},
    "ended": set(),
}
#: What is left is dropped, and so is what is still read.
_DROPS = ("stopping", "cancelling", "ended")
INTAKE = ("pending", "extracting", "filtering", "done", "aborted")
STATES: dict[int, set[int]] = {
    PENDING: {ATTEMPTING, NOT_ATTEMPTED, EXPIRED, DELIVERED, FAILED, UNKNOWN},
    ATTEMPTING: {
        PENDING,
        RETRY,
        CALLBACK,
        DELIVERED,
        FAILED,
        UNKNOWN,
        ABANDONED,
        NOT_ATTEMPTED,
        EXPIRED,
    },
    RETRY: {ATTEMPTING, UNKNOWN, NOT_ATTEMPTED, FAILED, DELIVERED, EXPIRED},
    CALLBACK: {ATTEMPTING, UNKNOWN, ABANDONED, EXPIRED, DELIVERED, FAILED},
    UNKNOWN: {DELIVERED, FAILED, RETRY, PENDING, ATTEMPTING},
}
_ANSWERED = {"acknowledged": 0, "applied": 1, "settled": 2, "refused": 2}


class ViolationError(AssertionError):
    """An invariant did not hold; ``number`` says which."""

    def __init__(self, number: int, told: str) -> None:
        super().__init__(f"invariant {number}: {told}")
        self.number = number


def expect(number: int, holds: object, *told: object) -> None:
    """Raise ``ViolationError`` unless it holds; only then is it put in words."""
    if not holds:
        raise ViolationError(number, " ".join(map(str, told)))


Before = tuple[dict[str, Row], dict[Any, Row], dict[Any, Row], dict[str, Row], int]


class News(NamedTuple):
    """What a commit brought: rows that are new or other."""

    runs: dict[str, Row]
    records: dict[Any, Row]
    attempts: dict[Any, Row]
    commands: dict[str, Row]
    stages: dict[Any, Row]
    entries: list[Row]
    books: bool


def at_commit(world: World, life: Life, before: Before, news: News) -> None:
    """Check what must hold of every commit, and of its difference to the last one.

    What only rows decide that no commit has touched since is not asked again.
    """
    sight = world.sight
    runs, records, _, commands, epoch = before
    _the_account_holds(world, before, news)
    epochs_only_grow(life, epoch, sight.epoch)
    for place, record in news.records.items():
        was = records.get(place)
        if was is not None:
            a_record_follows_its_table(was, record)
            unknown_leaves_by_a_word(world, was, record)
            an_intent_is_due(world, was, record)
            one_run_tries_a_contact(world, records, was, record)
            nobody_reached_is_tried(world, was, record)
            nobody_reached_is_tried_again(world, was, record)
            doubt_is_never_called_failed(world, was, record)
            a_promise_is_kept(world, was, record)
        else:
            # Rows that are read while a cancel sweeps fall in the same commit, and so
            # do those of whom a provider reports while they are taken up. On a later
            # step they stay as the earlier ones left them.
            drops = sight.runs[sight.run_of[place[0]]]["phase"] in _DROPS
            drops = drops or record["code"] == "reached_before"
            left = record["earlier"] or NOT_ATTEMPTED
            begins = {PENDING, left} if drops else {PENDING}
            expect(2, record["state"] in begins, place, "began as", record)
    whoever_arrived_waits_no_more(world, records)
    for run_id, run in news.runs.items():
        if run_id in runs:
            a_run_follows_its_table(runs[run_id], run)
            a_stage_is_released_by_a_verdict(world, runs[run_id], run)
    for stage in news.stages.values():
        a_stage_passes_on_figures(world, stage)
    paused_means_nothing_flies(world)
    expect(22, commands.keys() <= sight.commands.keys(), "a command is gone")
    commands_are_answered_once(commands, news.commands)
    the_journal_tells_once(world, news.entries)
    retries_wait_as_told(world, news.attempts)
    nothing_is_left_for_later(world, runs, news.attempts)


def _the_account_holds(world: World, before: Before, news: News) -> None:
    """Hold every sum to its rows, where the commit wrote either."""
    _, records, attempts, _, _ = before
    sight = world.sight
    tries = bool(news.attempts) or len(attempts) != len(sight.attempts)
    rows = tries or bool(news.records) or len(records) != len(sight.records)
    if news.books or news.runs:
        every_row_is_in_one_bucket(world)
    if news.books or rows:
        counters_are_what_is_counted(world)
    if news.books or news.runs or rows:
        an_end_leaves_nothing(world)
    if tries:
        closed_attempts_stay(attempts, sight.attempts)
    if rows:
        attempts_are_counted(world)


def at_arrival(world: World, arrival: Arrival) -> None:
    """Check what must hold at the moment a request leaves."""
    the_owner_has_just_proven_itself(world, arrival)
    intent_is_committed(world, arrival)
    at_most_once_is_kept(world, arrival)
    the_key_is_constant(world, arrival)
    permanent_is_final(world, arrival)
    the_gate_is_open(world, arrival)
    nobody_goes_past_an_approval(world, arrival)
    nobody_goes_past_a_canary(world, arrival)
    only_launched_runs_send(world, arrival)
    permits_hold(world, arrival)
    the_window_is_open(world, arrival)
    nobody_who_opted_out(world, arrival)


def at_the_end(world: World) -> None:
    """Check what must hold of a world that is over."""
    whole = world.sight.is_whole()
    expect(2, whole, "rows changed that no commit was seen to write")
    delivered_was_received(world)
    the_pace_was_kept(world)
    everybody_was_tried(world)
    crashes_cost_no_more_than_permits(world)


def every_row_is_in_one_bucket(world: World) -> None:
    """1: invalid + duplicate + filtered + suppressed + records = rows read.

    A retry reads its cohort: it is done once every line of it is in a bucket.
    """
    for run_id, books in world.sight.books.items():
        run = world.sight.runs[run_id]
        if run["cohort"] and run["intake"] == "done":
            told = run["cohort"], "in the cohort, and read are", books["extracted"]
            expect(1, books["extracted"] == run["cohort"], run_id, *told)
        rejected = sum(
            books[kind] for kind in ("invalid", "duplicate", "suppressed", "filtered")
        )
        told = rejected + books["records"] + books["unjudged"]
        expect(1, told == books["extracted"], books)


def counters_are_what_is_counted(world: World) -> None:
    """2 and 3: every record is in one state, and the counters count them."""
    sight = world.sight
    counted = {run_no: [0] * len(WORDS) for run_no in sight.run_of}
    held = dict.fromkeys(sight.run_of, 0)
    started = dict.fromkeys(sight.run_of, 0)
    for (run_no, _), record in sight.records.items():
        state = record["state"]
        if not 0 <= state <= ABANDONED:
            expect(2, False, record)
        counted[run_no][state] += 1
        held[run_no] += record["held"]
    for run_no, _, _ in sight.attempts:
        started[run_no] += 1
    for run_id, books in sight.books.items():
        run_no = books["run_no"]
        rows = counted[run_no]
        told = [books[word] for word in WORDS]
        sums = sum(rows), held[run_no], started[run_no] + rows[ATTEMPTING]
        if told != rows or sums != (books["records"], books["held"], books["attempts"]):
            expect(3, False, run_id, books, "the rows say", rows, sums)


def an_end_leaves_nothing(world: World) -> None:
    """4: an ended run has no record that could still be attempted."""
    for run_id, run in world.sight.runs.items():
        if run["phase"] == "ended":
            left = [
                record
                for (run_no, _), record in world.sight.records.items()
                if run_no == run["run_no"] and record["state"] in _LEFT
            ]
            expect(4, not left, run_id, "ended and left", left)
            expect(4, run["outcome"], run_id, "ended without an outcome")
        else:
            expect(4, run["outcome"] is None, run_id, "has an outcome and goes on")
        if run["phase"] == "callback":
            books = world.sight.books[run_id]
            left_over = books["pending"] + books["retry"]
            expect(4, not left_over, run_id, left_over, "left beside callbacks")


def intent_is_committed(world: World, arrival: Arrival) -> None:
    """6: no byte leaves before its intent is committed."""
    sent = arrival.dispatch
    place = (world.sight.run_no(sent.run_id), sent.seq)
    if arrival.life in world.sight.zombies:
        known = (*place, sent.number) in world.sight.opened
        expect(6, known, f"a zombie sent {place} without any intent")
        return
    record = world.sight.records[place]
    is_open = record["state"] == ATTEMPTING and record["attempts"] == sent.number
    expect(6, is_open, place, sent.number, "left, and stored is", record)


def at_most_once_is_kept(world: World, arrival: Arrival) -> None:
    """7: what may have reached a contact is never sent again by itself."""
    sent, sight = arrival.dispatch, world.sight
    step = _step(world, sent.run_id, sent.step)
    if sight.promise(sent.run_id, step) != "at_most_once":
        return
    kin = sight.kin(sent.run_id, sent.seq)
    reached = [
        one
        for place in kin
        for one in world.provider.by_seq.get(place, [])
        if one.dispatch.step == sent.step and one.kind in _REACHED
    ]
    known = {(sight.run_no(run_id), seq) for run_id, seq in kin}
    words = sum(1 for place in sight.words if place[:2] in known)
    expect(7, len(reached) <= words, sent, len(reached), "may have reached")


def the_key_is_constant(world: World, arrival: Arrival) -> None:
    """8: a contact's step has one key in all of a family, and it means one body."""
    sent, runs = arrival.dispatch, world.sight.runs
    family = runs[sent.run_id]["family_id"]
    for one in world.provider.arrivals:
        other = one.dispatch
        same = (
            other.contact == sent.contact
            and other.step == sent.step
            and runs[other.run_id]["family_id"] == family
        )
        if same != (other.key == sent.key):
            expect(8, False, other, "and", sent)
        if same and one.body != arrival.body:
            expect(8, False, one.body, "and", arrival.body)


def permanent_is_final(world: World, arrival: Arrival) -> None:
    """9: after a permanent failure is stored nothing is attempted again.

    An engine that was replaced may still send what it had stored before, with the key.
    """
    sent, sight = arrival.dispatch, world.sight
    if arrival.life in sight.zombies:
        return
    step = _step(world, sent.run_id, sent.step)
    kin = sight.kin(sent.run_id, sent.seq)
    known = {(sight.run_no(run_id), seq) for run_id, seq in kin}
    for (number, seq, _), attempt in sight.attempts.items():
        if (number, seq) in known and attempt["step"] == step:
            is_final = attempt["outcome_class"] in (ARRIVED, PERMANENT)
            expect(9, not is_final, sent, "was", attempt["code"], "and is sent again")


def delivered_was_received(world: World) -> None:
    """9: who is delivered was reached, or a person said so."""
    for (run_no, seq), record in world.sight.records.items():
        if record["state"] != DELIVERED:
            continue
        run_id = world.sight.run_of[run_no]
        words = any(place[:2] == (run_no, seq) for place in world.sight.words)
        # A retry at a later step keeps what its parents reached at an earlier one.
        kin = world.sight.kin(run_id, seq)
        got = [one for place in kin for one in world.provider.by_seq.get(place, [])]
        expect(
            9,
            words or any(one.kind not in ("gone", "bounce") for one in got),
            f"{run_id}/{seq} is delivered, and the provider got",
            got,
        )


def closed_attempts_stay(before: dict[Any, Row], now: dict[Any, Row]) -> None:
    """10: an attempt closes once, and is never rewritten."""
    for place, attempt in before.items():
        # What no commit has changed is the same object.
        if now.get(place) is not attempt:
            expect(10, now.get(place) == attempt, place, "was", attempt)


def attempts_are_counted(world: World) -> None:
    """10 and 11: attempts are numbered without a gap, and capped."""
    sight = world.sight
    tries: dict[tuple[int, int, int], int] = {}
    for (run_no, seq, _), attempt in sight.attempts.items():
        if attempt["ending"] == "outcome":
            place = run_no, seq, attempt["step"]
            tries[place] = tries.get(place, 0) + 1
    for (run_no, seq, step), count in tries.items():
        most = _campaign(world, sight.run_of[run_no]).attempts
        if count > most:
            most += _promised(sight, run_no, seq)
            told = f"{run_no}/{seq} step {step}: {count} attempts, {most} allowed"
            expect(11, count <= most, told)
    for (run_no, seq), record in sight.records.items():
        if record["state"] == ATTEMPTING:
            place = (run_no, seq, record["attempts"])
            sight.opened.setdefault(place, record)
            expect(10, place not in sight.attempts, place, "is closed and open")


def _promised(sight: Sight, run_no: int, seq: int) -> int:
    """Return how many attempts a contact or a person allowed beyond the campaign's."""
    place = run_no, seq
    asked = [
        one
        for (*other, _), one in sight.attempts.items()
        if tuple(other) == place and one["outcome_class"] == CALLED_BACK
    ]
    return len(asked) + sum(word[:2] == place for word in sight.words)


def retries_wait_as_told(world: World, fresh: dict[Any, Row]) -> None:
    """11: a retry waits at least as long as the provider asked for, up to the cap."""
    sight = world.sight
    for place, attempt in fresh.items():
        if attempt["ending"] != "outcome":
            continue
        if attempt["next_at_ms"] is None or attempt["outcome_class"] != TRANSIENT:
            continue
        run_id = sight.run_of[place[0]]
        name = world.sight.steps(run_id)[attempt["step"]][0]
        told = world.provider.told.get((run_id, place[1], name), [])
        wishes: list[Outcome] = [one for one in told if one.code == attempt["code"]]
        if wishes:
            campaign = _campaign(world, run_id)
            least_ms = min(wishes[-1].retry_after_ms, campaign.max_backoff_ms)
            gap_ms = attempt["next_at_ms"] - attempt["ended_at_ms"]
            expect(11, gap_ms >= least_ms, place, gap_ms, "ms, asked", least_ms)
            most_ms = max(campaign.max_backoff_ms, least_ms)
            expect(11, gap_ms <= most_ms, place, gap_ms, "ms, at most", most_ms)


def unknown_leaves_by_a_word(world: World, was: Row, record: Row) -> None:
    """12: unknown leaves only by a person or a look-up, audited."""
    if record["state"] == UNKNOWN:
        expect(12, record["doubts"], record, "is unknown without a doubt")
    if was["state"] == UNKNOWN and record["state"] != UNKNOWN:
        place = (was["run_no"], was["seq"], was["attempts"])
        told = f"{place} left unknown for {record['state']} without a word"
        expect(12, place in world.sight.words, told)


def nothing_is_left_for_later(
    world: World, runs: dict[str, Row], fresh: dict[Any, Row]
) -> None:
    """16: what comes back to a run that is ending leaves no work behind.

    A stop keeps promises that contacts asked for; a cancel keeps nothing.
    """
    for place, attempt in fresh.items():
        phase = runs[world.sight.run_of[place[0]]]["phase"]
        is_kept = attempt["outcome_class"] == CALLED_BACK and phase != "cancelling"
        ends = attempt["ending"] == "outcome" and phase in ("stopping", "cancelling")
        if ends and not is_kept:
            told = place, "came back while its run was", phase, "and goes on:", attempt
            expect(16, attempt["next_at_ms"] is None, *told)


def doubt_is_never_called_failed(world: World, was: Row, record: Row) -> None:
    """12: what may have been delivered is unknown, never failed or not attempted."""
    if record["state"] != was["state"] and record["state"] in _DONE_WITHOUT:
        place = (was["run_no"], was["seq"], record["attempts"])
        is_told = record["outcome_class"] == PERMANENT or place in world.sight.words
        kept = record["earlier"] == record["state"]
        told = place, "may have been delivered and is", WORDS[record["state"]]
        expect(12, is_told or kept or not record["doubts"], *told)


def a_promise_is_kept(world: World, was: Row, record: Row) -> None:
    """4: callbacks outlive the first stop; only a second one or a cancel drops them."""
    if was["state"] == CALLBACK and record["state"] == ABANDONED:
        run = world.sight.runs[world.sight.run_of[was["run_no"]]]
        dropped = run["stops"] > 1 or run["phase"] == "cancelling" or run["cause"]
        cancelled = run["outcome"] in ("cancelled", "failed")
        is_told = dropped or cancelled or record["code"] == "suppressed"
        expect(4, is_told, f"{was['run_no']}/{was['seq']}: its promise was dropped")


def nobody_goes_past_an_approval(world: World, arrival: Arrival) -> None:
    """14: before a person's word no more is attempted than was agreed."""
    run_id = arrival.dispatch.run_id
    run = world.sight.runs[run_id]
    if run["approve_after"] is not None and run["approved_at_ms"] is None:
        made = world.sight.books[run_id]["attempts"]
        expect(14, made <= run["approve_after"], f"{run_id}: {made} without a word")


def nobody_goes_past_a_canary(world: World, arrival: Arrival) -> None:
    """14: before a stage's verdict no more is attempted than the stage has."""
    sent = arrival.dispatch
    last = world.sight.runs[sent.run_id]["released_seq"]
    if arrival.life not in world.sight.zombies and last is not None:
        expect(14, sent.seq <= last, sent, "is sent, released are the first", last)


def one_run_tries_a_contact(
    world: World, records: dict[Any, Row], was: Row, record: Row
) -> None:
    """7: of a family one run at a time tries a contact, and none that was reached."""
    sight = world.sight
    if record["state"] != ATTEMPTING or was["state"] == ATTEMPTING:
        return
    run_id = sight.run_of[was["run_no"]]
    for other_id, seq in sight.kin(run_id, was["seq"]):
        if other_id != run_id:
            other = records[sight.run_no(other_id), seq]
            told = run_id, was["seq"], "is tried beside", other_id, other
            ends = sight.runs[other_id]["phase"] == "ended"
            expect(7, ends and other["state"] != DELIVERED, *told)


def nobody_reached_is_tried(world: World, was: Row, record: Row) -> None:
    """7: whom a provider reported as reached is not attempted by a retry any more.

    What the retry has attempted at this step already goes on.
    """
    if record["state"] != ATTEMPTING or was["attempts"] != was["base"]:
        return
    sight = world.sight
    run_id = sight.run_of[was["run_no"]]
    if not sight.runs[run_id]["cohort"]:
        return
    for other_id, seq in sight.kin(run_id, was["seq"]):
        places = [(sight.run_no(other_id), seq, at) for at in (record["step"], None)]
        known = any(place in sight.reached for place in places)
        told = run_id, was["seq"], "is tried, and reported as reached was", other_id
        expect(7, not known, *told)


def nobody_reached_is_tried_again(world: World, was: Row, record: Row) -> None:
    """7: at most once, whoever was reported as reached is not tried again in doubt."""
    if record["state"] != ATTEMPTING or was["state"] != RETRY:
        return
    sight = world.sight
    run_id = sight.run_of[was["run_no"]]
    if not _is_doubted(world, was):
        return
    for other_id, seq in sight.kin(run_id, was["seq"]):
        places = [(sight.run_no(other_id), seq, at) for at in (was["step"], None)]
        known = any(place in sight.reached for place in places)
        told = run_id, was["seq"], "is tried again, and reached was", other_id, seq
        expect(7, not known, *told)


def whoever_arrived_waits_no_more(world: World, before: dict[Any, Row]) -> None:
    """7: whoever is reported as reached leaves the queue with the report."""
    sight = world.sight
    for run_no, seq, step in sight.told:
        for other_id, other in sight.kin(sight.run_of[run_no], seq):
            place = sight.run_no(other_id), other
            was, record = before.get(place), sight.records[place]
            waits = was is not None and was["state"] == record["state"] == RETRY
            if waits and record["step"] == (step or 0):
                told = place, "waits, and is reported as reached:", record
                expect(7, not _is_doubted(world, record), *told)


def _is_doubted(world: World, record: Row) -> bool:
    """Whether a try may repeat what arrived: nobody knew of one, or somebody said."""
    sight, place = world.sight, (record["run_no"], record["seq"])
    said = any(
        (number, seq) == place and tries > record["base"]
        for number, seq, tries in sight.words
    )
    promise = sight.promise(sight.run_of[place[0]], record["step"])
    return promise == "at_most_once" and (record["doubts"] > 0 or said)


def a_stage_is_released_by_a_verdict(world: World, was: Row, run: Row) -> None:
    """14: the mark of a canary moves on when its stage passed, or a person says so."""
    if was["released_seq"] == run["released_seq"] or was["released_seq"] is None:
        return
    stages = [
        stage
        for (run_no, _), stage in sorted(world.sight.stages.items())
        if run_no == run["run_no"]
    ]
    place = [stage["last_seq"] for stage in stages].index(was["released_seq"])
    judged, after = stages[place], stages[place + 1 :]
    is_said = judged["state"] == "overruled" and judged["decided_by"] == "nora"
    expect(14, judged["state"] == "passed" or is_said, run, "went past", judged)
    released = after[0]["last_seq"] if len(after) > 1 else None
    expect(14, run["released_seq"] == released, run, "skipped a stage:", stages)


def a_stage_passes_on_figures(world: World, stage: Row) -> None:
    """14: a stage passes that was tried, has settled and of which little failed."""
    if stage["state"] != "passed":
        return
    sight, run_no = world.sight, stage["run_no"]
    first = sight.stages.get((run_no, stage["stage"] - 1), {}).get("last_seq", 0) + 1
    seqs = range(first, stage["last_seq"] + 1)
    states = [
        sight.records[run_no, seq]["state"]
        for seq in seqs
        if (run_no, seq) in sight.records
    ]
    settled = sum(state >= DELIVERED or state == CALLBACK for state in states)
    expect(14, settled >= 0.8 * len(states), stage, "passed at", states)
    closed = [
        attempt["outcome_class"]
        for (number, seq, _), attempt in sight.attempts.items()
        if number == run_no and seq in seqs and attempt["ending"] == "outcome"
    ]
    doubtful = sum(one not in (ARRIVED, PERMANENT, CALLED_BACK) for one in closed)
    expect(14, closed, stage, "passed untried")
    expect(14, doubtful <= 0.15 * len(closed), stage, "passed with", closed)


def crashes_cost_no_more_than_permits(world: World) -> None:
    """13: one crash makes at most as many unknowns as there are permits."""
    sight = world.sight
    cut: Counter[tuple[int, int]] = Counter()
    for (run_no, _, _), attempt in sight.attempts.items():
        promise = sight.promise(sight.run_of[run_no], attempt["step"])
        if attempt["ending"] == "interrupted" and promise == "at_most_once":
            cut[run_no, attempt["epoch"]] += 1
    for (run_no, epoch), count in cut.items():
        most = sight.most_permits(sight.run_of[run_no])
        expect(13, count <= most, f"run {run_no}: {count} unknown at epoch {epoch}")


def the_gate_is_open(world: World, arrival: Arrival) -> None:
    """14: no attempt starts after a pause, stop or cancel is acknowledged."""
    if arrival.life in world.sight.zombies:
        return
    run = world.sight.runs[arrival.dispatch.run_id]
    # Of a pause by the engine itself nobody was told when its round commits.
    held = run["gate"] != "open" and run["gate_by"] != "engine"
    told = run["run_id"], "is", run["phase"], run["gate"], "and sends"
    expect(14, not held, *told)
    expect(14, run["intent"] not in ("pause", "stop", "cancel"), *told)
    expect(14, run["phase"] not in ("stopping", "cancelling"), *told)


def paused_means_nothing_flies(world: World) -> None:
    """15: paused only at zero in flight."""
    for run_id, run in world.sight.runs.items():
        if run["gate"] == "paused":
            flying = world.sight.books[run_id]["attempting"]
            expect(15, not flying, run_id, "is paused with", flying, "in flight")
            life = world.life
            if life is not None:
                out = world.provider.flying.get((life.number, run_id), 0)
                expect(15, not out, run_id, "is paused,", out, "at the provider")


def only_launched_runs_send(world: World, arrival: Arrival) -> None:
    """16 and 17: nothing is sent before the launch or after the end."""
    run = world.sight.runs[arrival.dispatch.run_id]
    expect(16, run["launch_id"], run["run_id"], "sends and is not launched")
    if arrival.life not in world.sight.zombies:
        expect(17, run["phase"] != "ended", run["run_id"], "ended and sends")


def an_intent_is_due(world: World, was: Row, record: Row) -> None:
    """18 and 20: only who is untouched or due is taken up, and in one piece."""
    if record["state"] != ATTEMPTING or was["state"] == ATTEMPTING:
        return
    place = (record["run_no"], record["seq"])
    expect(18, record["attempts"] == was["attempts"] + 1, place, was, record)
    expires_ms = was["expires_at_ms"]
    in_time = expires_ms is None or world.wall_ms() < expires_ms
    expect(20, in_time, place, "is taken up after its promise expired")
    if was["next_at_ms"] is not None:
        number = 20 if was["state"] == CALLBACK else 18
        early_ms = was["next_at_ms"] - world.wall_ms()
        expect(number, early_ms <= 0, place, "is taken up", early_ms, "ms early")


def permits_hold(world: World, arrival: Arrival) -> None:
    """19: in flight <= permits, the run's and the shared ones."""
    life, run_id = arrival.life, arrival.dispatch.run_id
    if life in world.sight.zombies:
        return
    flying = world.provider.flying
    own, most = flying[life, run_id], world.sight.permits(run_id)
    expect(19, own <= most, run_id, own, "in flight,", most, "permits")
    shared = world.scenario.shared_permits
    if shared is not None and not world.scenario.limits:
        every = sum(count for (one, _), count in flying.items() if one == life)
        expect(19, every <= shared, every, "in flight,", shared, "shared permits")


def the_pace_was_kept(world: World) -> None:
    """19: sends in any window <= rate x window + burst, for each engine."""
    for run_id in world.sight.runs:
        rate = _campaign(world, run_id).rate_per_s
        rates = [one for one in (rate, world.scenario.shared_rate) if one is not None]
        sent: dict[int, list[float]] = {}
        for one in world.provider.arrivals:
            if rates and one.dispatch.run_id == run_id:
                sent.setdefault(one.life, []).append(one.at_s)
        for times in sent.values():
            _are_paced(times, min(rates))


def _are_paced(times: list[float], rate: float) -> None:
    burst = max(1.0, rate / 10)
    for place, began_s in enumerate(times):
        for count, ended_s in enumerate(times[place:], 1):
            most = rate * (ended_s - began_s) + burst + 1e-3
            expect(19, count <= most, count, "sent in", ended_s - began_s, "s")


def the_window_is_open(world: World, arrival: Arrival) -> None:
    """20: nothing is sent outside the recipient's window."""
    if arrival.life in world.sight.zombies:
        return
    sent = arrival.dispatch
    campaign = _campaign(world, sent.run_id)
    if not campaign.window:
        return
    zone = sent.fields["zone"] if campaign.window == "recipient" else campaign.window
    local = datetime.fromtimestamp(arrival.wall_ms / 1000, UTC).astimezone(
        ZoneInfo(zone)
    )
    opens, closes = campaign.hours
    is_open = opens <= local.hour < closes
    expect(20, is_open, sent, "at", local, "in", zone)


def nobody_who_opted_out(world: World, arrival: Arrival) -> None:
    """20: nobody is contacted once their opt-out is stored."""
    if arrival.life in world.sight.zombies:
        return
    sent = arrival.dispatch
    digest = world.sight.contacts[world.sight.run_no(sent.run_id), sent.seq]
    known = digest in world.sight.opted_out
    expect(20, not known, sent, "opted out and is sent to")


def a_run_follows_its_table(was: Row, run: Row) -> None:
    """17 and 21: phases, intake and launch move only forward; an end is final."""
    told = was, "->", run
    if was["phase"] != run["phase"]:
        number = 17 if was["phase"] == "ended" else 21
        expect(number, run["phase"] in PHASES[was["phase"]], *told)
    if was["phase"] == "ended":
        same = ("outcome", "launch_id", "stops", "gate")
        expect(17, all(was[key] == run[key] for key in same), *told)
    expect(21, was["launch_id"] in (None, run["launch_id"]), *told)
    expect(21, was["stops"] <= run["stops"], *told)
    expect(21, INTAKE.index(was["intake"]) <= INTAKE.index(run["intake"]), *told)
    expect(21, was["version"] <= run["version"], *told)
    launches = was["launch_id"] is None and run["launch_id"] is not None
    expect(21, not launches or was["phase"] == "queued", *told)
    expect(21, run["gate"] == "open" or run["phase"] not in _DROPS, *told)


def a_record_follows_its_table(was: Row, record: Row) -> None:
    """21: a record's states follow on each other as the table says."""
    before, after = was["state"], record["state"]
    place = (was["run_no"], was["seq"])
    if before == after:
        return
    goes_on = after == PENDING and record["step"] > was["step"]
    allowed = after in STATES.get(before, set()) or goes_on
    expect(21, allowed, place, WORDS[before], "->", WORDS[after])
    expect(21, record["attempts"] >= was["attempts"] - 1, place, was, record)
    never_sent = record["attempts"] == record["base"] and record["step"] == 0
    if after == NOT_ATTEMPTED and never_sent is False:
        expect(21, not record["doubts"], place, "in doubt and not attempted")


def commands_are_answered_once(before: dict[str, Row], fresh: dict[str, Row]) -> None:
    """22: an answer only moves forward, and a refusal is final."""
    for command_id, answer in fresh.items():
        command = before.get(command_id)
        if command is None:
            continue
        told = command, "->", answer
        forward = _ANSWERED[answer["state"]] >= _ANSWERED[command["state"]]
        expect(22, forward, *told)
        if command["state"] in ("refused", "settled"):
            expect(22, answer["state"] == command["state"], *told)


def the_journal_tells_once(world: World, fresh: list[Row]) -> None:
    """22: one command id has one effect, however often it was asked."""
    for entry in fresh:
        if entry["command_id"]:
            place = (entry["command_id"], entry["event"])
            world.sight.requested[place] += 1
            is_first = world.sight.requested[place] == 1
            expect(22, is_first, "twice in the journal:", entry)


def everybody_was_tried(world: World) -> None:
    """23: with a provider that answers every run ends, and nobody is left out."""
    for run_id, run in world.sight.runs.items():
        expect(23, run["phase"] == "ended", run_id, "did not end:", run)
        expect(23, "cannot be read" not in run["cause"], run_id, run["cause"])
        if run["outcome"] != "completed":
            continue
        for (run_no, seq), record in world.sight.records.items():
            if run_no == run["run_no"] and record["state"] == NOT_ATTEMPTED:
                is_told = record["code"] in ("suppressed", "reached_before")
                expect(23, is_told, f"{run_id}/{seq} was left out:", record)
    for command in world.operators.commands:
        answer = world.sight.commands.get(command.command_id)
        expect(23, answer is not None, command, "was never answered")


def the_owner_has_just_proven_itself(world: World, arrival: Arrival) -> None:
    """24: who has committed nothing for long may be passed over, and sends nothing."""
    ago_s = world.now_s - world.sight.proven_s[arrival.life]
    expect(24, ago_s <= PROOF_S, f"life {arrival.life} committed {ago_s:.1f} s ago")


def epochs_only_grow(life: Life, before: int, now: int) -> None:
    """24: one engine at a time owns the store."""
    expect(24, before <= now, "epoch", now, "after", before)
    expect(24, life.epoch == now, "life of epoch", life.epoch, "committed at", now)


def fenced_off_changes_nothing(life: Life, is_same: bool) -> None:
    """24: an older epoch changes nothing."""
    expect(24, is_same, "life", life.number, "of epoch", life.epoch, "changed it")


def never_ends(world: World) -> NoReturn:
    """23: something waits for what never comes."""
    left = {
        run_id: (run["phase"], run["gate"], run["intent"])
        for run_id, run in world.sight.runs.items()
    }
    raise ViolationError(23, f"nothing goes on: {left}")


def engine_died(world: World, error: BaseException | None) -> NoReturn:
    """23: an engine ended itself without having been fenced off."""
    raise ViolationError(23, f"the engine died: {error!r}") from error


def _step(world: World, run_id: str, name: str) -> int:
    return [one[0] for one in world.sight.steps(run_id)].index(name)


def _campaign(world: World, run_id: str) -> Any:
    root = world.sight.root(run_id)
    return world.shape.campaigns[world.shape.runs.index(root)]
