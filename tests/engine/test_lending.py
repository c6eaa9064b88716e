"""Whose campaigns may use the engine's secrets: launched for real, to a listener."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from tests.support.floor import ASKER, ids, webhook
from tests.support.retries import BUSY, ONCE, previewed

from watchfloor.domain.errors import RefusedError
from watchfloor.engine.preparing import prepared_launch
from watchfloor.engine.retry_previews import retry_command

NAMED = "env:CALLS_TOKEN"
OPERATOR = replace(ASKER, role="operator")


@pytest.fixture
def text(provider, monkeypatch):
    """A campaign that sends the engine's own secret where its writer wants it."""
    monkeypatch.setenv("CALLS_TOKEN", "planted-secret-value")
    return webhook(provider.url, f'headers = {{ X-A = "{NAMED}" }}', retry=ONCE)


def launched(floor, text, **values):
    """Ask for a launch as an operator whose own program checks nothing."""
    command = floor.prepared(text, ids(1), allow_twin=True).command
    return floor.asked(replace(command, role="operator", **values))


def test_an_operator_s_own_campaign_gets_no_secret_that_nobody_lent(floor, text):
    answer = launched(floor, text)

    assert answer.refusal == "NOT_ALLOWED"
    assert f'refers to "{NAMED}"' in answer.detail
    assert f'allow = ["{NAMED}"] to [secrets] of watchfloor.toml' in answer.detail
    assert floor.views() == ()


def test_what_the_owner_lends_by_name_may_be_sent(floor, provider, text):
    floor.configure(f'[secrets]\nallow = ["{NAMED}"]')

    assert launched(floor, text).state == "settled"

    with floor.engine(until_idle=True) as running:
        running.ended()
    assert [one.contact for one in provider.arrivals] == ids(1)


def test_an_admin_s_campaign_is_not_asked(floor, text):
    command = floor.prepared(text, ids(1)).command

    assert floor.asked(command).state == "settled"


def laid_down(floor, text):
    path = floor.layout.campaigns / "calls.toml"
    path.write_text(text, encoding="utf-8-sig")
    path.chmod(0o640)
    return path


def test_a_campaign_that_lies_in_the_workspace_may_be_launched_by_an_operator(
    floor, text
):
    laid_down(floor, text)

    assert launched(floor, text).state == "settled"


def test_a_campaign_that_differs_in_one_letter_is_another(floor, text):
    laid_down(floor, text.replace("X-A", "X-B"))

    assert launched(floor, text).refusal == "NOT_ALLOWED"


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_a_campaign_that_others_may_write_is_not_the_owner_s(
    floor, text, what, tmp_path
):
    path = laid_down(floor, text)
    if what == "file":
        path.chmod(0o660)
    elif what == "folder":
        floor.layout.campaigns.chmod(0o770)
    else:
        path.rename(tmp_path / "elsewhere.toml")
        path.symlink_to(tmp_path / "elsewhere.toml")

    assert launched(floor, text).refusal == "NOT_ALLOWED"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_campaign_file_of_somebody_else_is_not_the_owner_s(floor, text):
    os.chown(laid_down(floor, text), 1, -1)

    assert launched(floor, text).refusal == "NOT_ALLOWED"


def test_the_owner_s_run_is_retried_and_gets_children_by_an_operator(
    floor, provider, text
):
    provider.otherwise = BUSY
    run_id = floor.launched(text, ids(1))
    with floor.engine(until_idle=True) as running:
        running.ended()
    shown = previewed(floor, run_id)
    retry = retry_command(shown, OPERATOR, floor.around, canary=False, reason="fixed")
    child = prepared_launch(
        *(floor.layout, None, floor.root / "upload.csv", OPERATOR, floor.around),
        allow_twin=True,
        parent_id=run_id,
    )

    assert floor.asked(retry).state == "settled"
    assert floor.asked(child.command).state == "settled"


def test_whoever_launches_is_told_before_anything_is_kept(floor, text):
    file, upload = floor.root / "own.toml", floor.root / "one.csv"
    file.write_text(text, encoding="utf-8")
    upload.write_text("id,first_name\na,A\n", encoding="utf-8")

    with pytest.raises(RefusedError, match="nobody lends it"):
        prepared_launch(floor.layout, file, upload, OPERATOR, floor.around)

    assert list(floor.layout.uploads.iterdir()) == []
