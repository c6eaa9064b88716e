from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.support.floor import ASKER, Floor, campaign, ids
from tests.support.patience import until

from watchfloor.cli.desk import WholeDesk
from watchfloor.console.desk import Desk
from watchfloor.domain.errors import ConfigError, NotFoundError
from watchfloor.domain.identity import contact_digest, dedupe_key
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Verb
from watchfloor.domain.results import ResultEvent, ResultKind
from watchfloor.domain.views import PageKey
from watchfloor.engine.collector import TakeResults
from watchfloor.engine.desk import StoreDesk

#: What becomes of the first contacts; all others are delivered.
SETTINGS = """
delivery = "at_most_once"
[steps.settings.script]
c00001 = ["permanent"]
c00002 = ["ambiguous"]
c00003 = ["permanent"]
c00004 = ["ambiguous"]
"""


@pytest_asyncio.fixture
async def desk(floor: Floor) -> AsyncIterator[StoreDesk]:
    made = StoreDesk(floor.layout, floor.around, ASKER, floor.owner)
    yield made
    await made.close()


@pytest.fixture
def run_id(floor: Floor) -> str:
    """An ended run over c00001 to c00009: two failed, two are unknown."""
    launched = floor.launched(campaign(SETTINGS), ids(9))
    floor.carried_out()
    return launched


async def launched(floor: Floor, told: str, contacts: list[str]) -> str:
    return await asyncio.to_thread(floor.launched, told, contacts)


async def seqs(desk: Desk, run_id: str, **key: object) -> list[int]:
    wanted = PageKey(**key)  # type: ignore[arg-type]  # handed on by name
    return [one.seq for one in (await desk.records(run_id, wanted)).records]


def test_every_question_and_request_of_a_screen_is_answered():
    asked = {name for name in vars(Desk) if not name.startswith("_")}

    assert {name for name in asked if not hasattr(WholeDesk, name)} == set()
    for name in asked:
        wanted, answered = (
            inspect.signature(getattr(whose, name)).parameters
            for whose in (Desk, WholeDesk)
        )
        assert list(wanted) == list(answered), name


async def test_records_are_found_by_a_filter_and_by_a_text(desk, run_id):
    assert await seqs(desk, run_id, where="seq > 7") == [8, 9]
    assert await seqs(desk, run_id, text="NAME of c00005") == [5]
    assert await seqs(desk, run_id, text=" c0000 ", where="seq in (2, 3)") == [2, 3]
    assert await seqs(desk, run_id, text="c00003", state=RecordState.FAILED) == [3]
    assert await seqs(desk, run_id, text="c00005", state=RecordState.FAILED) == []
    assert await seqs(desk, run_id, before=9, size=2, where="attempts = 1") == [7, 8]


@pytest.mark.parametrize(
    "where",
    [
        'state = "failed"',
        'attempts > 0 and state = "failed"',
        'not (state != "failed")',
        'class = "permanent"',
        'state in ("failed", "expired")',
    ],
)
async def test_a_filter_may_name_the_state_in_any_way(desk, run_id, where):
    assert await seqs(desk, run_id, where=where) == [1, 3]


async def test_a_filter_and_a_state_must_both_hold(desk, run_id):
    failed = RecordState.FAILED
    assert await seqs(desk, run_id, where='state = "unknown"', state=failed) == []
    both = 'state = "unknown" and state = "failed"'
    assert await seqs(desk, run_id, where=both) == []
    either = 'state = "unknown" or state = "failed"'
    assert await seqs(desk, run_id, where=either) == [1, 2, 3, 4]


@pytest.mark.parametrize("where", ["seq >", 'sea = "x"', 'state = "gone"'])
async def test_a_filter_that_is_none_is_refused_with_its_place(desk, run_id, where):
    with pytest.raises(ConfigError, match="the filter cannot be used: column"):
        await desk.records(run_id, PageKey(where=where))


async def test_a_run_that_is_not_there_is_named(desk):
    for asked in (
        desk.records("none", PageKey(where="seq >")),
        desk.records("none", PageKey()),
        desk.charts("none"),
        desk.unknowns("none"),
    ):
        with pytest.raises(NotFoundError, match="'none'"):
            await asked


async def test_a_page_tells_what_was_reported(floor, desk, run_id):
    await asyncio.to_thread(report, floor, run_id, "c00005", ResultKind.OPENED)
    page = await desk.records(run_id, PageKey(after=4, size=2))

    assert [one.result for one in page.records] == ["opened", ""]
    assert await desk.results(run_id) == {"opened": 1}


