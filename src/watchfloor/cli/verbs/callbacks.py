"""``callbacks``: what waits until when."""

from __future__ import annotations

from argparse import Namespace

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer_json, iso, moment, tell
from watchfloor.cli.tables import table
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.masking import masked
from watchfloor.domain.views import RecordView
from watchfloor.engine.record_pages import callback_page_of
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_view

MOST = 10_000


def callbacks(options: Namespace) -> int:
    """List promised callbacks of a run, the next one first."""
    now_ms = compose.now_ms()
    size = min(max(options.limit, 1), MOST)
    with reading(compose.layout(options)) as connection:
        run = run_view(connection, full_id(connection, options.run))
        page = callback_page_of(connection, run.run_id, _after(options), size)
    if options.json:
        answer_json(
            [
                {
                    "seq": one.seq,
                    "contact": one.contact if options.unmask else masked(one.contact),
                    "step": one.step,
                    "due_at": iso(one.due_at_ms),
                    "expires_at": iso(one.expires_at_ms),
                    "next_at": iso(one.next_at_ms),
                    "state": state_of(one, now_ms),
                }
                for one in page.callbacks
            ]
        )
        return exits.DONE
    if not page.callbacks:
        tell(f"No callback of run {run.run_id} waits.")
        return exits.DONE
    table(
        ("RECORD", "CONTACT", "STEP", "PROMISED FOR (UTC)", "EXPIRES", "STATE"),
        [
            (
                one.seq,
                one.contact if options.unmask else masked(one.contact),
                one.step,
                moment(one.due_at_ms),
                moment(one.expires_at_ms),
                state_of(one, now_ms),
            )
            for one in page.callbacks
        ],
    )
    if page.after is not None:
        tell(f"more: --after {page.after[0]}:{page.after[1]}")
    return exits.DONE


def state_of(callback: RecordView, now_ms: int) -> str:
    """Return how a promise stands, due apart from what its window holds."""
    if (callback.due_at_ms or 0) > now_ms:
        return "not due"
    if callback.is_held and (callback.next_at_ms or 0) > now_ms:
        return f"due, window closed until {moment(callback.next_at_ms)}"
    return "due"


def _after(options: Namespace) -> tuple[int, int] | None:
    if options.after is None:
        return None
    at, _, seq = options.after.partition(":")
    if not (at.isdigit() and seq.isdigit()):
        msg = f"--after {options.after!r} is no key; take it from the last page"
        raise ConfigError(msg)
    return int(at), int(seq)
