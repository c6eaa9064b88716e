"""``retry`` and ``canary``: take up what failed for now, and see how its stages do."""

from __future__ import annotations

from argparse import Namespace

from watchfloor.cli import compose, exits
from watchfloor.cli.asking import asked, asked_until, confirmed
from watchfloor.cli.canary_lines import canary_json, canary_lines, preview_json
from watchfloor.cli.lines import advise, answer, answer_json, tell
from watchfloor.cli.shapes import receipt_json
from watchfloor.cli.short_reads import carried_out
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.canary import CanaryView
from watchfloor.domain.cohorts import MOST_NAMED, Selection
from watchfloor.domain.errors import ConfigError, Refusal
from watchfloor.domain.lens import EVERY, Dimension
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.recovery import RetryPreview
from watchfloor.domain.regions import Gate, RunOutcome
from watchfloor.domain.text import clean
from watchfloor.domain.unmatched import unmatched
from watchfloor.domain.views import Receipt, RunView
from watchfloor.engine.lensing import lens_reads
from watchfloor.engine.retry_previews import retry_command, retry_preview
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.canaries import canary_view
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.runs import run_view

#: For the child to end, with ``--wait``.
END_PATIENCE_S = 86_400.0
UNKNOWN = "unknown"
_CLASSES = {one.word: one for one in OutcomeClass}


def retry(options: Namespace) -> int:
    """Show what a retry would do, ask, and launch it as a child run."""
    layout = compose.layout(options)
    layout.check_exists()
    selection, with_unknown = _selection(options)
    workspace = WorkspaceSettings(layout).now()
    with reading(layout) as connection:
        seen = retry_preview(
            connection,
            workspace,
            compose.now_ms(),
            full_id(connection, options.run),
            selection,
            with_unknown=with_unknown,
        )
    _tell(seen, canary=not options.all)
    if seen.refusal is not None:
        return _declined(options, seen, _unmatched(layout, seen))
    if not _is_meant(options, seen):
        if options.json:
            answer_json({"id": None, "state": None, "preview": _told(options, seen)})
        tell("Nothing was asked; nobody is contacted.")
        return exits.REFUSED
    command = retry_command(
        seen,
        compose.asker(),
        compose.surroundings(),
        canary=not options.all,
        reason=options.reason,
    )
    receipt = asked(layout, command)
    if receipt.state == "refused" or not options.wait:
        return _report(options, seen, receipt)
    return _waited(options, layout, seen, receipt)


def canary(options: Namespace) -> int:
    """Show the stages of a retry's canary, with what each was judged on."""
    with reading(compose.layout(options)) as connection:
        run_id = run_view(connection, full_id(connection, options.run)).run_id
        found = canary_view(connection, run_id)
    if found is None:
        if options.json:
            answer_json(None)
        else:
            answer(f"run {clean(run_id)} has no canary: none of it is held back")
        return exits.DONE
    if options.json:
        answer_json(canary_json(found))
    else:
        for line in canary_lines(found):
            advise(clean(line, 2_000))
    return exits.UNHEALTHY if found.is_stopped else exits.DONE


def _selection(options: Namespace) -> tuple[Selection, bool]:
    """Return what was selected, and whether unknown records are meant by their name."""
    classes = frozenset(options.classes)
    seqs = frozenset(options.seq)
    if len(seqs) > MOST_NAMED:
        msg = f"name at most {MOST_NAMED:,} records; select more by what they share"
        raise ConfigError(msg)
    failed = classes - {UNKNOWN}
    states: set[RecordState] = set()
    if failed:
        states.add(RecordState.FAILED)
    if UNKNOWN in classes:
        states.add(RecordState.UNKNOWN)
    # Of both no class is asked: what failed for good is refused with its count.
    narrowed = failed if UNKNOWN not in classes else frozenset[str]()
    selection = Selection(
        states=frozenset(states),
        classes=frozenset(_CLASSES[one] for one in narrowed),
        codes=frozenset(options.code),
        steps=frozenset(options.step),
        origins=frozenset(one.lower() for one in options.origin),
        seqs=seqs,
    )
    return selection, UNKNOWN in classes


