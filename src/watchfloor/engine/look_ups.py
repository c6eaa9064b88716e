"""A look-up as the store knows it: asked for, how far it is, and what it resolved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from watchfloor.channels.base import asks_of
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import ConfigError, Refusal, RefusedError
from watchfloor.domain.identity import dedupe_key
from watchfloor.domain.outcomes import Dispatch, Outcome, OutcomeClass
from watchfloor.domain.resolutions import (
    LOOK_UP,
    Answers,
    ResolveAs,
    elsewhere,
    only_unknown,
    settled_as,
)
from watchfloor.domain.text import clean
from watchfloor.engine.campaigns import channel_for
from watchfloor.engine.changes import Transaction, adopt
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.resolving import Begun, check_free, enter, noted
from watchfloor.engine.settling import Known, book, step_rules
from watchfloor.engine.sparing import keep_back
from watchfloor.engine.suppressing import suppress
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.store.inbox import Command
from watchfloor.store.reads.history import purge_facts
from watchfloor.store.reads.resolutions import (
    Doubt,
    Resolution,
    doubts,
    last_unknown,
    open_resolutions,
    resolution_of,
    still_unknown,
)
from watchfloor.store.reads.retries import taken_up_of
from watchfloor.store.reads.runs import (
    campaign_text,
    column_names,
    family_id,
    run_number,
)
from watchfloor.store.writes import resolutions as writes
from watchfloor.store.writes.resolutions import Settled
from watchfloor.store.writes.runs import answer_command

#: Records that are asked about before what was answered is stored.
BATCH: Final = 64
_DETAIL_CHARS: Final = 300
_CODES: Final = {
    ResolveAs.DELIVERED: "looked_up_delivered",
    ResolveAs.NOT_DELIVERED: "looked_up_not_delivered",
}


class Inquiry(NamedTuple):
    """Which records a provider is to be asked about next."""

    resolution: Resolution
    steps: tuple[str, ...]
    columns: tuple[str, ...]
    family: str
    doubts: list[Doubt]

    def dispatch(self, one: Doubt) -> Dispatch:
        """Return what was sent for a record; its key is that of its attempts."""
        step = self.steps[one.step]
        return Dispatch(
            key=dedupe_key(self.family, step, one.digest, one.generation),
            contact=one.contact,
            fields=dict(zip(self.columns, one.values, strict=False)),
            number=one.number,
            run_id=self.resolution.run_id,
            seq=one.seq,
            step=step,
        )


class Heard(NamedTuple):
    """What a provider answered about a record.

    Attributes:
        outcome: None where it does not know, or could not be asked.
        is_answer: Whether it could be asked at all.
    """

    doubt: Doubt
    outcome: Outcome | None
    is_answer: bool = True


def look_up(tx: Transaction, command: Command) -> str:
    """Store that a provider is to be asked; an engine asks it.

    Raises:
        RefusedError: None is unknown, or the run is being resolved already.
        ConfigError: No step's channel can ask its provider, or the run is purged.
        ValueError: The command makes no sense.
    """
    seq = command.payload.get("seq")
    if seq is not None and (not isinstance(seq, int) or seq < 1):
        raise ValueError("a record is named by its number, from 1 on")
    run_no = run_number(tx.connection, command.run_id)
    ledger = tx.ledgers.get(command.run_id) or adopt(tx, command.run_id)
    check_free(tx, run_no, "asking")
    _check_purge(tx, command.run_id)
    _check_channels(tx, ledger)
    selection = Selection(seqs=frozenset() if seq is None else frozenset({seq}))
    last = last_unknown(tx.connection, run_no) if seq is None else seq
    asked = (seq,) if seq else ()
    taken = taken_up_of(tx.connection, command.run_id, only_unknown(selection))
    if not doubts(tx.connection, run_no, asked, (0, last), 1):
        raise RefusedError(Refusal.NOT_UNKNOWN, "; ".join(elsewhere(taken)))
    others = sum(there.records for there in taken.values())
    expected = 1 if seq else ledger.tally["unknown"] - others
    one = noted(
        tx,
        command,
        ledger,
        selection,
        word=LOOK_UP,
        expected=expected,
        state="asking",
    )
    told = f"{expected:,} unknown {'record' if expected == 1 else 'records'}"
    enter(tx, ledger, one, "look-up requested", told)
    return Begun(f"the engine asks the provider about {told}")


def withdraw_look_up(tx: Transaction, command: Command) -> str:
    """End the look-up that is under way; what was answered until now stays.

    Raises:
        RefusedError: None is under way.
        ConfigError: No reason is given.
        NotFoundError: No run has this id.
    """
    run_no = run_number(tx.connection, command.run_id)
    if not command.why.strip():
        raise ConfigError("a withdrawal needs a reason; the look-up goes on")
    for one in open_resolutions(tx.connection, run_no):
        if one.state == "asking":
            why = f"withdrawn by {command.by}: {command.why}"
            return _end(tx, one, "look-up withdrawn", why, by=command)
    raise RefusedError(Refusal.NOT_YET, "no look-up of this run is under way")


class NextInquiry:
    """The job that says about which records a provider is to be asked next."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, tx: Transaction) -> Inquiry:
        """Return them; none where all were asked about, or nobody has a key."""
        one = resolution_of(tx.connection, self._number)
        ledger = tx.ledgers.get(one.run_id) or adopt(tx, one.run_id)
        last = max(one.selection.seqs, default=last_unknown(tx.connection, one.run_no))
        some: list[Doubt] = []
        if one.state == "asking" and not _is_purged(tx, one.run_id):
            seqs = sorted(one.selection.seqs)
            between = (one.reached, last)
            some = doubts(tx.connection, one.run_no, seqs, between, BATCH)
        return Inquiry(
            one,
            ledger.steps,
            column_names(tx.connection, one.run_id),
            family_id(tx.connection, one.run_id),
            some,
        )


