"""What becomes of unknown records once it is known how their attempts ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from watchfloor.domain.lifecycle import may_retry
from watchfloor.domain.outcomes import Outcome
from watchfloor.domain.records import Circumstances, RecordState, Verdict
from watchfloor.domain.resolutions import resent, verdict
from watchfloor.domain.retries import RetryPolicy
from watchfloor.engine.after_end import book_after_end
from watchfloor.engine.booking import ENDS_A_STEP, Ended, take_on
from watchfloor.engine.campaigns import strategy_of
from watchfloor.engine.changes import Transaction
from watchfloor.engine.ledger import Ledger
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.store.reads.resolutions import Uncertain
from watchfloor.store.reads.runs import campaign_text, column_names
from watchfloor.store.reads.strategy import Strategy
from watchfloor.store.writes import resolutions as writes
from watchfloor.store.writes.attempts import AttemptWriter
from watchfloor.store.writes.resolutions import Fate


class Known(NamedTuple):
    """An unknown record, and how its attempt is now known to have ended.

    Attributes:
        outcome: None for one that is sent once more.
    """

    record: Uncertain
    outcome: Outcome | None


class StepRules(NamedTuple):
    """What a run's campaign asks of its records, as far as it still makes attempts."""

    policies: tuple[RetryPolicy, ...] = ()
    strategy: Strategy | None = None

    def policy(self, step: int) -> RetryPolicy:
        """Return a step's patience; of a run that makes no attempts, any."""
        return self.policies[step] if step < len(self.policies) else RetryPolicy()


def step_rules(tx: Transaction, ledger: Ledger) -> StepRules:
    """Return what the run's campaign asks; nothing of one that makes no attempts.

    Raises:
        ConfigError: This Watchfloor cannot read the campaign of a live run.
    """
    if not may_retry(ledger.lifecycle):
        return StepRules()
    text = campaign_text(tx.connection, ledger.run_id)
    campaign = parse_campaign(text, "the run's campaign")
    columns = column_names(tx.connection, ledger.run_id)
    return StepRules(
        tuple(step.retry for step in campaign.steps),
        strategy_of(campaign, columns, is_retry=ledger.cohort > 0),
    )


def book(
    tx: Transaction, ledger: Ledger, rules: StepRules, known: Sequence[Known]
) -> int:
    """Give unknown records the states that what is known makes of them; count them.

    Books, the next step and the samples follow in the same transaction.
    """
    places: dict[Fate, list[tuple[int, int | None]]] = {}
    done: dict[Ended, list[int]] = {}
    before = ledger.gained
    for (seq, *_), fate, judged, step in (
        (one.record, *_judged(tx, ledger, rules, one), one.record.step) for one in known
    ):
        places.setdefault(fate, []).append((seq, judged.next_at_ms))
        ledger.note_due(judged.next_at_ms)
        if judged.state in ENDS_A_STEP:
            done.setdefault((step, judged.state), []).append(seq)
    count = 0
    for fate, some in places.items():
        moved = writes.settle(tx.connection, ledger.run_no, fate, some, tx.now_ms)
        ledger.moved(RecordState.UNKNOWN, fate.state, moved)
        count += moved
    if rules.strategy is not None and may_retry(ledger.lifecycle):
        writer = AttemptWriter(tx.connection)
        for ended, seqs in done.items():
            take_on(tx, writer, ledger, rules.strategy, ended, seqs)
    book_after_end(tx, ledger, before)
    tx.changed.add(ledger.run_id)
    return count


def _judged(
    tx: Transaction, ledger: Ledger, rules: StepRules, one: Known
) -> tuple[Fate, Verdict]:
    record, outcome = one
    if outcome is None:
        judged = resent(tx.now_ms)
        return Fate(judged.state, leaves_doubt=True), judged
    judged = verdict(
        outcome,
        rules.policy(record.step),
        Circumstances(
            tries=record.number - record.base - record.interrupted,
            first_at_ms=record.first_at_ms or tx.now_ms,
            now_ms=tx.now_ms,
            may_retry=may_retry(ledger.lifecycle) and not ledger.is_doomed,
            chance=tx.around.chance(),
        ),
    )
    return Fate(judged.state, int(outcome.outcome_class), outcome.code), judged