def _tell(seen: RetryPreview, *, canary: bool) -> None:
    lines = seen.lines(canary=canary)
    if not lines:
        return
    tell(f"retry {seen.run_id} ({clean(seen.campaign_name)}):")
    for line in lines:
        tell(f"  {line}")


def _unmatched(layout: Layout, seen: RetryPreview) -> tuple[str, ...]:
    """Return what of a selection matches nothing; only where that is the trouble."""
    is_empty = seen.refusal is Refusal.EMPTY_COHORT and not seen.counts.selected
    if not is_empty or seen.selection == Selection():
        return ()
    by = tuple(
        one for one in EVERY if one is not Dimension.ORIGIN or seen.selection.origins
    )
    return unmatched(seen.selection, carried_out(layout, lens_reads(seen.run_id, by)))


def _declined(options: Namespace, seen: RetryPreview, missing: tuple[str, ...]) -> int:
    if options.json:
        told = {"id": None, "state": "refused", "refusal": seen.refusal}
        preview = _told(options, seen)
        detail = {"detail": seen.explanation, "unmatched": list(missing)}
        answer_json({**told, **detail, "preview": preview})
    else:
        answer(f"refused {seen.refusal}")
        tell(f"{seen.refusal}: {seen.explanation}")
        for one in missing:
            tell(f"  {one}")
    return exits.REFUSED


def _is_meant(options: Namespace, seen: RetryPreview) -> bool:
    typed = seen.typed(canary=not options.all)
    if typed and options.confirm:
        return bool(options.confirm == typed)
    if typed and options.yes:
        # Whoever contacts people again says so in the very word.
        msg = f"this is confirmed with its own word: add --confirm {typed}"
        raise ConfigError(msg)
    if options.yes:
        return True
    if typed:
        return confirmed(f"Type {typed} to confirm:", typed)
    return confirmed("Type yes to retry:", "yes")


def _waited(
    options: Namespace, layout: Layout, seen: RetryPreview, receipt: Receipt
) -> int:
    """Wait until the child has ended or its canary holds it for a person."""

    def rests() -> bool:
        run, _ = _child(layout, receipt.run_id)
        with reading(layout) as connection:
            is_alive = engine_view(connection).is_alive(compose.now_ms())
        waits = run.lifecycle.gate is Gate.PAUSED or run.awaits_approval
        return run.lifecycle.is_ended or waits or not is_alive

    asked_until(rests, END_PATIENCE_S)
    run, found = _child(layout, receipt.run_id)
    is_done = run.lifecycle.outcome is RunOutcome.COMPLETED
    code = exits.DONE if is_done else exits.UNHEALTHY
    if options.json:
        told = {"id": receipt.run_id, **receipt_json(receipt)}
        stages = None if found is None else canary_json(found)
        preview = _told(options, seen)
        answer_json({**told, "label": run.label, "canary": stages, "preview": preview})
        return code
    answer(receipt.run_id)
    answer(run.label)
    if found is not None:
        for line in canary_lines(found):
            advise(clean(line, 2_000))
    return code


def _child(layout: Layout, run_id: str) -> tuple[RunView, CanaryView | None]:
    with reading(layout) as connection:
        return run_view(connection, run_id), canary_view(connection, run_id)


def _report(options: Namespace, seen: RetryPreview, receipt: Receipt) -> int:
    is_refused = receipt.state == "refused"
    if options.json:
        told = {"id": None if is_refused else receipt.run_id, **receipt_json(receipt)}
        answer_json({**told, "preview": _told(options, seen)})
    elif is_refused:
        answer(f"refused {receipt.refusal}")
        tell(receipt.detail)
    else:
        answer(receipt.run_id)
        if receipt.state == "asked":
            tell(receipt.detail)
        tell(f"See how it does: watchfloor canary {receipt.run_id}")
    return exits.REFUSED if is_refused else exits.DONE


def _told(options: Namespace, seen: RetryPreview) -> dict[str, object]:
    return preview_json(seen, canary=not options.all)
