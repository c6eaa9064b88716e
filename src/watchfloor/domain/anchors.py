"""Anchors: what is kept outside of a store, to hold its chain to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

_FORM: Final = 1
_BEGINNING: Final = '{"watchfloor_anchor": '
_HASH_BYTES: Final = 32
_MOST_INSTANCE: Final = 64
_MOST_TOLD: Final = 5


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


class AnchorFile(NamedTuple):
    """What a file of anchors tells.

    Attributes:
        origin: What the file is called.
        anchors: Those of its lines that are one, in their order.
        wrong: The numbers of its lines that are none and that no writer leaves:
            somebody changed them, or the file is something else.
        torn: The numbers of its lines that hold the beginning of an anchor: what a
            crash or a full disk leaves of the line that was being written.
    """

    origin: str
    anchors: tuple[Anchor, ...]
    wrong: tuple[int, ...] = ()
    torn: tuple[int, ...] = ()

    @property
    def wrong_said(self) -> str:
        """What is wrong with it, in a sentence; empty where nothing is."""
        if not self.wrong:
            return ""
        return (
            f"{self.origin}, {_lines(self.wrong)} no anchor: somebody changed the "
            "file, or it is something else; the chain was held to its other "
            f"{len(self.anchors):,}"
        )

    @property
    def torn_said(self) -> str:
        """What was broken off in it, in a sentence; empty where nothing was."""
        if not self.torn:
            return ""
        return (
            f"{self.origin}, {_lines(self.torn)} the beginning of an anchor only, as a "
            "crash or a full disk leaves it; the others count"
        )


def anchors_in(files: Iterable[AnchorFile]) -> list[Anchor]:
    """Return every anchor of some files."""
    return [one for file in files for one in file.anchors]


def parsed_anchors(lines: Iterable[str], origin: str) -> AnchorFile:
    """Return what a file's lines tell; empty lines tell nothing.

    A line that cannot be read takes nothing from the others: whoever could break one
    would else keep the chain from being held to any.
    """
    found: list[Anchor] = []
    wrong: list[int] = []
    torn: list[int] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            anchor = _parsed(line)
            if anchor is not None:
                found.append(anchor)
            else:
                (torn if _is_torn(line.strip()) else wrong).append(number)
    return AnchorFile(origin, tuple(found), tuple(wrong), tuple(torn))


def _lines(numbers: tuple[int, ...]) -> str:
    told = ", ".join(f"{one:,}" for one in numbers[:_MOST_TOLD])
    more = len(numbers) - _MOST_TOLD
    if len(numbers) == 1:
        return f"line {told} is"
    return f"lines {told} and {more:,} more are" if more > 0 else f"lines {told} are"


def _is_torn(line: str) -> bool:
    """Whether a line is the beginning of an anchor, or room that was never written."""
    begins = line[: len(_BEGINNING)] == _BEGINNING[: len(line)]
    return not line.strip("\0") or (begins and "}" not in line)


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
