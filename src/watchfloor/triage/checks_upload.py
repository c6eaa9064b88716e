"""The upload: malformed and suppressed rows, the wrong region, a wrong encoding."""

from __future__ import annotations

from collections import Counter
from typing import Final

from watchfloor.domain.blocked_by import Reason, blocked_by
from watchfloor.domain.evidence import Evidence, RejectTally
from watchfloor.domain.moments import counted
from watchfloor.domain.records import RejectKind
from watchfloor.domain.regions import Intake
from watchfloor.triage.judging import (
    TELLING,
    Said,
    fail,
    figure,
    latest,
    ok,
    percent,
    share,
    skip,
    warn,
)

_MANY_INVALID: Final = 0.2
_SOME_INVALID: Final = 0.05
_MOST: Final = 0.5
_ALL_BUT: Final = 0.95
#: Words of reasons for which the region is to blame, or the spreadsheet.
_REGION: Final = ("no region", "unknown region", "unknown country code")
_GARBLED: Final = (
    *("spreadsheet notation", "control characters", "letters in a phone"),
    *("bytes in the row that are not", "a NUL byte"),
)
_FIX: Final = "Correct the rows and take them up again: watchfloor rejects RUN -o FILE."


def rejects(told: Evidence) -> Said:
    """Are rows malformed, and do they begin alike (1.17, 1.18)."""
    books = latest(told).books
    if not books.extracted:
        return skip("No row was read yet.")
    part = share(books.invalid, books.extracted)
    reasons = _reasons(told)
    figures = (
        figure("rows", books.extracted),
        figure(
            "invalid", f"{books.invalid:,}, {percent(books.invalid, books.extracted)}"
        ),
        *(figure(reason, n) for reason, n in reasons.most_common(5)),
        *(figure(f"begin with {origin}", n) for origin, n in _origins(told)[:3]),
    )
    if not books.invalid:
        return ok("No row is malformed.", *figures)
    most = f", most: {reasons.most_common(1)[0][0]}" if reasons else ""
    begins = _common_origin(told)
    elsewhere = told.readings.by_region.get(told.setup.region, 0)
    said = (
        f"{percent(books.invalid, books.extracted)} of the rows are malformed{most}"
        f"{f'; they begin with {begins}' if begins else ''}."
    )
    if elsewhere and share(elsewhere, told.readings.numbers) >= _MOST:
        said = f"{said} The rows hold valid numbers in another column than the contact."
        fix = "Recheck which column the campaign takes for the contact."
    else:
        fix = _FIX
    if part >= _MANY_INVALID and books.invalid >= TELLING // 4:
        return fail(1, said, fix, *figures)
    return (warn if part >= _SOME_INVALID else _fine)(said, fix, *figures)


def region(told: Evidence) -> Said:
    """Are numbers read by the right region."""
    if told.setup.kind != "phone":
        return skip("Its contacts are no phone numbers.")
    books = latest(told).books
    wrong = _sum(told, _REGION)
    others, read = _other_regions(told)
    figures = (
        figure("region", told.setup.region or "none"),
        figure("without one", wrong),
        figure("rejects looked at", told.rejects_seen),
        figure("malformed numbers read again", told.readings.numbers),
        figure("valid elsewhere", f"{read:,}, {others}" if others else "none"),
    )
    by = told.setup.region or "no region"
    recheck = "Recheck region and region_column of the campaign's audience."
    if others:
        many = f"{read:,} of {told.readings.numbers:,} malformed numbers read again"
        said = f"{many} are valid in {others}, and were read by {by}."
        if share(books.invalid, books.extracted) >= _MANY_INVALID:
            return fail(1, said, recheck, *figures)
        return warn(said, recheck, *figures)
    if not wrong:
        return ok("Every number could be read by a region.", *figures)
    said = f"{counted(wrong, 'number')} cannot be read by {by}"
    part = _of_all(told, wrong)
    if part >= _MANY_INVALID and books.invalid >= TELLING // 4:
        return fail(1, f"{said}.", recheck, *figures)
    return warn(f"{said}.", recheck, *figures)


def encoding(told: Evidence) -> Said:
    """Did a spreadsheet or a wrong encoding spoil the file."""
    books = latest(told).books
    if not books.extracted:
        return skip("No row was read yet.")
    spoilt = _sum(told, _GARBLED)
    figures = (figure("spoilt rows", spoilt), figure("rows", books.extracted))
    if not spoilt:
        return ok("No row looks spoilt by a spreadsheet or an encoding.", *figures)
    reason = next(one.reason for one in told.rejects if _is_about(one, _GARBLED))
    said = f"{counted(spoilt, 'row')} look spoilt: {reason}."
    again = "Export the file again: the column as text, the file as UTF-8."
    if _of_all(told, spoilt) >= _MANY_INVALID and spoilt >= TELLING // 4:
        return fail(1, said, again, *figures)
    return warn(said, again, *figures)


