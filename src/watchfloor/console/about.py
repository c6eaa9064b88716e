"""What is said about one run: in three lines, and at length."""

from __future__ import annotations

from watchfloor.console.columns import run_role
from watchfloor.console.figures import bar, clock_time, full_time, length, percent, size
from watchfloor.console.pieces import Line, Piece, joined, measured
from watchfloor.domain.books import REJECT_KEYS, STATE_KEYS, Books
from watchfloor.domain.regions import Gate, Intake, Phase
from watchfloor.domain.views import Asked, RunView

#: Lines that ``about`` returns at most.
HEIGHT = 4
_BAR = 12


def about(run: RunView | None, width: int) -> tuple[Line, ...]:
    """Return who the run is, how it moves, and its books."""
    if run is None:
        return ()
    parts: list[Line] = [
        (Piece(run.campaign_name, "strong"),),
        (Piece(run.label, run_role(run)),),
        *progress(run),
    ]
    account = [line for one in books(run.books) for line in flowed(one, width - 2)]
    lines = [(Piece(" "), *joined(parts)), *((Piece(" "), *one) for one in account)]
    return tuple(lines[:HEIGHT])


def progress(run: RunView) -> list[Line]:
    """Return how far the run is, and what it is held by."""
    parts: list[Line] = []
    life = run.lifecycle
    if life.intake in (Intake.EXTRACTING, Intake.FILTERING):
        share = run.bytes_read / run.bytes_total if run.bytes_total else 0.0
        read = f"{percent(share)}, {size(run.bytes_read)} of {size(run.bytes_total)}"
        parts.append(
            (Piece(bar(share, _BAR), "key"), Piece(f" {life.intake.value} {read}"))
        )
    elif run.books.records:
        parts.append(
            (Piece(f"{run.books.done:,} of {run.books.records:,} done", "dim"),)
        )
    in_flight = f"{run.books.attempting:,} in flight"
    settling = _settling(run)
    if settling:
        parts.append((Piece(f"{settling}, {in_flight}", "warn"),))
    elif run.books.attempting:
        parts.append((Piece(in_flight),))
    if run.cause:
        parts.append((Piece(run.cause, "bad"),))
    elif life.gate is not Gate.OPEN:
        parts += _asked(run.gate_asked)
    return parts


def _settling(run: RunView) -> str:
    life = run.lifecycle
    if life.phase in (Phase.STOPPING, Phase.CANCELLING):
        return life.phase.value
    return "pausing" if life.gate is Gate.PAUSING else ""


def _asked(asked: Asked) -> list[Line]:
    if not asked.by:
        return []
    why = f": {asked.why}" if asked.why else ""
    return [(Piece(f"by {asked.by} {clock_time(asked.at_ms)}{why}", "dim"),)]


def books(account: Books) -> tuple[list[Line], list[Line]]:
    """Return the terms of both lines of the books, or what is wrong with them."""
    wrong = account.imbalance
    if wrong:
        return (
            [(Piece(f"BOOKS DO NOT ADD UP: {wrong}.", "alarm"),)],
            [(Piece("Do not trust these figures: watchfloor books --audit", "bad"),)],
        )
    kept = ("unjudged", "records")
    return (
        _sum("extracted", account.extracted, (*REJECT_KEYS, *kept), account),
        _sum("records", account.records, STATE_KEYS, account),
    )


def _sum(name: str, total: int, keys: tuple[str, ...], account: Books) -> list[Line]:
    figures = account.as_dict()
    terms = [(key, figures[key]) for key in keys if figures[key]]
    out: list[Line] = [(Piece(f"{name} {total:,}"),)]
    for i, (key, number) in enumerate(terms):
        sign = "+" if i else "="
        # One role for nearly all of it: every change of colour is sent with it.
        out.append((Piece(f" {sign} "), Piece(f"{number:,} {key}", _term_role(key))))
    return out


def flowed(terms: list[Line], width: int) -> list[Line]:
    """Return the terms in as many lines as they need; none is split."""
    lines: list[Line] = []
    line: Line = ()
    for term in terms:
        if line and measured(line) + measured(term) > width:
            lines.append(line)
            line = (Piece("  "),)
        line = (*line, *term)
    return [*lines, line]


def _term_role(key: str) -> str:
    return {"failed": "bad", "unknown": "warn"}.get(key, "")


def details(run: RunView | None, now_ms: int) -> tuple[Line, ...]:
    """Return everything the console knows of a run, a line for each fact."""
    if run is None:
        return ((Piece(" no run is selected", "dim"),),)
    lines: list[Line] = [
        (Piece(" "), Piece(run.campaign_name, "strong")),
        (Piece(" "), Piece(run.label, run_role(run))),
        (),
    ]
    lines += [_fact(name, text) for name, text in _facts(run, now_ms) if text]
    lines.append(())
    lines += _account(run.books)
    return tuple(lines)


def _facts(run: RunView, now_ms: int) -> list[tuple[str, str]]:
    return [
        ("run", f"{run.run_id}, version {run.version}"),
        ("launch id", run.launch_id or "not launched"),
        ("campaign", run.campaign_id),
        ("upload", run.upload_name),
        ("accepted", full_time(run.created_at_ms)),
        ("started", full_time(run.started_at_ms)),
        ("ended", full_time(run.ended_at_ms)),
        ("elapsed", length(run.duration_ms(now_ms))),
        ("read", f"{size(run.bytes_read)} of {size(run.bytes_total)}"),
        ("permits", f"{run.books.attempting:,} of {run.permits:,} in flight"),
        ("pace", "no limit" if run.rate_per_s is None else f"{run.rate_per_s:g}/s"),
        ("last outcome", full_time(run.progress_at_ms)),
        ("next retry", _future(run.next_retry_at_ms)),
        ("next callback", _future(run.next_callback_at_ms)),
        ("asked", _who(run.intent_asked)),
        ("gate", _who(run.gate_asked)),
        ("cause", run.cause),
    ]


def _future(at_ms: int | None) -> str:
    return "" if at_ms is None else full_time(at_ms)


def _who(asked: Asked) -> str:
    return " ".join(piece.text for line in _asked(asked) for piece in line)


def _fact(name: str, text: str) -> Line:
    return (Piece(f"  {name:<14}", "dim"), Piece(text))


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
    name = f"  {key:<14}" if role else f"    {key:<12}"
    return (
        Piece(name, role or "dim"),
        Piece(f"{number:>13,}", _term_role(key) or role),
    )
