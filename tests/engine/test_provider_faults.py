"""A run whose provider fails in every way at once, once for each contact.

What becomes of each record is told by the table of the channel's own tests.
"""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest
from tests.channels.fault_table import AFTER_THE_REQUEST, AMBIGUOUS, TRANSIENT
from tests.support.fault_acts import answering
from tests.support.faulty import FaultyProvider, Wire
from tests.support.floor import ids, webhook

from watchfloor.domain.records import RecordState

FAULTS = dict(zip(ids(len(AFTER_THE_REQUEST)), AFTER_THE_REQUEST, strict=True))


class OncePerContact:
    """The first request about a contact meets the contact's fault; others are taken."""

    def __init__(self):
        self._lock = threading.Lock()
        self._met = set()

    def __call__(self, wire: Wire) -> None:
        contact = json.loads(wire.awaited())["to"]
        with self._lock:
            is_first = contact not in self._met
            self._met.add(contact)
        if is_first:
            FAULTS[contact].act(wire)
        else:
            answering(200)(wire)


@pytest.mark.parametrize("delivery", ["idempotent", "at_most_once"])
def test_a_run_under_every_fault_loses_nobody_and_reaches_nobody_twice(floor, delivery):
    waits = 'backoff = "1ms"\nmax_backoff = "1ms"'
    # Long enough for a busy machine to answer whom it means to answer.
    settings = f'timeout = "3s"\ndelivery = "{delivery}"'
    with FaultyProvider(OncePerContact()) as provider:
        run_id = floor.launched(
            webhook(
                provider.url,
                settings,
                retry=waits,
                retry_share=1.0,
                permits=10,
                rest="[guard]\nbreaker_after = 0",
            ),
            list(FAULTS),
        )
        floor.carried_out()
        provider.wait_until_done(len(FAULTS))
        asked = Counter(json.loads(body)["to"] for body in provider.bodies)
        keys = {json.loads(body)["reference"] for body in provider.bodies}

    retried = {TRANSIENT, AMBIGUOUS} if delivery == "idempotent" else {TRANSIENT}
    assert asked == {
        contact: 2 if fault.word in retried else 1 for contact, fault in FAULTS.items()
    }
    assert len(keys) == len(FAULTS)
    unknown = delivery == "at_most_once"
    wanted = {
        contact: RecordState.UNKNOWN
        if unknown and fault.word == AMBIGUOUS
        else RecordState.DELIVERED
        for contact, fault in FAULTS.items()
    }
    found = floor.records(run_id)
    assert {one.contact: one.state for one in found} == wanted
    floor.assert_books_hold(run_id)
