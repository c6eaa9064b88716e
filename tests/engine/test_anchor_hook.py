"""Anchors that leave the machine: one of the alerts' hooks is told each of them."""

from __future__ import annotations

import json

import pytest
from tests.support.floor import campaign, ids
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.anchors import parsed_anchors
from watchfloor.domain.errors import ConfigError
from watchfloor.engine.auditing import verified
from watchfloor.intake.workspace_file import parse_workspace
from watchfloor.store.reads.journal import events

SPACE = '[workspace]\nid = "floor"\nname = "Floor"\n'


@pytest.fixture
def vault():
    with Provider() as hook:
        yield hook


def configure(floor, vault):
    floor.configure(
        f'[alerts]\non = ["failed"]\n[alerts.webhook.vault]\nurl = "{vault.url}"\n'
        '[audit]\nhook = "webhook vault"'
    )


def told(vault):
    return [json.loads(one.body) for one in vault.arrivals]


def test_the_head_is_told_at_the_end_of_a_run_and_holds_the_chain(floor, vault):
    configure(floor, vault)
    with floor.engine():
        run_id = floor.launched(campaign(), ids(3))
        floor.until_ended(run_id)
        until(lambda: vault.arrivals)
        until(lambda: told(vault)[-1]["link"] > 1)
    kept = parsed_anchors([one["text"] for one in told(vault)], "the vault").anchors

    first = told(vault)[0]
    assert first["what"] == "anchor"
    assert {"instance", "link", "hash", "at"} <= set(first)
    assert bytes.fromhex(first["hash"]) == kept[0].hash
    found = verified(floor.layout, kept)
    assert found.broken is None
    assert found.anchored == kept[-1].link


def test_a_vault_that_does_not_answer_is_told_later_and_nothing_begets_itself(
    floor, vault
):
    configure(floor, vault)
    vault.otherwise = Reply(status=503)
    run_id = floor.launched(campaign(), ids(3))
    with floor.engine():
        floor.until_ended(run_id)
        until(lambda: vault.arrivals)
    vault.otherwise = Reply()
    refused = len(vault.arrivals)
    entries = len(floor.read(lambda connection: events(connection, run_id)))

    floor.clock.ahead_s += 3_600
    with floor.engine():
        until(lambda: len(vault.arrivals) > refused)
    again = told(vault)[refused]

    assert again["id"] in {one["id"] for one in told(vault)[:refused]}
    # Telling is no entry of the journal: it would be a link to be anchored in its turn.
    assert len(floor.read(lambda connection: events(connection, run_id))) == entries


def test_a_hook_that_there_is_not_is_a_mistake_of_the_file():
    with pytest.raises(ConfigError, match="there is no hook 'webhook vault' in"):
        parse_workspace(f'{SPACE}[audit]\nhook = "webhook vault"', "watchfloor.toml")
    with pytest.raises(ConfigError, match="hook"):
        parse_workspace(f'{SPACE}[audit]\nhook = "vault"', "watchfloor.toml")
