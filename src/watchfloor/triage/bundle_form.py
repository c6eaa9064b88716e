"""What a bundle is made of: the names it may hold, and how large each may be."""

from __future__ import annotations

from typing import Final, NamedTuple

#: Of the file's form; a bundle of another one is not read.
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
SUMMARY: Final = "summary.txt"
RUN: Final = "run.json"
TRIAGE_TEXT: Final = "triage.txt"
TRIAGE: Final = "triage.json"
EVIDENCE: Final = "evidence.json"
FAILURES: Final = "failures.json"
JOURNAL: Final = "journal.json"
JOURNEYS: Final = "journeys.json"
CONFIGURATION: Final = "configuration.json"
VERSIONS: Final = "versions.json"
SCREEN: Final = "screen.svg"
SCREEN_TEXT: Final = "screen.txt"

_KIB: Final = 1024
_MIB: Final = 1024 * 1024


class Member(NamedTuple):
    """One file of a bundle.

    Attributes:
        most_bytes: Uncompressed.
        is_needed: Whether a bundle without it is damaged.
    """

    name: str
    most_bytes: int
    is_needed: bool = True


#: In the order in which they stand in the file. Nothing else is written or read.
MEMBERS: Final = (
    Member(MANIFEST, 64 * _KIB),
    Member(SUMMARY, 64 * _KIB),
    Member(RUN, 256 * _KIB),
    Member(TRIAGE_TEXT, 256 * _KIB),
    Member(TRIAGE, 1 * _MIB),
    Member(EVIDENCE, 2 * _MIB),
    Member(FAILURES, 1 * _MIB),
    Member(JOURNAL, 2 * _MIB),
    Member(JOURNEYS, 4 * _MIB),
    Member(CONFIGURATION, 1 * _MIB),
    Member(VERSIONS, 64 * _KIB),
    Member(SCREEN, 2 * _MIB, is_needed=False),
    Member(SCREEN_TEXT, 256 * _KIB, is_needed=False),
)
BY_NAME: Final = {member.name: member for member in MEMBERS}
#: Of all members together, uncompressed, and of the file itself.
MOST_BYTES: Final = 12 * _MIB
MOST_FILE_BYTES: Final = 12 * _MIB
