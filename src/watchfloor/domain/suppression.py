"""Contacts that must not be contacted, in a set that every record can be asked of."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

_DIGEST_BYTES = 16
_PREFIX_BYTES = 8
_HEX_DIGITS = 2 * _DIGEST_BYTES
_PARTS = 256
_PART_SHIFT = 56  # leaves the first of 8 bytes


class DigestSet:
    """An immutable set of contact digests, 8 bytes of memory each.

    Only the first 64 bits of a digest are kept. A contact of the set is therefore
    always found, and one that is not in it is found by mistake with a chance of
    ``len(set) / 2**64``: 1 in 18 million million for a million contacts, which is 1 in
    180 million for a whole run over 100,000 others. The mistake leaves somebody
    uncontacted, never the other way round.

    Args:
        prefixes: ``digest_prefix`` of each, ascending, none twice, which is not
            checked: ``of`` takes digests in any order. Bytes are those that another
            set gave as ``bytes(set)`` on this machine. An array is kept, not copied,
            and its giver lets go of it.

    Raises:
        ValueError: The array is not of type ``Q``, or the bytes end within a number.
    """

    __slots__ = ("_prefixes",)

    def __init__(self, prefixes: array[int] | bytes = b"") -> None:
        if isinstance(prefixes, bytes):
            prefixes = array("Q", prefixes)
        if prefixes.typecode != "Q":
            msg = f"a digest set is made of type Q, not {prefixes.typecode}"
            raise ValueError(msg)
        self._prefixes = prefixes

    @classmethod
    def of(cls, digests: Iterable[bytes]) -> DigestSet:
        """Return the set of *digests*, which may repeat and come in any order.

        Raises:
            ValueError: One of them is no contact digest.
        """
        # Sorted part by part: sorting ten million at once would take half a gigabyte.
        parts = [array("Q") for _ in range(_PARTS)]
        for digest in digests:
            prefix = digest_prefix(digest)
            parts[prefix >> _PART_SHIFT].append(prefix)
        prefixes = array("Q")
        for part in parts:
            prefixes.extend(sorted(set(part)))
        return cls(prefixes)

    def __contains__(self, digest: bytes) -> bool:
        return self.has_prefix(digest_prefix(digest))

    def __len__(self) -> int:
        return len(self._prefixes)

    def __bytes__(self) -> bytes:
        return self._prefixes.tobytes()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DigestSet):
            return NotImplemented
        return self._prefixes == other._prefixes

    __hash__ = None  # type: ignore[assignment]  # equal by value, and large

    def __repr__(self) -> str:
        return f"<DigestSet of {len(self):,}>"

    def has_prefix(self, prefix: int) -> bool:
        """Say whether a digest of the set begins so; see ``hex_prefix``."""
        prefixes = self._prefixes
        at = bisect_left(prefixes, prefix)
        return at < len(prefixes) and prefixes[at] == prefix


def digest_prefix(digest: bytes) -> int:
    """Return the first 64 bits of a contact digest.

    Raises:
        ValueError: It has not 16 bytes; guessing would let a contact through.
    """
    if len(digest) != _DIGEST_BYTES:
        msg = f"a contact digest has {_DIGEST_BYTES} bytes, not {len(digest)}"
        raise ValueError(msg)
    return int.from_bytes(digest[:_PREFIX_BYTES], "big")


def hex_prefix(digest_hex: str) -> int:
    """Return ``digest_prefix`` of a digest written as 32 hexadecimal digits.

    Raises:
        ValueError: It is not written so.
    """
    if len(digest_hex) != _HEX_DIGITS:
        msg = f"a digest has {_HEX_DIGITS} hexadecimal digits, not {len(digest_hex)}"
        raise ValueError(msg)
    return int(digest_hex[: 2 * _PREFIX_BYTES], 16)
