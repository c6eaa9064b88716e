"""Triage over sicknesses that were planted with the real engine, and over health."""

from __future__ import annotations

import pytest
from tests.triage.library.looking import planted, said_by, unused_workspace
from tests.triage.library.table import SICK, WELL, name_of

from watchfloor.domain.runbook import Sign

SICK_BY_NAME = {case.name: case for case in SICK}
WELL_BY_NAME = {name_of(plant): plant for plant in WELL}


@pytest.fixture(scope="module")
def template():
    with unused_workspace() as (_, made):
        yield made


@pytest.mark.parametrize("name", SICK_BY_NAME)
def test_triage_names_the_cause(name, tmp_path, template):
    case = SICK_BY_NAME[name]

    with planted(case.plant, tmp_path, template) as told:
        verdict = told.triage.verdict
        assert (verdict.cause, verdict.level) == (case.cause, case.level), told.text
        finding = told.finding(case.cause)
        # Not any check that fails, nor this one for another reason.
        assert finding.figures, told.text
        assert case.says in said_by(finding)
        assert case.symptom in finding.symptoms
        assert verdict.is_well == (case.level == 0)
        if case.level:
            assert (finding.sign, finding.next_action != "") == (Sign.FAIL, True)
            assert verdict.summary == finding.finding
            assert verdict.fix is not None
        else:
            # Explained: what it waits for is named, and nobody is called.
            assert (finding.sign, finding.holds) == (Sign.OK, True)
            assert told.loud == ()


@pytest.mark.parametrize("name", WELL_BY_NAME)
def test_triage_is_silent_on_health(name, tmp_path, template):
    with planted(WELL_BY_NAME[name], tmp_path, template) as told:
        assert [said_by(one) for one in told.loud] == []
        verdict = told.triage.verdict
        assert (verdict.is_well, verdict.level, verdict.consequences) == (True, 0, ())
        assert verdict.next_action == "Nothing has to be done."


def test_the_library_is_large_enough_and_shows_every_symptom_and_level():
    assert len(SICK_BY_NAME) == len(SICK) >= 26
    assert len(WELL_BY_NAME) == len(WELL) >= 15
    assert {case.level for case in SICK} == {0, 1, 2, 3}
    assert len({case.symptom for case in SICK}) == 4
    assert not SICK_BY_NAME.keys() & WELL_BY_NAME.keys()
