from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.identity import contact_digest
from watchfloor.domain.suppression import DigestSet, digest_prefix, hex_prefix

ANN = contact_digest("phone", "+14155552671")
BEN = contact_digest("phone", "+14155552672")

#: Few values for each byte, for neighbours and repeats to be common.
DIGESTS = st.lists(st.sampled_from([0, 1, 127, 255]), min_size=16, max_size=16).map(
    bytes
)
PREFIXES = st.integers(0, 2**64 - 1)


@given(listed=st.lists(DIGESTS | st.binary(min_size=16, max_size=16)), other=DIGESTS)
def test_it_answers_as_a_set_of_prefixes_does(listed, other):
    expected = {digest[:8] for digest in listed}

    found = DigestSet.of(listed)

    assert len(found) == len(expected)
    assert all(digest in found for digest in listed)
    assert (other in found) is (other[:8] in expected)
    assert found.has_prefix(digest_prefix(other)) is (other in found)
    assert found.has_prefix(hex_prefix(other.hex())) is (other in found)


@given(listed=st.sets(PREFIXES), other=PREFIXES)
def test_sorted_numbers_are_taken_as_they_are(listed, other):
    found = DigestSet(array("Q", sorted(listed)))

    assert len(found) == len(listed)
    assert all(found.has_prefix(one) for one in listed)
    for near in (other, *(one ^ 1 for one in listed)):
        assert found.has_prefix(near) is (near in listed)


@given(listed=st.lists(DIGESTS))
def test_its_bytes_make_an_equal_set(listed):
    found = DigestSet.of(listed)

    assert DigestSet(bytes(found)) == found
    assert len(bytes(found)) == 8 * len(found)


@given(listed=st.lists(DIGESTS, min_size=1))
def test_order_and_repeats_make_no_other_set(listed):
    assert DigestSet.of([*reversed(listed), listed[0]]) == DigestSet.of(listed)


def test_the_prefix_of_a_digest_is_the_same_for_ever():
    assert digest_prefix(ANN) == 0x8832AFBBBC8067D2
    assert hex_prefix(ANN.hex()) == hex_prefix(ANN.hex().upper()) == digest_prefix(ANN)


def test_what_is_not_listed_is_not_found():
    found = DigestSet.of([ANN])

    assert ANN in found
    assert BEN not in found
    assert ANN not in DigestSet()
    assert not DigestSet()
    assert found != DigestSet.of([BEN])
    assert found != [digest_prefix(ANN)]


def test_it_shows_how_large_it_is_and_nobody_in_it():
    assert repr(DigestSet.of([ANN, BEN])) == "<DigestSet of 2>"


@pytest.mark.parametrize("digest", [b"", ANN[:8], ANN + b"\0"])
def test_a_digest_of_another_length_is_an_error_and_never_a_no(digest):
    with pytest.raises(ValueError, match="16 bytes"):
        digest_prefix(digest)
    with pytest.raises(ValueError, match="16 bytes"):
        assert digest in DigestSet.of([ANN])
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        hex_prefix(digest.hex())


def test_digits_that_are_not_hexadecimal_are_an_error():
    with pytest.raises(ValueError, match="invalid literal"):
        hex_prefix("x" * 32)


@pytest.mark.parametrize("digests", [[b""], [ANN, BEN[:8]]])
def test_a_set_of_half_a_digest_cannot_be_made(digests):
    with pytest.raises(ValueError, match="16 bytes"):
        DigestSet.of(digests)


def test_numbers_of_another_size_make_no_set():
    with pytest.raises(ValueError, match="not L"):
        DigestSet(array("L", [1]))


def test_bytes_that_end_within_a_number_make_no_set():
    with pytest.raises(ValueError, match="multiple"):
        DigestSet(bytes(15))