class BookAnswers:
    """The job that stores what a provider answered, and resolves what that settles."""

    def __init__(self, number: int, heard: Sequence[Heard]) -> None:
        self._number = number
        self._heard = heard

    def __call__(self, tx: Transaction) -> Answers:
        """Return what the look-up came to so far."""
        one = resolution_of(tx.connection, self._number)
        ledger = tx.ledgers.get(one.run_id) or adopt(tx, one.run_id)
        # What a provider says may name somebody: of a purged run it is not kept.
        is_purged = _is_purged(tx, one.run_id)
        _honour(tx, ledger, self._heard)
        _keep_back(tx, ledger, self._heard)
        if one.state != "asking":
            # Withdrawn while the provider was asked: nobody waits for it any more.
            return one.answers
        seqs = [heard.doubt.seq for heard in self._heard]
        there = still_unknown(tx.connection, one.run_no, seqs)
        known: list[Known] = []
        settled: list[Settled] = []
        answers = one.answers
        for heard in self._heard:
            doubt, row = heard.doubt, there.get(heard.doubt.seq)
            word = settled_as(heard.outcome)
            if row is None or row.number != doubt.number:
                answers = answers.plus(Answers(moved=1))
            elif heard.outcome is None or word is None:
                answers = answers.plus(_nothing(heard))
            else:
                outcome = _named(heard.outcome, word)
                known.append(Known(row, outcome))
                told = (int(outcome.outcome_class), outcome.code)
                detail = "" if is_purged else _detail(heard.outcome)
                settled.append(Settled(*row[:3], word, *told, detail))
                answers = answers.plus(_something(word))
        rules = step_rules(tx, ledger) if known else None
        if rules is not None:
            # First: whether a later step takes them asks for how they ended.
            writes.add_settled(
                tx.connection, one.run_no, one.number, settled, tx.now_ms
            )
            book(tx, ledger, rules, known)
        writes.save_answers(tx.connection, one.number, answers)
        writes.save_resolution(tx.connection, one.number, reached=seqs[-1])
        answer_command(tx.connection, one.command_id, detail=answers.words)
        tx.changed.add(one.run_id)
        return answers


class EndLookUp:
    """The job that says what a look-up came to.

    Args:
        number: Which.
        why: Why it ends before all were asked about; or empty.
    """

    def __init__(self, number: int, why: str = "") -> None:
        self._number = number
        self._why = why

    def __call__(self, tx: Transaction) -> None:
        """Say it."""
        one = resolution_of(tx.connection, self._number)
        if one.state != "asking":
            return
        why = self._why
        if not why and _is_purged(tx, one.run_id):
            why = "ended: the people of the run are purged, and with them the keys"
        _end(tx, one, "looked up", why)


