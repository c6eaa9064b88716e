from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from sqlalchemy import select, update
from tests.engine.test_notices import post_office
from tests.store.conftest import NOW_MS, add_a_run, made_layout, stored_in
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.alerts import AGAIN_AFTER_MS, FRESH_MS, AlertKind
from watchfloor.domain.errors import StoreError
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Verb
from watchfloor.engine.alerting import (
    MOST_TRIES,
    Crier,
    Watch,
    name_of,
    retry_in_ms,
    tried_hooks,
)
from watchfloor.intake.workspace_file import parse_workspace
from watchfloor.store.handle import Handle
from watchfloor.store.reads.alerts import (
    alerts_since,
    messages_of,
    newest_told,
    open_alerts,
)
from watchfloor.store.reads.journal import events
from watchfloor.store.tables import alert_message, books, journal, lease, record, run
from watchfloor.store.writes.connection import close_writer, open_writer
from watchfloor.store.writes.runs import add_entry

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
KINDS = ", ".join(f'"{kind}"' for kind in AlertKind)
ALL = f"on = [{KINDS}]"
WORKSPACE = '[workspace]\nid = "front-desk"\nname = "Front desk"\n'
WORKSPACE += '[webhooks]\ninternal = ["127.0.0.0/8"]\n'


def space(tables="", head=ALL):
    return parse_workspace(f"{WORKSPACE}\n[alerts]\n{head}\n{tables}", "test.toml")


def chat(provider, more=""):
    return f'[alerts.webhook.chat]\nurl = "{provider.url}"\n{more}\n'


class Tx(NamedTuple):
    connection: Handle
    now_ms: int
    epoch: int


class Beside:
    """What the engine does beside its work, over a store with one run, tick by tick."""

    def __init__(self, layout, stored, workspace):
        self.stored = stored
        self.workspace = workspace
        self.now_ms = NOW_MS
        self.refuses = 0
        self.jobs = 0
        settings = lambda: self.workspace  # noqa: E731 - short
        clock = lambda: self.now_ms  # noqa: E731 - short
        self.watch = Watch(layout, settings, self.submit, clock)
        self.crier = Crier(settings, self.submit, clock)

    async def submit(self, job):
        if self.refuses:
            self.refuses -= 1
            raise StoreError("the store takes no writes: disk full; nothing was stored")
        self.jobs += 1
        with self.stored.writer.begin():
            return job(Tx(self.stored.writer, self.now_ms, self.stored.epoch))

    def look(self, later_ms=0):
        """Look once, so much later; return how many things were stored."""
        self.now_ms += later_ms
        self.change(lease, heartbeat_at_ms=self.now_ms)
        found = asyncio.run(self.watch.look())
        if found:
            self.crier.expect()
        return found

    def tell(self):
        asyncio.run(self.crier.deliver())

    def change(self, table, **values):
        with self.stored.writer.begin():
            self.stored.writer.execute(update(table).values(**values))

    def read(self, question, *about):
        with self.stored.writer.begin():
            return question(self.stored.writer, *about)

    def open(self):
        return self.read(open_alerts)

    def messages(self):
        every = self.read(alerts_since, 0)
        return self.read(messages_of, tuple(one.alert_id for one in every))

    def journal(self):
        found = self.read(events, "run-1")
        return [one.event for one in found if one.event.startswith("alert")]

    def pause(self, at_ms=None, by="engine", why="permanent 100 % of 10 attempts"):
        self.change(
            run,
            gate="paused",
            gate_by=by,
            gate_at_ms=at_ms or self.now_ms,
            gate_why=why,
        )

    def resume(self):
        self.change(run, gate="open", gate_by="", gate_at_ms=0, gate_why="")


@pytest.fixture
def beside(tmp_path):
    layout = made_layout(tmp_path / "floor")
    connection = open_writer(layout)
    stored = stored_in(connection)
    made = Beside(layout, stored, space())
    made.change(
        run,
        phase="running",
        intake="done",
        launch_id="l",
        started_at_ms=NOW_MS,
        campaign_name="Autumn \x1b]0;x\x07reminder",
    )
    yield made
    close_writer(connection)


@pytest.fixture
def stalled(beside):
    beside.stored.add(5)
    beside.change(books, extracted=5, records=5, pending=5, progress_at_ms=NOW_MS)
    return beside


