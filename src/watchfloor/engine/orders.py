"""What is asked beside launching and steering, each done at once in its transaction.

Every function takes an open transaction and the command, and returns what became of it
in a few words for the receipt. It raises ``RefusedError``, ``ConfigError`` or
``ValueError`` for a no; nothing was changed then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from watchfloor.channels.base import channel_names
from watchfloor.domain.errors import ConfigError, Refusal, RefusedError
from watchfloor.domain.labels import native
from watchfloor.domain.sharing import WORKSPACE
from watchfloor.domain.workspace import MOST_PERMITS, MOST_RATE_PER_S, Shared
from watchfloor.engine import collector
from watchfloor.engine.changes import Transaction
from watchfloor.engine.ledger import Ledger, Request
from watchfloor.engine.purging import ask_purge, set_hidden
from watchfloor.engine.suppressing import suppress
from watchfloor.store.inbox import Command
from watchfloor.store.reads.limits import overrides
from watchfloor.store.writes import limits
from watchfloor.store.writes.runs import add_entry, save_run_values

MOST_SUPPRESSED = 1_000


def approve(tx: Transaction, command: Command) -> str:
    """Give the word that a run waits for."""
    ledger = _live(tx, command)
    if not ledger.awaits_approval:
        raise RefusedError(Refusal.NOT_YET, "the run waits for nobody's word")
    before = native(ledger.lifecycle, ledger.work)
    ledger.approved_at_ms = tx.now_ms
    save_run_values(
        tx.connection,
        ledger.run_no,
        approved_at_ms=tx.now_ms,
        approved_by=command.by,
    )
    ledger.touch()
    attempts = f"after {ledger.tally['attempts']:,} attempts"
    _enter(tx, command, ledger, "approved", before, detail=attempts)
    return ""


def limit(tx: Transaction, command: Command) -> str:
    """Change permits and rate of a run, of a channel, or of the workspace."""
    asked = command.payload
    scope = str(asked.get("scope", "run"))
    if scope != "run":
        return _limit_shared(tx, command, scope)
    ledger = _live(tx, command)
    permits = _permits(asked.get("permits", ledger.permits))
    rate_per_s = _rate(asked.get("rate_per_s", ledger.rate_per_s))
    if permits is None:
        raise ValueError("a run has permits; write a number")
    limits.set_run_limits(
        tx.connection, ledger.run_no, permits=permits, rate_per_s=rate_per_s
    )
    was = _told(ledger.permits, ledger.rate_per_s)
    ledger.permits, ledger.rate_per_s = permits, rate_per_s
    detail = f"{was} -> {_told(permits, rate_per_s)}"
    label = native(ledger.lifecycle, ledger.work)
    _enter(tx, command, ledger, "limits changed", label, detail=detail)
    return detail


def suppress_contacts(tx: Transaction, command: Command) -> str:
    """Keep contacts from being contacted again; they come as digests."""
    digests = command.payload["digests"]
    if not isinstance(digests, list) or not 0 < len(digests) <= MOST_SUPPRESSED:
        msg = f"suppress takes a list of 1 to {MOST_SUPPRESSED:,} contacts"
        raise ValueError(msg)
    kind = str(command.payload.get("kind", ""))
    reason = command.why or "asked for"
    rows = [(bytes.fromhex(one), reason) for one in digests]
    if any(len(digest) != 16 for digest, _ in rows):  # noqa: PLR2004 - contact_digest
        raise ValueError("a digest has 16 bytes")
    added = suppress(tx, rows, source="command", by=command.by, kind=kind)
    told = f"{added:,} of {len(rows):,} were not suppressed before"
    _enter_workspace(tx, command, "suppressed", told)
    return told


def hide(tx: Transaction, command: Command) -> str:
    """Keep an ended run off the lists."""
    set_hidden(tx, command.run_id, _request(command), hidden=True)
    return ""


def unhide(tx: Transaction, command: Command) -> str:
    """Show a hidden run again."""
    set_hidden(tx, command.run_id, _request(command), hidden=False)
    return ""


def purge(tx: Transaction, command: Command) -> str:
    """Ask for a run's people to be taken out."""
    ask_purge(tx, command.run_id, _request(command))
    return ""


def take_results(tx: Transaction, command: Command) -> str:
    """Take a batch of what providers reported."""
    taken = collector.take_results_command(tx, command.payload, tx.suppressions.add)
    return json.dumps(taken)


def close_results(tx: Transaction, command: Command) -> str:
    """Close a run's results before their time."""
    collector.close_results_command(tx, command)
    return ""


