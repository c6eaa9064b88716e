from __future__ import annotations

from watchfloor.domain.records import RecordState
from watchfloor.domain.views import RecordView
from watchfloor.triage.bundle_gathering import stratified


def record(seq, state, code):
    return RecordView(seq=seq, contact=f"c{seq}", state=state, step="call", code=code)


def test_every_kind_is_sampled_before_a_second_of_any_kind():
    busy = [record(seq, RecordState.FAILED, "busy") for seq in range(1, 100)]
    rare = record(200, RecordState.FAILED, "rare")
    fine = record(300, RecordState.DELIVERED, "ok")

    found = stratified([*busy, rare, fine], most=4, alike=3)

    assert [one.seq for one in found] == [1, 300, 200, 2]


def test_a_state_of_very_many_codes_crowds_no_other_out():
    failed = [record(seq, RecordState.FAILED, f"code{seq}") for seq in range(500)]
    fine = [record(1_000 + seq, RecordState.DELIVERED, "ok") for seq in range(5)]

    found = stratified([*failed, *fine], most=10)

    assert fine[0] in found
    assert len(found) == len({one.seq for one in found}) == 10


def test_a_record_that_is_read_twice_is_sampled_once():
    one = record(1, RecordState.FAILED, "busy")

    assert stratified([one, one, one]) == [one]
