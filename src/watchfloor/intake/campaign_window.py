"""When a run's window shuts, by the campaign that was frozen with it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.windows import opening
from watchfloor.intake.campaign_file import parse_campaign


def shuts_at_ms(campaign_text: str, now_ms: int) -> int | None:
    """Return when the one window of all recipients shuts.

    None where it is shut, never shuts, or each recipient has a window of their own; and
    for a campaign that this Watchfloor cannot read.
    """
    try:
        campaign = parse_campaign(campaign_text, "the run's campaign")
    except ConfigError:
        return None
    window = campaign.window
    if window is None or campaign.is_by_recipient:
        return None
    found = opening(window, [ZoneInfo(window.zone)], now_ms)
    return found.until_ms if found.is_open else None
