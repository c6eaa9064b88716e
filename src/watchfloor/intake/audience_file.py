"""An upload judged row by row: candidates for records, and rejects with reasons."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from watchfloor.domain.campaign import Audience
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.records import RejectKind
from watchfloor.intake.columns import Columns
from watchfloor.intake.contact_file import ContactFile, ContactRow
from watchfloor.intake.normalise import UnfitContactError, email, identifier, phone
from watchfloor.intake.zones import is_zone, phone_zones

_json_array: Callable[[list[str]], str] = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":")
).encode
_NEEDS_ESCAPE = re.compile(r'["\\\x00-\x1f]')
#: What a reason may repeat: something like a zone, nothing like a contact.
_ZONE_LIKE = re.compile(r"(?!.*\d{5})[A-Za-z][A-Za-z0-9_+\-/ ]{0,39}")


class Candidate(NamedTuple):
    """A valid row; whether it becomes a record is the engine's to say.

    Attributes:
        row_no: From 1, header not counted.
        contact: Normalised.
        digest: The contact's 16 bytes; equal digests are duplicates.
        values_json: A JSON array of the cells, in the order of the columns.
        raw: The row exactly as received, without its line end.
        zones: Names of all zones in which the recipient may be, joined by ``|``; empty
            where nobody asked for them.
    """

    row_no: int
    contact: str
    digest: bytes
    values_json: str
    raw: str
    zones: str = ""


class Reject(NamedTuple):
    """A row that cannot become a record, and why in a few words."""

    row_no: int
    kind: RejectKind
    reason: str
    raw: str


class Batch(NamedTuple):
    """Some rows of the upload, in file order.

    Attributes:
        rows: How many rows were read: candidates and rejects together.
        position: Bytes of the file taken so far, for a progress bar.
    """

    candidates: list[Candidate]
    rejects: list[Reject]
    rows: int
    position: int


class AudienceReader:
    """Read an upload as the campaign's audience asks for it.

    Duplicates are not looked for: the store knows every digest, a reader that keeps
    its memory constant does not.

    Args:
        path: The upload.
        audience: What the campaign asks for.
        by_recipient: Whether each candidate must carry its time zones.
        follows: Whether a link is gone through.

    Attributes:
        columns: The names, in the order of ``values_json``; the columns that a fix
            file puts in front are left out.
        size: Of the file, in bytes.
        raw_header: The header as received, for a fix file.

    Raises:
        ConfigError: The file cannot be used; every reason is in it.
    """

    def __init__(
        self,
        path: Path,
        audience: Audience,
        *,
        by_recipient: bool = False,
        follows: bool = True,
    ) -> None:
        self._file = ContactFile(path, follows=follows)
        try:
            self._found = found = Columns(self._file, audience, str(path))
            self._audience = audience
            self._normalised = self._normaliser()
        except BaseException:
            self._file.close()
            raise
        self._by_recipient = by_recipient
        self.columns = found.names
        self.size = self._file.size
        self.raw_header = found.restored_text(self._file.raw_header)
        self.encoding = self._file.encoding
        self.delimiter = self._file.delimiter

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        self._file.close()

    def batches(self, size: int = 2000, skip_rows: int = 0) -> Iterator[Batch]:
        """Yield the rows after *skip_rows*, *size* at a time; row numbers stay.

        Raises:
            ConfigError: The file can no longer be read; earlier batches stand.
        """
        judge = self._judged_with_zones if self._by_recipient else self._judged
        found = self._found
        candidates: list[Candidate] = []
        rejects: list[Reject] = []
        for row in self._file.rows():
            if row.row_no <= skip_rows:
                continue
            judged = judge(found.restored(row) if found.dropped else row)
            if isinstance(judged, Candidate):
                candidates.append(judged)
            else:
                rejects.append(judged)
            if len(candidates) + len(rejects) >= size:
                yield self._batch(candidates, rejects)
                candidates, rejects = [], []
        if candidates or rejects:
            yield self._batch(candidates, rejects)

    def _batch(self, candidates: list[Candidate], rejects: list[Reject]) -> Batch:
        rows = len(candidates) + len(rejects)
        return Batch(candidates, rejects, rows, self._file.position)

    def _judged(self, row: ContactRow) -> Candidate | Reject:
        row_no, _, cells, raw, problem = row
        found = self._found
        if problem:
            return Reject(row_no, RejectKind.INVALID, problem, raw)
        for at, name in found.required:
            if not cells[at] or cells[at].isspace():
                reason = f"the required column '{name}' is empty"
                return Reject(row_no, RejectKind.INVALID, reason, raw)
        try:
            contact = self._normalised(cells)
        except UnfitContactError as error:
            return Reject(row_no, RejectKind.INVALID, str(error), raw)
        if found.dropped:
            cells = [cell for at, cell in enumerate(cells) if at not in found.dropped]
        digest = contact_digest(self._audience.kind, contact)
        return Candidate(row_no, contact, digest, _values_json(cells, raw), raw)

    def _judged_with_zones(self, row: ContactRow) -> Candidate | Reject:
        judged = self._judged(row)
        if isinstance(judged, Reject):
            return judged
        row_no, contact, digest, values_json, raw, _ = judged
        at = self._found.zone
        zones = "" if at is None else row.cells[at].strip()
        if zones and not is_zone(zones):
            return Reject(row_no, RejectKind.INVALID, _no_zone(zones), raw)
        if not zones and self._audience.kind == "phone":
            zones = "|".join(phone_zones(contact))
        if not zones:
            reason = "no time zone is known for this contact"
            return Reject(row_no, RejectKind.INVALID, reason, raw)
        return Candidate(row_no, contact, digest, values_json, raw, zones)

    def _normaliser(self) -> Callable[[list[str]], str]:
        """Return what makes one row's canonical contact; it may refuse the row."""
        at, region_at = self._found.contact, self._found.region
        region = self._audience.region.upper()
        match self._audience.kind:
            case "phone" if region_at is not None:
                place = region_at
                return lambda cells: phone(cells[at], cells[place].strip() or region)
            case "phone":
                return lambda cells: phone(cells[at], region)
            case "email":
                return lambda cells: email(cells[at])
            case "id":
                return lambda cells: identifier(cells[at])
            case _:
                raise ConfigError("audience.kind: write phone, email or id")


def _no_zone(cell: str) -> str:
    shown = f"'{cell}'" if _ZONE_LIKE.fullmatch(cell) else "what stands for the zone"
    return f"{shown} is no time zone"


def _values_json(cells: list[str], raw: str) -> str:
    # Nine rows of ten need no escape, and then joining is five times as fast.
    if _NEEDS_ESCAPE.search(raw):
        return _json_array(cells)
    return '["' + '","'.join(cells) + '"]'
