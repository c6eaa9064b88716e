"""Names that must be unique, and keys that must stay the same."""

from __future__ import annotations

import re
from base64 import b32encode
from datetime import UTC, datetime
from hashlib import blake2b, sha256

_DIGEST_BYTES = 16
_SEPARATOR = b"\x1f"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)


def contact_digest(kind: str, contact: str) -> bytes:
    """Return 16 bytes that stand for one normalised contact in every run.

    Args:
        kind: ``phone``, ``email`` or ``id``.
        contact: Normalised; see ``intake.normalise``.
    """
    return blake2b(f"{kind}:{contact}".encode(), digest_size=_DIGEST_BYTES).digest()


def dedupe_key(family: str, step: str, contact: bytes, generation: int) -> str:
    """Return the idempotency key of one record's step: 32 hexadecimal digits.

    It depends on what must not be repeated and on nothing else: the run family (a run
    and its children), the step, the contact and the delivery generation. That is 0 for
    every record, since what an operator sends again keeps its key too. Retries and
    crashes cannot change it.

    Its first half is the contact's, so that a provider's later report that names only
    the key finds its record by an index that is there anyway.
    """
    parts = (family.encode(), step.encode(), contact, str(generation).encode())
    rest = blake2b(_SEPARATOR.join(parts), digest_size=_DIGEST_BYTES // 2)
    return contact[: _DIGEST_BYTES // 2].hex() + rest.hexdigest()


def contact_prefix(key: str) -> bytes | None:
    """Return the first 8 bytes of the contact's digest that *key* names, or None."""
    if not _KEY.fullmatch(key):
        return None
    return bytes.fromhex(key)[: _DIGEST_BYTES // 2]


def run_fingerprint(campaign_id: str, upload_sha256: str, audience_filter: str) -> str:
    """Return what makes two runs twins: same campaign, same upload, same filter."""
    text = "\x1f".join((campaign_id, upload_sha256, audience_filter))
    return sha256(text.encode()).hexdigest()[:32]


def is_plain_id(text: str) -> bool:
    """Whether an id that somebody chose may name a run, and so a file."""
    return _PLAIN.fullmatch(text) is not None


def new_id(now_ms: int, entropy: bytes) -> str:
    """Return an id that sorts by time and can be typed: ``261122-155432-k7q2``.

    Args:
        now_ms: Milliseconds since 1970 UTC.
        entropy: At least 3 random bytes; more bytes make a longer, safer tail.
    """
    at = datetime.fromtimestamp(now_ms / 1000, UTC)
    # Whole signs only: neither padding nor one that bits are missing of.
    tail = b32encode(entropy).decode().lower()[: len(entropy) * 8 // 5]
    return f"{at:%y%m%d-%H%M%S}-{tail}"
