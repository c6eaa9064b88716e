"""Alerts: raised and cleared as rows, then told through hooks.

The engine looks every few seconds, in a read beside its work; only what changed is a
job. What is owed to a hook is a row before it leaves: none is lost with a process, and
one that was told in the moment of a crash is told again under the same id.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from zoneinfo import ZoneInfo

from watchfloor.domain.alerts import (
    AlertKind,
    Cause,
    Clear,
    Effect,
    Hook,
    Miss,
    Raise,
    decide,
)
from watchfloor.domain.anchors import Anchor
from watchfloor.domain.errors import StoreError, WatchfloorError
from watchfloor.domain.quiet_hours import quiet_until_ms
from watchfloor.domain.sharing import filed_limits
from watchfloor.domain.workspace import Workspace
from watchfloor.engine import alert_words
from watchfloor.engine.alert_causes import Look, look
from watchfloor.engine.alert_hooks import told
from watchfloor.engine.notices import Moment, Submit, discreet
from watchfloor.engine.surroundings import Survived, named
from watchfloor.store.layout import Layout
from watchfloor.store.lock_text import all_told_in
from watchfloor.store.reading import reading
from watchfloor.store.reads.alerts import (
    AlertMessage,
    due_messages,
    next_owed_at,
    open_alerts,
)
from watchfloor.store.writes import alerts as writes
from watchfloor.store.writes.runs import add_entry

log = logging.getLogger(__name__)

#: Whatever its own time-out says, a hook is not waited for any longer.
MOST_S: Final = 120.0
FIRST_RETRY_MS: Final = 10_000
LONGEST_RETRY_MS: Final = 600_000
#: About fifty minutes of tries: an alert that is told later tells nobody anything.
MOST_TRIES: Final = 10


def quiet_until(workspace: Workspace, now_ms: int) -> int | None:
    """Return until when a workspace's quiet hours hold; None where they do not."""
    quiet = workspace.alerts.quiet
    if quiet is None:
        return None
    return quiet_until_ms(quiet, ZoneInfo(quiet.zone or workspace.zone), now_ms)


def retry_in_ms(tries: int) -> int | None:
    """Return how long a message waits after *tries* failures; None: give it up."""
    if tries >= MOST_TRIES:
        return None
    return min(FIRST_RETRY_MS << (tries - 1), LONGEST_RETRY_MS)


class Watch:
    """Looks for causes, and stores what begins and ends.

    Args:
        layout: Where the workspace is.
        settings: Returns the workspace as its file last could be used.
        submit: Has a job done by the committer.
        now_ms: The clock.
    """

    def __init__(
        self,
        layout: Layout,
        settings: Callable[[], Workspace],
        submit: Submit,
        now_ms: Callable[[], int],
    ) -> None:
        self._layout = layout
        self._settings = settings
        self._submit = submit
        self._now_ms = now_ms
        self._is_over = False

    async def look(self) -> int:
        """Look once; return how many things were stored.

        Where the file asks for no alerts, those that stand are cleared once, and
        nothing is read after that.

        Raises:
            StoreError: The store could not be read, or took no writes.
        """
        workspace = self._settings()
        rules = workspace.alerts
        if not rules.on and self._is_over:
            return 0
        now_ms = self._now_ms()
        found = await asyncio.to_thread(self._seen, workspace, now_ms)
        is_quiet = quiet_until(workspace, now_ms) is not None
        effects = decide(found.known, found.causes, rules, now_ms, is_quiet=is_quiet)
        if effects:
            await self._submit(lambda tx: _obey(tx, workspace, effects))
        self._is_over = not rules.on
        return len(effects)

    def _seen(self, workspace: Workspace, now_ms: int) -> Look:
        with reading(self._layout) as connection:
            if workspace.alerts.on:
                found = look(connection, now_ms, filed_limits(workspace))
                return Look(found.known, (*found.causes, *self._faults(now_ms)))
            return Look(open_alerts(connection), ())

    def _faults(self, now_ms: int) -> Iterator[Cause]:
        """Yield what this engine tells in its lock of its store and its duties."""
        fault, trouble, *_ = all_told_in(self._layout.lock)
        if fault:
            yield Cause(AlertKind.STORE, "", now_ms, discreet(fault))
        if trouble:
            yield Cause(AlertKind.ENGINE, "", now_ms, discreet(trouble))


