"""Asking for retries as a person does: what was shown, then the command."""

from __future__ import annotations

from tests.support.floor import ASKER, Floor, ids, webhook
from tests.support.provider import Provider, Reply

from watchfloor.domain.canary import CanaryView
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.recovery import RetryPreview
from watchfloor.domain.views import Receipt
from watchfloor.engine.retry_previews import retry_command, retry_preview
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.reads.canaries import canary_view

#: A step that tries once and no more.
ONCE = 'attempts = 1\nbackoff = "1ms"'
BUSY, GONE, FINE = Reply(status=503), Reply(status=404), Reply()


def previewed(
    floor: Floor,
    run_id: str,
    selection: Selection | None = None,
    *,
    with_unknown: bool = False,
) -> RetryPreview:
    """Return what a retry would do as things are now."""
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


def asked(floor: Floor, preview: RetryPreview, *, canary: bool = True) -> Receipt:
    """Ask for what was shown, and wait for the answer."""
    command = retry_command(preview, ASKER, floor.around, canary=canary, reason="fixed")
    return floor.asked(command)


def retried(
    floor: Floor,
    run_id: str,
    selection: Selection | None = None,
    *,
    with_unknown: bool = False,
    canary: bool = True,
) -> str:
    """Retry; return the child's id once it is accepted."""
    preview = previewed(floor, run_id, selection, with_unknown=with_unknown)
    answer = asked(floor, preview, canary=canary)
    assert answer.state == "settled", answer
    return answer.run_id


def canary_of(floor: Floor, run_id: str) -> CanaryView:
    found = floor.read(lambda connection: canary_view(connection, run_id))
    assert found is not None
    return found


def sick(
    floor: Floor, provider: Provider, count: int = 20, *, text: str = "", gone: int = 0
) -> str:
    """Carry out a run of which every record fails for now, the first *gone* for good.

    Afterwards the provider is well again, and has forgotten what it saw.
    """
    provider.otherwise = BUSY
    provider.replies = {contact: [GONE] for contact in ids(gone)}
    text = text or webhook(provider.url, retry=ONCE, rest=QUIET)
    run_id = floor.launched(text, ids(count))
    floor.carried_out()
    provider.otherwise = FINE
    return run_id


#: No breaker: a whole run may fail without being paused for it.
QUIET = "[guard]\nbreaker_after = 0"
