"""``audit``: show what was asked, verify the chain over it, and note its head."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import advise, answer, answer_json, moment, tell
from watchfloor.cli.shapes import event_json, receipt_json
from watchfloor.cli.tables import table
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.anchors import anchors_in
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.live import AuditEntry
from watchfloor.domain.privacy import without_contact
from watchfloor.domain.seen_words import seen_words
from watchfloor.domain.text import clean
from watchfloor.domain.views import Receipt
from watchfloor.engine.absent_anchors import absent_anchors
from watchfloor.engine.auditing import (
    Verified,
    anchor_now,
    readable_anchors,
    verified,
)
from watchfloor.store.anchor_file import append_anchor, read_anchors
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.journal import audit_page

#: Of an anchor's hash so much is told to people.
_SHORT = 16


def audit(options: Namespace) -> int:
    """Do what the action says."""
    layout = compose.layout(options)
    if options.action == "verify":
        return _verify(layout, options)
    if options.action == "anchor":
        return _anchor(layout, options)
    return _show(layout, options)


def _verify(layout: Layout, options: Namespace) -> int:
    given = [read_anchors(Path(path), may_wait=True) for path in options.anchor]
    known, closed = readable_anchors(layout)
    files = [*known, *given]
    found = verified(layout, anchors_in(files))
    faults = [file.wrong_said for file in files if file.wrong]
    # Who names a file counts on it: empty, its keeper has stopped keeping.
    faults += [
        f"{file.origin} holds no anchor: nothing was held to it"
        for file in given
        if not file.anchors
    ]
    notes = [file.torn_said for file in files if file.torn]
    with reading(layout) as connection:
        absent = absent_anchors(connection, layout)
    faults += [one.said for one in absent if not one.is_awaited]
    # That nothing was noted beside the store yet is told with the chain.
    own = layout.anchors
    notes += [one.said for one in absent if one.is_awaited and one.path != own]
    if options.json:
        told = _verified_json(found)
        told["intact"] = told["intact"] and not faults
        told["anchors_not_readable"] = [clean(path) for path in closed]
        answer_json({**told, "anchor_faults": faults, "anchor_notes": notes})
    else:
        for line in _verified_lines(found, closed):
            advise(clean(line, 2_000))
        for line in [*(f"WRONG: {one}" for one in faults), *notes]:
            answer(clean(line, 2_000))
    if found.broken or faults:
        return exits.UNHEALTHY
    return exits.NOT_PROVEN if found.not_here else exits.DONE


def _verified_lines(found: Verified, closed: Sequence[Path]) -> list[str]:
    what = f"{found.entries:,} entries of the journal and what became of commands"
    head = found.head.hex()[:_SHORT]
    lines = [f"{found.links:,} links fit, which stand for {what}; head {head}"]
    if found.late_entries:
        lines.append(
            f"entries 1 to {found.late_entries:,} were chained only afterwards, by an "
            "upgrade: what had been changed before that nobody can see"
        )
    if found.taken_out:
        gone = f"the words of {found.taken_out:,} links are taken out"
        # Whether by a purge is known once every link was gone over, and fits.
        lines.append(gone if found.broken else f"{gone}, by a purge of their runs")
    if found.anchors or not closed:
        lines.append(_anchored(found))
    lines += [
        f"not held to the anchors in {path}, which are the owner's to read: ask them "
        "to verify, or bring what was noted elsewhere: --anchor FILE"
        for path in closed
    ]
    if found.not_here:
        lines.append(found.not_here_said)
    if found.broken is not None:
        lines.append(f"BROKEN at link {found.broken.link:,}: {found.broken.said}")
        lines.append(
            "do: keep a copy of state.db as it is, and compare with a backup; nothing "
            "from here on is proven"
        )
    return lines


def _anchored(found: Verified) -> str:
    if not found.anchors:
        return (
            "no anchor was found: who rewrites the whole chain is not seen. Note its "
            "head elsewhere: watchfloor audit anchor -o FILE"
        )
    if not found.held:
        told = f"{found.anchors:,} anchors, none of them of a link that fits"
    else:
        few = f"{found.held:,} of " if found.held < found.anchors else ""
        told = f"held to {few}{found.anchors:,} anchors, the last one at link "
        told += f"{found.anchored:,}"
    if found.broken is None:
        behind = found.links - found.anchored
        return f"{told}; {behind:,} links have come since" if found.held else told
    if found.not_reached:
        told += f"; {found.not_reached:,} are of links behind the last that fits, and "
        told += "could not be compared"
    return told


def _verified_json(found: Verified) -> dict[str, Any]:
    broken = found.broken
    return {
        "intact": broken is None,
        "links": found.links,
        "entries": found.entries,
        "chained_afterwards_until": found.late_entries or None,
        "taken_out": found.taken_out,
        "anchors": found.anchors,
        "anchors_held": found.held,
        "anchored_link": found.anchored or None,
        "anchors_not_here": found.not_here,
        "head": found.head.hex(),
        "broken": None
        if broken is None
        else {
            "link": broken.link,
            "entry": broken.entry,
            "command": broken.command or None,
            "what": broken.what,
            "detail": broken.said,
        },
    }


def _anchor(layout: Layout, options: Namespace) -> int:
    anchor = anchor_now(layout, compose.now_ms())
    if anchor is None:
        raise ConfigError("the chain has no link yet; there is nothing to note")
    if options.output:
        append_anchor(Path(options.output), anchor)
        tell(f"link {anchor.link:,} was noted in {options.output}")
    if options.json or not options.output:
        # One line in both cases: it is to be appended to a file.
        answer(anchor.line)
    return exits.DONE


def _show(layout: Layout, options: Namespace) -> int:
    with reading(layout) as connection:
        run_id = full_id(connection, options.run) if options.run else ""
        page = audit_page(
            connection, run_id, before=options.before, size=max(1, options.limit)
        )
    if options.json:
        answer_json([_entry_json(one) for one in page.entries])
        return exits.DONE
    table(
        ("ENTRY", "TIME (UTC)", "WHO", "FROM", "WHAT", "RUN", "WHY", "SEEN", "RESULT"),
        [_cells(one) for one in page.entries],
    )
    if page.before is not None:
        tell(f"Older ones: watchfloor audit show --before {page.before}")
    return exits.DONE


def _cells(one: AuditEntry) -> tuple[object, ...]:
    event, receipt = one.event, one.receipt
    why = "; ".join(part for part in (event.why, event.detail) if part)
    return (
        event.entry_id,
        moment(event.at_ms),
        event.by or "engine",
        event.origin or "-",
        event.event,
        event.run_id or "-",
        without_contact(why),
        without_contact(seen_words(receipt.seen)) if receipt else "",
        _result(receipt) if receipt else "",
    )


def _result(receipt: Receipt) -> str:
    said = f"{receipt.state} {receipt.refusal}".rstrip()
    if receipt.asked_at_ms is None or receipt.settled_at_ms is None:
        return said
    return f"{said} in {(receipt.settled_at_ms - receipt.asked_at_ms) / 1000:.1f} s"


def _entry_json(one: AuditEntry) -> dict[str, Any]:
    event = event_json(one.event)
    receipt = one.receipt
    if receipt is None:
        return {**event, "run": one.event.run_id or None, "command": None}
    command = receipt_json(receipt)
    command["detail"] = without_contact(receipt.detail) or None
    command["seen"] = without_contact(seen_words(receipt.seen)) or None
    asked, settled = receipt.asked_at_ms, receipt.settled_at_ms
    took = None if asked is None or settled is None else settled - asked
    command["settle_ms"] = took
    return {**event, "run": one.event.run_id or None, "command": command}
