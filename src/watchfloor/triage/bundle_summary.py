"""A bundle in a few lines, to be pasted above it; not yet through the door out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from watchfloor.triage.bundle_around import Around, Judged
from watchfloor.triage.bundle_gathering import Material
from watchfloor.triage.evidence_file import evidence_from_json
from watchfloor.triage.origins import failing_lines


def summary(material: Material, judged: Judged, around: Around) -> Iterable[str]:
    """Yield what whoever helps asks first: what, when, how many, what was seen."""
    run, books, zone = material.run, material.run.books, material.zone
    workspace = material.workspace
    name = f"{workspace.workspace_id} ({workspace.name})" if workspace else "unreadable"
    yield f"workspace   {name}"
    yield f"campaign    {run.campaign_id} ({run.campaign_name})"
    yield f"run         {run.run_id}, {run.label}"
    yield f"launch id   {run.launch_id or 'not launched'}"
    yield f"upload      {material.upload.upload_id}"
    yield f"sha-256     {material.upload.sha256}"
    yield f"time        {iso(material.since_ms)} to {iso(material.until_ms)}, UTC"
    local = (there(at, zone) for at in (material.since_ms, material.until_ms))
    yield f"            {' to '.join(local)}, {zone}"
    ends = f"{books.failed:,} failed, {books.delivered:,} delivered"
    yield f"counts      {ends}, {books.unknown:,} unknown of {books.records:,} records"
    yield from failing_lines(evidence_from_json(judged.evidence), "fails       ")
    yield f"books       {books.imbalance or 'balanced'}"
    yield f"seen        {around.symptom or '-'}"
    yield f"found       {judged.sentence or '-'}"
    yield ""
    yield "People are pseudonyms that hold for this bundle alone. Fields of the upload,"
    yield "names of files and secrets are left out."


def iso(at_ms: int | None) -> str | None:
    """Return ISO 8601 UTC with milliseconds, or None."""
    if at_ms is None:
        return None
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def there(at_ms: int, zone: str) -> str:
    """Return a moment as clocks in *zone* show it."""
    try:
        at = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return "-"
    return f"{at:%Y-%m-%d %H:%M:%S}"
