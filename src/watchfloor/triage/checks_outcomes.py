"""Outcomes: what fails, at which provider, for whom (1.3, 1.25, 2.9)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from watchfloor.domain.books import Books
from watchfloor.domain.canary import HEALTHY_SHARE
from watchfloor.domain.evidence import AttemptTally, Evidence, RecordTally
from watchfloor.domain.failing import OF_PEOPLE, FailureGroup
from watchfloor.domain.moments import counted
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate
from watchfloor.domain.runbook import Figure
from watchfloor.triage.judging import (
    TELLING,
    Said,
    fail,
    figure,
    latest,
    may_pause,
    ok,
    paused_first,
    percent,
    share,
    skip,
    warn,
)

#: The provider refuses us, not the recipient.
_ACCESS: Final = re.compile(
    r"\b(?:http_)?40[13]\b|smtp_530|smtp_535|5[._]7[._]|unauthori[sz]ed|forbidden",
    re.IGNORECASE,
)
#: The expected share of passing failures, where earlier runs tell of less (1.25).
THRESHOLD: Final = 0.1
_OVER_BASELINE: Final = 1.5
_FEWEST: Final = 10
_MANY_FAIL: Final = 0.2
_SOME_FAIL: Final = 0.05
_SEGMENT: Final = 0.5
#: An ended run of which no more arrived has reached nobody, however small it is.
_NEARLY_NONE: Final = 0.1
#: Segments of which so much fails stand out together.
_NEARLY_ALL: Final = 0.9
_NAMED: Final = 3
_TIMES_OTHERS: Final = 2
_FAILING: Final = frozenset(
    {RecordState.FAILED, RecordState.UNKNOWN, RecordState.RETRY}
)
_FINISHED: Final = _FAILING | {RecordState.DELIVERED}


class Segment(NamedTuple):
    """Records that have one thing in common, and how many of them fail."""

    name: str
    records: int
    failing: int
    code: str
    outcome_class: OutcomeClass | None


def access(told: Evidence) -> Said:
    """Does the provider refuse our credentials (401, 403)."""
    asked, cause = told.run.gate_asked, told.run.cause
    codes = Counter[str]()
    for one in told.recent.tallies:
        if _ACCESS.search(one.code):
            codes[one.code] += one.attempts
    figures = (
        figure("newest attempts", told.recent.attempts),
        figure("refused among them", codes.total()),
        *(figure(code, n) for code, n in codes.most_common(5)),
    )
    why = next(
        (text for text in (asked.why, cause) if text and _ACCESS.search(text)), ""
    )
    mend, act = _mended_access(told)
    if why:
        said = f"The provider refuses our access: {why}."
        return fail(1, said, mend, *figures, act=act)
    refused = codes.total()
    if refused >= _FEWEST and share(refused, told.recent.attempts) >= _MANY_FAIL:
        code = codes.most_common(1)[0][0]
        said = f"The provider refuses our access: {code}, {refused:,} times of late."
        return fail(1, said, mend, *figures, act=act)
    if not told.recent.attempts:
        return skip("No attempt has ended yet.")
    return ok("The provider takes our credentials.", *figures)


def provider(told: Evidence) -> Said:
    """Does the provider itself fail more than is to be expected (1.25)."""
    sample = told.recent
    if sample.attempts < TELLING:
        return skip("Too few attempts have ended to tell.")
    faults = [one for one in sample.tallies if _is_providers(one)]
    count = sum(one.attempts for one in faults)
    limit = threshold(told)
    codes = Counter[str]()
    for one in faults:
        codes[one.code] += one.attempts
    baseline = told.baseline_transient
    figures = (
        figure("newest attempts", sample.attempts),
        figure(
            "failed at the provider", f"{count:,}, {percent(count, sample.attempts)}"
        ),
        figure("threshold", percent(limit, 1)),
        figure(
            "earlier runs",
            "none tell" if baseline is None else percent(baseline, 1),
        ),
        *(figure(code, n) for code, n in codes.most_common(5)),
    )
    part = share(count, sample.attempts)
    if not count:
        return ok("No attempt failed at the provider.", *figures)
    code = codes.most_common(1)[0][0]
    said = (
        f"{percent(count, sample.attempts)} of the newest attempts failed at the "
        f"provider, most: {code}{_meaning(code)}"
    )
    if count >= _FEWEST and part > limit and told.run.lifecycle.is_ended:
        look = "Retry a canary first; the provider may still fail."
        return warn(f"{said}; it has ended since.", look, *figures)
    if count >= _FEWEST and part > limit:
        do, act = _advice(told, code)
        much = f"{said}; expected are at most {percent(limit, 1)}."
        return fail(3, much, do, *figures, act=act)
    if count >= _FEWEST and part > limit / 2:
        return warn(f"{said}.", "Watch it: run triage again in a minute.", *figures)
    return ok(f"{said}; {percent(limit, 1)} are to be expected.", *figures)


def threshold(told: Evidence) -> float:
    """Return which share of attempts may fail at the provider at most.

    A share as of no healthy run, which an older version may have put into a bundle, is
    nothing to compare with.
    """
    baseline = told.baseline_transient or 0.0
    is_healthy = baseline <= HEALTHY_SHARE
    return max(THRESHOLD, _OVER_BASELINE * baseline if is_healthy else 0.0)


def segment(told: Evidence) -> Said:
    """Do failures gather in one prefix, domain or step (1.3)."""
    finished = [one for one in told.records if one.state in _FINISHED]
    total = sum(one.records for one in finished)
    if total < TELLING:
        return skip("Too few records are finished to tell.")
    for what, by in _SEGMENTS:
        standing_out, others = _standing_out(finished, by)
        if not standing_out:
            continue
        most = max(standing_out, key=lambda one: one.failing)
        figures = (
            *(figure(_named(what, one), _course(one)) for one in standing_out),
            figure("elsewhere", f"{others.failing:,} of {others.records:,} fail"),
            figure("most of them", most.code or "no code"),
            figure("records looked at", total),
        )
        said = f"{_gather(what, standing_out, others)}; most: {most.code or 'no code'}."
        is_final = most.outcome_class is OutcomeClass.PERMANENT
        return fail(1 if is_final else 2, said, _mend(told, standing_out), *figures)
    return ok(
        "Failures gather in no prefix, domain or step.",
        figure("records looked at", total),
    )


def outcomes(told: Evidence) -> Said:
    """How many of the finished records failed, and why most of them (2.9)."""
    books = latest(told).books
    groups = [one for one in told.failures.groups if one.state is not RecordState.RETRY]
    figures = (
        figure("finished", books.done),
        figure("delivered", books.delivered),
        figure("failed", f"{books.failed:,}, {percent(books.failed, books.done)}"),
        figure("unknown", books.unknown),
        *(figure(_group_name(one), one.records) for one in groups[:6]),
    )
    if not books.done:
        return skip("No record is finished yet.")
    if told.run.lifecycle.is_ended and _arrived_nearly_none(books):
        return _nothing_arrived(books, groups, figures)
    if not books.failed:
        return ok(f"None failed of {books.done:,} finished.", *figures)
    failed = [one for one in groups if one.state is RecordState.FAILED]
    most = f", most: {_group_name(failed[0])}" if failed else ""
    part = percent(books.failed, books.done)
    said = f"{books.failed:,} of {books.done:,} finished failed ({part}){most}."
    look = "Open the journey of one of them"
    look += f": watchfloor journey RUN {failed[0].example_seq}." if failed else "."
    part_failed = share(books.failed, books.done)
    if books.done >= TELLING and part_failed >= _MANY_FAIL:
        judged = fail(1, said, look, *figures)
    elif part_failed >= _SOME_FAIL:
        judged = warn(said, look, *figures)
    else:
        judged = ok(said, *figures)
    return judged._replace(seq=failed[0].example_seq if failed else 0)


def _arrived_nearly_none(books: Books) -> bool:
    """Whether next to nothing of what was tried, or was too late to be, arrived."""
    return share(books.delivered, books.done) <= _NEARLY_NONE


def _nothing_arrived(
    books: Books, groups: Sequence[FailureGroup], figures: Sequence[Figure]
) -> Said:
    """Say that a run has ended and that, however small it is, nobody was reached."""
    ends = (
        (books.failed, "failed"),
        (books.unknown, "unknown"),
        (books.expired, "expired"),
    )
    told = ", ".join(f"{count:,} {word}" for count, word in ends if count)
    most = f"; most: {_group_name(groups[0])}" if groups else ""
    some = f"Only {books.delivered:,}" if books.delivered else "None"
    said = f"{some} of {counted(books.done, 'record')} arrived: {told}{most}."
    seq = groups[0].example_seq if groups else 0
    look = (
        f"Open the journey of one of them: watchfloor journey RUN {seq}."
        if seq
        else "Recheck window and expiry; take them up by a child run."
    )
    return fail(1, said, look, *figures)._replace(seq=seq)


def unknowns(told: Evidence) -> Said:
    """How many attempts may have arrived, and nobody knows."""
    books = latest(told).books
    figures = (figure("unknown", books.unknown), figure("finished", books.done))
    if not books.unknown:
        return ok("No record is unknown.", *figures)
    many = counted(books.unknown, "record")
    said = f"{many} may have been delivered, and nobody knows."
    settle = "See which, and settle them one by one: watchfloor unknowns RUN."
    is_much = share(books.unknown, books.done) >= _SOME_FAIL
    if is_much and books.unknown >= _FEWEST:
        return fail(2, said, settle, *figures)
    return warn(said, settle, *figures)


def _is_providers(one: AttemptTally) -> bool:
    passing = (OutcomeClass.TRANSIENT, OutcomeClass.AMBIGUOUS)
    return one.outcome_class in passing and one.code not in OF_PEOPLE


def _is_throttled(code: str) -> bool:
    return any(word in code for word in ("429", "421", "throttl", "rate", "too_many"))


def _meaning(code: str) -> str:
    """Return what a code says of the provider; empty where it says nothing more."""
    if _is_throttled(code):
        return " (it asks for a slower pace)"
    if any(word in code for word in ("timeout", "timed_out", "no_reply", "stall")):
        return " (it does not answer in time)"
    if re.search(r"\b(?:http_)?5\d\d\b", code) or "down" in code:
        return " (it fails by itself)"
    if any(word in code for word in ("refused", "dns", "connect", "tls", "reset")):
        return " (it cannot be reached)"
    return ""


def _advice(told: Evidence, code: str) -> tuple[str, str]:
    """Return what to do about a provider that fails, and the key that does it."""
    if _is_throttled(code):
        lower = "Lower the pace: watchfloor limit RUN; then hand over if it goes on."
        return lower, "run.limits"
    return paused_first(told, "hand over to engineering with a bundle.")


def _mended_access(told: Evidence) -> tuple[str, str]:
    """Return what to do about access that is refused, and the key that does it."""
    mend = "Mend the channel's credentials or its allow-list, then"
    life = told.run.lifecycle
    if life.is_ended:
        return f"{mend} retry a canary: watchfloor retry RUN --canary.", ""
    if may_pause(told):
        return f"Pause the run. {mend} resume.", "run.pause"
    return f"{mend} resume.", "run.resume" if life.gate is not Gate.OPEN else ""


def _standing_out(
    finished: Iterable[RecordTally], by: Callable[[RecordTally], str]
) -> tuple[list[Segment], Segment]:
    """Return the segments in which failures gather, most first, and all others."""
    records, failing = Counter[str](), Counter[str]()
    codes: dict[str, Counter[tuple[str, OutcomeClass | None]]] = {}
    for one in finished:
        name = by(one)
        records[name] += one.records
        if one.state in _FAILING:
            failing[name] += one.records
            why = codes.setdefault(name, Counter())
            why[one.code, one.outcome_class] += one.records
    told = [
        Segment(name, records[name], n, *codes[name].most_common(1)[0][0])
        for name, n in failing.most_common()
        if name and records[name] >= _FEWEST
    ]
    lost = [one for one in told if share(one.failing, one.records) >= _NEARLY_ALL]
    for chosen in (lost, told[:1]):
        rest = records.total() - sum(one.records for one in chosen)
        failing_there = failing.total() - sum(one.failing for one in chosen)
        others = Segment("", rest, failing_there, "", None)
        if chosen and _stands_out(chosen, others):
            return chosen, others
    return [], Segment("", 0, 0, "", None)


def _stands_out(chosen: Sequence[Segment], others: Segment) -> bool:
    """Whether most of some segments fails, and of the others far less does."""
    failing = sum(one.failing for one in chosen)
    part = share(failing, sum(one.records for one in chosen))
    elsewhere = share(others.failing, others.records)
    is_most = part >= _SEGMENT and failing >= others.failing
    return is_most and others.records > 0 and part >= _TIMES_OTHERS * elsewhere


def _gather(what: str, chosen: Sequence[Segment], others: Segment) -> str:
    """Say in which segments failures gather; of many only the largest are named."""
    records = sum(one.records for one in chosen)
    failing = sum(one.failing for one in chosen)
    if len(chosen) == 1:
        elsewhere = percent(others.failing, others.records)
        name = _named(what, chosen[0])
    else:
        elsewhere = f"{others.failing:,} of {others.records:,}"
        names = [one.name for one in chosen[:_NAMED]]
        if len(chosen) > _NAMED:
            names.append(f"{len(chosen) - _NAMED:,} more")
        name = f"{_plural(what, chosen)} {', '.join(names[:-1])} and {names[-1]}"
    return (
        f"Failures gather in {name}: {failing:,} of {records:,} fail, "
        f"elsewhere {elsewhere}"
    )


def _mend(told: Evidence, chosen: Sequence[Segment]) -> str:
    """Say what to do about segments that fail: for good, for now, or both."""
    final = [one for one in chosen if one.outcome_class is OutcomeClass.PERMANENT]
    steps = ["Look at them: watchfloor failures RUN."]
    if final:
        steps.append("Check contacts that fail for good; never retry them as they are.")
    if any(one.outcome_class is OutcomeClass.TRANSIENT for one in chosen):
        again = (
            "then: watchfloor retry RUN --canary"
            if told.run.lifecycle.is_ended
            else "the run tries them again"
        )
        steps.append(f"Ask the provider about those that fail for now; {again}.")
    elif len(final) < len(chosen):
        steps.append("Ask the provider about it.")
    return " ".join(steps)


def _named(what: str, one: Segment) -> str:
    return f"{what} {one.name}"


def _plural(what: str, chosen: Sequence[Segment]) -> str:
    if what == "step":
        return "steps"
    return "prefixes" if all(one.name.startswith("+") for one in chosen) else "domains"


def _course(one: Segment) -> str:
    why = one.code or "no code"
    return f"{one.failing:,} of {one.records:,} fail, most: {why}"


def _group_name(one: FailureGroup) -> str:
    klass = "" if one.outcome_class is None else f"{one.outcome_class.word} "
    step = f" at {one.step}" if one.step else ""
    return f"{klass}{one.code or 'no code'}{step}"


_SEGMENTS: Final[tuple[tuple[str, Callable[[RecordTally], str]], ...]] = (
    ("contacts of", lambda one: one.origin),
    ("step", lambda one: one.step),
)
