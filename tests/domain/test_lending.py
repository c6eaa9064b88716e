from __future__ import annotations

import pytest

from watchfloor.domain.campaign import Audience, Campaign, CampaignStep
from watchfloor.domain.lending import references, unlent, unlent_words
from watchfloor.domain.roles import Role

TOKEN, PASSWORD = "env:CALLS_TOKEN", "file:/etc/watchfloor/mail.password"


def campaign(*settings):
    steps = tuple(
        CampaignStep(name=f"step {number}", channel="webhook", settings=one)
        for number, one in enumerate(settings)
    )
    audience = Audience(contact="id", kind="id")
    return Campaign(campaign_id="c", name="C", audience=audience, steps=steps)


def never_asked():
    raise AssertionError("no file needed to be read")


def test_references_are_found_however_deep_they_stand_in_any_step():
    first = {"url": "https://a.example/", "headers": {"X-A": TOKEN, "X-B": "plain"}}
    second = {"settings": {"keys": [1, None, {"deep": PASSWORD}, (TOKEN,)]}}

    assert references(campaign(first, second)) == (TOKEN, PASSWORD)


def test_a_campaign_without_any_refers_to_nothing():
    assert references(campaign({"body": {"to": "${contact}"}, "timeout": 5})) == ()


def test_an_admin_is_not_asked_for_anything():
    assert unlent(Role.ADMIN, [TOKEN], frozenset(), never_asked) == ()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_what_is_lent_may_be_used_and_what_is_not_is_named(role):
    lent = frozenset({TOKEN})

    assert unlent(role, [TOKEN], lent, never_asked) == ()
    assert unlent(role, [TOKEN, PASSWORD], lent, lambda: False) == (PASSWORD,)


def test_another_spelling_of_what_is_lent_is_not_lent():
    lent = frozenset({"file:/etc/a"})

    found = unlent(Role.OPERATOR, ["file:/etc//a"], lent, lambda: False)

    assert found == ("file:/etc//a",)


def test_a_campaign_that_the_owner_laid_down_may_use_what_it_names():
    assert unlent(Role.OPERATOR, [TOKEN], frozenset(), lambda: True) == ()


def test_the_refusal_names_every_reference_and_the_line_to_write():
    told = unlent_words([TOKEN, PASSWORD])

    assert f'refers to "{TOKEN}" and "{PASSWORD}"' in told
    assert "nothing was launched" in told
    assert f'allow = ["{TOKEN}", "{PASSWORD}"] to [secrets] of watchfloor.toml' in told
