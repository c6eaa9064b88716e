"""Bundles made for tests: whole ones, and such as strangers send."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from watchfloor.triage.bundle_form import MANIFEST, MEMBERS
from watchfloor.triage.bundle_packing import packed

ABOUT = {"watchfloor": "0.1.0", "made_at": "2026-11-28T01:00:00.000Z", "run": "r"}
PARTS: dict[str, bytes] = {
    member.name: b"{}\n" if member.name.endswith(".json") else b"said\n"
    for member in MEMBERS
    if member.name != MANIFEST
}


def whole(**changed: bytes) -> bytes:
    """Return a whole bundle; members by name, ``_`` for the dot."""
    parts = dict(PARTS)
    for name, content in changed.items():
        parts[name.replace("_", ".", 1)] = content
    return packed(parts, ABOUT)


def manifest_of(parts: Mapping[str, bytes], **said: object) -> bytes:
    """Return a manifest that lists *parts* and says more, or something else."""
    listed = {
        name: {"bytes": len(one), "sha256": hashlib.sha256(one).hexdigest()}
        for name, one in parts.items()
    }
    told = {"watchfloor_bundle": 1, **ABOUT, "members": listed, **said}
    return json.dumps(told).encode()


def strange(path: Path, parts: Mapping[str, bytes], **said: object) -> Path:
    """Write a bundle as a stranger may: with any members, and a manifest of them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(MANIFEST, manifest_of(parts, **said))
        for name, content in parts.items():
            file.writestr(name, content)
    return path
