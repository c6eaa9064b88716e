"""The tables of a campaign file but ``[audience]``: types, bounds and defaults.

What holds between keys stands in ``campaign_rules``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from watchfloor.domain.campaign import (
    BREAKER_AFTER,
    COLLECT_MS,
    Campaign,
    CampaignStep,
    Guard,
    Limits,
    PauseWhen,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.retries import RetryPolicy
from watchfloor.domain.windows import Window
from watchfloor.intake.audience_form import AudienceForm
from watchfloor.intake.toml_file import StrictForm
from watchfloor.intake.toml_values import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    CloseMinute,
    FilterText,
    Identity,
    Mailbox,
    OpenMinute,
    Permits,
    Rate,
    Text,
    WindowZone,
    duration_between,
)

MAX_STEPS = 10
MAX_NOTIFIED = 20

_BILLION = 1_000_000_000
_DEFAULTS = RetryPolicy()
_LIMITS = Limits()
_CALLBACK_EXPIRE_MS = 48 * HOUR_MS

DayWord = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ClassWord = Literal["transient", "permanent", "ambiguous", "callback"]

#: Monday is 0 to the domain.
DAYS: tuple[DayWord, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class HeadForm(StrictForm):
    """``[campaign]``."""

    id: Identity = Field(examples=['id = "autumn-reminder" (a-z 0-9 -)'])
    name: Text = Field(examples=['name = "Autumn reminder"'])
    notify: list[Mailbox] = Field(
        default_factory=list,
        max_length=MAX_NOTIFIED,
        examples=['notify = ["ops@example.org"]'],
    )
    published: bool = Field(default=True, examples=["published = true"])


class RetryForm(StrictForm):
    """``[steps.retry]``."""

    attempts: int = Field(
        default=_DEFAULTS.attempts, ge=1, le=100, examples=["attempts = 4"]
    )
    backoff: Annotated[int, duration_between(1, DAY_MS)] = Field(
        default=_DEFAULTS.backoff_ms, examples=['backoff = "30s"']
    )
    max_backoff: Annotated[int, duration_between(1, 7 * DAY_MS)] = Field(
        default=_DEFAULTS.max_backoff_ms, examples=['max_backoff = "10m"']
    )
    max_age: Annotated[int, duration_between(1, 90 * DAY_MS)] = Field(
        default=_DEFAULTS.max_age_ms, examples=['max_age = "24h"']
    )

    def frozen(self) -> RetryPolicy:
        """Return the domain's value."""
        return RetryPolicy(
            attempts=self.attempts,
            backoff_ms=self.backoff,
            max_backoff_ms=self.max_backoff,
            max_age_ms=self.max_age,
        )


class StepForm(StrictForm):
    """``[[steps]]``."""

    name: str = Field(min_length=1, max_length=64, examples=['name = "call"'])
    channel: str = Field(min_length=1, max_length=64, examples=['channel = "webhook"'])
    when: FilterText = Field(
        default="", examples=['when = \'call.code in ("no_answer", "busy")\'']
    )
    settings: dict[str, object] = Field(
        default_factory=dict, examples=["a table [steps.settings]"]
    )
    retry: RetryForm = Field(
        default_factory=RetryForm, examples=["a table [steps.retry]"]
    )

    def frozen(self) -> CampaignStep:
        """Return the domain's value."""
        return CampaignStep(
            name=self.name,
            channel=self.channel,
            settings=self.settings,
            retry=self.retry.frozen(),
            when=self.when,
        )


class LimitsForm(StrictForm):
    """``[limits]``."""

    permits: Permits = Field(default=_LIMITS.permits, examples=["permits = 50"])
    rate: Rate | None = Field(default=None, examples=['rate = "20/s"'])
    retry_share: float = Field(
        default=_LIMITS.retry_share,
        ge=0,
        le=1,
        allow_inf_nan=False,
        examples=["retry_share = 0.2"],
    )

    def frozen(self) -> Limits:
        """Return the domain's value."""
        return Limits(
            permits=self.permits, rate_per_s=self.rate, retry_share=self.retry_share
        )


