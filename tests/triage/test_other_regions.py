from __future__ import annotations

from watchfloor.domain.records import RejectKind
from watchfloor.store.reads.samples import SampledReject
from watchfloor.triage.other_regions import readings_of

GERMAN = [f"030 12345{number},name" for number in range(100, 130)]


def malformed(*rows):
    return [SampledReject(RejectKind.INVALID, "not valid", row) for row in rows]


def test_numbers_that_another_region_reads_are_counted_by_it():
    found = readings_of(malformed(*GERMAN[:7]), "US")

    assert found.numbers == 7
    assert found.by_region["DE"] == 7
    assert "US" not in found.by_region
    assert next(iter(found.by_region.values())) == 7


def test_a_number_that_the_campaigns_own_region_reads_stands_in_another_column():
    found = readings_of(
        malformed("K100,Ann,+12025550100", "K101,Ben,+12025550101"), "US"
    )

    assert (found.numbers, found.by_region) == (2, {"US": 2})


def test_only_the_first_numbers_of_malformed_rows_are_read_again():
    repeated = SampledReject(RejectKind.DUPLICATE, "row 1", GERMAN[0])

    assert readings_of([repeated, *malformed("no number here")], "US").numbers == 0
    assert readings_of(malformed(*GERMAN), "US").numbers == 10


def test_without_a_region_others_are_tried_all_the_same():
    assert readings_of(malformed(*GERMAN[:3]), "").by_region["DE"] == 3


def test_a_region_that_stands_in_a_column_reads_what_needs_none():
    own = "the region in column country"
    rows = malformed("K100,Ann,+12025550100", *GERMAN[:2])

    found = readings_of(rows, own)

    assert (found.by_region[own], found.by_region["DE"]) == (1, 2)