def take_over(tx: Transaction, command: Command) -> str:
    """Let the engine that was seen drain and let go, for the asker's to come.

    It is asked of one engine, for a time: one that hangs and hears of it when nobody
    waits any more must not leave the runs alone.
    """
    if not tx.dispatches:
        raise RefusedError(Refusal.NOT_YET, "no engine runs here to be taken over")
    if command.payload["epoch"] != tx.epoch:
        msg = "another engine owns the workspace than the one that was seen"
        raise RefusedError(Refusal.DRIFTED, msg)
    if int(command.payload["until_ms"]) < tx.now_ms:
        msg = "who asked for it waits no more; the engine goes on"
        raise RefusedError(Refusal.NOT_YET, msg)
    tx.after_commit.append(tx.on_take_over)
    told = "drains and lets go"
    _enter_workspace(tx, command, "take-over asked", told)
    return told


def _limit_shared(tx: Transaction, command: Command, scope: str) -> str:
    asked: Mapping[str, object] = command.payload
    if scope != WORKSPACE and not scope.startswith("channel:"):
        msg = f"{scope!r} is no scope; write run, workspace or channel:NAME"
        raise ValueError(msg)
    _check_channel(scope)
    if asked.get("clear"):
        limits.clear_shared_limit(tx.connection, scope)
        shared, told = None, "as the workspace's file says"
    else:
        now = _shared_now(tx, scope)
        shared = Shared(
            permits=_permits(asked.get("permits", now.permits)),
            rate_per_s=_rate(asked.get("rate_per_s", now.rate_per_s)),
        )
        limits.set_shared_limit(
            tx.connection, scope, shared, by=command.by, at_ms=tx.now_ms
        )
        told = _told(shared.permits, shared.rate_per_s)
    on_limit = tx.on_limit
    tx.after_commit.append(lambda: on_limit(scope, shared))
    _enter_workspace(tx, command, "limits changed", f"{scope}: {told}")
    return told


def _check_channel(scope: str) -> None:
    """Refuse a limit on a channel that there is not: it would never hold."""
    name = scope.removeprefix("channel:")
    known = channel_names()
    if scope != WORKSPACE and name not in known:
        msg = f"there is no channel {name!r}; there are {', '.join(known)}"
        raise ValueError(msg)


def _shared_now(tx: Transaction, scope: str) -> Shared:
    """Return the limits that hold for a scope: what is not asked for stays."""
    known = overrides(tx.connection).get(scope)
    if known is not None:
        return known
    workspace = tx.workspace.now()
    if scope == WORKSPACE:
        return workspace.shared
    return workspace.channels.get(scope.removeprefix("channel:"), Shared())


def _live(tx: Transaction, command: Command) -> Ledger:
    ledger = tx.ledgers.get(command.run_id)
    if ledger is None or ledger.lifecycle.is_ended:
        msg = f"run {command.run_id} is not live; nothing was changed"
        raise ConfigError(msg)
    return ledger


def _permits(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or not 1 <= value <= MOST_PERMITS:
        msg = f"permits are a number from 1 to {MOST_PERMITS:,}"
        raise ValueError(msg)
    return value


def _rate(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or not 0 < value <= MOST_RATE_PER_S:
        raise ValueError("a rate is a number of attempts per second above 0")
    return float(value)


def _told(permits: int | None, rate_per_s: float | None) -> str:
    held = "any number of permits" if permits is None else f"{permits:,} permits"
    return f"{held}, {'no pacing' if rate_per_s is None else f'{rate_per_s:g}/s'}"


def _request(command: Command) -> Request:
    return Request(command.command_id, command.by, command.origin, command.why)


def _enter(
    tx: Transaction,
    command: Command,
    ledger: Ledger,
    event: str,
    before: str,
    *,
    detail: str,
) -> None:
    after = native(ledger.lifecycle, ledger.work)
    _append(tx, command, event, detail, before=before, after=after)
    tx.changed.add(ledger.run_id)


def _enter_workspace(
    tx: Transaction, command: Command, event: str, detail: str
) -> None:
    _append(tx, command, event, detail, before="", after="")


def _append(
    tx: Transaction,
    command: Command,
    event: str,
    detail: str,
    *,
    before: str,
    after: str,
) -> None:
    add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": command.run_id,
            "event": event,
            "before": before,
            "after": after,
            "by": command.by,
            "origin": command.origin,
            "why": command.why,
            "detail": detail,
            "command_id": command.command_id,
            "epoch": tx.epoch,
        },
    )
