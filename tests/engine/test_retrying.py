from __future__ import annotations

from tests.support.floor import ASKER, ids, webhook
from tests.support.provider import Reply

from watchfloor.domain.canary import StageState
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.regions import RunOutcome
from watchfloor.engine.retry_previews import retry_command, retry_preview
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.reads.canaries import canary_view

ONCE = 'attempts = 1\nbackoff = "1ms"'
BUSY, GONE, OK = Reply(status=503), Reply(status=404), Reply()


def previewed(floor, run_id, selection=None, *, with_unknown=False):
    workspace = WorkspaceSettings(floor.layout).now()
    return floor.read(
        lambda connection: retry_preview(
            connection,
            workspace,
            floor.around.now_ms(),
            run_id,
            selection or Selection(),
            with_unknown=with_unknown,
        )
    )


def asked(floor, preview, *, canary=True, reason="fixed"):
    command = retry_command(preview, ASKER, floor.around, canary=canary, reason=reason)
    return floor.asked(command)


def retried(floor, run_id, selection=None, *, with_unknown=False, canary=True):
    preview = previewed(floor, run_id, selection, with_unknown=with_unknown)
    answer = asked(floor, preview, canary=canary)
    assert answer.state == "settled", answer
    return answer.run_id


def canary_of(floor, run_id):
    return floor.read(lambda connection: canary_view(connection, run_id))


def sick(floor, provider, count=40, *, gone=(), text=None):
    """Carry out a run of which every record fails for now, and *gone* for good."""
    provider.otherwise = BUSY
    for contact in gone:
        provider.replies[contact] = [GONE]
    run_id = floor.launched(text or webhook(provider.url, retry=ONCE), ids(count))
    floor.carried_out()
    provider.otherwise = OK
    return run_id


def test_what_failed_for_now_is_retried_with_its_keys_and_what_failed_for_good_is_not(
    floor, provider
):
    run_id = sick(floor, provider, 20, gone=ids(3))
    first = {one.contact: (one.key, one.body) for one in provider.arrivals}
    preview = previewed(floor, run_id)

    assert (preview.counts.selected, preview.counts.retried) == (20, 17)
    assert preview.counts.permanent == 3
    assert preview.stages == (15, 2)
    provider.arrivals.clear()
    child = asked(floor, preview).run_id
    floor.carried_out()

    assert {one.contact: (one.key, one.body) for one in provider.arrivals} == {
        contact: first[contact] for contact in ids(20)[3:]
    }
    assert len(provider.arrivals) == 17
    view = floor.view(child)
    assert view.parent_id == run_id
    assert view.lifecycle.outcome is RunOutcome.COMPLETED
    assert floor.assert_books_hold(child).delivered == 17
    assert floor.assert_books_hold(run_id).failed == 20
    assert [one.state for one in canary_of(floor, child).stages] == [
        StageState.PASSED,
        StageState.RELEASED,
    ]
