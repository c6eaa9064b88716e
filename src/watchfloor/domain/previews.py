"""The exact blast radius of a command, before it is asked, and whether it drifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from watchfloor.domain.books import Books
from watchfloor.domain.errors import EXPLANATIONS, Refusal, RefusedError
from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.masking import masked
from watchfloor.domain.progress import in_flight, taken_up
from watchfloor.domain.regions import Gate, Intake, Phase, Verb
from watchfloor.domain.views import RecordView, RunView


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was on the screen when a command was given; it travels with the command.

    Attributes:
        version: The run's version.
        launched: Whether the run had its launch id.
        untouched: Records that would never be attempted.
        in_flight: Records taken up whose outcome was not stored, sent or not.
        callbacks: Promises kept at that moment.
    """

    version: int
    launched: bool
    untouched: int
    in_flight: int
    callbacks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a command would do to a run, in sentences with exact counts.

    Attributes:
        lines: What will happen, then what will not; each a sentence.
        drops: Whether promised callbacks are dropped.
        typed: What must be typed to confirm; empty where a key will do.
        refusal: Why it cannot be done now, or None.
        overrules: Whether it goes over what a canary was stopped for.
    """

    verb: Verb
    run_id: str
    campaign_name: str
    label: str
    seen: Seen
    lines: tuple[str, ...]
    drops: bool = False
    typed: str = ""
    refusal: Refusal | None = None
    overrules: bool = False

    @property
    def explanation(self) -> str:
        """The refusal in one sentence with the next possible action, or empty."""
        return "" if self.refusal is None else EXPLANATIONS[self.refusal]


def _named(run: RunView, promised: Sequence[RecordView]) -> list[str]:
    """Return the promises that would be dropped, each with its time."""
    lines = [
        f"Drops record {one.seq}, {masked(one.contact)}, promised for "
        f"{_moment(one.due_at_ms)}."
        for one in promised
        if one.due_at_ms is not None
    ]
    left = run.books.callback - len(lines)
    if lines and left > 0:
        lines.append(f"Drops {left:,} more; see: watchfloor callbacks")
    return lines


def _moment(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def seen(run: RunView) -> Seen:
    """Return what a command given now would carry."""
    return Seen(
        version=run.version,
        launched=run.lifecycle.launched,
        untouched=run.books.eligible + run.books.waiting,
        in_flight=run.books.attempting,
        callbacks=run.books.callback,
    )


def seen_of(told: object) -> Seen:
    """Return what a command says was seen: figures, and nothing else.

    Raises:
        TypeError: It says something else.
    """
    if not isinstance(told, Mapping):
        raise TypeError("what was seen is told by names")
    others = dict(told)
    launched = others.pop("launched", None)
    if type(launched) is not bool or any(
        type(one) is not int for one in others.values()
    ):
        raise TypeError("what was seen is told in whole numbers")
    return Seen(launched=launched, **others)


#: What the preview of an end says last.
FOR_GOOD = "This cannot be undone."
#: So many promises are told one by one before the others are counted.
PROMISES_NAMED = 5


#: So many retries that may have arrived are counted; beyond it "at least" is told.
DOUBTS_COUNTED = 20_000


def preview(
    run: RunView,
    verb: Verb,
    promised: Sequence[RecordView] = (),
    doubtful: int = 0,
) -> Preview:
    """Return what *verb* would do to *run* as it is now.

    Args:
        run: As it is now.
        verb: What may be asked.
        promised: Its next callbacks, at most ``PROMISES_NAMED``: those that would be
            dropped are told with their times.
        doubtful: Retries of which an earlier attempt may have arrived, counted up to
            ``DOUBTS_COUNTED``: an end calls them unknown.
    """
    first, *others = _LINES[verb](run)
    doubt = in_doubt(run, verb)
    if doubt is not None:
        first, others = _restored(run, doubt), [first, *others]
    drops = verb is Verb.CANCEL or run.lifecycle.phase is Phase.STOPPED_CALLBACK
    return Preview(
        verb=verb,
        run_id=run.run_id,
        campaign_name=run.campaign_name,
        label=run.label,
        seen=seen(run),
        lines=(
            first,
            *_doubtful(doubtful),
            *others,
            *(_named(run, promised) if drops else ()),
        ),
        drops=drops,
        typed=_typed(run, verb, doubt),
        refusal=refusal(run.lifecycle, verb),
    )


def in_doubt(run: RunView, verb: Verb) -> int | None:
    """Return how many records *verb* may have contacted twice; None: it is no matter.

    Of a run that came back from a backup nobody knows what was sent after it was made.
    A resume lets it go on, and so does a stop that keeps its promises.
    """
    if run.restored_from_ms is None:
        return None
    keeps = verb is Verb.STOP and run.books.callback > 0
    if verb is Verb.RESUME:
        return run.books.remaining + run.books.unjudged
    is_first = run.lifecycle.phase is not Phase.STOPPED_CALLBACK
    return run.books.callback if keeps and is_first else None


def _restored(run: RunView, doubt: int) -> str:
    at = _moment(run.restored_from_ms or 0)
    more = "" if run.lifecycle.intake is Intake.DONE else ", and rows not read yet"
    return (
        f"Restored from a backup of {at}: {_n(doubt, 'record')}{more} may have been "
        "contacted since. Unless the channel goes by keys, they are contacted again."
    )


def _typed(run: RunView, verb: Verb, doubt: int | None) -> str:
    if doubt is not None:
        return str(doubt)
    return run.run_id if verb is Verb.CANCEL else ""


def _doubtful(count: int) -> list[str]:
    if not count:
        return []
    least = "at least " if count >= DOUBTS_COUNTED else ""
    many = f"{least}{_n(count, 'record')}"
    fate = "ends as unknown" if count == 1 else "end as unknown"
    return [f"Of these {many} may have been reached by an earlier attempt: {fate}."]


def is_no_worse(then: Preview, now: Preview) -> bool:
    """Whether what was confirmed on *then* harms nobody more as things are *now*."""
    was, seen_now = then.seen, now.seen
    if now.refusal is not None or was.launched != seen_now.launched:
        return False
    if then.drops != now.drops:
        return False
    if now.drops:
        return (seen_now.untouched, seen_now.callbacks) == (
            was.untouched,
            was.callbacks,
        )
    left = seen_now.untouched + seen_now.in_flight
    return left <= was.untouched + was.in_flight


def check_drift(verb: Verb, then: Seen, run: RunView) -> None:
    """Refuse a stop or cancel whose preview no longer holds.

    A pause or resume harms nobody and is judged by the table alone, but for a resume
    that goes over a canary (``engine/canaries.py``). A running run goes
    on between preview and command: its stop may find fewer records to drop than were
    shown, never more. A second stop and a cancel drop promises and find a run that
    stands still: they must find the very same figures. An extraction cancel contacts
    nobody whatever the counts are; it is refused once the run is launched.

    Raises:
        RefusedError: ``DRIFTED`` with the new figures, or ``LAUNCHED_AT``.
    """
    if verb not in (Verb.STOP, Verb.CANCEL):
        return
    now = seen(run)
    if not now.launched:
        return
    if not then.launched and verb is Verb.CANCEL:
        raise RefusedError(Refusal.LAUNCHED_AT, f"launch id {run.launch_id}")
    if now.version != then.version or _harms_more(verb, then, run):
        raise RefusedError(Refusal.DRIFTED, _figures(run))


def _harms_more(verb: Verb, then: Seen, run: RunView) -> bool:
    now = seen(run)
    drops_promises = (
        verb is Verb.CANCEL or run.lifecycle.phase is Phase.STOPPED_CALLBACK
    )
    if run.lifecycle.intake is not Intake.DONE:
        # Whoever is still being read in is no harm: an end keeps them from contact.
        return drops_promises and now.callbacks != then.callbacks
    if drops_promises:
        return (now.untouched, now.callbacks) != (then.untouched, then.callbacks)
    # An intent that is taken back unsent moves from the one count to the other.
    return now.untouched + now.in_flight > then.untouched + then.in_flight


def _figures(run: RunView) -> str:
    now = seen(run)
    return (
        f"now {run.label}: {_n(now.untouched, 'record')} not attempted, "
        f"{_n(now.callbacks, 'callback')} promised, "
        f"{in_flight(run):,} in flight{_more_taken_up(run)}"
    )


def _more_taken_up(run: RunView) -> str:
    return f", {taken_up(run):,} more taken up" if taken_up(run) else ""


def _n(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _reached(books: Books) -> str:
    return (
        f"{_n(books.done, 'record')} already finished and "
        f"{'stays' if books.done == 1 else 'stay'} so "
        f"({books.delivered:,} delivered, {books.failed:,} failed, "
        f"{books.unknown:,} unknown)."
    )


def _in_flight(run: RunView, fate: str) -> list[str]:
    """Return what becomes of records that are taken up.

    Intents are stored ahead of permits. Beyond those nothing is under way, but for
    outcomes that are being stored, and for attempts that began before the permits were
    lowered: so no count of what is taken back is exact.

    Args:
        run: As it is now.
        fate: What becomes of a record that is taken back unsent.
    """
    flying, ahead = in_flight(run), taken_up(run)
    if not flying:
        return ["Nothing is in flight."]
    goes_on = (
        f"{_n(flying, 'attempt')} in flight {'is' if flying == 1 else 'are'} not "
        "recalled; the outcome is still stored."
    )
    if not ahead:
        return [goes_on]
    taken_back = (
        f"{ahead:,} more {'was' if ahead == 1 else 'were'} taken up; what is not sent "
        f"yet is taken back unsent and {fate}."
    )
    return [goes_on, taken_back]


def _promised(books: Books, fate: str) -> str:
    if not books.callback:
        return "No callback is promised."
    return f"Promised callbacks: {books.callback:,}; they {fate}."


def _pause(run: RunView) -> list[str]:
    books = run.books
    return [
        "No attempt will start after the pause is acknowledged.",
        *_in_flight(run, "waits for the resume"),
        f"Records that wait for the resume: {books.eligible:,}.",
    ]


def _resume(run: RunView) -> list[str]:
    books = run.books
    return [
        f"The run goes on with {_n(books.eligible, 'record')} not finished yet.",
        "Nothing bursts: the pace starts anew.",
    ]


def _never_launched(run: RunView, ends_as: str) -> list[str]:
    return [
        "The run is not launched: nobody was contacted and nobody will be.",
        f"{_n(run.books.eligible, 'record')} extracted so far will not be attempted.",
        f"The run ends as {ends_as}; this cannot be undone.",
    ]


def _stop(run: RunView) -> list[str]:
    books = run.books
    if not run.lifecycle.launched:
        return _never_launched(run, "stopped")
    again = run.lifecycle.phase is Phase.STOPPED_CALLBACK
    kept = "are dropped for good" if again else "are kept; a second stop drops them"
    return [
        f"{_n(books.eligible + books.waiting, 'record')} will never be attempted.",
        *_in_flight(run, "will never be attempted"),
        _promised(books, kept),
        _reached(books),
        FOR_GOOD,
    ]


def _cancel(run: RunView) -> list[str]:
    books = run.books
    if not run.lifecycle.launched:
        return _never_launched(run, "cancelled")
    left = books.eligible + books.waiting
    held = " (the run must be paused first)" if run.lifecycle.gate is Gate.OPEN else ""
    return [
        f"{_n(left, 'record')} will never be attempted{held}.",
        _promised(books, "will be dropped"),
        *_in_flight(run, "will never be attempted"),
        _reached(books),
        FOR_GOOD,
    ]


_LINES = {
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.STOP: _stop,
    Verb.CANCEL: _cancel,
}
