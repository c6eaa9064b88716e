"""``results``: what providers reported, taken from a file, shown, and closed."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from watchfloor.cli import compose, exits
from watchfloor.cli.asking import asked, confirmed, is_settled, order_of, report
from watchfloor.cli.lines import answer, answer_json, iso, tell
from watchfloor.cli.tables import table
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.books import Books
from watchfloor.domain.errors import ConfigError, WatchfloorError
from watchfloor.domain.identity import new_id
from watchfloor.domain.results import ResultKind, events_digest
from watchfloor.domain.text import clean
from watchfloor.domain.views import Receipt
from watchfloor.intake.result_file import Mistake, ResultBatch, ResultFile
from watchfloor.store.inbox import Command, Inbox
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads import results as reads
from watchfloor.store.reads.journal import receipt
from watchfloor.store.reads.runs import run_number, run_view

#: Lines of one command.
LINES_AT_ONCE = 500
#: For one command's answer: a store that is busy with other things gets its time.
INGEST_PATIENCE_S = 60.0
#: Mistakes that are named; the others are counted.
MOST_MISTAKES = 50

_PROGRESS_LINES = 50_000
_FIGURES = ("applied", "repeated", "parked", "late", "suppressed")


@dataclass(slots=True)
class _Tally:
    """What became of a file so far."""

    lines: int = 0
    unusable: int = 0
    mistakes: list[Mistake] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_FIGURES, 0))

    def add(self, batch: ResultBatch, taken: Mapping[str, object]) -> None:
        """Add a batch and what the engine said of it."""
        self.lines = batch.line_no
        for name in _FIGURES:
            self.figures[name] += int(str(taken.get(name, 0)))
        self._note(batch.mistakes)
        told = taken.get("mistakes")
        if isinstance(told, list):
            # Only another version's engine finds a mistake where none was found here.
            self._note([Mistake(batch.line_no, str(why)) for _, why in told])

    def _note(self, mistakes: Sequence[Mistake]) -> None:
        self.unusable += len(mistakes)
        self.mistakes += mistakes[: MOST_MISTAKES - len(self.mistakes)]


def results(options: Namespace) -> int:
    """Do what the action says."""
    actions = {"ingest": _ingest, "show": _show, "parked": _parked, "close": _close}
    return actions[options.action](options)


def _ingest(options: Namespace) -> int:
    """Ask the engine to take a file's events, some hundred at a time."""
    layout = compose.layout(options)
    layout.check_exists()
    tally = _Tally()
    stopped: WatchfloorError | None = None
    try:
        with ResultFile(Path(options.file)) as file:
            asking = _Asking(layout, f"file {Path(options.file).name}")
            for batch in file.batches(compose.now_ms(), LINES_AT_ONCE):
                tally.add(batch, asking.taken(batch) if batch.events else {})
                if tally.lines % _PROGRESS_LINES == 0:
                    tell(f"{tally.lines:,} lines so far")
    except WatchfloorError as error:
        # What was taken stays taken; the figures say how much that is.
        stopped = error
    _print_ingested(tally, as_json=options.json)
    if stopped is not None:
        raise stopped
    return exits.REFUSED if tally.unusable else exits.DONE


class _Asking:
    """Asks for batches, each once, whoever asks and however often."""

    def __init__(self, layout: Layout, source: str) -> None:
        self._layout = layout
        self._source = source
        self._around = compose.surroundings()
        self._waiting: dict[str, Command] = {}
        # Who is not the owner lays files, and cannot look what waits.
        if os.access(layout.inbox, os.R_OK):
            with closing(Inbox(layout)) as inbox:
                # A command that waits is asked for again as it stands there.
                self._waiting = {one.command_id: one for one in inbox.waiting()}

    def taken(self, batch: ResultBatch) -> Mapping[str, object]:
        """Return what became of a batch.

        Raises:
            ConfigError: The engine refused it, or gave no answer in time.
        """
        events = [event.as_dict() for event in batch.events]
        command_id = f"results-{batch.digest}"
        known, waits = self._receipt(command_id), self._waiting.get(command_id)
        if known is not None and _took(known, events):
            return {"repeated": len(events)}
        if waits is not None and waits.payload.get("events") == events:
            got = self._asked(waits)
        elif waits is None and known is None:
            got = self._asked(self._command(command_id, events))
        else:
            # What was refused once, to a viewer perhaps, may be asked for again.
            got = self._asked(self._command(self._fresh(command_id), events))
        if got.state == "settled" and not _took(got, events):
            # Whoever has the file knows the id, and may ask for something else under
            # it. Nobody knows this one.
            got = self._asked(self._command(self._fresh(command_id), events))
        return _understood(got, batch.line_no)

    def _asked(self, command: Command) -> Receipt:
        return asked(
            self._layout, command, until=is_settled, patience_s=INGEST_PATIENCE_S
        )

    def _fresh(self, command_id: str) -> str:
        now_ms = self._around.now_ms()
        return f"{command_id}-{new_id(now_ms, self._around.entropy(5))}"

    def _command(self, command_id: str, events: list[dict[str, str]]) -> Command:
        asker = compose.asker()
        return Command(
            command_id=command_id,
            at_ms=self._around.now_ms(),
            verb="results",
            run_id="",
            by=asker.by,
            origin=asker.origin,
            payload={"events": events, "source": self._source},
        )

    def _receipt(self, command_id: str) -> Receipt | None:
        with reading(self._layout) as connection:
            return receipt(connection, command_id)


