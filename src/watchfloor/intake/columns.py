"""Which column of an upload is what, checked against the campaign's audience."""

from __future__ import annotations

import re
from collections import Counter
from difflib import get_close_matches
from unicodedata import normalize

from watchfloor.domain.campaign import Audience
from watchfloor.domain.errors import ConfigError
from watchfloor.intake.contact_file import ContactFile, ContactRow
from watchfloor.intake.formula_marks import unmarked, unmarked_row
from watchfloor.intake.rejects import FIX_COLUMNS

MAX_COLUMNS = 500
_SHOWN_COLUMNS = 20
_SHOWN_CHARS = 40
_CONTACT_LIKE = re.compile(r"@|(?:\d\D?){7}")


class Columns:
    """The header of one upload.

    Attributes:
        names: Without the columns of a fix file; an unnamed one is ``column_3``.
        contact: The contact's place in a row's cells.
        region: The region's place, if the audience names a column for it.
        zone: The time zone's place, if the audience names a column for it.
        required: Places and names of the cells that must not be empty.
        dropped: Places of the columns of a fix file.
        has_prefix: Whether rows begin with the columns of a fix file.

    Raises:
        ConfigError: With everything that makes the header unusable.
    """

    def __init__(self, file: ContactFile, audience: Audience, origin: str) -> None:
        header = file.header
        every = [_name(at, cell) for at, cell in enumerate(header)]
        self.dropped = frozenset(
            at for at, name in enumerate(every) if name in FIX_COLUMNS
        )
        if self.dropped:
            every = [_name(at, unmarked(cell)) for at, cell in enumerate(header)]
        self.names = tuple(name for name in every if name not in FIX_COLUMNS)
        self.has_prefix = tuple(every[: len(FIX_COLUMNS)]) == FIX_COLUMNS
        self._delimiter = file.delimiter
        self._prefix = _prefix_pattern(file.delimiter)
        mistakes = [*self._unusable(), *self._missing(audience)]
        if mistakes:
            raise ConfigError(*(f"{origin}: {mistake}" for mistake in mistakes))
        place = {name: at for at, name in enumerate(every)}
        self.contact = place[audience.contact]
        self.region = place.get(audience.region_column)
        self.zone = place.get(audience.zone_column)
        self.required = tuple((place[name], name) for name in audience.required)

    def restored(self, row: ContactRow) -> ContactRow:
        """Return a row of a fix file as it stood in the upload, in its own places."""
        cells = [unmarked(cell) for cell in row.cells]
        return row._replace(cells=cells, raw=self.restored_text(row.raw))

    def restored_text(self, raw: str) -> str:
        """Return raw text as it stood in the upload: no columns in front, no marks."""
        if self.has_prefix:
            raw = self._prefix.sub("", raw, count=1)
        return unmarked_row(raw, self._delimiter) if self.dropped else raw

    def _unusable(self) -> list[str]:
        mistakes = []
        if len(self.names) > MAX_COLUMNS:
            mistakes.append(
                f"the header has {len(self.names)} columns; at most {MAX_COLUMNS}"
            )
        twice = [name for name, times in Counter(self.names).items() if times > 1]
        mistakes += [
            f"two columns are called '{_shown(name)}'; rename or remove one"
            for name in twice[:_SHOWN_COLUMNS]
        ]
        return mistakes

    def _missing(self, audience: Audience) -> list[str]:
        wanted = {audience.contact: "contact"}
        if audience.region_column:
            wanted.setdefault(audience.region_column, "region")
        if audience.zone_column:
            wanted.setdefault(audience.zone_column, "zone")
        for name in audience.required:
            wanted.setdefault(name, "required")
        missing = [name for name in wanted if name not in self.names]
        # A file without a header would put people's numbers into the message.
        if missing and any(_CONTACT_LIKE.search(name) for name in self.names):
            contact = _shown(audience.contact)
            return [f"the first line is a row; put a header with '{contact}' first"]
        return [self._absence(wanted[name], name) for name in missing]

    def _absence(self, role: str, name: str) -> str:
        listed = ", ".join(_shown(one) for one in self.names[:_SHOWN_COLUMNS])
        more = len(self.names) - _SHOWN_COLUMNS
        if more > 0:
            listed += f" and {more} more"
        folded = {one.casefold(): one for one in reversed(self.names)}
        close = get_close_matches(name.casefold(), folded, n=1)
        guess = f"did you mean '{_shown(folded[close[0]])}'? " if close else ""
        return f"no {role} column '{_shown(name)}'; {guess}the columns are: {listed}"


def _name(at: int, cell: str) -> str:
    return normalize("NFC", cell.strip()) or f"column_{at + 1}"


def _shown(name: str) -> str:
    printable = "".join(char if char.isprintable() else "?" for char in name)
    cut = len(printable) > _SHOWN_CHARS
    return printable[: _SHOWN_CHARS - 1] + "\u2026" if cut else printable


def _prefix_pattern(delimiter: str) -> re.Pattern[str]:
    cell = rf'(?:"(?:[^"]|"")*"|[^"{re.escape(delimiter)}\r\n]*)'
    return re.compile(rf"\A(?:{cell}{re.escape(delimiter)}){{{len(FIX_COLUMNS)}}}")
