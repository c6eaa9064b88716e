"""``records``, ``journey`` and ``rejects``: the people of a run, one by one."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, moment, printing, tell
from watchfloor.cli.places import place_of
from watchfloor.cli.shapes import (
    journey_json,
    record_blocked_by,
    record_json,
    told_entries,
)
from watchfloor.cli.standing import sees_people
from watchfloor.cli.tables import table
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.errors import ConfigError, NotFoundError
from watchfloor.domain.masking import masked
from watchfloor.domain.records import STATE_WORDS
from watchfloor.domain.text import clean
from watchfloor.domain.views import PageKey, RecordPage, RecordView
from watchfloor.engine.journeys import journey as journey_of
from watchfloor.engine.record_pages import people_page_of, record_page_of
from watchfloor.intake.rejects import write_rejects
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.people import family_runs
from watchfloor.store.reads.rejects import reject_form
from watchfloor.store.reads.rejects import rejects as rejects_of
from watchfloor.store.reads.runs import run_view
from watchfloor.store.reads.situations import situation
from watchfloor.store.whole_file import made_whole

MOST = 100_000
#: What stands for it where a file is named.
STDOUT: Final = "-"


def records(options: Namespace) -> int:
    """List a page of records by key."""
    if options.state is not None and options.state not in STATE_WORDS:
        msg = f"--state {options.state!r} is no state; it is one of {_states()}"
        raise ConfigError(msg)
    if options.family:
        return _of_family(options)
    now_ms, layout = compose.now_ms(), compose.layout(options)
    wanted = PageKey(
        after=_seq(options.after),
        state=STATE_WORDS.get(options.state),
        size=min(max(options.limit, 1), MOST),
        where=options.where or "",
        hides_people=not sees_people(layout),
    )
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
        now = situation(connection, run_id, now_ms)
    page = _searched(layout, run_id, wanted)
    if options.json:
        unmask = options.unmask
        answer_json(
            [record_json(one, now, now_ms, unmask=unmask) for one in page.records]
        )
        return exits.DONE
    table(
        ("RECORD", "CONTACT", "STATE", "TRIES", "OUTCOME", "NEXT (UTC)", "BLOCKED BY"),
        [
            (
                one.seq,
                one.contact if options.unmask else masked(one.contact),
                one.state.word,
                one.attempts,
                f"{one.outcome_class.word} {one.code}" if one.outcome_class else "-",
                moment(one.next_at_ms),
                record_blocked_by(one, now, now_ms) or "-",
            )
            for one in page.records
        ],
    )
    if page.has_after:
        tell(f"more: --after {page.records[-1].seq}")
    return exits.DONE


def _of_family(options: Namespace) -> int:
    """List people of a run and its retries, each by their newest record."""
    if options.where:
        msg = "--where is of one run; without --family, or with --state"
        raise ConfigError(msg)
    layout, now_ms = compose.layout(options), compose.now_ms()
    with reading(layout) as connection:
        family = [
            one.run_id
            for one in family_runs(connection, full_id(connection, options.run))
        ]
    first, after = place_of(options.after) if options.after else (family[0], 0)
    if first not in family:
        msg = f"--after names run {first}, which is not of this family"
        raise ConfigError(msg)
    size = min(max(options.limit, 1), MOST)
    found: list[tuple[str, RecordView]] = []
    has_more, hides = False, not sees_people(layout)
    for run_id in family[family.index(first) :]:
        wanted = PageKey(
            after=after,
            state=STATE_WORDS.get(options.state),
            size=size - len(found),
            hides_people=hides,
        )
        page = _searched(layout, run_id, wanted, people_page_of)
        found += [(run_id, one) for one in page.records]
        after, has_more = 0, page.has_after
        if len(found) >= size:
            has_more = has_more or run_id != family[-1]
            break
    return _show_people(options, found, now_ms, has_more=has_more)


def _show_people(
    options: Namespace,
    found: Sequence[tuple[str, RecordView]],
    now_ms: int,
    *,
    has_more: bool,
) -> int:
    with reading(compose.layout(options)) as connection:
        held = {one: situation(connection, one, now_ms) for one, _ in found}
    if options.json:
        answer_json(
            [
                {"run": run_id}
                | record_json(one, held[run_id], now_ms, unmask=options.unmask)
                for run_id, one in found
            ]
        )
        return exits.DONE
    if not found:
        where = (
            f" is {options.state}" if options.state else " is left: all are delivered"
        )
        tell(f"Nobody{where}.")
        return exits.DONE
    table(
        ("RUN", "RECORD", "CONTACT", "STATE", "TRIES", "OUTCOME"),
        [
            (
                run_id,
                one.seq,
                one.contact if options.unmask else masked(one.contact),
                one.state.word,
                one.attempts,
                f"{one.outcome_class.word} {one.code}" if one.outcome_class else "-",
            )
            for run_id, one in found
        ],
    )
    if has_more:
        tell(f"more: --after {found[-1][0]}/{found[-1][1].seq}")
    return exits.DONE


def _seq(text: str | None) -> int | None:
    if text is not None and not (text.isascii() and text.isdigit()):
        msg = f"--after {text!r:.40} is no record; write its number"
        raise ConfigError(msg)
    return None if text is None else int(text)


def _searched(
    layout: Layout,
    run_id: str,
    wanted: PageKey,
    page_of: Callable[[Handle, str, PageKey], RecordPage] = record_page_of,
) -> RecordPage:
    """Return a page that is full, or the run's last: one short read after another.

    A search may go through many records. A single read of them all would keep the
    engine from folding its log meanwhile.
    """
    records: list[RecordView] = []
    while True:
        left = replace(wanted, size=wanted.size - len(records))
        with reading(layout) as connection:
            page = page_of(connection, run_id, left)
        records += page.records
        if page.searched_to is None or len(records) >= wanted.size:
            return replace(page, records=tuple(records))
        wanted = replace(wanted, after=page.searched_to)


def journey(options: Namespace) -> int:
    """Show everything that happened to one record."""
    layout = compose.layout(options)
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
        found = journey_of(connection, run_id, options.seq)
    if not sees_people(layout):
        found = found.without_key()
    if options.json:
        answer_json(journey_json(found, unmask=options.unmask))
        return exits.DONE
    record = found.record
    contact = record.contact if options.unmask else masked(record.contact)
    answer(
        f"record {record.seq} of {clean(run_id)}: {clean(contact)}, "
        f"{record.state.word}, key {found.key}"
    )
    table(
        ("TIME (UTC)", "STEP", "EVENT", "OUTCOME", "TOOK", "DETAIL"),
        [
            (
                moment(one.at_ms),
                one.step,
                one.event,
                one.outcome,
                "-" if one.took_ms is None else f"{one.took_ms:,} ms",
                one.detail,
            )
            for one in told_entries(found, unmask=options.unmask)
        ],
    )
    return exits.DONE


def rejects(options: Namespace) -> int:
    """Export rejected rows as they came in, with their reasons."""
    with reading(compose.layout(options)) as connection:
        run_id = full_id(connection, options.run)
        if not run_view(connection, run_id).books.extracted:
            msg = f"run {run_id} has read no row of its upload yet; nothing was written"
            raise NotFoundError(msg)
        header, delimiter = reject_form(connection, run_id)
        rows = rejects_of(connection, run_id)
        with _out(options.output) as file:
            count = write_rejects(file, header, delimiter, rows)
    is_ours = options.output != STDOUT
    if options.json and is_ours:
        answer_json({"run": run_id, "file": options.output, "rejects": count})
    else:
        place = options.output if is_ours else "stdout"
        tell(f"{count:,} rejected rows written to {place}")
    return exits.DONE


@contextmanager
def _out(output: str) -> Iterator[TextIO]:
    """Open where the fix file goes: a new file, there whole or not at all, or stdout.

    Raises:
        ConfigError: It cannot go there; nothing was left behind.
    """
    if output != STDOUT:
        with made_whole(Path(output)) as file:
            text = _text(file)
            yield text
            text.detach()
        return
    if sys.stdout.isatty():
        # A fix file is the upload's own text, and no terminal may be shown that raw.
        msg = "rejected rows are raw text, no terminal is shown them; name a file"
        raise ConfigError(msg)
    with printing(), open(sys.stdout.fileno(), "wb", closefd=False) as out:
        text = _text(out)
        yield text
        text.detach()


def _text(file: BinaryIO) -> TextIOWrapper:
    return TextIOWrapper(file, encoding="utf-8", newline="")


def _states() -> str:
    return ", ".join(STATE_WORDS)