def test_a_pause_by_the_engine_is_told_once_and_its_end_once(beside, provider):
    beside.workspace = space(chat(provider))
    beside.pause(why="421 from nora@example.org on \x1b[31mevery call")
    for _ in range(3):
        beside.look(MINUTE_MS)
        beside.tell()
    assert [one.kind for one in beside.open()] == [AlertKind.AUTO_PAUSED]
    beside.resume()
    for _ in range(3):
        beside.look(MINUTE_MS)
        beside.tell()

    assert beside.open() == ()
    raised, cleared = (one.payload for one in beside.messages())
    assert [one.state for one in beside.messages()] == ["sent", "sent"]
    assert len(provider.arrivals) == 2
    assert (raised["what"], cleared["what"]) == ("raised", "cleared")
    assert (raised["kind"], raised["run"]) == ("auto_paused", "run-1")
    assert raised["do"] == "watchfloor show run-1"
    assert raised["since"] == "2023-11-14T22:13:20.000Z"
    assert cleared["cleared"] == "2023-11-14T22:17:20.000Z"
    for payload in (raised, cleared):
        assert "nora@" not in str(payload)
        assert "\x1b" not in str(payload)
        assert "421 from n" in payload["text"]
    assert beside.journal() == ["alert raised", "alert cleared"]


def test_a_run_that_moves_and_mostly_fails_is_told_once_with_its_reason(beside):
    beside.stored.add(60)
    moves = {"extracted": 60, "records": 60, "delivered": 20, "progress_at_ms": NOW_MS}
    beside.change(books, **moves, pending=10, failed=30, attempts=50)
    failed = {"outcome_class": 3, "code": "http_404"}
    with beside.stored.writer.begin():
        some = update(record).where(record.c.seq <= 30)
        beside.stored.writer.execute(
            some.values(state=int(RecordState.FAILED), **failed)
        )
    for _ in range(3):
        beside.change(books, progress_at_ms=beside.now_ms)
        beside.look(30_000)

    [alert] = beside.open()
    assert alert.kind is AlertKind.FAILING
    assert "moves, but 30 of 50 fail: permanent http_404" in alert.said
    # What is worse is told in its place: one alert for one cause.
    beside.pause()
    beside.look(AGAIN_AFTER_MS)
    beside.look(AGAIN_AFTER_MS)
    assert [one.kind for one in beside.open()] == [AlertKind.AUTO_PAUSED]


def test_a_pause_by_a_person_alerts_nobody(beside):
    beside.pause(by="nora")

    assert beside.look() == 0
    assert beside.open() == ()


def test_a_second_pause_by_the_engine_is_a_second_alert(beside):
    beside.pause()
    beside.look(MINUTE_MS)
    beside.pause()
    beside.look(MINUTE_MS)

    assert [one.since_ms for one in beside.open()] == [NOW_MS + MINUTE_MS]
    assert beside.journal() == ["alert raised", "alert cleared", "alert raised"]


def test_a_stall_that_flaps_is_one_alert_and_is_over_when_it_stays_away(stalled):
    assert stalled.look(30_000) == 0
    stalled.look(2 * MINUTE_MS)
    [first] = stalled.open()
    assert (first.kind, first.since_ms) == (AlertKind.STALLED, NOW_MS)
    for _ in range(5):
        stalled.change(books, progress_at_ms=stalled.now_ms)
        stalled.look(30_000)
        assert stalled.open()[0].gone_at_ms == stalled.now_ms
        stalled.look(2 * MINUTE_MS)
        [still] = stalled.open()
        assert (still.alert_id, still.gone_at_ms) == (first.alert_id, None)
    assert stalled.journal() == ["alert raised"]

    stalled.change(books, progress_at_ms=stalled.now_ms)
    stalled.look(30_000)
    went_at_ms = stalled.now_ms
    stalled.change(books, progress_at_ms=stalled.now_ms + AGAIN_AFTER_MS)
    stalled.look(AGAIN_AFTER_MS)

    assert stalled.open() == ()
    [over] = stalled.read(alerts_since, 0)
    assert over.cleared_at_ms == went_at_ms
    assert stalled.journal() == ["alert raised", "alert cleared"]


