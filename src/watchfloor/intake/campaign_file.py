"""The campaign file: TOML in, a frozen campaign or every mistake out.

A channel's settings are the channel's own to check; here they only pass through.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from watchfloor.domain.campaign import Audience, Campaign, CampaignStep, Limits
from watchfloor.domain.measures import duration_ms, duration_text, rate_per_s
from watchfloor.domain.regions import Mode
from watchfloor.domain.retries import RetryPolicy
from watchfloor.intake.mistakes import SENTENCE
from watchfloor.intake.normalise import UnfitContactError, email
from watchfloor.intake.phone_library import REGIONS
from watchfloor.intake.toml_file import StrictForm, checked

#: Designed, and not obeyed yet. Ignoring what someone wrote into a campaign would be
#: worse than refusing it: a window that is not kept calls people at night.
UNSUPPORTED = frozenset(
    {
        "audience.filter",
        "audience.suppression",
        "audience.zone_column",
        "steps.when",
        "window",
        "callbacks",
        "approval",
        "guard",
        "results",
    }
)

MAX_PERMITS = 10_000
_DEFAULTS = RetryPolicy()


def parse_campaign(text: str, origin: str) -> Campaign:
    """Return the campaign that *text* describes.

    Args:
        text: The file's TOML.
        origin: The file's name, for messages.

    Raises:
        ConfigError: With every mistake: file, key, what is wrong, what would be right.
    """
    form = checked(text, CampaignForm, origin, UNSUPPORTED)
    return Campaign(
        campaign_id=form.campaign.id,
        name=form.campaign.name,
        audience=form.audience.frozen(),
        steps=tuple(step.frozen() for step in form.steps),
        limits=Limits(
            permits=form.limits.permits,
            rate_per_s=form.limits.rate,
            retry_share=form.limits.retry_share,
        ),
        notify=tuple(form.campaign.notify),
        published=form.campaign.published,
    )


def _notified(address: str) -> str:
    try:
        return email(address)
    except UnfitContactError as error:
        raise ValueError("is not an e-mail address") from error


def _region(region: str) -> str:
    if region not in REGIONS:
        raise ValueError("is no region code")
    return region


def _only_extract_first(mode: str) -> str:
    if mode == Mode.STREAMING:
        raise PydanticCustomError(
            SENTENCE, '"streaming" is not supported yet; write mode = "extract_first"'
        )
    return mode


Text = Annotated[str, Field(min_length=1, max_length=200)]
Duration = Annotated[int, BeforeValidator(duration_ms)]
Rate = Annotated[float, BeforeValidator(rate_per_s)]
Address = Annotated[str, AfterValidator(_notified)]


class HeadForm(StrictForm):
    """``[campaign]``."""

    id: str = Field(
        pattern=r"\A[a-z0-9-]{1,64}\z", examples=['id = "autumn-reminder" (a-z 0-9 -)']
    )
    name: Text = Field(examples=['name = "Autumn reminder"'])
    notify: list[Address] = Field(
        default_factory=list, examples=['notify = ["ops@example.org"]']
    )
    published: bool = Field(default=True, examples=["published = true"])


class AudienceForm(StrictForm):
    """``[audience]``."""

    contact: Text = Field(examples=['contact = "phone"'])
    kind: Literal["phone", "email", "id"] = Field(
        default="phone", examples=['kind = "phone"']
    )
    region: Annotated[str, AfterValidator(_region)] = Field(
        default="", examples=['region = "US"']
    )
    region_column: Text = Field(default="", examples=['region_column = "country"'])
    required: list[Text] = Field(
        default_factory=list, examples=['required = ["first_name"]']
    )
    mode: Annotated[
        Literal["extract_first", "streaming"], AfterValidator(_only_extract_first)
    ] = Field(default="extract_first", examples=['mode = "extract_first"'])

    @model_validator(mode="after")
    def _regions_are_for_phones(self) -> AudienceForm:
        if self.kind != "phone" and (self.region or self.region_column):
            raise PydanticCustomError(
                SENTENCE,
                'region and region_column are for kind = "phone"; remove them',
            )
        return self

    def frozen(self) -> Audience:
        """Return the domain's value."""
        return Audience(
            contact=self.contact,
            kind=self.kind,
            region=self.region,
            region_column=self.region_column,
            required=tuple(dict.fromkeys(self.required)),
            mode=Mode(self.mode),
        )


class RetryForm(StrictForm):
    """``[steps.retry]``."""

    attempts: int = Field(
        default=_DEFAULTS.attempts, ge=1, le=100, examples=["attempts = 4"]
    )
    backoff: Duration = Field(
        default=_DEFAULTS.backoff_ms, examples=['backoff = "30s"']
    )
    max_backoff: Duration = Field(
        default=_DEFAULTS.max_backoff_ms, examples=['max_backoff = "10m"']
    )
    max_age: Duration = Field(
        default=_DEFAULTS.max_age_ms, examples=['max_age = "24h"']
    )

    @model_validator(mode="after")
    def _backoff_has_room(self) -> RetryForm:
        if self.backoff > self.max_backoff:
            backoff, most = duration_text(self.backoff), duration_text(self.max_backoff)
            raise PydanticCustomError(
                SENTENCE,
                "backoff {backoff} is longer than max_backoff {most}; raise that",
                {"backoff": backoff, "most": most},
            )
        return self

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
        )


class LimitsForm(StrictForm):
    """``[limits]``."""

    permits: int = Field(default=50, ge=1, le=MAX_PERMITS, examples=["permits = 50"])
    rate: Rate | None = Field(default=None, examples=['rate = "20/s"'])
    retry_share: float = Field(
        default=0.2, ge=0, le=1, allow_inf_nan=False, examples=["retry_share = 0.2"]
    )


def _one_step(steps: list[StepForm]) -> list[StepForm]:
    if len(steps) > 1:
        raise PydanticCustomError(
            SENTENCE, "more than one step is not supported yet; keep one [[steps]]"
        )
    return steps


class CampaignForm(StrictForm):
    """The whole file."""

    campaign: HeadForm = Field(examples=["a table [campaign] with id and name"])
    audience: AudienceForm = Field(examples=["a table [audience] with contact"])
    steps: Annotated[list[StepForm], AfterValidator(_one_step)] = Field(
        min_length=1, examples=["a table [[steps]] with name and channel"]
    )
    limits: LimitsForm = Field(
        default_factory=LimitsForm, examples=["a table [limits]"]
    )
