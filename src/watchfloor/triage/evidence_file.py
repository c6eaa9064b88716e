"""Evidence as JSON: written here, judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.evidence import FORMAT, Evidence
from watchfloor.triage.frozen_json import from_json, to_json

_FORMAT_KEY = "format"


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
