"""The budgets of the line: what a console may send for what, counted in a real pty."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tests.console.terminal import Terminal

SCRIPT = "tests/console/paper_console.py"
#: Longer than the console waits before it asks for the engine's sign of life.
A_PULSE_S = 2.2


class Budget(NamedTuple):
    """Bytes on the line, at most."""

    columns: int
    lines: int
    nothing: int
    one: int
    every: int
    key: int
    confirm: int
    page: int


SMALL = Budget(
    80, 24, nothing=250, one=450, every=4_500, key=500, confirm=6_000, page=5_000
)
LARGE = Budget(
    160, 50, nothing=350, one=600, every=9_500, key=700, confirm=12_000, page=15_000
)


@pytest.fixture(params=(SMALL, LARGE), ids=("80x24", "160x50"))
def budget(request) -> Budget:
    found = request.param
    assert isinstance(found, Budget)
    return found


@pytest.fixture
def opened(budget):
    terminals: list[Terminal] = []

    def start(kind: str) -> Terminal:
        terminal = Terminal((budget.columns, budget.lines), SCRIPT, kind, "thrifty")
        terminals.append(terminal)
        terminal.until("Autumn billing")
        terminal.until("? Help")
        terminal.quiet(0.3)
        return terminal

    yield start
    for terminal in terminals:
        terminal.end()


def open_records(terminal: Terminal) -> None:
    """Show the records of the first run, at both sizes."""
    terminal.press("\r")
    terminal.until("+1***0001")
    terminal.quiet()


def test_who_waits_is_sent_nothing(opened):
    runs, records = opened("still"), opened("still")
    open_records(records)

    assert runs.quiet(A_PULSE_S) == 0
    assert records.quiet() == 0  # it waited meanwhile


def test_a_key_sends_the_cursor_and_what_is_said_of_its_row(opened, budget):
    terminal = opened("still")
    runs = [terminal.press(key, 0.4) for key in "jjjjkG"]
    open_records(terminal)
    records = [terminal.press(key, 0.4) for key in "jjkj"]

    assert all(0 < sent <= budget.key for sent in runs), runs
    assert all(0 < sent <= budget.key for sent in records), records


def test_a_refresh_that_finds_nothing_says_so_once(opened, budget):
    terminal = opened("still")
    open_records(terminal)

    assert 0 < terminal.press("r") <= budget.nothing
    terminal.send("r")
    assert terminal.quiet(0.4) == 0


def test_a_refresh_sends_the_row_that_changed(opened, budget):
    terminal = opened("one")
    open_records(terminal)

    sent = [terminal.press("r") for _ in range(3)]

    assert all(0 < each <= budget.one for each in sent), sent


def test_a_refresh_of_every_row_keeps_its_budget(opened, budget):
    terminal = opened("all")
    open_records(terminal)

    sent = [terminal.press("r") for _ in range(3)]

    assert all(0 < each <= budget.every for each in sent), sent


def test_a_question_is_asked_in_few_bytes(opened, budget):
    terminal = opened("still")
    terminal.press("m")

    asked = terminal.press("s", 0.4, shows="Stop Autumn billing?")
    answered = terminal.press("n", 0.4)
    assert "Stop Autumn billing?" not in terminal.glass

    assert 0 < asked <= budget.confirm
    assert 0 < answered <= budget.confirm


@pytest.mark.parametrize("budget", [SMALL], indirect=True, ids=["80x24"])
def test_the_screens_of_callbacks_and_orders_keep_the_budgets(opened, budget):
    terminal = opened("campaign")
    terminal.press("j" * 11)
    sent = {"open": terminal.press("4", 0.4, shows="a second stop drops these")}
    assert "+1***0035" in terminal.glass
    assert terminal.quiet(A_PULSE_S) == 0
    sent["key"] = max(terminal.press("j") for _ in range(5))
    sent["refresh"] = terminal.press("r", 0.3)
    assert terminal.quiet(0.3) == 0
    sent["close"] = terminal.press("1", 0.4)

    terminal.press("mgjjjjjjjj", 0.4)
    sent["approve"] = terminal.press("A", 0.4, shows="Approve First words?")
    terminal.press("\x1b", 0.4)
    sent["limits"] = terminal.press("L", 0.4, shows="Limits of First words")
    sent["letter"] = terminal.press("8", shows="8 permits, 20/s")

    assert sent["open"] <= budget.page, sent
    assert sent["key"] <= budget.key, sent
    assert sent["refresh"] <= budget.nothing, sent
    assert sent["close"] <= budget.page, sent
    assert sent["approve"] <= budget.confirm, sent
    assert sent["limits"] <= budget.confirm, sent
    assert sent["letter"] <= budget.key, sent


@pytest.mark.parametrize("budget", [SMALL], indirect=True, ids=["80x24"])
def test_the_failures_their_cohort_and_a_canary_keep_the_budgets(opened, budget):
    terminal = opened("retried")
    sent = {"open": terminal.press("F", 0.4, shows="810 retryable")}
    assert terminal.quiet(A_PULSE_S) == 0
    sent["key"] = max(terminal.press("j") for _ in range(4))
    sent["mark"] = terminal.press(" ")
    sent["refresh"] = terminal.press("r", 0.3)
    assert terminal.quiet(0.3) == 0
    sent["group"] = terminal.press("b", 0.4, shows="by code")
    sent["cohort"] = terminal.press("\r", 0.4, shows="will be tried again")
    terminal.press("m", 0.3)
    sent["retry"] = terminal.press("R", 0.4, shows="Retry 735 of Spring renewal?")
    terminal.press("\x1b", 0.4)
    terminal.press("1", 0.4)
    terminal.press("j", 0.4)
    sent["canary"] = terminal.press("C", 0.4, shows="620 records are held back")
    assert terminal.quiet(A_PULSE_S) == 0

    assert sent["open"] <= budget.page, sent
    assert sent["key"] <= budget.key, sent
    assert sent["mark"] <= budget.key, sent
    assert sent["refresh"] <= budget.nothing, sent
    assert sent["group"] <= budget.page, sent
    assert sent["cohort"] <= budget.page, sent
    assert sent["retry"] <= budget.confirm, sent
    assert sent["canary"] <= budget.page, sent
