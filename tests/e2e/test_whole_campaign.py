"""Whole stories of issue-sized behaviour: real mail, real archive, real labels."""

from __future__ import annotations

from functools import partial

import pytest
from tests.support.patience import until
from tests.support.post_office import PostOffice
from tests.support.provider import Reply

from watchfloor.domain.errors import Refusal
from watchfloor.domain.regions import History, Phase, Verb
from watchfloor.store.archive.archive import open_archive

CALLBACK = Reply(body={"outcome": "callback", "due_in": "1h"})
HOUR_S = 3_600


@pytest.fixture
def office():
    with PostOffice() as serving:
        yield serving


def campaign(url: str, *extra: str, permits: int = 2) -> str:
    lines = (
        "[campaign]",
        'id = "story"',
        'name = "A story"',
        'notify = ["ops@example.org", "desk@example.org"]',
        "[audience]",
        'contact = "id"',
        'kind = "id"',
        *(one for one in extra if one.startswith(("filter", "mode"))),
        "[[steps]]",
        'name = "call"',
        'channel = "webhook"',
        f'settings = {{ url = "{url}" }}',
        "[limits]",
        f"permits = {permits}",
        *(one for one in extra if not one.startswith(("filter", "mode"))),
    )
    return "\n".join(lines)


def ids(count: int) -> list[str]:
    return [f"c{number:05}" for number in range(1, count + 1)]


def with_mail(floor, office, *more: str) -> None:
    host, port = "127.0.0.1", office.port
    mail = (
        "[mail]",
        f'host = "{host}"',
        f"port = {port}",
        'security = "none"',
        'from = "watchfloor@example.org"',
        *more,
    )
    settings = floor.layout.settings
    settings.write_text(settings.read_text() + "\n" + "\n".join(mail) + "\n")


def has_begun(floor, run_id: str) -> bool:
    return bool(floor.books(run_id).delivered > 2)


def archived(floor, run_id: str) -> bool:
    return floor.view(run_id).lifecycle.history is History.CREATED


def test_an_extraction_cancel_is_told_by_mail_even_without_an_engine(
    floor, office, provider
):
    with_mail(floor, office)
    run_id = floor.launched(campaign(provider.url), ids(5))

    floor.steered(Verb.CANCEL, run_id, "the wrong list")

    assert floor.view(run_id).label.startswith("Cancelled before launch")
    until(lambda: len(office.posted) == 1, "the mail")
    mail = office.posted[0]
    assert sorted(mail.recipients) == ["desk@example.org", "ops@example.org"]
    assert run_id in mail.message["Subject"]
    assert "cancelled before its launch" in mail.message["Subject"]
    text = mail.part("plain")
    assert "Nobody was contacted." in text
    assert "the wrong list" in text
    assert "nora" in text
    assert "notice sent" in floor.event_words(run_id)
    assert provider.arrivals == []


def test_a_job_cancel_sends_no_mail_and_with_the_ops_preset_it_does(
    floor, office, provider
):
    with_mail(floor, office)
    provider.otherwise = Reply(after_s=0.05)
    runs = []
    for _ in range(2):
        run_id = floor.launched(campaign(provider.url), ids(60))
        runs.append(run_id)
        with floor.engine():
            until(partial(has_begun, floor, run_id))
            floor.steered(Verb.PAUSE, run_id)
            floor.steered(Verb.CANCEL, run_id, "enough")
            floor.until_phase(run_id, Phase.ENDED)
            if runs[0] != run_id:
                until(lambda: len(office.posted) == 1, "the mail of the ops preset")
            else:
                until(partial(archived, floor, run_id))
        if runs[0] == run_id:
            assert office.posted == []
            assert "notice owed" not in floor.event_words(run_id)
            settings = floor.layout.settings
            settings.write_text(settings.read_text() + '\n[notices]\npreset = "ops"\n')
    assert "cancelled" in office.posted[0].message["Subject"]
    assert runs[1] in office.posted[0].message["Subject"]


def test_a_mail_server_that_is_away_gets_the_notice_later(floor, office, provider):
    with_mail(floor, office)
    text = floor.layout.settings.read_text()
    floor.layout.settings.write_text(text.replace(f"{office.port}", "1"))
    run_id = floor.launched(campaign(provider.url), ids(3))
    floor.steered(Verb.CANCEL, run_id)
    assert office.posted == []

    floor.layout.settings.write_text(text)
    with floor.engine():
        floor.clock.ahead_s += 120
        until(lambda: len(office.posted) == 1, "the mail")


def test_a_run_goes_through_callback_and_stopped_callback_to_its_archive(
    floor, provider
):
    provider.replies["c00002"] = [CALLBACK, Reply()]
    provider.replies["c00003"] = [CALLBACK, Reply()]
    run_id = floor.launched(campaign(provider.url), ids(5))
    with floor.engine():
        floor.until_phase(run_id, Phase.CALLBACK)
        assert floor.view(run_id).label == "Callbacks only"
        floor.steered(Verb.STOP, run_id)
        floor.until_phase(run_id, Phase.STOPPED_CALLBACK)
        assert floor.view(run_id).label == "Stopped, callbacks"

        floor.clock.ahead_s += HOUR_S + 5
        floor.until_phase(run_id, Phase.ENDED)
        until(lambda: archived(floor, run_id))

    assert floor.view(run_id).label == "Stopped + collecting"
    archive = open_archive(floor.layout.root / "archive" / run_id)
    records = list(archive.records())
    assert [one["contact"] for one in records] == ids(5)
    assert {one["state"] for one in records} == {"delivered"}
    tried = [(one["seq"], one["number"]) for one in archive.attempts()]
    assert tried == [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (5, 1)]
    assert floor.counted(run_id) == floor.books(run_id)


def test_a_streaming_run_is_seen_filtering_while_attempts_go_out(floor, provider):
    extra = ('mode = "streaming"', "filter = 'first_name != \"nobody\"'")
    run_id = floor.launched(campaign(provider.url, *extra, permits=50), ids(40_000))
    seen = set()

    def look() -> bool:
        view = floor.view(run_id)
        if view.label == "Running + filtering":
            seen.add(view.books.attempts > 0)
        return True in seen

    with floor.engine():
        until(look, "attempts while the filter goes on")
        floor.steered(Verb.STOP, run_id)
        floor.until_phase(run_id, Phase.ENDED)
    assert floor.counted(run_id) == floor.books(run_id)


def test_the_plan_refuses_a_launch_with_what_is_used_and_leaves_an_audit_row(
    floor, provider
):
    settings = floor.layout.settings
    plan = "\n[plan]\nmonthly_runs = 10\nmonthly_records = 10\n"
    settings.write_text(settings.read_text() + plan)
    floor.launched(campaign(provider.url), ids(8))

    refused = floor.asked(floor.prepared(campaign(provider.url), ids(3)).command)

    assert refused.refusal == Refusal.PLAN_LIMIT
    assert "8 + 3 of 10" in refused.detail
    assert len(floor.views()) == 1
    assert floor.event_words(refused.run_id) == ["launch refused"]
