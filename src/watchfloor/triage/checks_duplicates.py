"""Duplicates: a second run by accident, repeated deliveries, repeated recipients."""

from __future__ import annotations

from typing import Final

from watchfloor.domain.evidence import AttemptTally, Evidence, Neighbour
from watchfloor.domain.moments import age_text, counted
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

#: Such a share of the contacts that were looked up makes two runs the same people's.
_SAME_PEOPLE: Final = 0.5
_SOME_PEOPLE: Final = 0.05
_MANY_REPEATED: Final = 0.2
_MOST_REPEATED: Final = 0.5
#: What a provider calls a delivery whose key it knows.
_KNOWN_TO_PROVIDER: Final = ("duplicate", "already", "http_409", "idempot")


def twin(told: Evidence) -> Said:
    """Was a second run started by accident (1.11)."""
    others = told.neighbours
    figures = tuple(
        figure(one.run_id, f"{one.label}, {_common(one)}") for one in others[:8]
    )
    ended = told.run.lifecycle.is_ended
    accident = next((one for one in others if _is_accident(one)), None)
    if accident is None:
        some = next((one for one in others if _overlap(one) >= _SOME_PEOPLE), None)
        if some is not None:
            return warn(
                f"Run {some.run_id} has contacts of this run: {_common(some)}.",
                "Ask who launched it whether that is meant.",
                *figures,
            )
        none = "No second run of its campaign or file"
        return ok(f"{none} is live or ended within a day.", *figures)
    said = f"Run {accident.run_id} is this one again: {_common(accident)}"
    if accident.is_live and not ended:
        return fail(
            1,
            f"{said}; it is live ({accident.label}).",
            "Pause both now, keep the one that is meant, cancel the other.",
            *figures,
            act="run.pause",
        )
    if accident.is_live:
        look = f"Look at it first: watchfloor triage {accident.run_id}."
        return warn(f"{said}; it is live, this one has ended.", look, *figures)
    end_ms = accident.ended_at_ms or accident.created_at_ms
    ago = f"it ended {age_text(end_ms, told.now_ms)} ago"
    if ended:
        return warn(f"{said}; {ago}.", "Compare the two before any retry.", *figures)
    return fail(
        1,
        f"{said}; {ago}.",
        "Pause this run, and ask who launched it whether that is meant.",
        *figures,
        act="run.pause",
    )


def deliveries(told: Evidence) -> Said:
    """Are repeated deliveries stopped at the dispatch layer (1.12)."""
    looked = told.whole.records
    twice = max(told.whole.twice, told.recent.twice)
    again = [one for one in told.relatives if one.delivered_too]
    known = [one for one in told.whole.tallies if _is_known(one)]
    answers = sum(one.attempts for one in known)
    figures = (
        figure("records looked at", looked),
        figure("delivered twice", twice),
        figure("known to the provider", answers),
        *(
            figure(one.run_id, f"{one.delivered_too:,} of {one.looked_up:,} too")
            for one in told.relatives[:8]
            if one.looked_up
        ),
    )
    hold = "Pause the run and do not retry; hand over to engineering."
    if twice:
        many = counted(twice, "record")
        return fail(
            3,
            f"{many} of {looked:,} looked at were delivered twice.",
            hold,
            *figures,
            act="run.pause",
        )
    if again:
        one = again[0]
        return fail(
            3,
            f"{one.delivered_too:,} of {one.looked_up:,} delivered records looked up "
            f"were delivered by run {one.run_id} of the family too.",
            hold,
            *figures,
            act="run.pause",
        )
    if answers:
        return warn(
            f"The provider answered {answers:,} times that it had the delivery already "
            f"({known[0].code}): it stopped what was sent again.",
            "Nothing was repeated; find out what sends again.",
            *figures,
        )
    if not looked:
        return skip("No attempt has ended yet.")
    return ok(f"None of {looked:,} records looked at was delivered twice.", *figures)


def recipients(told: Evidence) -> Said:
    """Are recipients repeated in the upload (1.13)."""
    books = latest(told).books
    figures = (figure("rows", books.extracted), figure("repeated", books.duplicate))
    if not books.extracted:
        return skip("No row was read yet.")
    if not books.duplicate:
        return ok("No recipient stands twice in the upload.", *figures)
    part = percent(books.duplicate, books.extracted)
    rows = "row repeats" if books.duplicate == 1 else "rows repeat"
    said = f"{books.duplicate:,} {rows} a recipient ({part}) and was left out."
    if books.duplicate != 1:
        said = said.replace("and was", "and were")
    part_of_all = share(books.duplicate, books.extracted)
    if part_of_all >= _MANY_REPEATED:
        is_most = part_of_all >= _MOST_REPEATED and books.extracted >= TELLING
        rows = "watchfloor rejects RUN -o FILE writes the rows"
        ask = f"Ask where the file comes from: {rows}."
        return fail(1, said, ask, *figures) if is_most else warn(said, ask, *figures)
    return ok(said, *figures)


def _is_accident(one: Neighbour) -> bool:
    """Whether another run does what this one does."""
    if one.same_fingerprint or (one.same_campaign and one.same_upload):
        return True
    return one.same_campaign and _overlap(one) >= _SAME_PEOPLE


def _overlap(one: Neighbour) -> float:
    return share(one.shared, one.looked_up)


def _common(one: Neighbour) -> str:
    same = [
        word
        for word, is_same in (
            ("same campaign", one.same_campaign),
            ("same file", one.same_upload),
        )
        if is_same
    ]
    if one.shared:
        same.append(f"{one.shared:,} of {one.looked_up:,} contacts looked up")
    return ", ".join(same) or "nothing in common"


def _is_known(one: AttemptTally) -> bool:
    return any(word in one.code for word in _KNOWN_TO_PROVIDER)
