"""What must hold after every kill and at the end, checked from outside the engine.

Each function returns the sentences that say what does not hold; none means all is well.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import func, select
from tests.kills.story import Run, Story
from tests.support.provider import Arrival

from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.permits import window
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, History, Verb
from watchfloor.domain.views import RunView
from watchfloor.engine.handing_out import SUPPRESSED
from watchfloor.store.handle import Handle
from watchfloor.store.inbox import Inbox
from watchfloor.store.reads.audit import counted_books, held_differs
from watchfloor.store.reads.journal import receipt
from watchfloor.store.reads.runs import run_page
from watchfloor.store.sqlite import damage
from watchfloor.store.tables import attempt, command, contact, journal, record, run

_MOVING = ("pending", "claimed", "attempting", "retry", "waiting")
_UNTOUCHED = {
    int(one)
    for one in (
        RecordState.NOT_ATTEMPTED,
        RecordState.ABANDONED,
        RecordState.EXPIRED,
        RecordState.PENDING,
    )
}
_REACHED = int(RecordState.DELIVERED)
_IN_DOUBT = {int(one) for one in (RecordState.UNKNOWN, RecordState.ATTEMPTING)}


class Breach(StrEnum):
    """The kinds of broken promises, as the table of the long run counts them."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    WRONG_KEY = "wrong keys"
    BOOKS = "books"
    CONTROL = "control"
    COMMAND = "commands"
    DOUBT = "unknown beyond the permits"


class Broken(NamedTuple):
    """One promise that does not hold."""

    breach: Breach
    told: str


def after_a_kill(story: Story) -> list[Broken]:
    """Return what does not hold in the store as the killed process left it."""
    found = story.floor.read(
        lambda connection: [
            *_books(connection),
            *_commands(connection, story),
            *_doubts(connection, story),
            *_attempts_after_a_hold(connection, story),
        ]
    )
    return [*found, *_requests(story)]


def at_the_end(story: Story) -> list[Broken]:
    """Return what does not hold once everything has ended and nothing is under way."""
    return [
        *after_a_kill(story),
        *story.floor.read(lambda connection: _ends(connection, story)),
    ]


def unknown_per_kill(story: Story) -> int:
    """Return the most attempts of one run at most once that one kill left in doubt."""
    counted = story.floor.read(_interrupted)
    once = {r.run_id for r in story.runs.values() if r.delivery is not _HONOURS}
    return max((n for (run_id, _), n in counted.items() if run_id in once), default=0)


_HONOURS = Delivery.IDEMPOTENT


def _books(connection: Handle) -> Iterator[Broken]:
    for view in run_page(connection, with_hidden=True):
        kept, counted = view.books, counted_books(connection, view.run_id)
        wrong = kept.imbalance or held_differs(connection, view.run_id)
        if kept != counted:
            wrong = f"the counters say {kept}, the rows {counted}"
        if wrong:
            yield Broken(Breach.BOOKS, f"run {view.run_id}: {wrong}")
        left = [word for word in _MOVING if kept.as_dict()[word]]
        if view.lifecycle.is_ended and (left or kept.callback):
            told = f"run {view.run_id} has ended and has work left: {left}"
            yield Broken(Breach.BOOKS, told)
        if view.lifecycle.gate is Gate.PAUSED and kept.attempting:
            told = f"run {view.run_id} is paused with attempts in flight"
            yield Broken(Breach.CONTROL, told)


def _commands(connection: Handle, story: Story) -> Iterator[Broken]:
    """What was asked is in the inbox or answered, and had one effect."""
    inbox = Inbox(story.layout)
    waiting = {one.command_id for one in inbox.waiting()}
    inbox.close()
    for command_id, one in story.asked.items():
        if command_id not in waiting and receipt(connection, command_id) is None:
            told = f"the {one.verb} of run {one.run_id} is neither asked nor answered"
            yield Broken(Breach.COMMAND, told)
    often = (
        select(journal.c.command_id, journal.c.event, func.count())
        .where(journal.c.command_id != "")
        .group_by(journal.c.command_id, journal.c.event, journal.c.run_id)
        .having(func.count() > 1)
    )
    for command_id, event, count in connection.execute(often):
        told = f"command {command_id} had the effect {event!r} {count} times"
        yield Broken(Breach.COMMAND, told)


def _interrupted(connection: Handle) -> dict[tuple[str, int], int]:
    query = (
        select(run.c.run_id, attempt.c.epoch, func.count())
        .select_from(attempt.join(run, run.c.run_no == attempt.c.run_no))
        .where(attempt.c.ending == "interrupted")
        .group_by(run.c.run_id, attempt.c.epoch)
    )
    rows = connection.execute(query)
    return {(run_id, epoch): count for run_id, epoch, count in rows}


def _doubts(connection: Handle, story: Story) -> Iterator[Broken]:
    """A crash leaves no more in doubt than intents may be stored."""
    by_id = {one.run_id: one for one in story.runs.values()}
    for (run_id, epoch), count in _interrupted(connection).items():
        one = by_id.get(run_id)
        most = window(one.permits, one.delivery) if one else 0
        if count > most:
            told = f"run {run_id}: {count} attempts were cut off before epoch {epoch}"
            yield Broken(Breach.DOUBT, f"{told}, {most} is the window")


