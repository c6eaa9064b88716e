from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from watchfloor.domain.labels import Dialect, Labels, is_waiting, labels, native
from watchfloor.domain.regions import (
    Gate,
    Intake,
    Lifecycle,
    Phase,
    RunOutcome,
    Verb,
    Work,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "labels.tsv"
with REFERENCE.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file, delimiter="\t"))

RUNNING = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)


def test_every_label_that_occurs_reads_in_every_dialect_as_the_reference_has_it(graph):
    dialects = ("dialer", "jobs_page", "sender")
    found: dict[str, dict[str, set[str]]] = {}
    for run, work in graph.configurations:
        known = labels(run, work)
        words = found.setdefault(known.native, {name: set() for name in dialects})
        for name in dialects:
            words[name].add(getattr(known, name))
    told = {
        label: {"native": label}
        | {name: " / ".join(sorted(words[name])) for name in dialects}
        for label, words in found.items()
    }

    assert told == {row["native"]: row for row in ROWS}


def test_a_run_with_records_that_all_wait_outside_says_so():
    assert native(RUNNING, Work(waiting=2, sent=True)) == "Waiting (external)"
    assert is_waiting(RUNNING, Work(waiting=1))


@pytest.mark.parametrize(
    "work",
    [
        Work(),
        Work(waiting=1, eligible=1),
        Work(waiting=1, in_flight=1),
        Work(eligible=1),
    ],
)
def test_a_run_with_something_to_do_is_not_waiting(work):
    assert not is_waiting(RUNNING, work)
    assert labels(RUNNING, work) == Labels("Running", "Active", "Running", "Processing")


def test_only_a_running_run_waits():
    waiting = Work(waiting=1)

    phases = {phase for phase in Phase if is_waiting(Lifecycle(phase=phase), waiting)}

    assert phases == {Phase.RUNNING}


def test_callbacks_beside_waiting_records_keep_our_own_word_running():
    work = Work(waiting=1, callbacks=1, sent=True)

    assert labels(RUNNING, work) == Labels("Running", "Active", "Waiting", "Processing")


@pytest.mark.parametrize(
    ("phase", "in_flight", "word"),
    [
        (Phase.CALLBACK, 0, "Waiting"),
        (Phase.CALLBACK, 1, "Running"),
        (Phase.STOPPED_CALLBACK, 0, "Waiting"),
        (Phase.STOPPED_CALLBACK, 1, "Running"),
        (Phase.STOPPING, 0, "Running"),
        (Phase.CANCELLING, 0, "Running"),
        (Phase.QUEUED, 0, "Running"),
    ],
)
def test_the_jobs_page_waits_between_callbacks(phase, in_flight, word):
    run = Lifecycle(phase=phase, launched=True)

    assert labels(run, Work(callbacks=1, in_flight=in_flight)).jobs_page == word


def test_the_jobs_page_waits_while_paused_and_runs_while_pausing():
    def shown(gate):
        run = Lifecycle(phase=Phase.RUNNING, gate=gate, launched=True)
        return labels(run, Work(eligible=1)).jobs_page

    assert [shown(gate) for gate in Gate] == ["Running", "Running", "Waiting"]


def test_overlays_stand_in_a_fixed_order():
    run = Lifecycle(gate=Gate.PAUSED, intake=Intake.EXTRACTING, intent=Verb.CANCEL)

    assert native(run, Work()) == "Queued + paused + extracting + cancel requested"


def test_a_run_cancelled_after_its_launch_is_plainly_cancelled():
    early = Lifecycle(phase=Phase.ENDED, outcome=RunOutcome.CANCELLED)
    late = replace(early, launched=True)

    assert native(late, Work()) == "Cancelled"
    assert native(early, Work()) == "Cancelled before launch"


@pytest.mark.parametrize(
    ("dialect", "label"),
    [
        (Dialect.WATCHFLOOR, "Queued"),
        (Dialect.DIALER, "b"),
        (Dialect.JOBS_PAGE, "c"),
        (Dialect.SENDER, "d"),
    ],
)
def test_each_dialect_picks_its_own_label(dialect, label):
    assert Labels("Queued", "b", "c", "d").in_dialect(dialect) == label


def test_a_dialect_is_named_in_settings_as_in_the_reference_table():
    assert [*ROWS[0]][1:] == [str(dialect) for dialect in Dialect][1:]
    assert Dialect("watchfloor") is Dialect.WATCHFLOOR
