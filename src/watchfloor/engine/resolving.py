"""Resolving unknown records: what is known of them is stored, and the run goes on.

A cohort is frozen record by record before any of it is touched: one that is not as
large as it was shown is refused. Small ones are done in the command's transaction,
large ones slice by slice, from where the last slice ended, whatever happens between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from watchfloor.domain.cohorts import Selection, from_payload
from watchfloor.domain.errors import ConfigError, Refusal, RefusedError
from watchfloor.domain.labels import native
from watchfloor.domain.resolutions import (
    SAID,
    ResolveAs,
    elsewhere,
    only_unknown,
    refusal_of,
    told,
    withdrawal_of,
)
from watchfloor.engine.changes import Transaction, adopt
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.settling import Known, book, step_rules
from watchfloor.store.inbox import Command
from watchfloor.store.reads.cohorts import selected
from watchfloor.store.reads.resolutions import (
    Resolution,
    frozen_ones,
    open_resolutions,
    resolution_of,
    stretch,
)
from watchfloor.store.reads.retries import taken_up_of
from watchfloor.store.reads.retryable import is_free
from watchfloor.store.reads.runs import run_number
from watchfloor.store.writes import resolutions as writes
from watchfloor.store.writes.runs import add_entry, answer_command

#: Unknown records that one transaction looks at or resolves: some tens of ms.
SLICE_ROWS: Final = 2_000
#: Cohorts of runs with so many unknown records are done in the command's transaction.
MOST_AT_ONCE: Final = 2_000
#: What a cohort is in while it is resolved.
RESOLVING: Final = ("freezing", "applying", "dropping")


class Begun(str):
    """What an order said that has only begun: it settles in a later transaction."""

    __slots__ = ()


def resolve(tx: Transaction, command: Command) -> str:
    """Resolve a cohort of unknown records, or begin to.

    Raises:
        RefusedError: It is not as large as it was shown, none is unknown, another one
            is being resolved, or the run makes no attempts any more.
        ConfigError: No reason is given.
        ValueError: The command makes no sense.
    """
    resolve_as, selection, expected = _asked(command.payload)
    run_no = run_number(tx.connection, command.run_id)
    if not command.why.strip():
        raise ConfigError("a resolution needs a reason; nothing was resolved")
    ledger = tx.ledgers.get(command.run_id) or adopt(tx, command.run_id)
    declined = refusal_of(
        ledger.lifecycle, ledger.run_id, resolve_as, is_doomed=ledger.is_doomed
    )
    if declined is not None:
        raise RefusedError(*declined)
    check_free(tx, run_no, *RESOLVING)
    one = noted(
        tx,
        command,
        ledger,
        selection,
        word=resolve_as.value,
        expected=expected,
        state="freezing",
    )
    unknown = ledger.tally["unknown"]
    if unknown > MOST_AT_ONCE and not selection.seqs:
        what = f"{expected:,} unknown records as {resolve_as.value}"
        enter(tx, ledger, one, "resolve requested", f"{what}{_of(selection)}")
        return Begun(f"0 of {what}")
    while one.state == "freezing":
        one = _frozen_further(tx, one)
    if not one.records or one.records != expected:
        raise drifted(tx, one)
    while one.state == "applying":
        one = _applied_further(tx, ledger, one)
    return _said(one)


class ResolveSlice:
    """The job that does one more slice of a resolution that has begun."""

    needs_room = True

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, tx: Transaction) -> bool:
        """Return whether there is more to do."""
        one = resolution_of(tx.connection, self._number)
        ledger = tx.ledgers.get(one.run_id) or adopt(tx, one.run_id)
        if one.state == "freezing":
            one = _frozen_further(tx, one)
            is_as_shown = 0 < one.records == one.expected
            if one.state == "applying" and not is_as_shown:
                one = _refused(tx, ledger, one)
        elif one.state == "applying":
            one = _applied_further(tx, ledger, one)
            answer: dict[str, object] = {"detail": _progress(one)}
            if one.state != "applying":
                answer = {"state": "settled", "detail": _said(one)}
                answer |= {"applied_at_ms": tx.now_ms, "settled_at_ms": tx.now_ms}
            answer_command(tx.connection, one.command_id, **answer)
        elif one.state == "dropping":
            one = _let_go(tx, one)
        tx.changed.add(one.run_id)
        return one.state in RESOLVING


def noted(
    tx: Transaction,
    command: Command,
    ledger: Ledger,
    selection: Selection,
    **values: object,
) -> Resolution:
    """Store what a command says of a cohort, its word, number and state; return it."""
    number = writes.add_resolution(
        tx.connection,
        selection,
        command_id=command.command_id,
        run_no=ledger.run_no,
        at_ms=tx.now_ms,
        by=command.by,
        origin=command.origin,
        why=command.why,
        **values,
    )
    return resolution_of(tx.connection, number)


def check_free(tx: Transaction, run_no: int, *states: str) -> None:
    """Refuse what would meet something of the same run that is in one of *states*.

    Raises:
        RefusedError: There is one.
    """
    for other in open_resolutions(tx.connection, run_no):
        if other.state in states:
            raise RefusedError(Refusal.NOT_YET, f"another {under_way(other)}")


def under_way(one: Resolution) -> str:
    """Return what is not wholly done, by whom it was asked for, and how far it is."""
    what = "look-up" if one.state == "asking" else "resolution"
    by = f"{what} of this run, asked for by {one.by}, is under way"
    if one.state != "asking":
        return f"{by}: {_progress(one)}"
    return f"{by}: {_progress(one)}; to end it: {withdrawal_of(one.run_id)}"


def drifted(tx: Transaction, one: Resolution) -> RefusedError:
    """Return the no to a cohort that is not as large as it was shown."""
    if not one.records:
        unknown = only_unknown(one.selection)
        taken = taken_up_of(tx.connection, one.run_id, unknown)
        return RefusedError(Refusal.NOT_UNKNOWN, "; ".join(elsewhere(taken)))
    now = f"now {one.records:,} unknown records, {one.expected:,} were shown"
    return RefusedError(Refusal.DRIFTED, now)


def enter(
    tx: Transaction, ledger: Ledger, one: Resolution, event: str, detail: str
) -> None:
    """Append to the journal who said what of how many records, and why."""
    label = native(ledger.lifecycle, ledger.work)
    add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": ledger.run_id,
            "event": event,
            "before": label,
            "after": label,
            "by": one.by,
            "origin": one.origin,
            "why": one.why,
            "detail": detail,
            "command_id": one.command_id,
            "epoch": tx.epoch,
        },
    )
    tx.changed.add(ledger.run_id)


def _asked(payload: Mapping[str, object]) -> tuple[ResolveAs, Selection, int]:
    word, chosen = str(payload["as"]), payload["selection"]
    if word not in set(ResolveAs):
        msg = f"{word!r:.40} is no way to resolve; there are {', '.join(ResolveAs)}"
        raise ValueError(msg)
    if not isinstance(chosen, Mapping):
        raise TypeError("resolve takes a selection and the number that was shown")
    expected = int(str(payload["expected"]))
    return ResolveAs(word), only_unknown(from_payload(chosen)), expected


def _frozen_further(tx: Transaction, one: Resolution) -> Resolution:
    """Freeze the records of the run's next stretch; what is past it comes later."""
    last = max(one.selection.seqs, default=None)
    if last is None:
        last = stretch(tx.connection, one.run_no, one.reached, SLICE_ROWS)
    if last is None or last <= one.reached:
        writes.save_resolution(tx.connection, one.number, state="applying", reached=0)
    else:
        # What a younger run has taken up is contacted by it, whatever is said here.
        cohort = selected(tx.connection, one.run_id, one.selection).where(
            *is_free(tx.connection, one.run_no)
        )
        looked_at = (one.reached, last)
        frozen = writes.freeze(tx.connection, one.run_no, one.number, cohort, looked_at)
        records = one.records + frozen
        writes.save_resolution(tx.connection, one.number, records=records, reached=last)
    return resolution_of(tx.connection, one.number)


