"""Which alerts begin, end and wait: one for each cause, told once.

A cause that lasts is one alert for as long as it lasts. One that goes and comes again
within ``AlertRules.again_after_ms`` never went. In quiet hours an alert stands, and is
told when they end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from watchfloor.domain.quiet_hours import QuietHours

#: What happened once, as a failure, is told if it is found within so long.
FRESH_MS: Final = 24 * 3_600_000
AGAIN_AFTER_MS: Final = 600_000


class AlertKind(StrEnum):
    """What people can be alerted of."""

    STALLED = "stalled"  #: work could start and nothing moves
    SLOW = "slow"  #: it moves more slowly than it should
    FAILING = "failing"  #: it moves, and most of what it tries fails
    AUTO_PAUSED = "auto_paused"  #: the engine paused the run itself
    STORE = "store"  #: the store takes nothing new: no room, or no writes at all
    ENGINE = "engine"  #: the engine goes on, and one of its duties fails
    FAILED = "failed"  #: the run ended by a fault of its own
    RECOVERED = "recovered"  #: an engine died, and what was in flight is accounted for

    @property
    def lasts(self) -> bool:
        """Whether its cause can end; the others have happened once and for all."""
        return self not in (AlertKind.FAILED, AlertKind.RECOVERED)

    @property
    def flaps(self) -> bool:
        """Whether its cause may come and go by itself."""
        return self in (
            AlertKind.STALLED,
            AlertKind.SLOW,
            AlertKind.FAILING,
            AlertKind.STORE,
            AlertKind.ENGINE,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One way of telling people.

    Attributes:
        kind: ``command``, ``webhook`` or ``mail``.
        name: What the file calls it, unique among its kind.
        settings: As written; secrets by reference.
    """

    kind: str
    name: str
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What it is called beside the others."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """Of what people are alerted, how and when.

    Attributes:
        on: Of these kinds; without any there are no alerts.
        urgent: These are told in quiet hours too.
        tells_cleared: Whether the end of a cause is told as well.
        again_after_ms: A cause that has gone for less never went.
        quiet: None for never.
        hooks: To whom; without any, alerts only stand in the store.
    """

    on: frozenset[AlertKind] = frozenset()
    urgent: frozenset[AlertKind] = frozenset()
    tells_cleared: bool = True
    again_after_ms: int = AGAIN_AFTER_MS
    quiet: QuietHours | None = None
    hooks: tuple[Hook, ...] = ()


class Cause(NamedTuple):
    """Something that is wrong at this moment.

    Attributes:
        run_id: Of which run; empty for the engine's own.
        since_ms: When it began.
        said: One sentence, fit for a terminal.
    """

    kind: AlertKind
    run_id: str
    since_ms: int
    said: str

    @property
    def mark(self) -> int:
        """What tells it from another of its kind; a flapping one is always the same."""
        return 0 if self.kind.flaps else self.since_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as it is stored.

    Attributes:
        mark: See ``Cause.mark``.
        gone_at_ms: Since when its cause was not found any more; None while it is.
        cleared_at_ms: When its cause was over for good; None while the alert stands.
        is_held: Quiet hours keep something of it from being told.
    """

    alert_id: int
    kind: AlertKind
    run_id: str
    mark: int
    since_ms: int
    said: str
    raised_at_ms: int
    gone_at_ms: int | None = None
    cleared_at_ms: int | None = None
    is_held: bool = False

    @property
    def stands(self) -> bool:
        """Whether its cause is not over."""
        return self.cleared_at_ms is None


class Raise(NamedTuple):
    """Store a new alert, and tell it unless it is held."""

    cause: Cause
    is_held: bool


class Miss(NamedTuple):
    """Store that an alert's cause was not found, or was found again."""

    alert: Alert
    gone_at_ms: int | None


class Clear(NamedTuple):
    """Store that an alert's cause is over.

    Attributes:
        at_ms: Since when.
        is_held: As it is to be stored.
        tells: Whether people are told of it by itself.
    """

    alert: Alert
    at_ms: int
    is_held: bool
    tells: bool


class Summary(NamedTuple):
    """Tell, at once, everything that quiet hours held."""

    alert_ids: tuple[int, ...]


Effect: TypeAlias = Raise | Miss | Clear | Summary


def decide(
    known: Sequence[Alert],
    causes: Iterable[Cause],
    rules: AlertRules,
    now_ms: int,
    *,
    is_quiet: bool,
) -> tuple[Effect, ...]:
    """Return what is to be stored and told.

    Args:
        known: Every alert that stands or is held.
        causes: Everything that is wrong at this moment, in any order.
        rules: What the workspace's file says now.
        now_ms: The moment.
        is_quiet: Whether quiet hours hold.
    """
    found = {
        (one.kind, one.run_id, one.mark): one for one in causes if one.kind in rules.on
    }
    effects: list[Effect] = []
    for alert in known:
        if alert.stands:
            here = found.pop((alert.kind, alert.run_id, alert.mark), None)
            effects += _followed(alert, here, rules, now_ms, is_quiet=is_quiet)
    effects += (
        Raise(cause, is_held=is_quiet and cause.kind not in rules.urgent)
        for cause in sorted(found.values(), key=lambda one: (one.since_ms, one))
    )
    held = tuple(alert.alert_id for alert in known if alert.is_held)
    if held and not is_quiet:
        effects.append(Summary(held))
    return tuple(effects)


def _followed(
    alert: Alert,
    here: Cause | None,
    rules: AlertRules,
    now_ms: int,
    *,
    is_quiet: bool,
) -> Iterable[Effect]:
    """Yield what becomes of an alert that stands."""
    if here is not None:
        if alert.gone_at_ms is not None:
            yield Miss(alert, None)
        return
    since_ms = now_ms if alert.gone_at_ms is None else alert.gone_at_ms
    is_wanted = alert.kind in rules.on
    may_come_again = is_wanted and alert.kind.flaps
    if may_come_again and now_ms - since_ms < rules.again_after_ms:
        if alert.gone_at_ms is None:
            yield Miss(alert, now_ms)
        return
    # One that people were not told of yet ends in the summary that tells it.
    is_told = is_wanted and alert.kind.lasts and rules.tells_cleared
    is_held = alert.is_held or (is_told and is_quiet and alert.kind not in rules.urgent)
    yield Clear(alert, since_ms, is_held=is_held, tells=is_told and not is_held)
