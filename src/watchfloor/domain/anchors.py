"""Anchors: what is kept outside of a store, to hold its chain to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from watchfloor.domain.errors import ConfigError

_FORM: Final = 1
_HASH_BYTES: Final = 32
_MOST_INSTANCE: Final = 64


class Anchor(NamedTuple):
    """That a chain had this link at a time.

    Attributes:
        instance: Which workspace's chain.
        link: The link's number.
        hash: Its hash.
        at: When that was noted, in ISO 8601 UTC.
    """

    instance: str
    link: int
    hash: bytes
    at: str

    @property
    def line(self) -> str:
        """The anchor as one line of a file, without its end."""
        return json.dumps(
            {
                "watchfloor_anchor": _FORM,
                "instance": self.instance,
                "link": self.link,
                "hash": self.hash.hex(),
                "at": self.at,
            }
        )


def anchor_at(instance: str, link: int, digest: bytes, now_ms: int) -> Anchor:
    """Return the anchor of a chain's newest link."""
    at = datetime.fromtimestamp(now_ms // 1000, UTC)
    return Anchor(instance, link, digest, f"{at:%Y-%m-%dT%H:%M:%SZ}")


def parsed_anchors(lines: Iterable[str], origin: str) -> list[Anchor]:
    """Return the anchors that a file's lines tell; empty lines tell nothing.

    Raises:
        ConfigError: A line is no anchor; which, and of what file.
    """
    found: list[Anchor] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            anchor = _parsed(line)
            if anchor is None:
                msg = (
                    f"{origin}, line {number}: this is no anchor of Watchfloor. "
                    "Nothing was verified. Give a file that `watchfloor audit anchor` "
                    "or an engine wrote"
                )
                raise ConfigError(msg)
            found.append(anchor)
    return found


def _parsed(line: str) -> Anchor | None:
    try:
        told = json.loads(line)
        form, instance, link = (
            told[name] for name in ("watchfloor_anchor", "instance", "link")
        )
        digest, at = bytes.fromhex(told["hash"]), told["at"]
        datetime.fromisoformat(at)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_sound = (
        form == _FORM
        and isinstance(instance, str)
        and 0 < len(instance) <= _MOST_INSTANCE
        and type(link) is int
        and link > 0
        and len(digest) == _HASH_BYTES
    )
    return Anchor(instance, link, digest, at) if is_sound else None