def test_a_failure_is_told_once_within_a_day_and_never_as_over(beside, provider):
    beside.workspace = space(chat(provider))
    beside.change(
        run,
        phase="ended",
        outcome="failed",
        cause="misconfigured campaign: no such field",
        history="created",
        ended_at_ms=NOW_MS,
    )
    beside.look(HOUR_MS)
    beside.look(HOUR_MS)
    beside.look(FRESH_MS)
    beside.look(HOUR_MS)

    [message] = beside.messages()
    assert "failed: misconfigured campaign: no such field" in message.payload["text"]
    assert beside.journal() == ["alert raised"]
    assert beside.open() == ()


def test_a_failure_that_is_found_days_later_is_no_news(beside):
    beside.change(run, phase="ended", outcome="failed", ended_at_ms=NOW_MS)

    assert beside.look(FRESH_MS + 1) == 0


def test_a_crash_of_an_engine_is_one_alert_for_all_its_runs(beside):
    for run_id, at_ms in (("run-1", NOW_MS), ("run-2", NOW_MS), ("run-1", NOW_MS + 9)):
        entry = {
            "at_ms": at_ms,
            "run_id": run_id,
            "event": "recovered",
            "detail": "3 attempts were in flight: may have been delivered",
            "epoch": 1,
        }
        with beside.stored.writer.begin():
            add_entry(beside.stored.writer, entry)

    beside.look(MINUTE_MS)
    beside.look(MINUTE_MS)

    first, second = beside.open()
    assert {first.kind, second.kind} == {AlertKind.RECOVERED}
    assert "run-1: 3 attempts" in first.said
    assert "run-2: 3 attempts" in first.said
    assert "run-2" not in second.said


def test_quiet_hours_hold_alerts_and_tell_them_in_one_summary(beside, provider):
    # 22:13 UTC at first.
    quiet = '[alerts.quiet]\nfrom = "22:00"\nto = "07:00"\n'
    beside.workspace = space(quiet + chat(provider))
    beside.pause()
    beside.look()
    beside.resume()
    beside.look(MINUTE_MS)
    beside.pause()
    beside.look(MINUTE_MS)
    assert beside.messages() == ()
    assert beside.read(newest_told) == 0
    assert len(beside.open()) == 2  # one is over and held, one stands and is held

    before = datetime(2023, 11, 15, 6, 59, 59, tzinfo=UTC)
    beside.look(int(before.timestamp() * 1000) - beside.now_ms)
    assert beside.messages() == ()
    beside.look(1_000)
    beside.tell()
    beside.look(MINUTE_MS)
    beside.tell()

    [message] = beside.messages()
    assert len(provider.arrivals) == 1
    assert message.payload["title"] == "Front desk: 2 alerts in the quiet hours"
    over, stands = message.payload["alerts"]
    assert over["cleared"] == "2023-11-14T22:14:20.000Z"
    assert stands["cleared"] is None
    assert [one.is_held for one in beside.open()] == [False]
    assert beside.read(newest_told) == 2

    beside.resume()
    beside.look(MINUTE_MS)
    assert [one.what for one in beside.messages()] == ["summary", "cleared"]


def test_what_is_urgent_is_told_in_quiet_hours(beside, provider):
    quiet = '[alerts.quiet]\nfrom = "22:00"\nto = "07:00"\n'
    urgent = f'{ALL}\nurgent = ["auto_paused"]'
    beside.workspace = space(quiet + chat(provider), head=urgent)
    beside.pause()
    beside.look()
    beside.tell()

    assert [one.payload["urgent"] for one in beside.messages()] == [True]
    assert len(provider.arrivals) == 1


def test_an_end_in_quiet_hours_of_what_was_told_before_waits_for_the_summary(
    beside, provider
):
    beside.workspace = space(chat(provider))
    beside.pause()
    beside.look()
    beside.workspace = space('[alerts.quiet]\nfrom = "22:00"\nto = "23:00"\n')
    beside.workspace = space(
        '[alerts.quiet]\nfrom = "22:00"\nto = "23:00"\n' + chat(provider)
    )
    beside.resume()
    beside.look(MINUTE_MS)
    assert [one.what for one in beside.messages()] == ["raised"]

    beside.look(HOUR_MS)

    assert [one.what for one in beside.messages()] == ["raised", "summary"]