class WindowForm(StrictForm):
    """``[window]``."""

    zone: WindowZone = Field(
        examples=['zone = "recipient", or a name such as "America/New_York"']
    )
    days: list[DayWord] = Field(
        default_factory=lambda: list(DAYS),
        min_length=1,
        examples=['days = ["mon", "tue", "wed", "thu", "fri"]'],
    )
    open: OpenMinute = Field(examples=['open = "09:00"'])
    close: CloseMinute = Field(examples=['close = "20:00" (24:00 at the latest)'])

    def frozen(self) -> Window:
        """Return the domain's value."""
        return Window(
            zone=self.zone,
            days=frozenset(DAYS.index(day) for day in self.days),
            open_minute=self.open,
            close_minute=self.close,
        )


class CallbacksForm(StrictForm):
    """``[callbacks]``."""

    expire: Annotated[int, duration_between(MINUTE_MS, 90 * DAY_MS)] = Field(
        default=_CALLBACK_EXPIRE_MS, examples=['expire = "48h"']
    )


class ApprovalForm(StrictForm):
    """``[approval]``."""

    after: int = Field(ge=1, le=_BILLION, examples=["after = 20"])


class PauseWhenForm(StrictForm):
    """``guard.pause_when``."""

    outcome_class: ClassWord = Field(alias="class", examples=['class = "transient"'])
    share: float = Field(gt=0, le=1, allow_inf_nan=False, examples=["share = 0.2"])
    over: Annotated[int, duration_between(SECOND_MS, HOUR_MS)] = Field(
        examples=['over = "5m"']
    )
    at_least: int = Field(ge=1, le=1_000_000, examples=["at_least = 50"])

    def frozen(self) -> PauseWhen:
        """Return the domain's value."""
        return PauseWhen(
            outcome_class=OutcomeClass[self.outcome_class.upper()],
            share=self.share,
            over_ms=self.over,
            at_least=self.at_least,
        )


class GuardForm(StrictForm):
    """``[guard]``."""

    pause_when: PauseWhenForm | None = Field(
        default=None,
        examples=[
            (
                'pause_when = { class = "transient", share = 0.2, over = "5m", '
                "at_least = 50 }"
            )
        ],
    )
    breaker_after: int = Field(
        default=BREAKER_AFTER,
        ge=0,
        le=100_000,
        examples=["breaker_after = 100 (0 for no breaker)"],
    )

    def frozen(self) -> Guard:
        """Return the domain's value."""
        return Guard(
            pause_when=self.pause_when.frozen() if self.pause_when else None,
            breaker_after=self.breaker_after,
        )


class ResultsForm(StrictForm):
    """``[results]``."""

    collect: Annotated[int, duration_between(HOUR_MS, 365 * DAY_MS)] = Field(
        default=COLLECT_MS, examples=['collect = "30d"']
    )


class CampaignForm(StrictForm):
    """The whole file."""

    campaign: HeadForm = Field(examples=["a table [campaign] with id and name"])
    audience: AudienceForm = Field(examples=["a table [audience] with contact"])
    steps: list[StepForm] = Field(
        min_length=1,
        max_length=MAX_STEPS,
        examples=["a table [[steps]] with name and channel"],
    )
    limits: LimitsForm = Field(
        default_factory=LimitsForm, examples=["a table [limits]"]
    )
    window: WindowForm | None = Field(
        default=None, examples=["a table [window] with zone, open and close"]
    )
    callbacks: CallbacksForm = Field(
        default_factory=CallbacksForm, examples=["a table [callbacks]"]
    )
    approval: ApprovalForm | None = Field(
        default=None, examples=["a table [approval] with after"]
    )
    guard: GuardForm = Field(default_factory=GuardForm, examples=["a table [guard]"])
    results: ResultsForm = Field(
        default_factory=ResultsForm, examples=["a table [results]"]
    )

    def frozen(self) -> Campaign:
        """Return the domain's value."""
        return Campaign(
            campaign_id=self.campaign.id,
            name=self.campaign.name,
            audience=self.audience.frozen(),
            steps=tuple(step.frozen() for step in self.steps),
            limits=self.limits.frozen(),
            notify=tuple(dict.fromkeys(self.campaign.notify)),
            published=self.campaign.published,
            window=self.window.frozen() if self.window else None,
            callback_expire_ms=self.callbacks.expire,
            approval_after=self.approval.after if self.approval else None,
            guard=self.guard.frozen(),
            collect_ms=self.results.collect,
        )