def _end(
    tx: Transaction,
    one: Resolution,
    event: str,
    why: str,
    *,
    by: Command | None = None,
) -> str:
    """End a look-up, answer whoever asked for it, and tell what it came to.

    Args:
        tx: Open.
        one: The look-up.
        event: What the journal calls its end.
        why: Why it ends before all were asked about; or empty.
        by: Who ends it; None for the engine, on behalf of who asked for it.
    """
    ledger = tx.ledgers.get(one.run_id) or adopt(tx, one.run_id)
    writes.save_resolution(
        tx.connection, one.number, state="done", ended_at_ms=tx.now_ms
    )
    told = one.answers.words + (f"; {why}" if why else "")
    answer_command(
        tx.connection,
        one.command_id,
        state="settled",
        applied_at_ms=tx.now_ms,
        settled_at_ms=tx.now_ms,
        detail=told,
    )
    if by is not None:
        one = one._replace(
            command_id=by.command_id, by=by.by, origin=by.origin, why=by.why
        )
    enter(tx, ledger, one, event, told)
    return told


def _check_purge(tx: Transaction, run_id: str) -> None:
    """Refuse a run whose people were taken out: nobody knows their keys any more."""
    if _is_purged(tx, run_id):
        msg = (
            f"the people of run {run_id} were purged, and with them the keys to ask "
            "by; nothing was asked"
        )
        raise ConfigError(msg)


def _is_purged(tx: Transaction, run_id: str) -> bool:
    """Return whether a run's people are taken out, or are to be."""
    return bool(purge_facts(tx.connection, run_id).purge)


def _check_channels(tx: Transaction, ledger: Ledger) -> None:
    campaign = parse_campaign(
        campaign_text(tx.connection, ledger.run_id), "the run's campaign"
    )
    if any(asks_of(channel_for(step)) is not None for step in campaign.steps):
        return
    msg = (
        f"no channel of run {ledger.run_id} can ask its provider (a webhook can, with "
        "lookup_url); nothing was asked. Look the keys up by hand, then: watchfloor "
        f"resolve {ledger.run_id} SEQ --as delivered --reason TEXT"
    )
    raise ConfigError(msg)


def _nothing(heard: Heard) -> Answers:
    return Answers(not_known=1) if heard.is_answer else Answers(unanswered=1)


def _something(word: ResolveAs) -> Answers:
    is_delivered = word is ResolveAs.DELIVERED
    return Answers(delivered=1) if is_delivered else Answers(not_delivered=1)


def _named(outcome: Outcome, word: ResolveAs) -> Outcome:
    """Return the outcome with a code that tells where it comes from."""
    return Outcome(
        outcome_class=OutcomeClass(outcome.outcome_class),
        code=_CODES[word],
        detail=outcome.detail,
        provider_id=outcome.provider_id,
        suppress=outcome.suppress,
    )


def _detail(outcome: Outcome) -> str:
    told = [f"provider id {outcome.provider_id}" if outcome.provider_id else ""]
    told += [outcome.code, outcome.detail]
    return clean("; ".join(part for part in told if part), _DETAIL_CHARS)


def _honour(tx: Transaction, ledger: Ledger, heard: Sequence[Heard]) -> None:
    """Suppress contacts of which the provider said so, for every run.

    It holds whatever becomes of the look-up and of the record.
    """
    rows = [
        (one.doubt.digest, one.outcome.suppress)
        for one in heard
        if one.outcome is not None and one.outcome.suppress
    ]
    if rows:
        suppress(tx, rows, source=f"run {ledger.run_id}", by=LOOK_UP)


def _keep_back(tx: Transaction, ledger: Ledger, heard: Sequence[Heard]) -> None:
    """Keep from being sent again who a person had sent again while it was asked.

    What is unknown again by that is settled like the others.
    """
    for step in dict.fromkeys(one.doubt.step for one in heard):
        arrived = {
            one.doubt.seq: OutcomeClass.DELIVERED.word
            for one in heard
            if one.doubt.step == step and settled_as(one.outcome) is ResolveAs.DELIVERED
        }
        if arrived:
            keep_back(tx, ledger.run_no, step, arrived, LOOK_UP)