def test_a_hook_that_fails_is_tried_again_more_rarely_and_given_up_with_the_reason(
    beside, provider
):
    provider.otherwise = Reply(status=500)
    beside.workspace = space(chat(provider))
    beside.pause()
    beside.look()
    waits = []
    [message] = beside.messages()
    for _ in range(MOST_TRIES):
        beside.tell()
        beside.tell()  # not due: nothing is sent
        [message] = beside.messages()
        if message.next_at_ms is not None:
            waits.append(message.next_at_ms - beside.now_ms)
            beside.now_ms = message.next_at_ms

    assert len(provider.arrivals) == MOST_TRIES
    assert len(provider.bodies_by_key) == 1, "every try has one id and one body"
    assert waits[:4] == [10_000, 20_000, 40_000, 80_000]
    assert max(waits) == 600_000
    assert (message.state, message.tries) == ("failed", MOST_TRIES)
    assert message.detail.startswith(f"given up after {MOST_TRIES} tries; last: ")
    assert "answered 500" in message.detail
    assert beside.journal() == ["alert raised", "alert not told"]


def test_what_is_owed_is_told_at_once_though_the_clock_was_put_back(beside, provider):
    beside.workspace = space(chat(provider))
    provider.otherwise = Reply(status=503)
    beside.pause()
    beside.look()
    beside.tell()
    beside.tell()  # not due
    assert len(provider.arrivals) == 1

    provider.otherwise = Reply()
    beside.now_ms -= 8 * HOUR_MS
    beside.tell()

    assert [one.state for one in beside.messages()] == ["sent"]


def test_hooks_do_not_wait_for_one_another(beside, provider, tmp_path):
    with Provider(Reply(status=503)) as broken:
        first = f'[alerts.webhook.broken]\nurl = "{broken.url}"\n'
        beside.workspace = space(first + chat(provider))
        for _ in range(3):
            beside.pause()
            beside.look(MINUTE_MS)
        beside.tell()

    assert len(provider.arrivals) == 5  # three began, two of them ended
    assert len(broken.arrivals) == 1  # the later ones would only wait for the same


def test_what_was_told_and_could_not_be_stored_is_not_told_twice(beside, provider):
    beside.workspace = space(chat(provider))
    beside.pause()
    beside.look()

    async def full_after_sending():
        submit = beside.crier._submit

        async def once(job):
            if provider.arrivals and not beside.refuses:
                beside.refuses = 1
                beside.crier._submit = submit
            return await submit(job)

        beside.crier._submit = once
        await beside.crier.deliver()

    with pytest.raises(StoreError):
        asyncio.run(full_after_sending())
    assert [one.state for one in beside.messages()] == ["owed"]
    beside.tell()

    assert [one.state for one in beside.messages()] == ["sent"]
    assert len(provider.arrivals) == 1


def test_what_an_engine_left_owed_the_next_one_tells_under_the_same_id(
    beside, provider
):
    beside.workspace = space(chat(provider))
    beside.pause()
    beside.look()
    [owed] = beside.messages()

    asyncio.run(
        Crier(lambda: beside.workspace, beside.submit, lambda: beside.now_ms).deliver()
    )

    assert provider.keys == [name_of(owed)]


def test_a_hook_that_has_left_the_file_is_closed_with_that_reason(beside, provider):
    beside.workspace = space(chat(provider))
    beside.pause()
    beside.look()
    beside.workspace = space()
    beside.tell()

    [message] = beside.messages()
    assert message.state == "failed"
    assert message.detail == "the workspace's file has no such hook any more"
    assert provider.arrivals == []


def test_alerts_that_are_taken_out_of_the_file_end_in_silence(beside, provider):
    beside.workspace = space(chat(provider))
    beside.pause()
    beside.look()
    beside.workspace = space(head="")
    beside.look(MINUTE_MS)

    assert beside.open() == ()
    assert [one.what for one in beside.messages()] == ["raised"]


def test_a_workspace_without_alerts_is_looked_at_once_and_costs_no_job(beside):
    beside.workspace = space(head="")
    beside.pause()
    for _ in range(3):
        assert beside.look(MINUTE_MS) == 0
        beside.tell()

    # What an earlier engine may have left owed was looked for once.
    assert beside.jobs == 2


def test_an_alert_that_stands_outlives_a_hundred_newer_runs(beside):
    beside.pause()
    beside.look()
    with beside.stored.writer.begin():
        for number in range(120):
            add_a_run(beside.stored.writer, f"other-{number}")
    beside.look(MINUTE_MS)

    [alert] = beside.open()
    assert (alert.run_id, alert.gone_at_ms) == ("run-1", None)


