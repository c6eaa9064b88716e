from __future__ import annotations

import pytest

from watchfloor.domain.errors import (
    EXPLANATIONS,
    ConfigError,
    NotFoundError,
    OwnedError,
    Refusal,
    RefusedError,
    StoreError,
    WatchfloorError,
)


def test_the_refusals_are_the_ones_the_design_names():
    assert list(Refusal) == [
        "INTENT_PENDING",
        "ALREADY_PAUSED",
        "NOT_PAUSED",
        "NEEDS_PAUSE",
        "STOPPING",
        "ALREADY_STOPPING",
        "CANCELLING",
        "ALREADY_ENDED",
        "LAUNCHED_AT",
        "DRIFTED",
        "PLAN_LIMIT",
        "DUPLICATE_RUN",
        "SECOND_PERSON",
        "NOT_YET",
        "NOT_UNKNOWN",
        "STILL_LIVE",
        "PURGED",
        "EMPTY_COHORT",
        "ONLY_PERMANENT",
        "RETRY_LIMIT",
        "RESTORED",
        "NO_ROOM",
        "NOT_ALLOWED",
        "READ_ONLY",
    ]


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_says_its_name_what_it_means_and_what_to_do_next(refusal):
    meaning, _, next_step = EXPLANATIONS[refusal].partition("; ")

    assert str(RefusedError(refusal)) == f"{refusal}: {EXPLANATIONS[refusal]}"
    assert meaning
    assert next_step


def test_every_refusal_is_explained_once_in_its_own_words():
    assert list(EXPLANATIONS) == list(Refusal)
    assert len(set(EXPLANATIONS.values())) == len(Refusal)


def test_a_refusal_carries_its_name_and_the_particulars_of_the_case():
    error = RefusedError(Refusal.PLAN_LIMIT, "5 of 5 runs in November")

    assert error.refusal is Refusal.PLAN_LIMIT
    assert error.detail == "5 of 5 runs in November"
    assert str(error) == (
        "PLAN_LIMIT: the monthly limit is used up; wait for the next month or raise it "
        "(5 of 5 runs in November)"
    )
    assert RefusedError(Refusal.PLAN_LIMIT).detail == ""


def test_a_wrong_file_names_every_mistake_on_a_line_of_its_own():
    error = ConfigError("a.toml: no [campaign]", "a.toml: no [[steps]]")

    assert error.mistakes == ("a.toml: no [campaign]", "a.toml: no [[steps]]")
    assert str(error) == "a.toml: no [campaign]\na.toml: no [[steps]]"


def test_every_deliberate_error_has_one_root():
    assert {error.__name__ for error in WatchfloorError.__subclasses__()} >= {
        RefusedError.__name__,
        NotFoundError.__name__,
        ConfigError.__name__,
        StoreError.__name__,
    }
    assert issubclass(OwnedError, StoreError)
    assert not issubclass(WatchfloorError, (OSError, ValueError, RuntimeError))


def test_a_refusal_for_a_role_names_who_may_once_and_sends_to_nobody_else():
    """What needs an admin must not send to an operator in the same breath."""
    told = str(RefusedError(Refusal.NOT_ALLOWED, "backup needs an admin; you are not"))

    assert told == (
        "NOT_ALLOWED: this session may not do that; nothing was done (backup needs an "
        "admin; you are not)"
    )
