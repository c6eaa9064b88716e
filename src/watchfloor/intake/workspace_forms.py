"""The tables of ``watchfloor.toml``: types, bounds and defaults."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    model_validator,
)

from watchfloor.domain.measures import duration_ms
from watchfloor.domain.reach import (
    HostPattern,
    InternalRange,
    Reach,
    host_pattern,
    internal_range,
)
from watchfloor.domain.roles import RoleRules
from watchfloor.domain.workspace import (
    VERY_LARGE,
    Anchored,
    NoticePreset,
    Plan,
    ResultsIntake,
    RetryBudget,
    Shared,
    Workspace,
)
from watchfloor.intake.alert_forms import HOOK_LABEL, AlertsForm
from watchfloor.intake.mistakes import sentence
from watchfloor.intake.normalise import UnfitContactError, email
from watchfloor.intake.toml_file import StrictForm
from watchfloor.intake.toml_values import (
    Identity,
    Permits,
    Rate,
    Reference,
    Text,
    ZoneName,
    duration_between,
)

MAX_RUNS = 1_000_000
MAX_RECORDS = 1_000_000_000_000
LEAST_REPORT_BYTES = 1_024
MOST_REPORT_BYTES = 64 * 1024 * 1024
MOST_TIMEOUT_MS = 600_000

MOST_RETRIES = 1_000
MOST_GENERATIONS = 20
MOST_STAGE_MS = 7 * 86_400_000

#: Hosts, ranges of addresses, references: each is looked through again and again.
MOST_LISTED = 200

LEAST_ANCHOR_MS = 60_000
MOST_ANCHOR_MS = 86_400_000

_ANCHORED = Anchored()
_RESULTS = ResultsIntake()
_RETRY = RetryBudget()
_MEMBER = re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\$?")
_HOST = re.compile(r"[0-9A-Za-z.:-]+")
_NAMED_MAILBOX = re.compile(r"[^<>@]*<([^<>\s]+)>")


def _host(text: str) -> str:
    # Not repeated: people put whole addresses here, with name and password.
    if not _HOST.fullmatch(text):
        raise sentence("is no host; write a name like mail.example.org or an address")
    return text


def _no_text(mail: object) -> object:
    # Not repeated either.
    if isinstance(mail, str):
        raise sentence("is not a table; write e.g. a table [mail] with host and from")
    return mail


def _sender(text: str) -> str:
    named = _NAMED_MAILBOX.fullmatch(text)
    if not text.isprintable() or text != text.strip():
        raise ValueError("is not one mailbox")
    try:
        email(named[1] if named else text)
    except UnfitContactError as error:
        raise ValueError("is not one mailbox") from error
    return text


def _absolute(path: str) -> str:
    if not (path.startswith("/") and path.isprintable()):
        raise ValueError("is no absolute path")
    return path


def _timeout(text: str) -> str:
    if duration_ms(text) > MOST_TIMEOUT_MS:
        raise ValueError("is longer than 10m")
    return text


def _member(text: str) -> str:
    if not _MEMBER.fullmatch(text):
        raise ValueError("is no user's name, nor a group's with @ before it")
    return text


Members = list[Annotated[str, AfterValidator(_member)]]


class WorkspaceForm(StrictForm):
    """``[workspace]``."""

    id: Identity = Field(examples=['id = "front-desk" (a-z 0-9 -)'])
    name: Text = Field(examples=['name = "The front desk"'])
    zone: ZoneName = Field(default="UTC", examples=['zone = "Europe/Berlin"'])


class PlanForm(StrictForm):
    """``[plan]``."""

    monthly_runs: int | None = Field(
        default=None, ge=0, le=MAX_RUNS, examples=["monthly_runs = 100"]
    )
    monthly_records: int | None = Field(
        default=None, ge=0, le=MAX_RECORDS, examples=["monthly_records = 250000"]
    )

    def frozen(self) -> Plan:
        """Return the domain's value."""
        return Plan(
            monthly_runs=self.monthly_runs, monthly_records=self.monthly_records
        )


class SharedForm(StrictForm):
    """``[limits]`` and ``[channels.NAME]``."""

    permits: Permits | None = Field(default=None, examples=["permits = 200"])
    rate: Rate | None = Field(default=None, examples=['rate = "100/s"'])

    def frozen(self) -> Shared:
        """Return the domain's value."""
        return Shared(permits=self.permits, rate_per_s=self.rate)


