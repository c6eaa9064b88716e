"""No loss of power takes back what was acknowledged, nor leaves anything half done.

At length, by command: ``python -m tests.kills.powerloss --images 10000``.
"""

from __future__ import annotations

import random

import pytest
from tests.kills.harness import scratch
from tests.kills.powerloss import (
    engines_statements,
    inboxs_statements,
    judged,
    replayed,
)

IMAGES = 900
FEW = 60


@pytest.fixture(scope="module")
def store():
    with scratch() as root:
        yield engines_statements(root)


@pytest.fixture(scope="module")
def inbox():
    with scratch() as root:
        yield inboxs_statements(root)


@pytest.fixture
def lost_power(tmp_path):
    """Return what loses the power over what was said, and judges what is left."""

    def judge(said, count, synchronous=""):
        recorded = replayed(
            said, tmp_path / f"told-{synchronous}.db", synchronous=synchronous
        )
        assert len(recorded.states) > FEW
        chance = random.Random(1)  # noqa: S311 - replayable
        with scratch() as place:
            return judged(recorded, place, count, chance)

    return judge


def test_no_loss_of_power_takes_a_commit_back_that_the_engine_relies_on(
    store, lost_power
):
    verdict = lost_power(store, IMAGES)

    assert verdict.is_well, verdict


def test_no_loss_of_power_takes_a_command_back_that_was_asked(inbox, lost_power):
    verdict = lost_power(inbox, IMAGES)

    assert verdict.is_well, verdict


def test_with_fewer_syncs_than_the_product_asks_for_commits_would_be_lost(
    store, lost_power
):
    """The images can tell: what would be lost with less is found to be lost."""
    assert lost_power(store, FEW, "NORMAL").lost
    assert lost_power(store, FEW, "OFF").unsound


def test_a_command_would_be_lost_if_its_folder_were_not_synced(inbox, lost_power):
    assert lost_power(inbox, FEW, "FULL").lost
