"""``runs``, ``show``, ``books`` and ``events``: a run as it is."""

from __future__ import annotations

from argparse import Namespace

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, iso, moment, span, tell
from watchfloor.cli.shapes import books_json, event_json, run_json, show_json
from watchfloor.cli.tables import table
from watchfloor.domain.blocked_by import Situation, blocked_by
from watchfloor.domain.books import REJECT_KEYS, STATE_KEYS, Books, differences
from watchfloor.domain.health import health
from watchfloor.domain.text import clean
from watchfloor.domain.views import RunView
from watchfloor.engine.situations import situation
from watchfloor.store.handle import Handle
from watchfloor.store.reading import reading
from watchfloor.store.reads import journal
from watchfloor.store.reads.audit import counted_books
from watchfloor.store.reads.runs import matching_run_ids, run_page, run_view


def runs(options: Namespace) -> int:
    """List the newest runs."""
    now_ms = compose.now_ms()
    with reading(compose.layout(options)) as connection:
        found = run_page(connection)
    if options.json:
        answer_json([run_json(run, now_ms) for run in found])
        return exits.DONE
    if not found:
        tell("No runs yet. Start one: watchfloor launch CAMPAIGN.toml --upload FILE")
        return exits.DONE
    table(
        ("RUN", "CAMPAIGN", "STATE", "DONE", "RECORDS", "FAILED", "UNKNOWN", "TIME"),
        [_run_row(run, now_ms) for run in found],
    )
    return exits.DONE


def show(options: Namespace) -> int:
    """Show one run with its health and what holds its records."""
    now_ms = compose.now_ms()
    with reading(compose.layout(options)) as connection:
        run_id = full_id(connection, options.run)
        run = run_view(connection, run_id)
        now = situation(connection, run_id, now_ms)
    if options.json:
        answer_json(show_json(run, now, now_ms))
        return exits.DONE
    for word, value in _facts(run, now, now_ms):
        answer(f"{word:<12} {clean(value)}")
    print_books(run.books)
    return exits.DONE


def books(options: Namespace) -> int:
    """Print the account, and with ``--audit`` hold the counters against the rows."""
    with reading(compose.layout(options)) as connection:
        run_id = full_id(connection, options.run)
        # Both in one snapshot, or a running engine would look like a mistake.
        kept = run_view(connection, run_id).books
        counted = counted_books(connection, run_id) if options.audit else kept
    wrong = [one for one in (kept.imbalance, *differences(counted, kept)) if one]
    if options.json:
        told = {"run": run_id, "books": books_json(kept), "attempts": kept.attempts}
        answer_json({**told, "audited": options.audit, "differences": wrong})
    else:
        print_books(kept)
        checked = "counted from the rows" if options.audit else "by the counters"
        answer(f"balanced, {checked}" if not wrong else "NOT BALANCED")
        for one in wrong:
            answer(f"  {one}")
    return exits.UNHEALTHY if wrong else exits.DONE


def events(options: Namespace) -> int:
    """Print the newest entries of a run's journal, oldest first."""
    with reading(compose.layout(options)) as connection:
        run_id = full_id(connection, options.run)
        run_view(connection, run_id)
        found = journal.events(connection, run_id, limit=options.limit)
    if options.json:
        answer_json([event_json(one) for one in found])
        return exits.DONE
    table(
        ("TIME (UTC)", "EVENT", "AFTER IT", "BY", "WHY"),
        [
            (
                moment(one.at_ms),
                one.event,
                one.after,
                one.by or "engine",
                "; ".join(part for part in (one.why, one.detail) if part),
            )
            for one in found
        ],
    )
    return exits.DONE


def full_id(connection: Handle, given: str) -> str:
    """Return the one run id that begins with *given*; *given* itself otherwise."""
    found = matching_run_ids(connection, given)
    return found[0] if len(found) == 1 else given


def _run_row(run: RunView, now_ms: int) -> tuple[object, ...]:
    return (
        run.run_id,
        run.campaign_name,
        run.label,
        f"{100 * run.books.done_share:.0f}%",
        run.books.records,
        run.books.failed,
        run.books.unknown,
        span(run.duration_ms(now_ms)),
    )


def _facts(run: RunView, now: Situation, now_ms: int) -> list[tuple[str, str]]:
    blocked = blocked_by(now)
    facts = [
        ("run", run.run_id),
        ("state", run.label),
        ("health", health(run, now, now_ms)),
        ("campaign", f"{run.campaign_name} ({run.campaign_id})"),
        ("upload", f"{run.upload_name} ({run.upload_id})"),
        ("launch id", run.launch_id or "not launched"),
        ("started", iso(run.started_at_ms) or "-"),
        ("ended", iso(run.ended_at_ms) or "-"),
        ("duration", span(run.duration_ms(now_ms))),
        ("attempts", f"{run.books.attempts:,}"),
    ]
    if run.cause:
        facts.append(("cause", run.cause))
    facts += [
        ("blocked by", f"{one.reason}: {one.count:,} {one.detail}") for one in blocked
    ]
    return facts


def print_books(account: Books) -> None:
    """Print both lines of an account."""
    numbers = account.as_dict()
    rows = " + ".join(f"{numbers[key]:,} {key}" for key in REJECT_KEYS)
    unjudged = f" + {account.unjudged:,} unjudged" if account.unjudged else ""
    answer(
        f"{account.extracted:,} extracted = {rows}{unjudged} "
        f"+ {account.records:,} records"
    )
    shown = [f"{numbers[key]:,} {key}" for key in STATE_KEYS if numbers[key]]
    answer(f"{account.records:,} records = {' + '.join(shown) or '0'}")
