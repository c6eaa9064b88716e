from __future__ import annotations

from dataclasses import replace

from watchfloor.domain.campaign import Audience, Campaign, CampaignStep, Limits
from watchfloor.domain.regions import Mode
from watchfloor.domain.retries import RetryPolicy
from watchfloor.domain.windows import Window


def test_a_campaign_that_says_little_is_cautious():
    step = CampaignStep(name="call", channel="webhook")
    plain = Campaign(
        campaign_id="autumn",
        name="Autumn",
        audience=Audience(contact="phone"),
        steps=(step,),
    )

    assert plain.audience.kind == "phone"
    assert plain.audience.mode is Mode.EXTRACT_FIRST
    assert plain.limits == Limits(permits=50, rate_per_s=None, retry_share=0.2)
    assert plain.published
    assert plain.notify == ()
    assert step.retry == RetryPolicy()
    assert step.settings == {}


def test_steps_do_not_share_their_settings():
    one, other = (CampaignStep(name=name, channel="smtp") for name in ("a", "b"))

    assert one.settings is not other.settings


def test_a_window_is_by_recipient_where_its_zone_says_so():
    plain = Campaign(
        campaign_id="autumn",
        name="Autumn",
        audience=Audience(contact="phone"),
        steps=(CampaignStep(name="call", channel="webhook"),),
    )
    theirs = Window(
        zone="recipient", days=frozenset({0}), open_minute=540, close_minute=1_200
    )

    assert not plain.is_by_recipient
    assert replace(plain, window=theirs).is_by_recipient
    assert not replace(plain, window=replace(theirs, zone="UTC")).is_by_recipient