def _obey(tx: Moment, workspace: Workspace, effects: Sequence[Effect]) -> None:
    """Store what was decided, and what each hook is to be told of it."""
    for effect in effects:
        if isinstance(effect, Miss):
            writes.note_gone(tx.connection, effect.alert, effect.gone_at_ms)
        elif isinstance(effect, Raise):
            _raise(tx, workspace, effect)
        elif isinstance(effect, Clear):
            _clear(tx, workspace, effect)
        else:
            # As they stand within this transaction: some were cleared a moment ago.
            held = [one for one in open_alerts(tx.connection) if one.is_held]
            _owe(tx, workspace, None, alert_words.summary(workspace, held, tx.now_ms))
            writes.let_go(tx.connection, effect.alert_ids)


def _raise(tx: Moment, workspace: Workspace, effect: Raise) -> None:
    cause = effect.cause
    number = writes.add_alert(
        tx.connection, cause, now_ms=tx.now_ms, is_held=effect.is_held
    )
    held = ", held in quiet hours" if effect.is_held else ""
    _enter(tx, cause.run_id, "alert raised", f"{cause.kind}{held}: {cause.said}")
    if not effect.is_held:
        _owe(tx, workspace, number, alert_words.raised(workspace, cause, tx.now_ms))


def _clear(tx: Moment, workspace: Workspace, effect: Clear) -> None:
    alert = effect.alert
    writes.clear_alert(tx.connection, alert, at_ms=effect.at_ms, is_held=effect.is_held)
    if alert.kind.lasts:
        _enter(tx, alert.run_id, "alert cleared", f"{alert.kind}: {alert.said}")
    if effect.tells:
        payload = alert_words.cleared(workspace, alert, effect.at_ms, tx.now_ms)
        _owe(tx, workspace, alert.alert_id, payload)


def _owe(
    tx: Moment, workspace: Workspace, alert_id: int | None, payload: Mapping[str, Any]
) -> None:
    for hook in workspace.alerts.hooks:
        writes.owe_message(
            tx.connection,
            alert_id=alert_id,
            hook=hook.label,
            what=payload["what"],
            payload=payload,
            now_ms=tx.now_ms,
        )


def owe_anchor(tx: Moment, workspace: Workspace, anchor: Anchor) -> None:
    """Store that the hook of anchors is to be told of one; no entry of the journal.

    An entry would be a link, which is to be anchored in its turn, and so on.
    """
    payload = alert_words.anchored(workspace, anchor, tx.now_ms)
    writes.owe_message(
        tx.connection,
        alert_id=None,
        hook=workspace.audit.hook,
        what=payload["what"],
        payload=payload,
        now_ms=tx.now_ms,
    )


