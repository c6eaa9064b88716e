"""Rejected numbers read once more: by the campaign's own region, and by others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from watchfloor.domain.evidence import Readings
from watchfloor.domain.records import RejectKind
from watchfloor.intake.normalise import UnfitContactError, phone
from watchfloor.store.reads.samples import SampledReject
from watchfloor.triage.sampling import number_in

#: Numbers that are read again; more tell nothing more.
_MOST: Final = 10
#: Whose numbers a list is most likely to hold. A national number fits several regions:
#: all of those are named, not the first.
_OTHERS: Final = (
    *("AR", "AT", "AU", "BE", "BR", "CA", "CH", "CN", "CZ", "DE", "DK", "ES", "FI"),
    *("FR", "GB", "GR", "HU", "IE", "IN", "IT", "JP", "MX", "NL", "NO", "NZ", "PL"),
    *("PT", "RO", "SE", "TR", "UA", "US", "ZA"),
)


def readings_of(rejects: Iterable[SampledReject], region: str) -> Readings:
    """Return by which regions the first numbers of malformed rows could be read.

    Args:
        rejects: Any; those that are not malformed are left out.
        region: The campaign's own, read first: a number that it can read stands in
            another column than the contact.
    """
    found = (number_in(one.raw) for one in rejects if one.kind is RejectKind.INVALID)
    numbers = [one for one in found if one][:_MOST]
    counts = Counter[str]()
    for number in numbers:
        if _is_read(number, region):
            counts[region] += 1
            continue
        counts.update(one for one in _OTHERS if _is_read(number, one))
    return Readings(numbers=len(numbers), by_region=dict(counts.most_common()))


def _is_read(number: str, region: str) -> bool:
    try:
        phone(number, region)
    except UnfitContactError:
        return False
    return True
