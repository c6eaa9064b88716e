"""Taking what was asked: every command gets one answer, stored with its effect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from watchfloor.domain.errors import ConfigError, Refusal, RefusedError
from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.previews import Seen, check_drift, seen_of
from watchfloor.domain.regions import Verb
from watchfloor.domain.roles import RoleRules
from watchfloor.domain.views import RunView
from watchfloor.engine import orders
from watchfloor.engine.canaries import check_seen
from watchfloor.engine.changes import Transaction, request
from watchfloor.engine.launching import launch
from watchfloor.engine.ledger import Ledger, Request
from watchfloor.engine.look_ups import look_up, withdraw_look_up
from watchfloor.engine.resolving import Begun, resolve
from watchfloor.engine.restored_runs import check_confirmed, note_confirmed
from watchfloor.engine.retrying import retry
from watchfloor.engine.second_person import demand_second_person
from watchfloor.engine.standing import demand_role, is_allowed, proven
from watchfloor.store.commands import MOST_KEPT_CHARS, curtailed, refusable
from watchfloor.store.inbox import Command
from watchfloor.store.reads.journal import receipt
from watchfloor.store.reads.runs import ledger_rows, run_view
from watchfloor.store.writes import runs as writes

#: Verbs after which no attempt may start once they are acknowledged.
_HOLDING = frozenset({Verb.PAUSE, Verb.STOP, Verb.CANCEL})
#: What is obeyed while the store has no room for anything new.
_WITHOUT_ROOM = _HOLDING | {"limit", "suppress", "take_over"}

_UNUSABLE: Final = "UNUSABLE"
#: What was seen is stored up to here: a thousand records by their numbers, and more.
MOST_SEEN_CHARS: Final = 16 * 1024


def held_by(commands: Iterable[Command], rules: RoleRules) -> set[str]:
    """Return the runs whose gates must close before these commands are answered.

    Not for whom these rules refuse it: their flood would hold the gates of others.
    """
    return {
        command.run_id
        for command in commands
        if command.verb in _HOLDING and is_allowed(rules, command)
    }


class TakeCommand:
    """The job that answers one command, unless it was answered before.

    Whoever may write the inbox may write nonsense. What this raises concerns this one
    command; answer it with ``RefuseCommand``.

    Args:
        command: With who asked by the system's word.
        rules: Those by which gates were closed for it, or not: a pause that is let in
            by others would be acknowledged beside an open gate.
    """

    def __init__(self, command: Command, rules: RoleRules | None = None) -> None:
        self._command = command
        self._rules = rules

    def __call__(self, tx: Transaction) -> None:
        """Store the command with its answer, and what it asks for."""
        if receipt(tx.connection, self._command.command_id) is None:
            _take(tx, proven(self._command), self._rules)


class RefuseCommand:
    """The job that answers a command which could not even be refused properly.

    Whatever its texts and its time are, the store takes them.
    """

    def __init__(self, command: Command, error: BaseException) -> None:
        self._command = refusable(command)
        self._error = error

    def __call__(self, tx: Transaction) -> None:
        """Store the command as unusable, and write a mistake of our own down."""
        tx.around.survived(self._error)
        if receipt(tx.connection, self._command.command_id) is None:
            command = curtailed(refusable(proven(self._command)))
            answer = _unusable(tx, self._error)
            _enter_refusal(tx, command, answer)
            _answer(tx, command, answer, {})


def _take(tx: Transaction, command: Command, rules: RoleRules | None) -> None:
    seen: object = {}
    try:
        demand_role(tx, command, rules)
    except RefusedError as error:
        # It is kept for good, and by the word of somebody who may ask for nothing.
        command, answer = curtailed(command), _refused(tx, error)
    else:
        answer = _obeyed(tx, command)
        if answer.get("refusal") != _UNUSABLE:
            seen = _seen_part(command)
    if answer["state"] == "refused":
        _enter_refusal(tx, command, answer)
    _answer(tx, command, answer, seen)


def _obeyed(tx: Transaction, command: Command) -> dict[str, Any]:
    """Do what an allowed command asks for, or nothing of it; return the answer."""
    answer: dict[str, Any] = {"state": "acknowledged", "acknowledged_at_ms": tx.now_ms}
    try:
        _demand_room(tx, command)
        order = ORDERS.get(command.verb)
        if order is None:
            _steer(tx, command)
        else:
            told = _ordered(tx, command, order)
            answer["detail"] = told
            if not isinstance(told, Begun):
                answer |= {"state": "settled", "applied_at_ms": tx.now_ms}
                answer |= {"settled_at_ms": tx.now_ms}
    except RefusedError as error:
        return _refused(tx, error)
    except (ConfigError, AttributeError, KeyError, TypeError, ValueError) as error:
        return _unusable(tx, error)
    return answer


def _demand_room(tx: Transaction, command: Command) -> None:
    """Refuse what begins something new while only what is in flight may be stored.

    It is not kept until there is room: nothing goes on then without a person.
    """
    if tx.short and command.verb not in _WITHOUT_ROOM:
        raise RefusedError(Refusal.NO_ROOM, tx.short)


Order = Callable[[Transaction, Command], str]

#: What is done at once and settles with its transaction, unless it is only ``Begun``.
#: Each returns what became of it, for the receipt.
ORDERS: dict[str, Order] = {
    "launch": launch,
    "retry": retry,
    "approve": orders.approve,
    "limit": orders.limit,
    "suppress": orders.suppress_contacts,
    "hide": orders.hide,
    "unhide": orders.unhide,
    "purge": orders.purge,
    "results": orders.take_results,
    "close_results": orders.close_results,
    "resolve": resolve,
    "look_up": look_up,
    "withdraw_look_up": withdraw_look_up,
    "take_over": orders.take_over,
}


def _ordered(tx: Transaction, command: Command, order: Order) -> str:
    """Carry an order out, or leave nothing of it."""
    mark = tx.connection.begin_nested()
    try:
        told = order(tx, command)
    except BaseException:
        mark.rollback()
        raise
    mark.commit()
    return told


def _enter_refusal(tx: Transaction, command: Command, answer: dict[str, Any]) -> None:
    """Leave a trace of a command that was refused: nothing else would."""
    is_known = command.verb in ORDERS or command.verb in list(Verb)
    payload = command.payload if isinstance(command.payload, dict) else {}
    # A retry's own run is not there; its parent's is where people look for it.
    run_id = payload.get("parent_id") if command.verb == "retry" else None
    run_id = run_id if isinstance(run_id, str) else command.run_id
    writes.add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": run_id[:MOST_KEPT_CHARS],
            "event": f"{command.verb if is_known else 'command'} refused",
            "by": command.by,
            "origin": command.origin,
            "why": command.why,
            "detail": answer["detail"],
            "command_id": command.command_id,
            "epoch": tx.epoch,
        },
    )


def _refused(tx: Transaction, error: RefusedError) -> dict[str, Any]:
    return {
        "state": "refused",
        "refusal": error.refusal,
        "detail": str(error),
        "acknowledged_at_ms": tx.now_ms,
    }


def _unusable(tx: Transaction, error: BaseException) -> dict[str, Any]:
    told = f"the command cannot be used: {error}"
    return {
        "state": "refused",
        "refusal": _UNUSABLE,
        "detail": told[:2_000].encode(errors="replace").decode(),
        "acknowledged_at_ms": tx.now_ms,
    }


def _answer(
    tx: Transaction, command: Command, answer: dict[str, Any], seen: object
) -> None:
    # The row is written after the decision and before its intent is applied: rounds
    # settle runs only when every job is done.
    writes.add_command(
        tx.connection,
        {
            "command_id": command.command_id,
            "run_id": command.run_id,
            "verb": command.verb,
            "by": command.by,
            "origin": command.origin,
            "why": command.why,
            "seen_json": json.dumps(seen),
            "asked_at_ms": command.at_ms,
            **answer,
        },
    )


def _seen_part(command: Command) -> object:
    """Return what a usable command says was seen, if that is no more than is shown."""
    payload = command.payload
    seen = payload.get("seen", {}) if isinstance(payload, dict) else {}
    characters = len(json.dumps(seen))
    if characters > MOST_SEEN_CHARS:
        return {"left_out_characters": characters}
    return seen


def _steer(tx: Transaction, command: Command) -> None:
    verb = Verb(command.verb)
    ledger = _ledger(tx, command.run_id)
    asked = Request(command.command_id, command.by, command.origin, command.why)
    seen = command.payload.get("seen")
    if seen is not None:
        then = seen_of(seen)
        _check(verb, then, _as_of_now(tx, ledger))
        if verb is Verb.RESUME and refusal(ledger.lifecycle, verb) is None:
            check_seen(tx, ledger, then.version)
    if verb is Verb.CANCEL and refusal(ledger.lifecycle, verb) is None:
        demand_second_person(tx, ledger, command)
    if ledger.restored_from_ms is not None:
        typed = command.payload.get("typed")
        check_confirmed(_as_of_now(tx, ledger), verb, typed)
    request(tx, ledger, verb, asked)
    note_confirmed(tx, ledger, verb, asked)


def _check(verb: Verb, seen: Seen, run: RunView) -> None:
    """Refuse what drifted, unless the verb has no place here in the first place."""
    try:
        check_drift(verb, seen, run)
    except RefusedError as drifted:
        declined = refusal(run.lifecycle, verb)
        if drifted.refusal is not Refusal.DRIFTED or declined is None:
            raise
        raise RefusedError(declined) from drifted


def _as_of_now(tx: Transaction, ledger: Ledger) -> RunView:
    # The rows stand as of the last round; the ledger is as of this transaction.
    view = run_view(tx.connection, ledger.run_id)
    return replace(
        view,
        books=ledger.books,
        lifecycle=ledger.lifecycle,
        version=ledger.version,
        launch_id=ledger.launch_id,
    )


def _ledger(tx: Transaction, run_id: str) -> Ledger:
    known = tx.ledgers.get(run_id)
    if known is not None:
        return known
    rows = ledger_rows(tx.connection, run_id)
    if not rows:
        msg = f"no run is called {run_id!r}"
        raise ValueError(msg)
    return Ledger(rows[0])
