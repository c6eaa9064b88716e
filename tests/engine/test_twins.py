from __future__ import annotations

import pytest
from tests.support.floor import ids, webhook

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.regions import Verb
from watchfloor.engine.surroundings import Surroundings

DAY_S = 24 * 3_600


def asked(floor, told, upload, *, allow_twin=False):
    return floor.asked(floor.prepared(told, upload, allow_twin=allow_twin).command)


@pytest.fixture
def told(provider):
    return webhook(provider.url)


def test_the_same_campaign_over_the_same_upload_is_refused_while_it_is_live(
    floor, told
):
    live = floor.launched(told, ids(3), allow_twin=False)

    answer = asked(floor, told, ids(3))

    assert (answer.state, answer.refusal) == ("refused", "DUPLICATE_RUN")
    assert f"run {live} is live" in answer.detail
    assert [run.run_id for run in floor.views()] == [live]
    [entry] = floor.events(answer.run_id)
    assert entry.event == "launch refused"


def test_it_is_refused_for_a_day_after_a_run_that_contacted_somebody(
    floor, provider, told
):
    ended = floor.launched(told, ids(3), allow_twin=False)
    floor.carried_out()

    recent = asked(floor, told, ids(3))
    floor.clock.ahead_s += DAY_S
    later = asked(floor, told, ids(3))

    assert recent.refusal == "DUPLICATE_RUN"
    assert f"run {ended} ended within a day" in recent.detail
    assert later.state == "settled"
    assert len(provider.arrivals) == 3


def test_a_run_that_never_contacted_anybody_is_nobody_s_twin(floor, told):
    run_id = floor.launched(told, ids(3), allow_twin=False)
    floor.steered(Verb.CANCEL, run_id)

    assert asked(floor, told, ids(3)).state == "settled"


def test_whoever_wants_it_twice_may_say_so(floor, provider, told):
    floor.launched(told, ids(3), allow_twin=False)
    floor.carried_out()

    assert asked(floor, told, ids(3), allow_twin=True).state == "settled"
    floor.carried_out()

    assert sorted(provider.contacts) == sorted(2 * ids(3))
    assert len(set(provider.keys)) == 6


@pytest.mark.parametrize(
    ("options", "upload"),
    [
        ({"name": "other"}, ids(3)),
        ({}, ids(4)),
        ({"audience": "filter = 'id = \"c00001\"'"}, ids(3)),
    ],
    ids=["campaign", "upload", "filter"],
)
def test_another_campaign_upload_or_filter_is_no_twin(
    floor, provider, told, options, upload
):
    floor.launched(told, ids(3), allow_twin=False)

    answer = asked(floor, webhook(provider.url, **options), upload)

    assert answer.state == "settled"


def test_the_same_text_in_another_file_is_the_same_upload(floor, told):
    floor.launched(told, ids(3), allow_twin=False)
    other = floor.root / "other-name.csv"
    other.write_bytes((floor.root / "upload.csv").read_bytes())

    assert asked(floor, told, other).refusal == "DUPLICATE_RUN"


def test_other_pacing_makes_no_other_run_of_it(floor, provider, told):
    floor.launched(told, ids(3), allow_twin=False)

    answer = asked(floor, webhook(provider.url, permits=1, rate="1/s"), ids(3))

    assert answer.refusal == "DUPLICATE_RUN"


def test_a_launch_under_an_id_that_is_taken_leaves_the_others_upload(floor, told):
    now_ms = floor.around.now_ms()
    floor.around = Surroundings(
        lambda: now_ms, floor.clock.monotonic_s, lambda: 0.5, bytes
    )
    first = floor.prepared(told, ids(3))
    kept = floor.layout.upload(first.command.payload["upload_id"])
    before = kept.read_bytes()

    with pytest.raises(ConfigError, match="cannot be kept"):
        floor.prepared(told, ids(4))

    assert kept.read_bytes() == before