def suppression(told: Evidence) -> Said:
    """How many must not be contacted."""
    books = latest(told).books
    if not books.extracted:
        return skip("No row was read yet.")
    held = sum(
        one.count
        for one in blocked_by(told.situation)
        if one.reason is Reason.SUPPRESSION_PENDING
    )
    late = sum(one.records for one in told.records if one.code == "suppressed")
    figures = (
        figure("rows", books.extracted),
        figure("suppressed", books.suppressed),
        figure("put aside later, of those looked at", late),
        figure("to be put aside", held),
    )
    part = share(books.suppressed, books.extracted)
    looked = sum(one.records for one in told.records)
    rows = percent(books.suppressed, books.extracted)
    said = f"{rows} of the rows must not be contacted"
    recheck = "Recheck the suppression lists of campaign and workspace."
    if part >= _MOST or (late >= TELLING and share(late, looked) >= _MOST):
        if part < _MOST:
            said = (
                f"{percent(late, looked)} of the records must not be contacted any more"
            )
        return fail(1, f"{said}.", recheck, *figures)
    if part >= _MANY_INVALID:
        return warn(f"{said}.", recheck, *figures)
    if held:
        aside = (
            f"{counted(held, 'record')} will be put aside: they must not be contacted"
        )
        return ok(f"{aside}.", *figures, holds=True)
    return ok(f"{said}." if part else "No row is suppressed.", *figures)


def audience_filter(told: Evidence) -> Said:
    """Does the campaign's filter leave anybody."""
    books = latest(told).books
    judged = books.extracted - books.unjudged
    if not told.setup.filter:
        return skip("The campaign has no filter.")
    if not judged:
        return skip("No row was judged yet.")
    figures = (
        figure("filter", told.setup.filter),
        figure("judged", judged),
        figure("filtered", books.filtered),
    )
    said = f"The filter leaves out {percent(books.filtered, judged)} of the rows."
    recheck = "Recheck the filter: watchfloor launch --rehearse shows whom it takes."
    is_whole = told.run.lifecycle.intake is Intake.DONE
    if books.filtered and not books.records and is_whole:
        return fail(1, f"The filter leaves nobody: {said}", recheck, *figures)
    if share(books.filtered, judged) >= _ALL_BUT:
        return warn(said, recheck, *figures)
    return ok(said, *figures)


def _other_regions(told: Evidence) -> tuple[str, int]:
    """Return which other regions could read most malformed numbers, and how many."""
    read = told.readings
    others = {one: n for one, n in read.by_region.items() if one != told.setup.region}
    most = max(others.values(), default=0)
    if read.numbers < TELLING // 4 or share(most, read.numbers) < _MOST:
        return "", 0
    best = [one for one, n in others.items() if n == most]
    return ", ".join(best[:5]) + (" and others" if best[5:] else ""), most


def _reasons(told: Evidence) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for one in told.rejects:
        if one.kind is RejectKind.INVALID:
            reasons[one.reason] += one.rows
    return reasons


def _origins(told: Evidence) -> list[tuple[str, int]]:
    origins: Counter[str] = Counter()
    for one in told.rejects:
        if one.kind is RejectKind.INVALID and one.origin:
            origins[one.origin] += one.rows
    return origins.most_common()


def _common_origin(told: Evidence) -> str:
    """Return how most malformed numbers begin; empty where they differ."""
    known, total = _origins(told), sum(_reasons(told).values())
    if not known or share(known[0][1], total) < _MOST or known[0][1] < TELLING // 4:
        return ""
    return known[0][0]


def _sum(told: Evidence, words: tuple[str, ...]) -> int:
    return sum(one.rows for one in told.rejects if _is_about(one, words))


def _is_about(one: RejectTally, words: tuple[str, ...]) -> bool:
    return one.kind is RejectKind.INVALID and any(word in one.reason for word in words)


def _of_all(told: Evidence, rows: int) -> float:
    """Return what share of the upload so many of the rejects looked at stand for."""
    books = latest(told).books
    rejected = share(books.rejected, books.extracted)
    return rejected * share(rows, told.rejects_seen)


def _fine(finding: str, _: str, *figures: tuple[str, str]) -> Said:
    return ok(finding, *(figure(*one) for one in figures))
