"""What channels say of attempts that were given up before: told, and not counted.

It waits beside the lanes: one closes with its run, and a channel that does not let go
answers when it likes.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import NamedTuple

from watchfloor.domain.outcomes import Outcome
from watchfloor.domain.text import clean
from watchfloor.engine.booking import Finished, honour
from watchfloor.engine.changes import Transaction, adopt, enter


class Late(NamedTuple):
    """An attempt of which the channel said how it ended, after it was given up."""

    run_id: str
    finished: Finished


def tell_late(tx: Transaction, waiting: deque[Late]) -> int:
    """Tell the journal what came too late, and honour its opt-outs; return how many.

    No record changes. Each is accounted for: it is unknown, or a person has decided
    since; whoever decides next finds here what the channel knew. What is told is
    forgotten with the commit, and kept where it fails.
    """
    # Other threads append meanwhile; what is counted now is what is told.
    count = len(waiting)
    for run_id, finished in [waiting[at] for at in range(count)]:
        # The run may have ended long ago; the round forgets it again.
        ledger = tx.ledgers.get(run_id) or adopt(tx, run_id)
        enter(tx, ledger, "let go late", detail=_told(finished))
        honour(tx, run_id, [finished])
    if count:
        tx.after_commit.append(partial(_forget, waiting, count))
    return count


def _forget(waiting: deque[Late], count: int) -> None:
    for _ in range(count):
        waiting.popleft()


def _told(finished: Finished) -> str:
    claimed, outcome = finished.claimed, finished.outcome
    word, code = outcome.outcome_class.word, clean(outcome.code)
    return (
        f"attempt {claimed.attempts + 1:,} of record {claimed.seq:,} was let go after "
        f"all: {word}, code {code}. It came too late to be counted; where the record "
        f"is unknown, resolve it by that{_of_the_contact(outcome)}"
    )


def _of_the_contact(outcome: Outcome) -> str:
    if not outcome.suppress:
        return ""
    why = clean(outcome.suppress)
    return f". It opts out ({why}): no run contacts this contact any more"
