"""The table ``[alerts]`` of ``watchfloor.toml`` and what stands below it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from watchfloor.domain.alerts import AGAIN_AFTER_MS, AlertKind, AlertRules, Hook
from watchfloor.domain.quiet_hours import QuietHours
from watchfloor.intake.campaign_forms import DAYS, DayWord
from watchfloor.intake.mistakes import sentence
from watchfloor.intake.toml_file import StrictForm
from watchfloor.intake.toml_values import (
    DAY_MS,
    MINUTE_MS,
    CloseMinute,
    Mailbox,
    OpenMinute,
    ZoneName,
    duration_between,
)

MAX_HOOKS = 20
MAX_TEXT = 2_000

KindWord = Literal[
    "stalled",
    "slow",
    "failing",
    "auto_paused",
    "store",
    "engine",
    "failed",
    "recovered",
]
HookName = Annotated[str, StringConstraints(pattern=r"\A[a-z0-9-]{1,40}\z")]
#: A hook beside the others, as ``Hook.label`` has it.
HOOK_LABEL = r"\A(command|webhook|mail) [a-z0-9-]{1,40}\z"
HookText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
#: A hook that takes longer would hold up what comes after it.
HookTimeout = Annotated[str, Field(examples=['timeout = "10s"'])]


class QuietForm(StrictForm):
    """``[alerts.quiet]``."""

    begins: OpenMinute = Field(alias="from", examples=['from = "22:00"'])
    ends: CloseMinute = Field(alias="to", examples=['to = "07:00"'])
    days: list[DayWord] = Field(
        default_factory=lambda: list(DAYS),
        min_length=1,
        examples=['days = ["mon", "tue", "wed", "thu", "fri"]'],
    )
    zone: ZoneName | None = Field(default=None, examples=['zone = "Europe/Berlin"'])

    @model_validator(mode="after")
    def _have_an_end(self) -> Self:
        try:
            self.frozen()
        except ValueError as error:
            msg = f"the quiet hours {error}"
            raise sentence(msg) from error
        return self

    def frozen(self) -> QuietHours:
        """Return the domain's value."""
        return QuietHours(
            from_minute=self.begins,
            to_minute=self.ends,
            days=frozenset(DAYS.index(day) for day in self.days),
            zone=self.zone or "",
        )


class CommandHookForm(StrictForm):
    """``[alerts.command.NAME]``; the channel's own model says the rest."""

    argv: list[HookText] = Field(
        min_length=1, examples=['argv = ["/usr/local/bin/page", "--team", "night"]']
    )
    timeout: HookTimeout | None = None


class WebhookHookForm(StrictForm):
    """``[alerts.webhook.NAME]``; the channel's own model says the rest."""

    url: HookText = Field(examples=['url = "https://hooks.example.org/watchfloor"'])
    headers: dict[str, HookText] = Field(
        default_factory=dict, examples=['headers = { Authorization = "env:HOOK_AUTH" }']
    )
    timeout: HookTimeout | None = None


class MailHookForm(StrictForm):
    """``[alerts.mail.NAME]``."""

    to: list[Mailbox] = Field(
        min_length=1, max_length=MAX_HOOKS, examples=['to = ["ops@example.org"]']
    )


class AlertsForm(StrictForm):
    """``[alerts]``."""

    on: list[KindWord] = Field(
        default_factory=list, examples=['on = ["stalled", "slow", "failed"]']
    )
    urgent: list[KindWord] = Field(
        default_factory=list, examples=['urgent = ["failed"]']
    )
    cleared: bool = Field(default=True, examples=["cleared = false"])
    again_after: Annotated[int, duration_between(MINUTE_MS, DAY_MS)] = Field(
        default=AGAIN_AFTER_MS, examples=['again_after = "10m"']
    )
    quiet: QuietForm | None = Field(
        default=None, examples=["a table [alerts.quiet] with from and to"]
    )
    command: dict[HookName, CommandHookForm] = Field(
        default_factory=dict,
        max_length=MAX_HOOKS,
        examples=["a table [alerts.command.NAME] with argv (NAME: a-z 0-9 -)"],
    )
    webhook: dict[HookName, WebhookHookForm] = Field(
        default_factory=dict,
        max_length=MAX_HOOKS,
        examples=["a table [alerts.webhook.NAME] with url (NAME: a-z 0-9 -)"],
    )
    mail: dict[HookName, MailHookForm] = Field(
        default_factory=dict,
        max_length=MAX_HOOKS,
        examples=["a table [alerts.mail.NAME] with to (NAME: a-z 0-9 -)"],
    )

    @model_validator(mode="after")
    def _say_of_what(self) -> Self:
        hooks = [*self.command, *self.webhook, *self.mail]
        if hooks and not self.on:
            raise sentence(
                'nobody is alerted of anything: write e.g. on = ["stalled", "failed"]'
            )
        if more := sorted(set(self.urgent) - set(self.on)):
            msg = f"urgent names {', '.join(more)}, which on does not; add it there"
            raise sentence(msg)
        return self

    def frozen(self) -> AlertRules:
        """Return the domain's value; every hook's settings stay as written."""
        tables: tuple[tuple[str, dict[str, StrictForm]], ...] = (
            ("command", {**self.command}),
            ("webhook", {**self.webhook}),
            ("mail", {**self.mail}),
        )
        return AlertRules(
            on=frozenset(map(AlertKind, self.on)),
            urgent=frozenset(map(AlertKind, self.urgent)),
            tells_cleared=self.cleared,
            again_after_ms=self.again_after,
            quiet=self.quiet.frozen() if self.quiet else None,
            hooks=tuple(
                Hook(kind=kind, name=name, settings=form.model_dump(exclude_unset=True))
                for kind, forms in tables
                for name, form in forms.items()
            ),
        )
