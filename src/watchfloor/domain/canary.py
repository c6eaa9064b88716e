"""A canary: a small part of a retry goes first, and figures decide whether more may.

Every stage is judged once, when all its records are settled or its time is over, by
``judge``: a function of counted figures. A stage that fails holds the run for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil, exp, lgamma, log, log1p
from typing import Final

from watchfloor.domain.moments import counted

#: How many records the stages before the rest release.
FIRST: Final = (15, 100)
#: A transient share up to here is no reason to stop, whatever earlier runs had.
TRANSIENT_SHARE: Final = 0.10
#: A run of which no larger share of the attempts failed for now is a healthy one.
HEALTHY_SHARE: Final = 0.10
#: More transient failures than so many times a healthy run's are a reason.
TRANSIENT_TIMES: Final = 1.5
#: Answers that take longer than so many times a healthy run's are a reason.
LATENCY_TIMES: Final = 2.0
#: Differences below this are the machine's own.
LATENCY_FLOOR_MS: Final = 250
#: Of a stage whose time is over, at least so many must be settled to be judged on.
SETTLED_SHARE: Final = 0.8
#: Codes that contain one of these say that the provider knew the key already.
DEDUPE_WORDS: Final = ("duplicate", "already_", "replayed", "http_409")

#: Who pauses a run whose canary stopped, and how the reason begins.
_PAUSED_BY: Final = "engine"
_SAID: Final = "canary stage "
_STOPPED: Final = " stopped: "

#: The rest may be large: it is judged by so many of its last records.
MOST_JUDGED: Final = 10_000

_CONFIDENCE: Final = 0.05


class StageState(StrEnum):
    """Where a stage of a canary stands."""

    WAITING = "waiting"  #: not released yet
    RUNNING = "running"  #: released, not judged yet
    PASSED = "passed"  #: its figures let the next one go
    STOPPED = "stopped"  #: its figures hold the run for a person
    OVERRULED = "overruled"  #: stopped, and a person let the next one go
    RELEASED = "released"  #: the rest, until its end
    FAILED = "failed"  #: the rest, whose figures would have held others back


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What healthy runs of the same campaign looked like, and what failed before.

    Attributes:
        runs: Which runs; none where there is no healthy one to compare with.
        attempts: That were looked at.
        transient: Of these: failed for now, or of unknown effect.
        p95_ms: 95 of 100 deliveries took no longer; None for none.
        permanent: Codes of permanent failures that were there before.
    """

    runs: tuple[str, ...] = ()
    attempts: int = 0
    transient: int = 0
    p95_ms: int | None = None
    permanent: frozenset[str] = frozenset()

    @property
    def share(self) -> float:
        """Of attempts that failed for now."""
        return self.transient / self.attempts if self.attempts else 0.0

    @property
    def limit(self) -> float:
        """The highest transient share that passes."""
        return max(TRANSIENT_SHARE, TRANSIENT_TIMES * self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one stage came to so far.

    Attributes:
        records: Released by it.
        settled: Final, or promised for later.
        failed: Of the settled: failed or unknown.
        attempts: That have ended.
        transient: Of these: failed for now, or of unknown effect.
        permanent: Attempts that failed for good, by code.
        dedupe_hits: Attempts to which the provider said that it knew the key, by code.
        p95_ms: 95 of 100 of its deliveries took no longer; None for none.
        is_overdue: Its time is over.
    """

    records: int
    settled: int = 0
    failed: int = 0
    attempts: int = 0
    transient: int = 0
    permanent: Mapping[str, int] = field(default_factory=dict)
    dedupe_hits: Mapping[str, int] = field(default_factory=dict)
    p95_ms: int | None = None
    is_overdue: bool = False

    @property
    def is_due(self) -> bool:
        """Whether the stage can be judged."""
        return self.settled >= self.records or self.is_overdue

    @property
    def progress(self) -> str:
        """How far the stage is, in words."""
        return f"{self.settled:,} of {self.records:,} final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One question that a stage was asked: whether it held, and the figures."""

    check: str
    holds: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a stage's figures say."""

    findings: tuple[Finding, ...]

    @property
    def passes(self) -> bool:
        """Whether the next stage may be released."""
        return all(one.holds for one in self.findings)

    @property
    def told(self) -> str:
        """What decided it, in one line: what failed, else all of it."""
        failed = [one.told for one in self.findings if not one.holds]
        return "; ".join(failed or [one.told for one in self.findings])


@dataclass(frozen=True, slots=True, kw_only=True)
class StageView:
    """One stage as a person sees it.

    Attributes:
        number: From 1 on.
        last_seq: The last record of the child that it releases.
        evidence: Why it passed, stopped or is not judged yet; sentences.
        decided_by: Who let the next one go: the engine, or a person.
    """

    number: int
    records: int
    last_seq: int
    state: StageState
    figures: Figures | None = None
    evidence: tuple[str, ...] = ()
    opened_at_ms: int | None = None
    judged_at_ms: int | None = None
    decided_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryView:
    """A retry's canary.

    Attributes:
        run_id: The child.
        parent_id: Whose records it takes up.
        held_back: Records that no stage has released.
        is_over: The run has ended: nobody is asked for anything any more.
    """

    run_id: str
    parent_id: str
    stages: tuple[StageView, ...]
    held_back: int = 0
    is_over: bool = False

    @property
    def current(self) -> StageView | None:
        """The stage that was released last; None before the first."""
        released = [one for one in self.stages if one.state is not StageState.WAITING]
        return released[-1] if released else None

    @property
    def is_stopped(self) -> bool:
        """Whether a stage holds the run for a person."""
        stopped = any(one.state is StageState.STOPPED for one in self.stages)
        return stopped and not self.is_over


def stop_said(stage: int, verdict: Verdict) -> str:
    """Return why a run pauses whose canary stopped at a stage."""
    return f"{_SAID}{stage}{_STOPPED}{verdict.told}"


def canary_named(by: str, why: str) -> bool:
    """Whether a pause is a canary's, by who asked for it and why."""
    return by == _PAUSED_BY and why.startswith(_SAID) and _STOPPED in why


def stage_sizes(records: int, *, canary: bool) -> tuple[int, ...]:
    """Return how many records each stage releases; small cohorts have fewer stages."""
    if not canary:
        return (records,) if records else ()
    sizes: list[int] = []
    left = records
    for size in FIRST:
        if left <= 0:
            break
        sizes.append(min(size, left))
        left -= size
    return (*sizes, left) if left > 0 else tuple(sizes)


def judge(figures: Figures, baseline: Baseline) -> Verdict:
    """Return what a stage's figures say; the next one goes only if all of it holds."""
    return Verdict(
        findings=(
            _settled(figures),
            _measured(figures),
            _transient(figures, baseline),
            _permanent(figures, baseline),
            _dedupe(figures),
            _latency(figures, baseline),
        )
    )


def evidence(figures: Figures, verdict: Verdict) -> tuple[str, ...]:
    """Return a verdict as sentences, what failed first, and what it bounds last."""
    failed = [one.told for one in verdict.findings if not one.holds]
    held = [one.told for one in verdict.findings if one.holds]
    return (*failed, *held, bounded(figures.failed, figures.settled))


def bounded(failed: int, of: int) -> str:
    """Return honestly what so few records can say about all of them."""
    if not of:
        return "no record is settled: that says nothing about the others"
    share = upper_bound(failed, of)
    if share >= 1:
        return f"{failed:,} of {of:,} failed: the others may all fail too"
    told = f"{share * 100:.0f}" if share >= TRANSIENT_SHARE else f"{share * 100:.1f}"
    return (
        f"{failed:,} of {of:,} failed: with 95 % confidence fewer than {told} % of the "
        "others would"
    )


def upper_bound(failed: int, of: int) -> float:
    """Return the share below which the true one lies with 95 % confidence.

    Exact (Clopper and Pearson, one-sided); without a failure it is 1 - 0.05^(1/n).
    """
    if failed >= of:
        return 1.0
    low, high = failed / of, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if _at_most(failed, of, middle) > _CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def is_dedupe_hit(code: str) -> bool:
    """Whether a provider's code says that it knew the key already."""
    return any(word in code for word in DEDUPE_WORDS)


def _at_most(failed: int, of: int, share: float) -> float:
    """Return how likely at most so many failures are at a true share above theirs.

    From the likeliest term down, each by its ratio to the one before: of a thousand
    records the binomial coefficients no longer fit a float.
    """
    ways = lgamma(of + 1) - lgamma(failed + 1) - lgamma(of - failed + 1)
    term = exp(ways + failed * log(share) + (of - failed) * log1p(-share))
    total = term
    for k in range(failed, 0, -1):
        term *= k / (of - k + 1) * (1 - share) / share
        total += term
    return total


def _settled(figures: Figures) -> Finding:
    told = f"{figures.progress}"
    if figures.settled >= figures.records:
        return Finding(check="settled", holds=True, told=f"{told}: all of them")
    enough = figures.settled >= SETTLED_SHARE * figures.records
    least = f"{SETTLED_SHARE:.0%}".replace("%", " %")
    return Finding(
        check="settled",
        holds=enough,
        told=f"{told} when its time was over; at least {least} must be",
    )


def _measured(figures: Figures) -> Finding:
    """Say whether enough was tried to judge by.

    Records that were suppressed, or cut off by a crash, are settled and say nothing.
    """
    least = SETTLED_SHARE * figures.records
    return Finding(
        check="measured",
        holds=figures.attempts > 0 and figures.attempts >= least,
        told=(
            f"{counted(figures.attempts, 'attempt')} ended by themselves at "
            f"{counted(figures.records, 'record')}; at least {max(1, ceil(least)):,} "
            "must, to judge by"
        ),
    )


def _transient(figures: Figures, baseline: Baseline) -> Finding:
    share = figures.transient / figures.attempts if figures.attempts else 0.0
    compared = (
        f"healthy runs had {_percent(baseline.share)}"
        if baseline.runs
        else "there is no healthy run to compare with"
    )
    return Finding(
        check="transient",
        holds=share <= baseline.limit,
        told=(
            f"{figures.transient:,} of {counted(figures.attempts, 'attempt')} failed "
            f"for now or are unknown ({_percent(share)}); up to "
            f"{_percent(baseline.limit)} passes, {compared}"
        ),
    )


def _permanent(figures: Figures, baseline: Baseline) -> Finding:
    fresh = {
        code: count
        for code, count in sorted(figures.permanent.items())
        if code not in baseline.permanent
    }
    told = ", ".join(f"{count:,} {code}" for code, count in fresh.items())
    return Finding(
        check="permanent",
        holds=not fresh,
        told=f"permanent failures that were not there before: {told or 'none'}",
    )


def _dedupe(figures: Figures) -> Finding:
    hits = figures.dedupe_hits
    told = ", ".join(f"{count:,} {code}" for code, count in sorted(hits.items()))
    return Finding(
        check="dedupe",
        holds=not hits,
        told=f"attempts of which the provider knew the key already: {told or 'none'}",
    )


def _latency(figures: Figures, baseline: Baseline) -> Finding:
    ours, theirs = figures.p95_ms, baseline.p95_ms
    if ours is None or theirs is None:
        missing = "it delivered nothing" if ours is None else "no run to compare with"
        return Finding(
            check="latency", holds=True, told=f"latency is not judged: {missing}"
        )
    limit = max(round(LATENCY_TIMES * theirs), theirs + LATENCY_FLOOR_MS)
    return Finding(
        check="latency",
        holds=ours <= limit,
        told=(
            f"95 % of deliveries took at most {ours:,} ms; up to {limit:,} ms passes, "
            f"before it was {theirs:,} ms"
        ),
    )


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
