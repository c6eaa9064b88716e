"""``runs``, ``show``, ``books`` and ``events``: a run as it is."""

from __future__ import annotations

from argparse import Namespace

from watchfloor.cli import compose, exits
from watchfloor.cli.canary_lines import canary_json, canary_told
from watchfloor.cli.lines import advise, answer, answer_json, iso, moment, span, tell
from watchfloor.cli.shapes import books_json, event_json, run_json, show_json
from watchfloor.cli.short_reads import carried_out
from watchfloor.cli.tables import table
from watchfloor.cli.waiting import waiting_for, waiting_json, waiting_lines
from watchfloor.domain.blocked_by import Situation, blocked_by
from watchfloor.domain.books import (
    REJECT_KEYS,
    STATE_KEYS,
    Books,
    added,
    differences,
)
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.health import health
from watchfloor.domain.leaving import interruption
from watchfloor.domain.moments import counted
from watchfloor.domain.people import People
from watchfloor.domain.privacy import without_contact
from watchfloor.domain.progress import done_share
from watchfloor.domain.regions import History
from watchfloor.domain.sentences import sentence
from watchfloor.domain.sharing import filed_limits
from watchfloor.domain.text import clean
from watchfloor.domain.views import RunView
from watchfloor.engine.desk_reads import results_by_kind
from watchfloor.engine.peopling import people_reads
from watchfloor.engine.telling import told_run
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.handle import Handle
from watchfloor.store.reading import reading
from watchfloor.store.reads import journal
from watchfloor.store.reads.audit import counted_books, held_differs
from watchfloor.store.reads.canaries import canary_view
from watchfloor.store.reads.engine import seen_engine
from watchfloor.store.reads.families import family_run_ids
from watchfloor.store.reads.runs import (
    family_id,
    matching_run_ids,
    run_page,
    run_view,
    step_names,
)

#: A sentence about a run is cut here.
_LONGEST = 2_000


def runs(options: Namespace) -> int:
    """List the newest runs."""
    now_ms = compose.now_ms()
    with reading(compose.layout(options)) as connection:
        found = run_page(connection, with_hidden=options.all)
        engine = seen_engine(connection, now_ms, compose.layout(options))
    held = {run.run_id: interruption(run, engine, now_ms) for run in found}
    if options.json:
        told = [
            {**run_json(run, now_ms), "interrupted": held[run.run_id] or None}
            for run in found
        ]
        answer_json(told)
        return exits.DONE
    if engine.fault:
        tell(f"The store: {engine.fault}")
    if not found:
        tell("No runs yet. Start one: watchfloor launch CAMPAIGN.toml --upload FILE")
        return exits.DONE
    table(
        ("RUN", "CAMPAIGN", "STATE", "DONE", "RECORDS", "FAILED", "UNKNOWN", "TIME"),
        [_run_row(run, now_ms, held[run.run_id]) for run in found],
    )
    if any(held.values()):
        tell(
            "Runs that were interrupted go on when an engine starts: watchfloor engine"
        )
    return exits.DONE


def show(options: Namespace) -> int:
    """Show one run with its health and what holds its records."""
    layout, now_ms = compose.layout(options), compose.now_ms()
    shared = filed_limits(WorkspaceSettings(layout).last_known())
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
        heard = told_run(connection, run_id, now_ms, layout=layout, shared=shared)
        run, now = heard.run, heard.now
        steps = step_names(connection, run_id)
        reported = results_by_kind(connection, run_id)
        canary = canary_view(connection, run_id) if run.cohort else None
        engine = seen_engine(connection, now_ms, layout)
    waits = waiting_for(layout, run_id, engine)
    if options.json:
        told = show_json(run, now, now_ms)
        line = clean(without_contact(sentence(heard)), _LONGEST)
        more = {"steps": list(steps), "results_by_kind": reported, "sentence": line}
        stages = None if canary is None else canary_json(canary)
        asked = waiting_json(waits)
        answer_json({**told, **more, "canary": stages, "commands_waiting": asked})
        return exits.DONE
    facts = _facts(run, now, now_ms)
    asked_for = [("asked", without_contact(one)) for one in waiting_lines(waits)]
    facts[3:3] = [("how", without_contact(sentence(heard))), *asked_for]
    if canary is not None:
        facts.append(("canary", canary_told(canary)))
        stage = canary.current
        facts += [("", one) for one in (stage.evidence if stage else ())]
    if len(steps) > 1:
        facts.append(("steps", ", ".join(steps)))
    if reported:
        facts.append(("reported", ", ".join(f"{n:,} {k}" for k, n in reported.items())))
    for word, value in facts:
        advise(f"{word:<12} {clean(value)}")
    print_books(run.books)
    return exits.DONE


