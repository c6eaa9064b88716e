"""Who must not be contacted, kept in mind: opt-outs of everybody, lists of campaigns.

An opt-out holds for every run from the commit that stores it. A campaign's lists are
files that people edit: they are read when a run opens and again when it is resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from watchfloor.domain.campaign import Audience
from watchfloor.domain.suppression import DigestSet, digest_prefix, hex_prefix
from watchfloor.intake.file_marks import FileMarks, marks_at
from watchfloor.intake.suppression_file import SuppressionList, load_apart
from watchfloor.store.layout import Layout


class _Known(NamedTuple):
    """A list as it was read, and the file's marks at that moment."""

    marks: FileMarks | None
    read: SuppressionList


class Suppressions:
    """Every opt-out of the workspace, and the lists that live runs name.

    Opt-outs are added on the committing thread; any thread may ask.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._opted_out: set[int] = set()
        self._lists: dict[tuple[str, ...], _Known] = {}

    def add(self, digests: Iterable[bytes]) -> None:
        """Take opt-outs that are stored."""
        self._opted_out.update(digest_prefix(digest) for digest in digests)

    async def lists_of(self, audience: Audience) -> tuple[SuppressionList, ...]:
        """Return the lists an audience names, read anew where a file has changed.

        Raises:
            ConfigError: One cannot be used: nobody may be contacted without it.
        """
        return tuple(
            [await self._list(audience, name) for name in audience.suppression]
        )

    async def _list(self, audience: Audience, name: str) -> SuppressionList:
        root = self._layout.root
        how = (audience.kind, audience.region)
        columns = (audience.contact, audience.region_column)
        marks = marks_at(root / name)
        known = self._lists.get((name, *how, *columns))
        if known is None or known.marks != marks:
            read = await load_apart(
                root / name,
                *how,
                column=audience.contact,
                region_column=audience.region_column,
                within=root,
            )
            known = self._lists[name, *how, *columns] = _Known(marks, read)
        return known.read

    def has_opted_out(self, digest: str) -> bool:
        """Return whether a contact, by its digest in hexadecimal, opted out."""
        # The set is asked for its size first: most workspaces have few opt-outs.
        return bool(self._opted_out) and hex_prefix(digest) in self._opted_out

    def asked_with(self, lists: Sequence[SuppressionList]) -> Callable[[str], bool]:
        """Return what tells, by a digest in hexadecimal, whether it is suppressed."""
        opted_out = self._opted_out
        sets: tuple[DigestSet, ...] = tuple(one.digests for one in lists)
        if not sets:
            return self.has_opted_out

        def is_suppressed(digest: str) -> bool:
            prefix = hex_prefix(digest)
            return prefix in opted_out or any(one.has_prefix(prefix) for one in sets)

        return is_suppressed


def unusable_lines(name: str, read: SuppressionList) -> str:
    """Return what is to be told of a list's lines that cannot be read, or nothing.

    Whoever stands on such a line is not kept from contact.
    """
    if not read.unusable:
        return ""
    rows = read.entries + read.unusable
    return (
        f"{name}: {read.unusable:,} of {rows:,} lines cannot be read, and whoever they "
        f"mean is not suppressed ({'; '.join(read.examples)})"
    )
