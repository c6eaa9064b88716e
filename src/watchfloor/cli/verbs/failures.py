"""``failures``: what failed in a run, in groups of the same cause."""

from __future__ import annotations

from argparse import Namespace
from typing import Final

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer_json, for_shell, iso, moment, tell
from watchfloor.cli.short_reads import carried_out
from watchfloor.cli.tables import table
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.lens import (
    STATES,
    Dimension,
    Lens,
    LensGroup,
    retry_words,
    why_not,
)
from watchfloor.domain.records import RecordState
from watchfloor.domain.text import clean
from watchfloor.engine.lensing import lens_reads
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_view

#: More records than any run has.
_EVERY_RECORD: Final = 1 << 62
_STATES: Final = {state.word: state for state in STATES}


def failures(options: Namespace) -> int:
    """Group a run's failures, the largest group first."""
    by, states = _by(options.by), _states(options.state)
    layout = compose.layout(options)
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
        is_ended = run_view(connection, run_id).lifecycle.is_ended
    most = _EVERY_RECORD if options.all else None
    lens = carried_out(layout, lens_reads(run_id, by, states, most))
    shown = lens.groups[: max(1, options.limit)]
    if options.json:
        answer_json(
            {
                "run": run_id,
                "by": [one.value for one in by],
                "looked_at": lens.looked_at,
                "of": lens.of,
                "groups_left_out": len(lens.groups) - len(shown) + lens.left_out,
                "groups": [
                    _json(run_id, lens, group, is_ended=is_ended) for group in shown
                ],
            }
        )
        return exits.DONE
    if not shown:
        tell(f"Nothing failed in run {run_id}.")
        return exits.DONE
    table(
        (
            "RECORDS",
            "SHARE",
            *(one.value.upper() for one in by),
            "EXAMPLE",
            "FIRST (UTC)",
            "LAST (UTC)",
            "RETRIED",
            "RETRY IT, OR WHY NOT",
        ),
        [_row(run_id, lens, group, is_ended=is_ended) for group in shown],
    )
    _tell_rest(lens, len(shown))
    return exits.DONE


def _by(given: str) -> tuple[Dimension, ...]:
    words = [word.strip() for word in given.split(",") if word.strip()]
    known = {one.value for one in Dimension}
    wrong = [word for word in words if word not in known]
    if wrong or not words:
        named = f"{wrong[0]!r} is none" if wrong else "nothing is named"
        msg = f"--by: {named}; failures are grouped by {', '.join(sorted(known))}"
        raise ConfigError(msg)
    return tuple(one for one in Dimension if one.value in words)


def _states(given: str | None) -> frozenset[RecordState]:
    if given is None:
        return frozenset()
    if given not in _STATES:
        msg = f"--state {given!r} is no failure; it is one of {', '.join(_STATES)}"
        raise ConfigError(msg)
    return frozenset((_STATES[given],))


def _row(
    run_id: str, lens: Lens, group: LensGroup, *, is_ended: bool
) -> tuple[object, ...]:
    klass = "-" if group.outcome_class is None else group.outcome_class.word
    shown = {
        Dimension.CLASS: klass,
        Dimension.CODE: group.code or "-",
        Dimension.ORIGIN: group.origin or "-",
        Dimension.STEP: group.step or "-",
    }
    return (
        group.records,
        _share(group.records, lens.looked_at),
        *(shown[one] for one in lens.by),
        group.example_seq,
        moment(group.first_at_ms),
        moment(group.last_at_ms),
        group.retried,
        _what_to_do(run_id, lens, group, is_ended=is_ended),
    )


def _what_to_do(run_id: str, lens: Lens, group: LensGroup, *, is_ended: bool) -> str:
    """Return the words that retry a group, or why nothing of it is retried."""
    why = why_not(group, is_ended=is_ended)
    if why:
        return why
    words = for_shell(retry_words(run_id, lens.selection(group)))
    if clean(words) != words:
        return "its words cannot be typed in a shell: mark it in the console"
    return words


def _share(count: int, of: int) -> str:
    if 0 < count * 100 < of:
        return "<1%"
    return f"{count * 100 // of}%" if of else "-"


def _json(
    run_id: str, lens: Lens, group: LensGroup, *, is_ended: bool
) -> dict[str, object]:
    why = why_not(group, is_ended=is_ended)
    klass = None if group.outcome_class is None else group.outcome_class.word
    return {
        "class": klass,
        "code": group.code,
        "origin": group.origin,
        "step": group.step,
        **group.counts,
        "share": round(group.records / lens.looked_at, 6) if lens.looked_at else 0,
        "example": group.example_seq,
        "first_at": iso(group.first_at_ms),
        "last_at": iso(group.last_at_ms),
        "retry": None if why else for_shell(retry_words(run_id, lens.selection(group))),
        "why_not": why,
    }


def _tell_rest(lens: Lens, shown: int) -> None:
    left_out = len(lens.groups) - shown + lens.left_out
    if left_out:
        tell(f"{left_out:,} smaller groups are left out: --limit, or a shorter --by")
    if lens.looked_at < lens.of:
        tell(
            f"of the newest {lens.looked_at:,} of {lens.of:,} failures; "
            "--all looks at every one"
        )
