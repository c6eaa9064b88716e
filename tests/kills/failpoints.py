"""Every place in the product where a process may die, by name.

A failpoint wraps one function of the product, in a process that was forked to be killed
(``nursery``): nothing of it is in the product, so that production pays nothing and can
never be told to die. A name that no longer exists fails at once, and one that is never
hit fails ``test_failpoints``.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import signal
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

Moment = Literal["before", "after"]
Takes = Callable[[tuple[Any, ...], Any], bool]


def _any_call(args: tuple[Any, ...], answer: object) -> bool:
    return True


def _some(args: tuple[Any, ...], answer: object) -> bool:
    return bool(answer)


def _claims(args: tuple[Any, ...], answer: Any) -> bool:
    return bool(answer.claimed)


def _hands_out(args: tuple[Any, ...], answer: Any) -> bool:
    return bool(answer[1])


def _brings_outcomes(args: tuple[Any, ...], answer: object) -> bool:
    return any(share.finished for share in args[2])


class Failpoint(NamedTuple):
    """A moment of a run of one function of the product.

    Attributes:
        where: ``module:name``, ``module:Class.name`` or ``module:MAPPING[key]``, as
            seen by whoever calls it.
        takes: Whether a call counts; of its arguments and, afterwards, its answer.
    """

    name: str
    moment: Moment
    where: str
    takes: Takes = _any_call


_ENGINE = "watchfloor.engine"


def _point(
    name: str, moment: Moment, where: str, takes: Takes = _any_call
) -> Failpoint:
    return Failpoint(name, moment, f"{_ENGINE}.{where}", takes)


POINTS: tuple[Failpoint, ...] = (
    # Becoming the owner, and what the last one left.
    _point("owner: locked", "before", "tenure:open_writer"),
    _point("owner: epoch raised", "after", "tenure:take"),
    _point("recovery: begun", "before", "tenure:recover"),
    _point("recovery: one run", "after", "recovery:_recover_run"),
    _point("recovery: before the commit", "after", "tenure:recover"),
    _point("recovery: committed", "after", "tenure:_settled_in"),
    _point("engine: started", "after", "jobs:begin"),
    _point("engine: beats", "after", "jobs:beat"),
    _point("engine: lets go", "before", "jobs:let_go"),
    _point("engine: has let go", "after", "jobs:let_go"),
    # Commands: rows before they are acts.
    _point("command: read", "after", "hearing:Inbox.owners", _some),
    _point("command: before the commit", "after", "commands:TakeCommand.__call__"),
    _point("command: stored, not forgotten", "before", "hearing:Inbox.forget"),
    _point("command: forgotten", "after", "hearing:Inbox.forget"),
    _point("command: acknowledged", "after", "commands:request"),
    _point("command: applied", "after", "changes:apply"),
    _point("run: told a fact", "after", "changes:tell"),
    _point("run: settled", "after", "committer:settle"),
    _point("launch: stored", "after", "commands:ORDERS[launch]"),
    _point("retry: cohort frozen", "after", "commands:ORDERS[retry]"),
    _point("resolve: stored", "after", "commands:ORDERS[resolve]"),
    _point("look-up: stored", "after", "commands:ORDERS[look_up]"),
    _point("purge: asked", "after", "commands:ORDERS[purge]"),
    # The audience.
    _point("intake: begun", "after", "extraction:Begin.__call__"),
    _point("intake: before a batch", "before", "extraction:AddBatch.__call__"),
    _point("intake: a batch", "after", "extraction:AddBatch.__call__"),
    _point("intake: read to the end", "after", "extraction:Extracted.__call__"),
    _point("intake: a slice judged", "after", "extraction:JudgeSlice.__call__"),
    _point("retry: before a batch", "before", "seeding:SeedBatch.__call__"),
    _point("retry: a batch", "after", "seeding:SeedBatch.__call__"),
    # From the claim to the commit of the outcome.
    _point("lane: open", "after", "jobs:MarkReady.__call__"),
    _point("intent: before it is stored", "before", "committer:claim"),
    _point("intent: before the commit", "after", "committer:claim", _claims),
    _point("intent: committed", "after", "committer:Committer._stored", _hands_out),
    _point("intent: handed over", "after", "dispatcher:Dispatcher._take"),
    _point("send: before", "before", "dispatcher:Dispatcher._attempt"),
    Failpoint(
        "send: headers out", "after", "watchfloor.channels.request_phase:_note_sent"
    ),
    Failpoint(
        "send: reply read", "before", "watchfloor.channels.webhook:outcome_of_reply"
    ),
    Failpoint(
        "send: after", "after", "watchfloor.channels.webhook:WebhookChannel.deliver"
    ),
    _point("outcome: in hand", "after", "dispatcher:Dispatcher._finish"),
    _point("outcome: before it is stored", "before", "committer:book_outcomes"),
    _point("outcome: before the commit", "after", "committer:book_outcomes"),
    _point(
        "outcome: committed", "after", "committer:Committer._stored", _brings_outcomes
    ),
    _point("intent: taken back", "after", "committer:book_releases"),
    _point("round: fenced", "after", "committer:lease.fence"),
    _point("round: committed", "after", "committer:Committer._note_commit"),
    _point("stop: a sweep", "after", "committer:sweep"),
    _point("canary: looked at", "after", "committer:look"),
    _point("canary: released", "after", "canaries:_release"),
    # Afterwards.
    _point("history: before a part", "before", "historian:Draft.add_part"),
    _point("history: a part", "after", "historian:Draft.add_part"),
    _point("history: noted", "after", "historian:NoteArchived.__call__"),
    _point("history: finished", "after", "historian:Draft.finish"),
    _point("history: stored", "after", "historian:StoreHistory.__call__"),
    _point("look-up: asked", "after", "inquiring:NextInquiry.__call__"),
    _point("look-up: answered", "after", "inquiring:BookAnswers.__call__"),
    _point("look-up: ended", "after", "inquiring:EndLookUp.__call__"),
    _point("purge: a slice", "after", "purging:PurgeSlice.__call__"),
    _point("purge: files removed", "after", "purging:_remove_files"),
    _point("purge: finished", "after", "purging:FinishPurge.__call__"),
    _point("log: before it is folded", "before", "committer:fold_log"),
    _point("log: folded", "after", "committer:fold_log"),
    _point("notice: before it is sent", "before", "notices:Postman._sent"),
    _point("notice: sent", "after", "notices:Postman._sent"),
    _point("notice: noted", "after", "notices:_note_sent"),
    _point("alert: raised", "after", "alerting:_raise"),
    _point("alert: before it is told", "before", "alerting:told"),
    _point("alert: told", "after", "alerting:told"),
)

BY_NAME = {point.name: point for point in POINTS}


def die() -> None:
    """End this process as nothing in it can prevent or notice."""
    os.kill(os.getpid(), signal.SIGKILL)


def install(point: Failpoint, on_hit: Callable[[], None] = die) -> None:
    """Have *on_hit* called each time this process comes to a failpoint.

    Raises:
        AttributeError: The product has no such place any more.
        KeyError: Likewise.
    """
    module, _, path = point.where.partition(":")
    target: Any = importlib.import_module(module)
    if path.endswith("]"):
        mapping, _, key = path[:-1].partition("[")
        found = getattr(target, mapping)
        found[key] = _wrapped(found[key], point, on_hit)
        return
    *owners, name = path.split(".")
    for owner in owners:
        target = getattr(target, owner)
    setattr(target, name, _wrapped(getattr(target, name), point, on_hit))


def on_the_nth(nth: int, act: Callable[[], None] = die) -> Callable[[], None]:
    """Return what acts when it is called for the *nth* time, counted from 1."""
    hits = 0

    def hit() -> None:
        nonlocal hits
        hits += 1
        if hits == nth:
            act()

    return hit


def _wrapped(
    function: Callable[..., Any], point: Failpoint, on_hit: Callable[[], None]
) -> Callable[..., Any]:
    before = point.moment == "before"

    @functools.wraps(function)
    def called(*args: Any, **options: Any) -> Any:
        if before:
            on_hit()
            return function(*args, **options)
        answer = function(*args, **options)
        if point.takes(args, answer):
            on_hit()
        return answer

    @functools.wraps(function)
    async def awaited(*args: Any, **options: Any) -> Any:
        if before:
            on_hit()
            return await function(*args, **options)
        answer = await function(*args, **options)
        if point.takes(args, answer):
            on_hit()
        return answer

    return awaited if inspect.iscoroutinefunction(function) else called