async def test_unknown_records_of_all_runs_tell_what_was_reported_since(
    floor, desk, run_id
):
    second = await launched(floor, campaign(SETTINGS, name="second"), ids(2))
    await asyncio.to_thread(floor.carried_out)
    await asyncio.to_thread(report, floor, run_id, "c00004", ResultKind.BOUNCED)
    first = await desk.unknowns(size=2)
    rest = await desk.unknowns(after=first.after, size=2)

    told = [(one.run_id, one.record.seq) for one in first.unknowns + rest.unknowns]
    assert told == [(second, 2), (run_id, 2), (run_id, 4)]
    assert [one.record.result for one in rest.unknowns] == ["bounced"]
    assert [one.campaign_name for one in first.unknowns] == ["Second", "Trial"]
    assert first.of == rest.of == 3
    assert (await desk.unknowns(second)).of == 1


async def test_the_pulse_is_the_owner_and_the_cards(floor, desk, run_id):
    queued = await launched(floor, campaign(), ids(1))
    told = await desk.pulse()

    assert told.engine == floor.pulse()
    assert (told.cards.failed, told.cards.unknown) == (2, 2)
    assert (told.cards.queued, told.cards.active) == (1, 0)
    assert [one.run_id for one in (await desk.overview()).runs] == [queued, run_id]


async def test_live_runs_are_told_with_the_limits_of_the_file_as_it_is_now(floor, desk):
    run_id = await launched(floor, campaign(), ids(1))
    before = await desk.live()
    floor.configure("[channels.simulator]\npermits = 7")
    after = await desk.live()

    assert [one.run.run_id for one in before.runs] == [run_id]
    assert before.shared == ()
    assert [(one.scope, one.permits) for one in after.shared] == [
        ("channel:simulator", 7)
    ]


async def test_charts_are_drawn_of_the_run_that_is_asked_for(desk, run_id):
    told = await desk.charts(run_id)

    assert told.run == await desk.run(run_id)
    assert told.progress.run_id == run_id
    assert told.failures.of == 4


async def test_the_audit_shows_a_command_with_what_became_of_it(floor, desk):
    run_id = await launched(floor, campaign(), ids(3))
    preview = await desk.preview(Verb.CANCEL, run_id)
    asked = await desk.ask(preview, "Wrong list")
    other = await launched(floor, campaign(name="other"), ids(1))
    found = await desk.audit(text="wrong LIST")

    assert found.before is None
    assert {one.event.run_id for one in found.entries} == {run_id}
    assert {one.run_name for one in found.entries} == {"Trial"}
    for one in found.entries:
        assert one.receipt == await desk.receipt(asked.command_id)
    assert {one.event.run_id for one in (await desk.audit(other)).entries} == {other}
    newest = (await desk.audit(size=1)).entries[0]
    assert newest.event == (await desk.events(other))[-1]


async def test_a_launch_goes_from_the_files_to_a_run(floor, desk, tmp_path):
    file = floor.layout.campaigns / "trial.toml"
    file.write_text(campaign(), encoding="utf-8")
    people = tmp_path / "people.csv"
    people.write_text("id,first_name\nc00001,Ann\n", encoding="utf-8")

    [offer] = await desk.campaigns()
    [upload] = await desk.uploads(str(people))
    dropped = await desk.prospect(offer.path, upload.path, lambda _: None)
    await desk.drop_prospect(dropped)
    checked = await desk.prospect(offer.path, upload.path, lambda _: None)
    receipt = await desk.launch(checked)

    assert (checked.rows, checked.candidates) == (1, 1)
    assert [one.run_id for one in floor.views()] == [receipt.run_id]


def report(floor: Floor, run_id: str, contact: str, kind: ResultKind) -> None:
    """Let a provider report something of a record."""
    key = dedupe_key(run_id, "call", contact_digest("id", contact), 0)
    event = ResultEvent(
        event_id=f"{contact}-{kind}",
        kind=kind,
        at_ms=floor.clock.now_ms(),
        key=key,
        provider_id="",
        detail="",
    )
    with floor.engine() as engine:
        assert engine.do(TakeResults([event], "a test")).applied == 1


async def test_a_stop_is_previewed_with_the_retries_that_may_have_arrived(floor, desk):
    told = """
delivery = "idempotent"
[steps.settings.script]
c00001 = ["ambiguous"]
c00002 = ["transient"]
"""
    retry = 'backoff = "1h"\nmax_backoff = "2h"'
    run_id = await launched(floor, campaign(told, retry=retry), ids(3))

    def two_wait() -> None:
        with floor.engine():
            until(lambda: floor.books(run_id).retry == 2)

    await asyncio.to_thread(two_wait)
    lines = (await desk.preview(Verb.STOP, run_id)).lines

    assert any(
        "Of these 1 record may have been reached by an earlier attempt" in one
        for one in lines
    )
