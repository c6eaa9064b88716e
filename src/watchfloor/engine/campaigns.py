"""A campaign with its channels: read, checked, and ready to be frozen with a run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence

from watchfloor.channels.base import Channel, Reaching, held_to, load_channel
from watchfloor.channels.hosts import check_addresses, check_hosts
from watchfloor.domain.campaign import Campaign, CampaignStep
from watchfloor.domain.errors import ConfigError, NotFoundError
from watchfloor.domain.filters import FilterError
from watchfloor.domain.reach import Reach
from watchfloor.domain.workspace import Workspace
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.intake.filter_language import check_fields, parse_filter
from watchfloor.store.filter_conditions import Condition, condition
from watchfloor.store.filtering import contact_fields, step_fields
from watchfloor.store.reads.strategy import Strategy


def checked_campaign(text: str, origin: str) -> Campaign:
    """Return the campaign in *text*, its channels' settings checked too.

    Args:
        text: A campaign file.
        origin: Its name, for the mistakes.

    Raises:
        ConfigError: With every mistake, each naming file, path and what would be right.
    """
    campaign = parse_campaign(text, origin)
    mistakes: list[str] = []
    for number, step in enumerate(campaign.steps):
        try:
            channel_for(step)
        except ConfigError as error:
            place = f"{origin}: steps[{number}].settings"
            mistakes += [f"{place}: {one}" for one in error.mistakes]
        except NotFoundError as error:
            mistakes.append(f"{origin}: steps[{number}].channel: {error}")
    if mistakes:
        raise ConfigError(*mistakes)
    return campaign


def channel_for(
    step: CampaignStep, reach: Callable[[], Reach] | None = None
) -> Channel:
    """Return the step's channel with its settings checked, not opened.

    Args:
        step: Whose.
        reach: Whom it may contact, for one that is to be opened.

    Raises:
        ConfigError: The settings are wrong.
        NotFoundError: No such channel is installed.
    """
    channel = load_channel(step.channel)(step.settings)
    if reach is not None and isinstance(channel, Reaching):
        channel.keep_within(reach)
    return channel


def check_reach(
    campaign: Campaign,
    origin: str,
    workspace: Callable[[], Workspace],
    *,
    looks_up: bool = False,
) -> None:
    """Refuse a campaign of which a channel would contact whom it may not.

    Args:
        campaign: With settings that were checked.
        origin: Its name, for the mistakes.
        workspace: Returns it as its file says; asked where a channel names a host.
        looks_up: Whether names are looked up too, which may take seconds.

    Raises:
        ConfigError: With every such setting, and what to write into which file; or the
            workspace's file cannot be used.
    """
    mistakes: list[str] = []
    check = check_addresses if looks_up else check_hosts
    for number, step in enumerate(campaign.steps):
        channel = channel_for(step)
        if not isinstance(channel, Reaching):
            continue
        reach = held_to(channel, workspace().reach)
        try:
            check(channel.hosts, reach)
        except ConfigError as error:
            place = f"{origin}: steps[{number}].settings"
            mistakes += [f"{place}.{one}" for one in error.mistakes]
    if mistakes:
        raise ConfigError(*mistakes)


def wanted_rows(campaign: Campaign, columns: Sequence[str]) -> Condition | None:
    """Return the campaign's filter over the rows of an upload; None for all of them.

    Raises:
        ConfigError: It names a column that the upload lacks.
    """
    text = campaign.audience.filter
    if not text:
        return None
    try:
        wanted = parse_filter(text)
        fields = contact_fields(columns)
        check_fields(wanted, fields, "the columns of the upload")
        return condition(wanted, fields)
    except FilterError as error:
        msg = f"audience.filter: {error}"
        raise ConfigError(msg) from error


def strategy_of(
    campaign: Campaign, columns: Sequence[str], *, is_retry: bool = False
) -> Strategy | None:
    """Return who is taken on to which step; None where there is only one.

    Args:
        campaign: Its steps and their conditions.
        columns: Of the upload.
        is_retry: The run's records stand for others; see ``step_fields``.

    Raises:
        ConfigError: A step's ``when`` names a column that the upload lacks.
    """
    if len(campaign.steps) == 1:
        return None
    names = [step.name for step in campaign.steps]
    conditions: list[Condition | None] = []
    mistakes = []
    for number, step in enumerate(campaign.steps):
        found = None
        if step.when:
            try:
                fields = step_fields(columns, names[:number], is_retry=is_retry)
                wanted = parse_filter(step.when)
                check_fields(wanted, fields, "what a step may ask about")
                found = condition(wanted, fields)
            except FilterError as error:
                mistakes.append(f"steps[{number}].when: {error}")
        conditions.append(found)
    if mistakes:
        raise ConfigError(*mistakes)
    return Strategy(conditions)


def check_columns(campaign: Campaign, columns: Iterable[str]) -> None:
    """Refuse a campaign that names a column which the upload lacks.

    Raises:
        ConfigError: With every such name, in templates, filter and steps, and the
            nearest column there is.
    """
    there = tuple(columns)
    mistakes: list[str] = []
    for look in (wanted_rows, strategy_of):
        try:
            look(campaign, there)
        except ConfigError as error:
            mistakes += error.mistakes
    for number, step in enumerate(campaign.steps):
        for name in sorted(channel_for(step).placeholders - set(there)):
            near = difflib.get_close_matches(name, there, n=1)
            hint = f"did you mean ${{{near[0]}}}?" if near else ""
            mistakes.append(
                f"steps[{number}].settings: the template names ${{{name}}}, which is "
                f"no column of the upload ({', '.join(there)}). {hint}".rstrip()
            )
    if mistakes:
        raise ConfigError(*mistakes)