async def test_an_alert_goes_by_mail_with_its_id_as_the_message_id(beside):
    async with post_office() as office:
        mail = (
            f'[mail]\nhost = "127.0.0.1"\nport = {office.port}\nsecurity = "none"\n'
            'from = "Floor <wf@example.org>"\n'
            '[alerts.mail.leads]\nto = ["a@example.org", "b@example.org"]\n'
        )
        beside.workspace = space(mail)
        beside.pause()
        beside.change(lease, heartbeat_at_ms=NOW_MS)
        await beside.watch.look()
        await beside.crier.deliver()
        [message] = beside.messages()

    [letter] = office.letters
    assert office.envelopes == [("a@example.org", "b@example.org")]
    assert letter["Subject"] == "[Watchfloor] Front desk: paused by the engine (run-1)"
    assert letter["Message-ID"] == f"<{name_of(message)}@example.org>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().startswith("Paused by the engine: Autumn ")
    assert message.detail == "250 2.0.0 taken"


async def test_a_test_tells_every_hook_and_says_what_each_made_of_it(
    provider, tmp_path
):
    spoil = tmp_path / "hook.py"
    spoil.write_text("raise SystemExit(7)\n", encoding="utf-8")
    tables = chat(provider) + (
        f'[alerts.command.pager]\nargv = ["{sys.executable}", "{spoil}"]\n'
    )

    results = await tried_hooks(space(tables), "alert-test-1", NOW_MS)

    made = {hook.label: (is_told, said) for hook, is_told, said in results}
    assert made["webhook chat"][0]
    assert made["command pager"] == (False, "ended with 7")
    assert provider.keys == ["alert-test-1"]


def test_waits_grow_and_end():
    waits = [retry_in_ms(tries) for tries in range(1, MOST_TRIES + 1)]

    lasting = [one for one in waits if one is not None]
    assert waits == [*lasting, None]
    assert lasting == sorted(lasting)


def told(floor):
    """Return what hooks were told and took, as it is stored."""
    query = select(alert_message.c.what).where(alert_message.c.state == "sent")
    return floor.read(lambda connection: list(connection.scalars(query)))


def test_an_engine_alerts_of_its_own_pause_and_of_the_resume(floor, provider):
    with Provider() as hook:
        floor.configure(f'[alerts]\non = ["auto_paused"]\n{chat(hook)}')
        provider.otherwise = Reply(status=404)
        guard = (
            '[guard]\nbreaker_after = 0\npause_when = { class = "permanent", '
            'share = 0.2, over = "5m", at_least = 10 }'
        )
        run_id = floor.launched(webhook(provider.url, rest=guard), ids(60))
        with floor.engine():
            until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
            until(lambda: hook.arrivals, "the alert")
            provider.otherwise = Reply()
            floor.steered(Verb.RESUME, run_id)
            until(lambda: told(floor) == ["raised", "cleared"], "its end")
            floor.until_ended(run_id)

    words = floor.event_words(run_id)
    assert words.count("alert raised") == words.count("alert cleared") == 1
    assert len(hook.arrivals) == 2


def test_an_engine_that_ends_by_itself_tells_what_just_happened(floor, provider):
    floor.configure(f'[alerts]\non = ["failed"]\n{chat(provider)}')
    run_id = floor.launched(
        webhook("http://127.0.0.1:9/", 'headers = { Authorization = "env:NOT_THERE" }'),
        ids(3),
    )

    floor.carried_out()

    assert floor.view(run_id).lifecycle.outcome == "failed"
    assert len(provider.arrivals) == 1
    assert floor.read(
        lambda connection: connection.scalar(
            select(journal.c.event).where(journal.c.event == "alert raised")
        )
    )


def test_an_engine_on_a_thread_of_a_console_can_tell_a_program(
    floor, provider, tmp_path
):
    heard = tmp_path / "heard.json"
    pager = tmp_path / "hook.py"
    pager.write_text(
        f"import sys\nopen({str(heard)!r}, 'w').write(sys.stdin.read())\n",
        encoding="utf-8",
    )
    floor.configure(
        '[alerts]\non = ["failed"]\n[alerts.command.pager]\n'
        f'argv = ["{sys.executable}", "{pager}"]\n'
    )
    run_id = floor.launched(
        webhook("http://127.0.0.1:9/", 'headers = { Authorization = "env:NOT_THERE" }'),
        ids(3),
    )
    with floor.engine():
        until(lambda: told(floor) == ["raised"])

    assert json.loads(heard.read_text(encoding="utf-8"))["run"] == run_id