def _took(got: Receipt, events: Sequence[Mapping[str, str]]) -> bool:
    """Whether a command took these very events, as the engine says that did it."""
    if got.verb != "results" or got.state != "settled":
        return False
    figures = json.loads(got.detail)
    return bool(figures.get("digest") == events_digest(events))


def _understood(got: Receipt, line_no: int) -> Mapping[str, object]:
    """Return the figures in an answer.

    Raises:
        ConfigError: There are none.
    """
    again = "Ingest the file again then: nothing counts twice"
    if got.state == "refused":
        msg = f"refused {got.refusal} before line {line_no:,}: {got.detail}. {again}"
        raise ConfigError(msg)
    if got.state != "settled":
        msg = f"the engine has not taken the lines before {line_no:,} yet. {again}"
        raise ConfigError(msg)
    figures: Mapping[str, object] = json.loads(got.detail)
    return figures


def _print_ingested(tally: _Tally, *, as_json: bool) -> None:
    for line_no, why in tally.mistakes:
        tell(f"line {line_no:,} {why}")
    if tally.unusable > len(tally.mistakes):
        tell(f"and {tally.unusable - len(tally.mistakes):,} more lines")
    if as_json:
        mistakes = [{"line": one.line_no, "mistake": one.why} for one in tally.mistakes]
        told = {"lines": tally.lines, **tally.figures, "unusable": tally.unusable}
        answer_json({**told, "mistakes": mistakes})
        return
    figures = [f"{number:,} {name}" for name, number in tally.figures.items()]
    answer(f"{tally.lines:,} lines: {', '.join(figures)}, {tally.unusable:,} unusable")


def _show(options: Namespace) -> int:
    """Print how many records of a run each kind was reported of."""
    with reading(compose.layout(options)) as connection:
        run = run_view(connection, full_id(connection, options.run))
        number = run_number(connection, run.run_id)
        counts = reads.result_counts(connection, number)
        state = reads.collecting(connection, [number])[number]
    attempted = _attempted(run.books)
    rates = {kind: _share(count, attempted) for kind, count in counts.items()}
    if options.json:
        answer_json(
            {
                "run": run.run_id,
                "results": state.results,
                "close_at": iso(state.close_at_ms),
                "attempted": attempted,
                "counts": counts,
                "rates": rates,
            }
        )
        return exits.DONE
    until = f", until {iso(state.close_at_ms)}" if state.close_at_ms else ""
    answer(f"results {state.results}{until}")
    answer(f"{attempted:,} records attempted; accepted is not delivered")
    _print_counts(counts, rates)
    return exits.DONE


def _print_counts(
    counts: Mapping[ResultKind, int], rates: Mapping[ResultKind, float | None]
) -> None:
    if not counts:
        tell("Nothing was reported yet. See: watchfloor results parked")
        return
    rows = [
        (kind.value, count, _percent(rates[kind])) for kind, count in counts.items()
    ]
    table(("KIND", "RECORDS", "SHARE"), rows)


def _parked(options: Namespace) -> int:
    """Print how many events wait for a record."""
    with reading(compose.layout(options)) as connection:
        events, oldest_at_ms = reads.parked(connection)
    if options.json:
        answer_json({"parked": events, "oldest_at": iso(oldest_at_ms)})
    elif not events:
        answer("no event waits for its record")
    else:
        who = (
            "1 event waits for its"
            if events == 1
            else f"{events:,} events wait for their"
        )
        answer(f"{who} record, since {iso(oldest_at_ms)}")
        tell("Each is looked for again for two days. One that stays names a key or id")
        tell("that no launched run of this workspace has sent: ask who sent it.")
    return exits.DONE


def _close(options: Namespace) -> int:
    """Ask for a run's results to be closed before their time."""
    layout = compose.layout(options)
    with reading(layout) as connection:
        run = run_view(connection, full_id(connection, options.run))
    if not options.yes:
        tell(f"close the results of {run.run_id} ({clean(run.campaign_name)}):")
        tell("  what is reported later is kept and not counted; opt-outs still hold")
        if not confirmed("Type yes to close:", "yes"):
            tell("Nothing was asked; nothing was changed.")
            return exits.REFUSED
    command = order_of(options, "close_results", run.run_id)
    receipt = asked(layout, command, until=is_settled)
    return report(receipt, as_json=options.json)


def _attempted(books: Books) -> int:
    untouched = books.pending + books.claimed + books.not_attempted + books.expired
    return books.records - untouched


def _share(count: int, of: int) -> float | None:
    return round(count / of, 4) if of else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"