def _applied_further(tx: Transaction, ledger: Ledger, one: Resolution) -> Resolution:
    """Resolve a slice of a frozen cohort."""
    resolve_as = ResolveAs(one.word)
    if refusal_of(
        ledger.lifecycle, ledger.run_id, resolve_as, is_doomed=ledger.is_doomed
    ):
        # The run began to end meanwhile: what is left stays unknown, as it is.
        return _ended(tx, ledger, one)
    some = frozen_ones(tx.connection, one.run_no, one.number, SLICE_ROWS)
    if not some:
        return _ended(tx, ledger, one)
    outcome = SAID.get(resolve_as)
    seqs = [record.seq for record in some]
    # First: whether a later step takes them asks for how they ended.
    writes.note_frozen(
        tx.connection, one.number, seqs, one.word, outcome, now_ms=tx.now_ms
    )
    known = [Known(record, outcome) for record in some]
    count = book(tx, ledger, step_rules(tx, ledger), known)
    done = one.done + count
    writes.save_resolution(tx.connection, one.number, done=done, reached=seqs[-1])
    if done >= one.records:
        return _ended(tx, ledger, resolution_of(tx.connection, one.number))
    return resolution_of(tx.connection, one.number)


def _ended(tx: Transaction, ledger: Ledger, one: Resolution) -> Resolution:
    """Tell that a cohort is resolved, as far as it was; what is left is let go of."""
    state = "done" if one.done >= one.records else "dropping"
    writes.save_resolution(
        tx.connection, one.number, state=state, ended_at_ms=tx.now_ms
    )
    one = resolution_of(tx.connection, one.number)
    enter(tx, ledger, one, f"resolved as {one.word}", _said(one) + _of(one.selection))
    return one


def _refused(tx: Transaction, ledger: Ledger, one: Resolution) -> Resolution:
    """Answer a cohort that was not as large as it was shown; nothing was resolved."""
    error = drifted(tx, one)
    writes.save_resolution(
        tx.connection, one.number, state="dropping", ended_at_ms=tx.now_ms
    )
    answer_command(
        tx.connection,
        one.command_id,
        state="refused",
        refusal=error.refusal,
        detail=str(error),
    )
    enter(tx, ledger, one, "resolve refused", str(error))
    return resolution_of(tx.connection, one.number)


def _let_go(tx: Transaction, one: Resolution) -> Resolution:
    """Let go of a slice of what was frozen and will not be resolved."""
    if not writes.let_go(tx.connection, one.number, SLICE_ROWS):
        state = "done" if one.done else "refused"
        writes.save_resolution(tx.connection, one.number, state=state)
    return resolution_of(tx.connection, one.number)


def _said(one: Resolution) -> str:
    left = one.records - one.done
    said = f"{one.done:,} unknown {'record' if one.done == 1 else 'records'} resolved"
    if not left:
        return said
    return f"{said}, {left:,} left unknown: the run began to end"


def _progress(one: Resolution) -> str:
    match one.state:
        case "freezing":
            return f"{one.records:,} of {one.expected:,} records gathered"
        case "asking":
            return one.answers.words
        case _:
            return f"{one.done:,} of {one.records:,} records resolved"


def _of(selection: Selection) -> str:
    words = told(selection)
    return f": {words}" if words else ""
