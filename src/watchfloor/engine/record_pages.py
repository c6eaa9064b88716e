"""Pages of records, as screens and verbs ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.filters import And, Comparison, Filter, FilterError, Operator
from watchfloor.domain.records import STATE_WORDS, RecordState
from watchfloor.domain.views import CallbackPage, PageKey, RecordPage, RecordView
from watchfloor.intake.filter_language import check_fields, parse_filter
from watchfloor.store.filter_conditions import Condition, condition
from watchfloor.store.filtering import record_fields
from watchfloor.store.handle import Handle
from watchfloor.store.reads import records as record_reads
from watchfloor.store.reads import runs as run_reads
from watchfloor.store.reads.cohorts import conditions
from watchfloor.store.reads.people import is_newest, not_in_state
from watchfloor.store.reads.results import speaking_kinds
from watchfloor.store.text_conditions import record_text


def record_page_of(connection: Handle, run_id: str, wanted: PageKey) -> RecordPage:
    """Return a page of records with their steps by name and what was reported.

    Raises:
        NotFoundError: No run has this id.
        ConfigError: The filter is none, names a field that there is not, or one of
            people that they are hidden from; or the text is longer than anybody means.
    """
    # A run that is not there is said first, whatever else is wrong.
    run_reads.run_number(connection, run_id)
    steps = run_reads.step_names(connection, run_id)
    asked: list[Condition] = []
    if wanted.where.strip():
        columns = run_reads.column_names(connection, run_id)
        chosen, holds = _where(wanted, columns, steps)
        asked.append(holds)
        if wanted.state is None:
            wanted = replace(wanted, state=_only_state(chosen))
    text = wanted.text.strip()
    if text:
        asked.append(record_text(text, steps, in_people=not wanted.hides_people))
    page = record_reads.record_page(connection, run_id, steps, wanted, *asked)
    return _told(connection, run_id, page, wanted)


def cohort_page_of(
    connection: Handle, run_id: str, selection: Selection, wanted: PageKey
) -> RecordPage:
    """Return a page of the records that a selection selects.

    A search looks at so many records and no more; see ``RecordPage.searched_to``.

    Raises:
        NotFoundError: No run has this id.
    """
    steps = run_reads.step_names(connection, run_id)
    asked = conditions(connection, run_id, selection)
    if len(selection.states) == 1:
        wanted = replace(wanted, state=next(iter(selection.states)))
    page = record_reads.record_page(connection, run_id, steps, wanted, *asked)
    return _told(connection, run_id, page, wanted)


def people_page_of(connection: Handle, run_id: str, wanted: PageKey) -> RecordPage:
    """Return a page of a run's records that no other run of its family tells better.

    Without a state: of those that were not delivered. A search looks at so many
    records and no more; see ``RecordPage.searched_to``.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_reads.run_number(connection, run_id)
    steps = run_reads.step_names(connection, run_id)
    asked = is_newest(connection, number)
    if wanted.state is None:
        asked = (*asked, not_in_state(RecordState.DELIVERED))
    page = record_reads.record_page(connection, run_id, steps, wanted, *asked)
    return _told(connection, run_id, page, wanted)


def with_results(
    connection: Handle, run_id: str, records: Sequence[RecordView]
) -> tuple[RecordView, ...]:
    """Return records of one run with what was reported of each."""
    number = run_reads.run_number(connection, run_id)
    spoken = speaking_kinds(connection, number, [one.seq for one in records])
    return tuple(
        replace(one, result=spoken[one.seq]) if one.seq in spoken else one
        for one in records
    )


def callback_page_of(
    connection: Handle, run_id: str, after: tuple[int, int] | None, size: int
) -> CallbackPage:
    """Return a page of callbacks with their steps by name."""
    steps = run_reads.step_names(connection, run_id)
    return record_reads.callback_page(connection, run_id, steps, after=after, size=size)


def _told(
    connection: Handle, run_id: str, page: RecordPage, wanted: PageKey
) -> RecordPage:
    records = with_results(connection, run_id, page.records)
    if wanted.hides_people:
        # Half of a key is its contact's digest, which is guessed in a second.
        records = tuple(replace(one, key="") for one in records)
    return replace(page, records=records)


def _where(
    wanted: PageKey, columns: Sequence[str], steps: Sequence[str]
) -> tuple[Filter, Condition]:
    try:
        chosen, fields = parse_filter(wanted.where), record_fields(columns, steps)
        check_fields(chosen, fields, "the fields of a record")
        if wanted.hides_people:
            # Asked often enough, whether it begins with a 4 tells the whole number.
            seen = record_fields((), steps)
            del seen["contact"]
            check_fields(chosen, seen, "what a viewer may ask for")
        return chosen, condition(chosen, fields)
    except FilterError as error:
        msg = f"the filter cannot be used: {error}"
        raise ConfigError(msg) from error


def _only_state(chosen: Filter) -> RecordState | None:
    """Return the one state of all that a filter can choose, where it says so.

    The index of a state then leaves most records out of the search.
    """
    parts = chosen.parts if isinstance(chosen, And) else (chosen,)
    for part in parts:
        match part:
            case Comparison(field, Operator.EQUAL, str(word)) if field.name == "state":
                return STATE_WORDS[word]
            case _:
                continue
    return None