def books(options: Namespace) -> int:
    """Print the account, and with ``--audit`` hold the counters against the rows."""
    if options.family:
        return _family_books(options)
    with reading(compose.layout(options)) as connection:
        run_id = full_id(connection, options.run)
        # Both in one snapshot, or a running engine would look like a mistake.
        kept = run_view(connection, run_id).books
        audited = counted_books(connection, run_id) if options.audit else kept
        rests = held_differs(connection, run_id) if options.audit else ""
    lines = (kept.imbalance, *differences(audited, kept), rests)
    wrong = [one for one in lines if one]
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


def _family_books(options: Namespace) -> int:
    """Print the account of a run, its parent and its children, each and together."""
    with reading(compose.layout(options)) as connection:
        run_id = run_view(connection, full_id(connection, options.run)).run_id
        ids = family_run_ids(connection, family_id(connection, run_id))
        runs_of = {one: run_view(connection, one).books for one in ids}
        if options.audit:
            audited = [counted_books(connection, one) for one in ids]
        else:
            audited = list(runs_of.values())
    together = added(*runs_of.values())
    people = carried_out(compose.layout(options), people_reads(run_id))
    wrong = [
        *([people.imbalance] if people.imbalance else []),
        *(one.imbalance for one in (*runs_of.values(), together) if one.imbalance),
        *differences(added(*audited), together),
    ]
    if options.json:
        answer_json(
            {
                "family": ids[0],
                "runs": {one: books_json(kept) for one, kept in runs_of.items()},
                "books": books_json(together),
                "people": {
                    "all": people.expected,
                    "reached": people.reached,
                    "not_reached": people.not_reached,
                    "moving": people.is_moving,
                    "states": people.words,
                },
                "differences": wrong,
            }
        )
        return exits.UNHEALTHY if wrong else exits.DONE
    for one, kept in runs_of.items():
        answer(one)
        print_books(kept)
    answer(
        f"together, {counted(len(ids), 'run')}, a record for each time it was taken up"
    )
    print_books(together)
    _print_people(people, run_id)
    answer("balanced" if not wrong else "NOT BALANCED")
    for line in wrong:
        answer(f"  {line}")
    return exits.UNHEALTHY if wrong else exits.DONE


def _print_people(people: People, run_id: str) -> None:
    """Print whom a family has reached, each person once."""
    answer("by people, each where their newest record stands")
    answer(people.line)
    answer(f"{people.reached:,} reached, {people.not_reached:,} not")
    if people.is_moving:
        tell("A run of the family is live: these counts are of several moments.")
    if people.not_reached:
        tell(f"Who is not reached: watchfloor records {run_id} --family")


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
                without_contact("; ".join(filter(None, (one.why, one.detail)))),
            )
            for one in found
        ],
    )
    return exits.DONE


def full_id(connection: Handle, given: str) -> str:
    """Return the one run id that begins with *given*; *given* itself where none does.

    Raises:
        NotFoundError: Several begin with it, or nothing is given, as by a script
            whose variable is empty: the only run is not meant by that.
    """
    if not given:
        msg = "no run is named; nothing was done; `watchfloor runs` lists them"
        raise NotFoundError(msg)
    found = matching_run_ids(connection, given)
    if len(found) > 1 and given not in found:
        msg = (
            f"several runs begin with {given!r}, as {', '.join(found)}; write more; "
            "`watchfloor runs` lists them"
        )
        raise NotFoundError(msg)
    return found[0] if len(found) == 1 else given


def _run_row(run: RunView, now_ms: int, interrupted: str) -> tuple[object, ...]:
    return (
        run.run_id,
        run.campaign_name,
        f"{run.label}, {interrupted}" if interrupted else run.label,
        done_share(run.books),
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
        facts.append(("cause", without_contact(run.cause)))
    if run.parent_id:
        retried = f", retry of {run.cohort:,} records" if run.cohort else ""
        facts.append(("child of", f"{run.parent_id}{retried}"))
    if run.retried_by:
        facts.append(("retried by", run.retried_by))
    if run.awaits_approval:
        facts.append(("approval", f"waits for it: watchfloor approve {run.run_id}"))
    if run.lifecycle.history is History.CREATING:
        done = f"{run.archived:,} of {run.books.records:,} records archived"
        facts.append(("history", done))
    spent = [f"{span(ms)} {word}" for word, ms in run.spent_ms.items() if ms]
    if spent:
        facts.append(("spent", ", ".join(spent)))
    facts += [
        (
            "blocked by",
            f"{one.reason}: {one.count:,} {without_contact(one.detail)}",
        )
        for one in blocked
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
