from __future__ import annotations

import pytest

from watchfloor.domain.errors import NotFoundError
from watchfloor.store.reads.uploads import known_digests, upload_of


def digest(contact):
    return contact.encode().ljust(16, b"\0")


def test_the_upload_of_a_run_is_told(stored):
    found = upload_of(stored.writer, stored.run_id)

    assert (found.upload_id, found.name) == (f"u-{stored.run_id}", "upload.csv")


def test_contacts_of_a_run_are_known_by_their_digests(stored):
    stored.add(1_200)
    wanted = {digest(f"c{number}") for number in range(600, 1_800)}

    found = known_digests(stored.writer, stored.run_id, wanted)

    assert found == {digest(f"c{number}") for number in range(600, 1_201)}
    assert known_digests(stored.writer, stored.run_id, ()) == frozenset()


def test_a_run_that_there_is_not_has_neither(stored):
    with pytest.raises(NotFoundError):
        upload_of(stored.writer, "nope")
    with pytest.raises(NotFoundError):
        known_digests(stored.writer, "nope", [digest("c1")])
