"""Evidence as a bundle tells it: what the checks judge, and nothing of anybody."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from watchfloor.triage.bundled_settings import filter_told
from watchfloor.triage.origins import LEAST
from watchfloor.triage.scrubbing import UPLOAD, Scrubber

#: A code that so many records or attempts share says nothing of one of them.
SHARED_BY = 5
CODE = "[code]"
_MOST_CHARS = 2_000
#: How a tally's number is called, by what it counts.
_COUNTED = ("attempts", "records", "rows")
_PART = re.compile(r"[^\W_]+")
#: What a channel makes of a status says nothing of anybody.
_OF_STATUS = re.compile(r"(?:http|smtp)(?:_\d{1,3})+")


def evidence_told(evidence: Mapping[str, Any], scrubber: Scrubber) -> dict[str, Any]:
    """Return evidence that can be judged elsewhere and names nobody.

    What is left out is left empty, so that it has the form it was written in.
    """
    run, engine = evidence.get("run", {}), evidence.get("engine", {})
    setup = evidence.get("setup", {})
    shortened = {
        **evidence,
        "run": {**run, "upload_name": UPLOAD} if run else run,
        "engine": {**engine, "host": "host"} if engine else engine,
        "events": [{**one, "origin": ""} for one in evidence.get("events", ())],
    }
    if setup:
        shortened["setup"] = {**setup, "filter": filter_told(setup.get("filter", ""))}
    told = scrubber.tree(_without_few(shortened), _MOST_CHARS)
    return dict(told) if isinstance(told, Mapping) else {}


def _without_few(value: object) -> object:
    """Return evidence whose tallies name an origin only where enough are from there.

    A domain or a number's beginning that few share may be somebody's own.
    """
    if isinstance(value, Mapping):
        return {name: _without_few(one) for name, one in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    found = Counter[str]()
    for one in value:
        if isinstance(one, Mapping) and isinstance(one.get("origin"), str):
            found[one["origin"]] += _number(one)
    return [
        {**one, "origin": ""}
        if isinstance(one, Mapping) and found.get(one.get("origin", ""), LEAST) < LEAST
        else _without_few(one)
        for one in value
    ]


def _number(tally: Mapping[str, Any]) -> int:
    counts = (tally.get(name) for name in _COUNTED)
    return next((one for one in counts if isinstance(one, int)), 0)


def codes_of_somebody(
    evidence: Mapping[str, Any], kind: str, known: Collection[str]
) -> frozenset[str]:
    """Return codes that may be made of one contact, whom nobody knows any more.

    A provider may answer with the very address: folded into a code it has neither dots
    nor ``@``, but it still ends with the domain beside which it is counted. Of an id
    only its figures can be told.

    Args:
        evidence: As JSON has it.
        kind: What the contacts are: phone, email or id.
        known: Codes whose example was looked at.
    """
    rare: set[str] = set()
    for code, origin, count in _counted(evidence):
        if code in known or count >= SHARED_BY or _OF_STATUS.fullmatch(code):
            continue
        words = "_".join(_PART.findall(origin)).casefold()
        has_domain = "." in origin and words in code.casefold()
        is_numbered = kind == "id" and any(map(str.isdigit, code))
        if has_domain or is_numbered:
            rare.add(code)
    return frozenset(rare)


def _counted(value: object) -> Iterator[tuple[str, str, int]]:
    """Yield code, origin and count of every tally, wherever it stands."""
    if isinstance(value, Mapping):
        code, origin = value.get("code"), value.get("origin", "")
        count = value.get("attempts", value.get("records"))
        if isinstance(code, str) and isinstance(origin, str) and isinstance(count, int):
            yield code, origin, count
        for one in value.values():
            yield from _counted(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _counted(one)
