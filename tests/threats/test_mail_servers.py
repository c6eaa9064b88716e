"""A campaign's mail server: it is named by whoever wrote the campaign.

It is held to the inner addresses that the workspace lists, as a webhook's host is.
"""

from __future__ import annotations

import pytest
from tests.support.floor import campaign, ids
from tests.support.post_office import PostOffice
from tests.threats.test_addresses import allow, name_server, to

from watchfloor.channels.smtp import SmtpChannel
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.reach import Reach, host_pattern, internal_range

LETTER = {"from": "desk@example.test", "subject": "Hi", "text": "Hi"}
HERE = Reach(internal=(internal_range("127.0.0.1"),))


def mailing(**server):
    told = "\n".join(f"{name} = {value!r}" for name, value in (LETTER | server).items())
    return campaign(told, channel="smtp")


async def mailed(settings, reach, opened_within=None):
    """Open a channel, and send one mail within *reach*."""
    now = [opened_within or reach]
    channel = SmtpChannel({**LETTER, **settings})
    channel.keep_within(lambda: now[0])
    async with channel:
        now[0] = reach
        return await channel.deliver(to("ann@example.test"))


@pytest.mark.parametrize("host", ["10.1.2.3", "192.168.0.25", "169.254.169.254"])
def test_a_launch_whose_mail_server_is_an_inner_address_is_refused(floor, host):
    with pytest.raises(ConfigError) as refused:
        floor.prepared(mailing(host=host), ids(1))

    [mistake] = refused.value.mistakes
    assert mistake.startswith(f"campaign.toml: steps[0].settings.host: {host} is an")
    assert f'add internal = ["{host}"] to [webhooks] of watchfloor.toml' in mistake
    assert floor.views() == ()


def test_this_machine_is_a_mail_server_only_where_it_is_listed(floor):
    here = mailing(host="127.0.0.1", security="none", port=2525)
    floor.prepared(here, ids(1))
    allow(floor, "")

    with pytest.raises(ConfigError, match="an address of this machine"):
        floor.prepared(here, ids(1))


def test_the_list_of_hosts_is_of_webhooks_and_closes_no_mail_server(floor):
    allow(floor, 'hosts = ["calls.example.org"]')

    floor.prepared(mailing(host="93.184.215.14"), ids(1))


async def test_a_mail_server_whose_name_leads_inward_later_gets_nothing(monkeypatch):
    with (
        PostOffice() as office,
        name_server(monkeypatch, {"mail.example": [["127.0.0.1"]]}),
    ):
        server = {"host": "mail.example", "port": office.port}
        outcome = await mailed(server, Reach())

        assert office.connections == 0

    assert (outcome.outcome_class, outcome.code) == (
        OutcomeClass.TRANSIENT,
        "address_refused",
    )
    assert "mail.example leads to 127.0.0.1" in outcome.run_fault
    assert outcome.is_no_attempt


async def test_a_list_that_is_narrowed_holds_for_the_next_connection():
    with PostOffice() as office:
        outcome = await mailed(office.settings, Reach(), opened_within=HERE)

        assert office.connections == 0
    assert outcome.code == "address_refused"


async def test_the_address_that_was_judged_is_the_one_connected_to(monkeypatch):
    answers = {"localhost": [["127.0.0.2", "127.0.0.1"], ["127.0.0.2"]]}
    with PostOffice() as office, name_server(monkeypatch, answers) as asked:
        named = Reach(hosts=(host_pattern("other.example"),), internal=HERE.internal)
        outcome = await mailed({**office.settings, "host": "localhost"}, named)

        assert outcome.outcome_class is OutcomeClass.DELIVERED
        assert len(office.posted) == 1
    assert asked == ["localhost"]


async def test_where_nobody_answers_is_told_as_before(monkeypatch):
    with PostOffice() as office:
        settings = office.settings
    gone = await mailed(settings, HERE)
    with name_server(monkeypatch, {"localhost": [[]]}):
        nowhere = await mailed({**settings, "host": "localhost"}, HERE)

    assert (gone.code, nowhere.code) == ("connection_refused", "connect_failed")
    assert not gone.is_no_attempt
    assert not nowhere.is_no_attempt