def _attempts_after_a_hold(connection: Handle, story: Story) -> Iterator[Broken]:
    """No attempt starts between the answer to a pause and the asking of a resume."""
    for run_id, since_ms, until_ms in _held_spans(connection):
        late = connection.execute(
            select(func.count())
            .select_from(attempt.join(run, run.c.run_no == attempt.c.run_no))
            .where(
                run.c.run_id == run_id,
                attempt.c.started_at_ms > since_ms,
                attempt.c.started_at_ms < until_ms,
            )
        ).scalar_one()
        if late:
            told = f"run {run_id}: {late} attempts started after it was held"
            yield Broken(Breach.CONTROL, told)


def _held_spans(connection: Handle) -> Iterator[tuple[str, int, int]]:
    """Give each run that was held, from the answer on, to the asking of a resume."""
    held: dict[str, int] = {}
    query = (
        select(command.c.run_id, command.c.verb, *_TIMES)
        .where(command.c.state != "refused", command.c.verb.in_([*_HOLDS, _RESUMES]))
        .order_by(command.c.acknowledged_at_ms, command.c.asked_at_ms)
    )
    for run_id, verb, asked_at_ms, answered_at_ms in connection.execute(query):
        if verb in _HOLDS:
            held.setdefault(run_id, answered_at_ms)
        elif run_id in held:
            yield run_id, held.pop(run_id), asked_at_ms
    for run_id, since_ms in held.items():
        yield run_id, since_ms, _FOR_EVER_MS


_HOLDS = [Verb.PAUSE.value, Verb.STOP.value, Verb.CANCEL.value]
_RESUMES = Verb.RESUME.value
_TIMES = (command.c.asked_at_ms, command.c.acknowledged_at_ms)
_FOR_EVER_MS = 2**62


def _requests(story: Story) -> list[Broken]:
    # A hook is told without a contact.
    arrivals = [one for one in story.arrivals if one.contact]
    return [*_keys(arrivals), *_repeats(story, arrivals)]


def _keys(arrivals: Sequence[Arrival]) -> Iterator[Broken]:
    """Every key belongs to one contact and one body, and names itself in it."""
    keys: dict[str, set[tuple[str, bytes]]] = defaultdict(set)
    used: dict[str, set[str]] = defaultdict(set)
    for one in arrivals:
        keys[one.key].add((one.contact, one.body))
        used[one.contact].add(one.key)
    for key, seen in keys.items():
        named = {json.loads(body)["reference"] for _, body in seen}
        if len(seen) > 1 or named != {key}:
            yield Broken(Breach.WRONG_KEY, f"key {key} came with {seen}")
    for who, several in used.items():
        if len(several) > 1:
            yield Broken(Breach.WRONG_KEY, f"{who} was asked with {several}")


def _repeats(story: Story, arrivals: Sequence[Arrival]) -> Iterator[Broken]:
    """At most once means once, and some may not be contacted at all."""
    runs = story.runs.values()
    once = {one.prefix for one in runs if one.delivery is not _HONOURS}
    wanted = {one.prefix for one in runs if one.contacts}
    for who, count in Counter(one.contact for one in arrivals).items():
        # A definite refusal was no contact: the record is tried again.
        most = 2 if who in story.refused_first else 1
        if who[0] not in wanted:
            told = f"{who} was contacted, whom no run may contact any more"
            yield Broken(Breach.CONTROL, told)
        elif who[0] in once and count > most:
            told = f"{who} was asked {count} times at most once"
            yield Broken(Breach.DUPLICATED, told)


def _ends(connection: Handle, story: Story) -> list[Broken]:
    found = []
    if damage(connection):
        found.append(Broken(Breach.LOST, damage(connection)))
    views = {view.run_id: view for view in run_page(connection, with_hidden=True)}
    for name, one in story.runs.items():
        view = views.get(one.run_id)
        if view is None:
            found.append(Broken(Breach.LOST, f"the run {name} is not there"))
        elif view.lifecycle.history is not History.CREATED:
            told = f"the run {name} is {view.label}, and never ended"
            found.append(Broken(Breach.LOST, told))
        elif one.contacts:
            found += _people(connection, story, one, view)
    return found


def _people(
    connection: Handle, story: Story, one: Run, view: RunView
) -> Iterator[Broken]:
    """Whoever was contacted is accounted for, and nobody is forgotten."""
    query = (
        select(contact.c.contact, record.c.state, record.c.code)
        .select_from(
            record.join(
                contact,
                (contact.c.run_no == record.c.run_no) & (contact.c.seq == record.c.seq),
            ).join(run, run.c.run_no == record.c.run_no)
        )
        .where(run.c.run_id == one.run_id)
    )
    rows = connection.execute(query).fetchall()
    states: dict[str, int] = {who: state for who, state, _ in rows}
    seen = {arrival.contact for arrival in story.arrivals}
    completed = (
        view.lifecycle.outcome is not None
        and str(view.lifecycle.outcome) == "completed"
    )
    if completed and view.books.suppressed == 0 and set(states) != one.contacts:
        missing = sorted(one.contacts - set(states))[:5]
        yield Broken(Breach.LOST, f"run {one.run_id} never had {missing}")
    for who, state, code in rows:
        word = RecordState(state).word
        if state == _REACHED and who not in seen:
            yield Broken(Breach.LOST, f"{who} is {word}, and was never asked")
        asked_in_vain = who in story.refused_first
        if state in _UNTOUCHED and who in seen and not asked_in_vain:
            yield Broken(Breach.LOST, f"{who} was asked, and is {word}")
        # Who opts out while an attempt is in doubt is not asked again: nobody knows.
        in_doubt = state in _IN_DOUBT and code != SUPPRESSED
        if in_doubt and one.delivery is _HONOURS and completed:
            told = f"{who} is {word} ({code}), though the key is honoured"
            yield Broken(Breach.LOST, told)