class MailForm(StrictForm):
    """``[mail]``: types and secrets; the channel's own model says the rest.

    Every value stays as it is written.
    """

    host: Annotated[Text, AfterValidator(_host)] = Field(
        examples=['host = "mail.example.org"']
    )
    sender: Annotated[Text, AfterValidator(_sender)] = Field(
        alias="from", examples=['from = "Watchfloor <watchfloor@example.org>"']
    )
    port: int | None = Field(default=None, ge=1, le=65_535, examples=["port = 587"])
    security: Literal["starttls", "tls", "none"] | None = Field(
        default=None, examples=['security = "starttls"']
    )
    username: Reference | None = None
    password: Reference | None = None
    ca_file: Annotated[Text, AfterValidator(_absolute)] | None = Field(
        default=None, examples=['ca_file = "/etc/ssl/certs/mail.pem"']
    )
    timeout: Annotated[str, AfterValidator(_timeout)] | None = Field(
        default=None, examples=['timeout = "30s"']
    )


class NoticesForm(StrictForm):
    """``[notices]``."""

    preset: Literal["default", "ops"] = Field(
        default="default", examples=['preset = "ops"']
    )


class ResultsForm(StrictForm):
    """``[results]``."""

    token: Reference = _RESULTS.token
    rate: Rate = Field(default=_RESULTS.rate_per_s, examples=['rate = "200/s"'])
    max_bytes: int = Field(
        default=_RESULTS.max_bytes,
        ge=LEAST_REPORT_BYTES,
        le=MOST_REPORT_BYTES,
        examples=["max_bytes = 1048576"],
    )

    def frozen(self) -> ResultsIntake:
        """Return the domain's value."""
        return ResultsIntake(
            token=self.token, rate_per_s=self.rate, max_bytes=self.max_bytes
        )


class SafetyForm(StrictForm):
    """``[safety]``."""

    second_person_above: int = Field(
        default=VERY_LARGE,
        ge=1,
        le=MAX_RECORDS,
        examples=["second_person_above = 100000"],
    )
    network_disk: bool = Field(default=False, examples=["network_disk = false"])


def _host_pattern(text: object) -> HostPattern:
    if not isinstance(text, str):
        raise ValueError("is not a text in quotes")  # noqa: TRY004 - pydantic's way
    return host_pattern(text)


def _internal_range(text: object) -> InternalRange:
    if not isinstance(text, str):
        raise ValueError("is not a text in quotes")  # noqa: TRY004 - pydantic's way
    return internal_range(text)


class WebhooksForm(StrictForm):
    """``[webhooks]``: whom they may contact."""

    hosts: (
        Annotated[
            list[Annotated[HostPattern, PlainValidator(_host_pattern)]],
            Field(max_length=MOST_LISTED),
        ]
        | None
    ) = Field(default=None, examples=['hosts = ["calls.example.org", "*.example.com"]'])
    internal: list[Annotated[InternalRange, PlainValidator(_internal_range)]] = Field(
        default_factory=list,
        max_length=MOST_LISTED,
        examples=['internal = ["127.0.0.1", "10.1.0.0/16"]'],
    )

    def frozen(self) -> Reach:
        """Return the domain's value."""
        return Reach(
            hosts=None if self.hosts is None else tuple(self.hosts),
            internal=tuple(self.internal),
        )


class SecretsForm(StrictForm):
    """``[secrets]``: what the owner lends to campaigns of others."""

    allow: list[Reference] = Field(
        default_factory=list,
        max_length=MOST_LISTED,
        examples=['allow = ["env:CALLS_TOKEN"]'],
    )


class RetryForm(StrictForm):
    """``[retry]``: of ended runs, by hand."""

    most: int = Field(
        default=_RETRY.retries, ge=0, le=MOST_RETRIES, examples=["most = 10"]
    )
    most_per_record: int = Field(
        default=_RETRY.generations,
        ge=0,
        le=MOST_GENERATIONS,
        examples=["most_per_record = 3"],
    )
    stage: Annotated[int, duration_between(1_000, MOST_STAGE_MS)] = Field(
        default=_RETRY.stage_ms, examples=['stage = "30m"']
    )

    def frozen(self) -> RetryBudget:
        """Return the domain's value."""
        return RetryBudget(
            retries=self.most, generations=self.most_per_record, stage_ms=self.stage
        )


