"""Taking up a retry's cohort, batch by batch, able to go on after a crash.

Every batch is one transaction with its counters. Nothing is read but the store, and no
record is attempted before the last one is taken up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.domain.recovery import is_retryable
from watchfloor.domain.regions import Fact
from watchfloor.engine.changes import Transaction, tell
from watchfloor.engine.committer import Submit
from watchfloor.engine.extraction import SUPPRESSED, Unread, judge, wanting
from watchfloor.engine.suppressions import Suppressions
from watchfloor.store.reads.kin import with_reached_kin
from watchfloor.store.writes import retries
from watchfloor.store.writes.audience import Rejected

#: Records of one transaction: some tens of milliseconds of the one writer.
BATCH_ROWS = 2_000


async def seed(
    run_id: str, campaign: Campaign, submit: Submit, suppressions: Suppressions
) -> None:
    """Take up the cohort of a retry to its end, or until the run no longer wants it."""
    try:
        lists = await suppressions.lists_of(campaign.audience)
    except (ConfigError, OSError) as error:
        await submit(Unread(run_id, str(error)))
        return
    is_suppressed = suppressions.asked_with(lists)
    while await submit(SeedBatch(run_id, is_suppressed)):
        pass
    await judge(run_id, None, submit)


class SeedBatch:
    """The job that takes up one batch of a cohort, with its counters."""

    needs_room = True

    def __init__(self, run_id: str, is_suppressed: Callable[[str], bool]) -> None:
        self._run_id = run_id
        self._is_suppressed = is_suppressed

    def __call__(self, tx: Transaction) -> bool:
        """Return whether more is left to take up, and the run still wants it."""
        ledger = wanting(tx, self._run_id)
        if ledger is None:
            return False
        tell(tx, ledger, Fact.INTAKE_STARTED)
        tally = ledger.tally
        # Cohorts are numbered without a gap: so far they were read.
        after = tally["extracted"]
        taken = retries.cohort_slice(tx.connection, ledger.run_no, after, BATCH_ROWS)
        if not taken:
            return False
        reached = _reached(tx, ledger.run_no, taken)
        out = {
            one.seq: why
            for one in taken
            if (why := self._left_out(one, is_reached=one.seq in reached))
        }
        seqs = range(after + 1, after + 1 + len(taken))
        added = retries.take_up(tx.connection, ledger.run_no, seqs, out, tx.now_ms)
        if out:
            _reject(tx, ledger.run_no, taken, out)
        for kind, _ in out.values():
            tally[kind.value] += 1
        tally["extracted"] += len(taken)
        tally["records"] += added
        tally["pending"] += added
        ledger.is_exhausted = False
        ledger.touch()
        return True

    def _left_out(
        self, one: retries.Taken, *, is_reached: bool
    ) -> tuple[RejectKind, str] | None:
        """Return why a record of the cohort is not taken up; None where it is."""
        if self._is_suppressed(one.digest.hex()):
            return RejectKind.SUPPRESSED, SUPPRESSED
        if is_reached:
            return RejectKind.DUPLICATE, "did arrive, as the provider reported"
        state = RecordState(one.state)
        outcome = one.outcome_class
        holds = one.state == one.was and is_retryable(
            state, None if outcome is None else OutcomeClass(outcome), with_unknown=True
        )
        if holds:
            return None
        return RejectKind.DUPLICATE, f"is {state.word} by now, as somebody resolved it"


def _reached(tx: Transaction, run_no: int, taken: Sequence[retries.Taken]) -> set[int]:
    """Return those of a slice whose contact was reached at their step, by any run."""
    by_step: dict[int, list[int]] = {}
    for one in taken:
        by_step.setdefault(one.step, []).append(one.seq)
    found: set[int] = set()
    for step, seqs in by_step.items():
        found |= with_reached_kin(tx.connection, run_no, step, seqs)
    return found


def _reject(
    tx: Transaction,
    run_no: int,
    taken: list[retries.Taken],
    out: dict[int, tuple[RejectKind, str]],
) -> None:
    """Store what is not taken up as rejects; the cells stand in for the raw row."""
    left = [one for one in taken if one.seq in out]
    cells = retries.cells_of(tx.connection, left)
    rejects = [Rejected(seq, *out[seq], cells[seq]) for seq in sorted(out)]
    tx.audience.add_rejects(tx.connection, run_no, rejects)
