"""A campaign with its channels: read, checked, and ready to be frozen with a run."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from watchfloor.channels.base import Channel, load_channel
from watchfloor.domain.campaign import Campaign, CampaignStep
from watchfloor.domain.errors import ConfigError, NotFoundError
from watchfloor.intake.campaign_file import parse_campaign


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


def channel_for(step: CampaignStep) -> Channel:
    """Return the step's channel with its settings checked, not opened.

    Raises:
        ConfigError: The settings are wrong.
        NotFoundError: No such channel is installed.
    """
    return load_channel(step.channel)(step.settings)


def check_placeholders(campaign: Campaign, columns: Iterable[str]) -> None:
    """Refuse a campaign whose templates name a column that the upload lacks.

    Raises:
        ConfigError: With every such name and the nearest column there is.
    """
    there = tuple(columns)
    mistakes = []
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
