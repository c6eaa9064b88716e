from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.triage.paper_evidence import child, later, neighbour, told
from tests.triage.test_checks import HEALTHY, SICK

from watchfloor.domain.errors import ConfigError
from watchfloor.triage.evidence_file import (
    MOST_BYTES,
    evidence_from_json,
    evidence_to_json,
    read_evidence,
)
from watchfloor.triage.reporting import triage

WHOLE = later(told(neighbours=(neighbour(),), relatives=(child(1, 2),)), delivered=500)


def carried(evidence: Any) -> dict[str, Any]:
    """Return evidence as it arrives elsewhere."""
    told: dict[str, Any] = json.loads(json.dumps(evidence_to_json(evidence)))
    return told


@pytest.mark.parametrize("case", [*SICK, *HEALTHY])
def test_evidence_is_carried_whole_and_judged_alike(case):
    evidence = SICK[case][1] if case in SICK else HEALTHY[case]
    again = evidence_from_json(carried(evidence))
    assert again == evidence
    assert triage(again) == triage(evidence)


def test_what_is_left_out_and_has_a_rule_takes_it():
    given = carried(WHOLE)
    del given["neighbours"], given["free_bytes"]
    again = evidence_from_json(given)
    assert again == replace(WHOLE, neighbours=(), free_bytes=None)


@pytest.mark.parametrize("form", [None, 0, 2, "1", True, 1.0, [1]])
def test_another_form_is_refused_in_words(form):
    given = {**carried(WHOLE), "format": form}
    with pytest.raises(ConfigError, match="reads form 1; nothing was judged"):
        evidence_from_json(given)


def at(*path: str | int) -> Callable[[dict[str, Any], Any], None]:
    def put(given: dict[str, Any], value: Any) -> None:
        inner: Any = given
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value

    return put


@pytest.mark.parametrize(
    ("put", "value", "sentence"),
    [
        (at("run"), [], "evidence.run is not an object"),
        (at("run", "books", "pending"), "5", "run.books.pending is not a count"),
        (at("run", "books", "pending"), -5, "run.books.pending is not a count"),
        (at("run", "books", "pending"), True, "run.books.pending is not a count"),
        (at("run", "books", "pending"), 10**30, "run.books.pending is not a count"),
        (at("run", "books", "penning"), 5, "an entry 'penning' that there is not"),
        (at("run", "lifecycle", "phase"), "flying", "phase is not one of queued"),
        (at("run", "lifecycle", "phase"), {}, "phase is not one of queued"),
        (at("run", "campaign_name"), None, "campaign_name is not a text"),
        (at("run", "campaign_name"), "x" * 20_001, "longer than 20,000 characters"),
        (at("run", "spent_ms"), {"active": "x"}, "spent_ms.active is not a count"),
        (at("attempts_per_s"), float("nan"), "attempts_per_s is not a number of"),
        (at("attempts_per_s"), "fast", "attempts_per_s is not a number"),
        (at("situation", "engine_alive"), 1, "engine_alive is not true or false"),
        (at("neighbours"), {}, "evidence.neighbours is not a list"),
        (at("neighbours"), [1] * 20_001, "more than 20,000 entries"),
        (at("neighbours", 0), [], "neighbours[0] is not an object"),
        (at("recent", "tallies", 0, "outcome_class"), "fine", "not one of delivered"),
        (at("situation", "shared"), [{"scope": 1}], "scope is not a text"),
        (at("surprise"), 1, "an entry 'surprise' that there is not"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(put, value, sentence):
    given = carried(WHOLE)
    put(given, value)
    with pytest.raises(ConfigError) as refused:
        evidence_from_json(given)
    assert sentence in str(refused.value)
    assert "nothing was judged" in str(refused.value)


def test_what_is_missing_is_named():
    given = carried(WHOLE)
    del given["run"]["lifecycle"], given["engine"]
    with pytest.raises(ConfigError, match="evidence has no engine"):
        evidence_from_json(given)


@pytest.mark.parametrize("given", [None, [], "evidence", 1])
def test_no_object_is_no_evidence(given):
    with pytest.raises(ConfigError, match="not judged"):
        evidence_from_json(given)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{", b"[" * 100_000, b"[" + b"9" * 5_000 + b"]"],
)
def test_a_file_that_is_no_evidence_is_refused_by_name(tmp_path, content):
    path = tmp_path / "evidence.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"no(t| JSON)"):
        read_evidence(path)


def test_a_file_too_large_is_not_read(tmp_path):
    path = tmp_path / "evidence.json"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ConfigError, match="larger than evidence ever is"):
        read_evidence(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_evidence(tmp_path / "none.json")


def test_absurd_figures_are_judged_without_a_mistake():
    given = carried(WHOLE)
    most = 253_402_300_799_999
    for name in given["run"]["books"]:
        given["run"]["books"][name] = most
    for name in ("as_of_ms", "expected_ms"):
        given[name] = most
    for name in ("created_at_ms", "started_at_ms", "progress_at_ms"):
        given["run"][name] = 0
    given["situation"]["next_retry_s"] = 1e14
    given["run"]["rate_per_s"] = 1e-14
    assert triage(evidence_from_json(given)).text
