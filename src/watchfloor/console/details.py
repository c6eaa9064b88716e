"""Everything known of one run, at length: its facts, time, books and results."""

from __future__ import annotations

from collections.abc import Mapping

from watchfloor.console.about import term_role, who_asked
from watchfloor.console.columns import result_role
from watchfloor.console.figures import counted, full_time, length, percent, rate, size
from watchfloor.console.labels import (
    YOUR_WORD,
    canary_share,
    history_share,
    outside_window,
    run_label,
    run_role,
)
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.domain.books import REJECT_KEYS, STATE_KEYS, Books
from watchfloor.domain.labels import Dialect
from watchfloor.domain.progress import in_flight
from watchfloor.domain.regions import Results
from watchfloor.domain.views import RunView

_NAME = 14
#: What a run's time was spent on, in the order in which it is told.
_SPENT = ("active", "paused", "window", "waiting")
_UNSEEN = "not seen"
_SPENT_NAMES = {"window": "window closed"}
_PURGES = {
    "asked": "asked for; the engine takes the people out",
    "done": "people were taken out; counts and journal stay",
}


def details(
    run: RunView | None,
    now_ms: int,
    results: Mapping[str, int] | None = None,
    fault: str = "",
    *,
    dialect: Dialect = Dialect.WATCHFLOOR,
) -> tuple[Line, ...]:
    """Return everything the console knows of a run, a line for each fact.

    Args:
        run: Which run; None for none.
        now_ms: What its times are measured against.
        results: How many records each kind was reported of; None where not read.
        fault: Why they could not be read, or empty.
        dialect: Whose words the run is called by.
    """
    if run is None:
        return ((Piece(" no run is selected", "dim"),),)
    lines: list[Line] = [
        (Piece(" "), Piece(run.campaign_name, "strong")),
        (Piece(" "), Piece(run_label(run, dialect), run_role(run))),
        (),
    ]
    lines += [_fact(name, text) for name, text in _facts(run, now_ms)]
    lines.append(())
    lines += _account(run.books)
    # What only some runs have comes after that: with another run no line moves.
    if more := [_fact(name, text) for name, text in _more(run, now_ms) if text]:
        lines += [(), *more]
    lines += _reported(run, results, fault)
    lines += _time(run, now_ms)
    return tuple(lines)


def _facts(run: RunView, now_ms: int) -> list[tuple[str, str]]:
    return [
        ("run", f"{run.run_id}, version {run.version}"),
        ("launch id", run.launch_id or "not launched"),
        ("campaign", run.campaign_id),
        ("upload", run.upload_name or "-"),
        ("accepted", full_time(run.created_at_ms)),
        ("started", full_time(run.started_at_ms)),
        ("ended", full_time(run.ended_at_ms)),
        ("elapsed", length(run.duration_ms(now_ms))),
        ("read", f"{size(run.bytes_read)} of {size(run.bytes_total)}"),
        ("permits", f"{in_flight(run):,} of {run.permits:,} in flight"),
        ("pace", "no limit" if run.rate_per_s is None else rate(run.rate_per_s)),
        ("last outcome", full_time(run.progress_at_ms)),
    ]


def _more(run: RunView, now_ms: int) -> list[tuple[str, str]]:
    return [
        ("child of", run.parent_id),
        ("retried by", run.retried_by),
        ("canary", canary_share(run)),
        ("window", outside_window(run, now_ms)),
        ("approval", _approval(run)),
        ("next retry", _future(run.next_retry_at_ms)),
        ("next callback", _future(run.next_callback_at_ms)),
        ("asked", who_asked(run.intent_asked)),
        ("gate", who_asked(run.gate_asked)),
        ("cause", without_contact(run.cause)),
        ("history", history_share(run)),
        ("hidden", "kept off the lists" if run.is_hidden else ""),
        ("purged", _PURGES.get(run.purge, run.purge)),
    ]


def _approval(run: RunView) -> str:
    if run.approve_after is None:
        return ""
    if run.awaits_approval:
        return YOUR_WORD
    if run.approved_at_ms is not None:
        return f"given {full_time(run.approved_at_ms)}"
    return f"asked for after {counted(run.approve_after, 'attempt')}"


def _future(at_ms: int | None) -> str:
    return "" if at_ms is None else full_time(at_ms)


def _fact(name: str, text: str) -> Line:
    return (Piece(f"  {name:<{_NAME}}", "dim"), Piece(text))


def _account(account: Books) -> list[Line]:
    figures = account.as_dict()
    lines = [_term("extracted", account.extracted, "strong")]
    judged = (*REJECT_KEYS, "unjudged")
    lines += [_term(key, figures[key], "") for key in judged if figures[key]]
    lines.append(_term("records", account.records, "strong"))
    lines += [_term(key, figures[key], "") for key in STATE_KEYS if figures[key]]
    lines.append(_term("attempts", account.attempts, ""))
    if account.imbalance:
        lines.append((Piece(f"  BOOKS DO NOT ADD UP: {account.imbalance}", "alarm"),))
    return lines


def _term(key: str, number: int, role: str) -> Line:
    name = f"  {key:<{_NAME}}" if role else f"    {key:<{_NAME - 2}}"
    return (
        Piece(name, role),
        Piece(f"{number:>13,}", term_role(key) or role),
    )


def _reported(
    run: RunView, results: Mapping[str, int] | None, fault: str
) -> list[Line]:
    if fault:
        return [(), (Piece(f"  results could not be read: {fault}", "bad"),)]
    if not results and (results is None or run.lifecycle.results is Results.NONE):
        return []
    of = run.books.records
    until = run.lifecycle.results.value
    head: Line = (Piece(f"  {'results':<{_NAME}}", "strong"), Piece(f"{until:>13}"))
    if not results:
        return [(), head, _fact("", "nothing was reported yet")]
    # Each kind is told of the records it was reported of; a record may have several.
    told = sorted(results.items(), key=lambda one: -one[1])
    return [(), head, *(_share(k, f"{n:,}", n, of, result_role(k)) for k, n in told)]


def _time(run: RunView, now_ms: int) -> list[Line]:
    whole = run.duration_ms(now_ms)
    if not run.spent_ms or not whole:
        return []
    spent = {name: run.spent_ms.get(name, 0) for name in _SPENT}
    unseen = whole - sum(run.spent_ms.values())
    # An engine tells what it saw every so often: what is a little behind was seen.
    if unseen > whole // 100:
        spent[_UNSEEN] = unseen
    head: Line = (
        Piece(f"  {'time':<{_NAME}}", "strong"),
        Piece(f"{length(whole):>13}"),
    )
    shown = [
        _share(_SPENT_NAMES.get(name, name), length(took), took, whole, "")
        for name, took in spent.items()
        if took > 0
    ]
    return [(), head, *shown]


def _share(name: str, figure: str, number: int, of: int, role: str) -> Line:
    share = f"{percent(number / of):>6}" if of else ""
    return (
        Piece(f"    {name:<{_NAME}}", "dim"),
        Piece(f"{figure:>11}", role),
        Piece(share, "dim"),
    )