class AuditForm(StrictForm):
    """``[audit]``: where the head of the chain is noted."""

    anchor: Annotated[Text, AfterValidator(_absolute)] | None = Field(
        default=None, examples=['anchor = "/var/log/watchfloor/anchors.jsonl"']
    )
    every: Annotated[int, duration_between(LEAST_ANCHOR_MS, MOST_ANCHOR_MS)] = Field(
        default=_ANCHORED.every_ms, examples=['every = "15m"']
    )
    hook: Annotated[Text, StringConstraints(pattern=HOOK_LABEL)] | None = Field(
        default=None, examples=['hook = "webhook vault", as in [alerts.webhook.vault]']
    )

    def frozen(self) -> Anchored:
        """Return the domain's value."""
        return Anchored(
            path=self.anchor or "", every_ms=self.every, hook=self.hook or ""
        )


class RolesForm(StrictForm):
    """``[roles]``: users of the system, ``@`` before a group's name."""

    admins: Members = Field(default_factory=list, examples=['admins = ["dana"]'])
    operators: Members = Field(default_factory=list, examples=['operators = ["@ops"]'])
    viewers: Members = Field(default_factory=list, examples=['viewers = ["@support"]'])
    shared_account: bool = Field(default=False, examples=["shared_account = true"])

    def frozen(self) -> RoleRules:
        """Return the domain's value."""
        return RoleRules(
            admins=frozenset(self.admins),
            operators=frozenset(self.operators),
            viewers=frozenset(self.viewers),
            shared_account=self.shared_account,
        )


ChannelName = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class WorkspaceFile(StrictForm):
    """The whole file."""

    workspace: WorkspaceForm = Field(examples=["a table [workspace] with id and name"])
    plan: PlanForm = Field(default_factory=PlanForm, examples=["a table [plan]"])
    limits: SharedForm = Field(
        default_factory=SharedForm, examples=["a table [limits]"]
    )
    channels: dict[ChannelName, SharedForm] = Field(
        default_factory=dict, examples=["a table [channels.webhook]"]
    )
    mail: Annotated[MailForm | None, BeforeValidator(_no_text)] = Field(
        default=None, examples=["a table [mail] with host and from"]
    )
    notices: NoticesForm = Field(
        default_factory=NoticesForm, examples=["a table [notices]"]
    )
    results: ResultsForm = Field(
        default_factory=ResultsForm, examples=["a table [results]"]
    )
    safety: SafetyForm = Field(
        default_factory=SafetyForm, examples=["a table [safety]"]
    )
    alerts: AlertsForm = Field(
        default_factory=AlertsForm, examples=["a table [alerts] with on"]
    )

    webhooks: WebhooksForm = Field(
        default_factory=WebhooksForm, examples=["a table [webhooks] with internal"]
    )
    secrets: SecretsForm = Field(
        default_factory=SecretsForm, examples=["a table [secrets] with allow"]
    )
    retry: RetryForm = Field(default_factory=RetryForm, examples=["a table [retry]"])
    audit: AuditForm = Field(default_factory=AuditForm, examples=["a table [audit]"])
    roles: RolesForm = Field(default_factory=RolesForm, examples=["a table [roles]"])

    @model_validator(mode="after")
    def _knows_the_hook_of_anchors(self) -> Self:
        known = [one.label for one in self.alerts.frozen().hooks]
        if self.audit.hook and self.audit.hook not in known:
            msg = (
                f"audit.hook: there is no hook {self.audit.hook!r} in [alerts]; known: "
            )
            raise sentence(msg + (", ".join(known) or "none"))
        return self

    def frozen(self) -> Workspace:
        """Return the domain's value."""
        mail = self.mail
        return Workspace(
            workspace_id=self.workspace.id,
            name=self.workspace.name,
            zone=self.workspace.zone,
            plan=self.plan.frozen(),
            shared=self.limits.frozen(),
            channels={name: one.frozen() for name, one in self.channels.items()},
            mail=mail.model_dump(by_alias=True, exclude_unset=True) if mail else {},
            notices=NoticePreset(self.notices.preset),
            results=self.results.frozen(),
            alerts=self.alerts.frozen(),
            second_person_above=self.safety.second_person_above,
            network_disk=self.safety.network_disk,
            retry=self.retry.frozen(),
            audit=self.audit.frozen(),
            roles=self.roles.frozen(),
            reach=self.webhooks.frozen(),
            lent=frozenset(self.secrets.allow),
        )