class Crier:
    """Tells hooks what is owed to them: one after the other, the hooks side by side.

    Args:
        settings: Returns the workspace as its file last could be used.
        submit: For reading what is owed and storing what became of it.
        now_ms: The clock.
        survived: Writes a mistake of our own down, and returns it as a cause.
    """

    def __init__(
        self,
        settings: Callable[[], Workspace],
        submit: Submit,
        now_ms: Callable[[], int],
        survived: Survived = named,
    ) -> None:
        self._survived = survived
        self._settings = settings
        self._submit = submit
        self._now_ms = now_ms
        # Nothing is read before then. What an earlier engine left is looked for once.
        self._next_at_ms: int | None = 0
        # What hooks answered, as long as it could not be stored.
        self._answers: dict[int, str] = {}

    def expect(self) -> None:
        """Look again: something may be owed since the last look."""
        self._next_at_ms = 0

    async def deliver(self) -> None:
        """Tell everything that is due. A hook that fails is tried again later.

        Raises:
            StoreError: The store took no writes. What was told is remembered and
                stored by the next call.
        """
        if self._next_at_ms is None or self._is_early(self._next_at_ms):
            return
        due = await self._submit(
            lambda tx: due_messages(tx.connection, tx.now_ms, LONGEST_RETRY_MS)
        )
        by_hook: defaultdict[str, list[AlertMessage]] = defaultdict(list)
        for message in due:
            by_hook[message.hook].append(message)
        workspace = self._settings()
        hooks = {one.label: one for one in workspace.alerts.hooks}
        results = await asyncio.gather(
            *(
                self._tell_all(workspace, hooks.get(label), messages)
                for label, messages in by_hook.items()
            ),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        self._next_at_ms = await self._submit(lambda tx: next_owed_at(tx.connection))

    def _is_early(self, next_at_ms: int) -> bool:
        # What is further away was put off before the clock was put back.
        return 0 < next_at_ms - self._now_ms() <= LONGEST_RETRY_MS

    async def _tell_all(
        self,
        workspace: Workspace,
        hook: Hook | None,
        messages: Sequence[AlertMessage],
    ) -> None:
        """Tell one hook what is due; what comes after a failure would only wait too."""
        if hook is None:
            await self._submit(lambda tx: _give_all_up(tx, messages))
            return
        for message in messages:
            if not await self._is_told(workspace, hook, message):
                return

    async def _is_told(
        self, workspace: Workspace, hook: Hook, message: AlertMessage
    ) -> bool:
        number, why = message.message_id, ""
        if number not in self._answers:
            try:
                async with asyncio.timeout(MOST_S):
                    self._answers[number] = await told(
                        workspace, hook, name_of(message), message.payload
                    )
            except TimeoutError:
                why = f"did not take it within {MOST_S:g} s"
            except WatchfloorError as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001 - an alert must not end the engine
                why = self._survived(error)
        if why:
            await self._submit(lambda tx: _note_untold(tx, message, discreet(why)))
            return False
        await self._note_told(number)
        return True

    async def _note_told(self, number: int) -> None:
        reply = discreet(self._answers[number])
        await self._submit(
            lambda tx: writes.note_told(
                tx.connection, number, at_ms=tx.now_ms, reply=reply
            )
        )
        del self._answers[number]

    async def close(self) -> None:
        """Store what hooks answered and could not be stored yet."""
        with suppress(StoreError):
            for number in list(self._answers):
                await self._note_told(number)


def name_of(message: AlertMessage) -> str:
    """Return what a message is called to its hook, however often it is told."""
    return f"alert-{message.created_at_ms}-{message.message_id}"


def _note_untold(tx: Moment, message: AlertMessage, why: str) -> None:
    wait_ms = retry_in_ms(message.tries + 1)
    if wait_ms is None:
        _give_up(tx, message, f"given up after {MOST_TRIES} tries; last: {why}")
        return
    next_at_ms = tx.now_ms + wait_ms
    writes.note_try(tx.connection, message.message_id, next_at_ms=next_at_ms, why=why)


def _give_all_up(tx: Moment, messages: Sequence[AlertMessage]) -> None:
    for message in messages:
        _give_up(tx, message, "the workspace's file has no such hook any more")


def _give_up(tx: Moment, message: AlertMessage, why: str) -> None:
    if writes.note_untold(tx.connection, message.message_id, why=why):
        run_id = message.payload.get("run") or ""
        _enter(tx, run_id, "alert not told", f"{message.hook}: {why}")


def _enter(tx: Moment, run_id: str, event: str, detail: str) -> None:
    add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": run_id,
            "event": event,
            "by": "engine",
            "detail": detail,
            "epoch": tx.epoch,
        },
    )


async def tried_hooks(
    workspace: Workspace, message_id: str, now_ms: int
) -> list[tuple[Hook, bool, str]]:
    """Tell every hook a test, side by side; return what each made of it.

    Nothing is stored: a test is no alert.
    """
    payload = alert_words.trial(workspace, now_ms)

    async def one(hook: Hook) -> tuple[Hook, bool, str]:
        try:
            async with asyncio.timeout(MOST_S):
                return hook, True, await told(workspace, hook, message_id, payload)
        except TimeoutError:
            return hook, False, f"did not take it within {MOST_S:g} s"
        except WatchfloorError as error:
            return hook, False, str(error)

    return list(await asyncio.gather(*(one(hook) for hook in workspace.alerts.hooks)))
