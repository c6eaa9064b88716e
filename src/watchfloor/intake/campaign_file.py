"""The campaign file: TOML in, a frozen campaign or every mistake out.

A channel's settings are the channel's own to check; here they only pass through.
"""

from __future__ import annotations

from watchfloor.domain.campaign import Campaign
from watchfloor.intake.campaign_forms import CampaignForm
from watchfloor.intake.campaign_rules import broken_rules
from watchfloor.intake.toml_file import checked


def parse_campaign(text: str, origin: str) -> Campaign:
    """Return the campaign that *text* describes.

    Args:
        text: The file's TOML.
        origin: The file's name, for messages.

    Raises:
        ConfigError: With every mistake: file, key, what is wrong, what would be right.
    """
    return checked(text, CampaignForm, origin, broken_rules).frozen()
