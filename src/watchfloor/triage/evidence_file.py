"""Evidence as JSON: written here, judged elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.evidence import FORMAT, Evidence
from watchfloor.triage.frozen_json import from_json, to_json

_FORMAT_KEY: Final = "format"
#: Of a file of evidence; one that is written here has some tens of kilobytes.
MOST_BYTES: Final = 8 * 1024 * 1024


def evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    """Return evidence fit for JSON, with the version of its form."""
    return {_FORMAT_KEY: FORMAT, **to_json(evidence)}


def evidence_from_json(given: Mapping[str, Any]) -> Evidence:
    """Return the evidence that JSON tells; texts are as they came.

    Raises:
        ConfigError: It is of another version, or no evidence; the sentence says where
            and what is wrong. Nothing was judged.
    """
    if not isinstance(given, dict):
        raise ConfigError("evidence is a JSON object, and this is none; not judged")
    form = given.get(_FORMAT_KEY)
    if type(form) is not int or form != FORMAT:
        msg = (
            f"this evidence is of form {str(form)!r:.40} and this Watchfloor reads "
            f"form {FORMAT}; nothing was judged. Use the Watchfloor that wrote it"
        )
        raise ConfigError(msg)
    told = {name: one for name, one in given.items() if name != _FORMAT_KEY}
    try:
        return from_json(Evidence, told, "evidence")
    except ValueError as error:
        msg = f"{error}; nothing was judged. Ask for the bundle again"
        raise ConfigError(msg) from error


def read_evidence(path: Path) -> Evidence:
    """Return the evidence in a file.

    Raises:
        ConfigError: It cannot be read, is too large, no JSON, or no evidence.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}; nothing was judged"
        raise ConfigError(msg) from error
    if len(content) > MOST_BYTES:
        msg = f"{path} is larger than evidence ever is; nothing was judged"
        raise ConfigError(msg)
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        msg = f"{path} is no JSON; nothing was judged"
        raise ConfigError(msg) from error
    return evidence_from_json(given)
