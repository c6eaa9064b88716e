"""Which sicknesses are planted, and what triage must say of each; and who is well."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.triage.library import (
    audience_plants,
    engine_plants,
    healthy,
    limit_plants,
    provider_plants,
    waiting_plants,
)
from tests.triage.library.bed import Plant

from watchfloor.domain.runbook import Symptom

STUCK, FEW = Symptom.STUCK, Symptom.FEW
FAILING, DUPLICATES = Symptom.FAILING, Symptom.DUPLICATES


class Case(NamedTuple):
    """One planted sickness.

    Attributes:
        symptom: What an operator sees first.
        cause: The check that must find it.
        level: Who must act: 1 operator, 2 assisted, 3 engineering.
        says: What the finding must say beside that: words of it or of its figures.
    """

    plant: Plant
    symptom: Symptom
    cause: str
    level: int
    says: str

    @property
    def name(self) -> str:
        """The plant's name, as the table and the tests call it."""
        return name_of(self.plant)


def name_of(plant: Plant) -> str:
    """Return what a plant is called."""
    return str(getattr(plant, "__name__", plant))


SICK: Final = (
    # The engine.
    Case(engine_plants.engine_killed, STUCK, "runtime", 1, "No engine is alive"),
    Case(engine_plants.engine_never_started, STUCK, "runtime", 1, "10 min"),
    Case(
        engine_plants.engine_stopped_in_good_order,
        *(STUCK, "runtime", 1, "No engine is alive"),
    ),
    Case(engine_plants.loop_blocked_by_a_channel, STUCK, "runtime", 2, "hangs"),
    Case(engine_plants.dispatch_wedged, STUCK, "progress", 3, "Stalled"),
    Case(engine_plants.permits_leaked, STUCK, "permits", 2, "10 min"),
    Case(engine_plants.intake_hangs, STUCK, "intake", 2, "30 min"),
    Case(engine_plants.disk_full, STUCK, "store", 2, "full"),
    # The provider.
    Case(provider_plants.provider_hangs, STUCK, "permits", 2, "4 of 4"),
    Case(provider_plants.provider_says_too_many, FAILING, "provider", 3, "http_429"),
    Case(provider_plants.provider_fails_most, FAILING, "provider", 3, "http_503"),
    Case(
        provider_plants.provider_as_sick_as_before,
        *(FAILING, "provider", 3, "at most 10 %"),
    ),
    Case(
        provider_plants.provider_refuses_connections,
        *(STUCK, "breaker", 3, "connection_refused"),
    ),
    Case(provider_plants.provider_goes_down, STUCK, "breaker", 3, "http_503"),
    Case(provider_plants.credentials_refused, STUCK, "access", 1, "401"),
    Case(provider_plants.guard_paused, STUCK, "gate", 1, "permanent 100 %"),
    Case(provider_plants.numbers_of_one_prefix_fail, FAILING, "segment", 1, "+49301"),
    Case(provider_plants.everybody_fails_for_good, FAILING, "outcomes", 1, "http_404"),
    Case(provider_plants.nobody_of_a_few_reached, FAILING, "outcomes", 1, "None of 12"),
    Case(
        provider_plants.unknown_pile_after_a_crash,
        DUPLICATES,
        "unknown",
        2,
        "12 records",
    ),
    Case(provider_plants.retry_storm, FEW, "retry share", 2, "retries"),
    # Limits and speed.
    Case(limit_plants.permits_held_by_another_run, STUCK, "shared", 1, "channel:web"),
    Case(limit_plants.pace_too_low, FEW, "pace", 1, "1/h"),
    Case(limit_plants.template_slows, FEW, "slowdown", 1, "letter"),
    Case(limit_plants.limits_lowered, FEW, "slowdown", 1, "1 permit"),
    Case(limit_plants.permits_fewer_than_before, FEW, "slowdown", 1, "permits"),
    Case(limit_plants.provider_slower_than_ever, FEW, "slowdown", 2, "no change"),
    Case(limit_plants.should_have_ended, FEW, "late", 1, "should have ended"),
    Case(limit_plants.plan_used_up, STUCK, "quota", 1, "PLAN_LIMIT"),
    # Waiting.
    Case(waiting_plants.window_closed, STUCK, "window", 0, "30 records"),
    Case(waiting_plants.windows_of_others_closed, FEW, "window", 0, "30 records"),
    Case(waiting_plants.approval_forgotten, STUCK, "approval", 1, "5 attempts"),
    Case(waiting_plants.callbacks_far_away, STUCK, "callbacks", 0, "10 callbacks"),
    Case(waiting_plants.callbacks_only_and_paused, STUCK, "gate", 1, "lunch"),
    Case(waiting_plants.stop_whose_promises_wait, STUCK, "callbacks", 0, "10 callback"),
    Case(waiting_plants.paused_and_forgotten, STUCK, "gate", 1, "48 h"),
    Case(waiting_plants.pause_that_never_settles, STUCK, "permits", 2, "4 of 4"),
    # The upload, the audience, the campaign.
    Case(audience_plants.everybody_suppressed, FEW, "suppression", 1, "38"),
    Case(audience_plants.filter_leaves_nobody, FEW, "filter", 1, "40"),
    Case(audience_plants.duplicate_rows, DUPLICATES, "recipients", 1, "40 rows"),
    Case(audience_plants.wrong_region, FEW, "region", 1, "60"),
    Case(audience_plants.wrong_column, FEW, "rejects", 1, "40"),
    Case(audience_plants.stray_encoding, FEW, "encoding", 1, "not utf-8"),
    Case(audience_plants.secret_missing, STUCK, "status", 1, "NOBODY_SET_THIS_TOKEN"),
    Case(audience_plants.upload_gone, STUCK, "status", 1, "no such file"),
    Case(audience_plants.second_run_live, DUPLICATES, "twin", 1, "it is live"),
    Case(audience_plants.second_run_by_accident, DUPLICATES, "twin", 1, "it ended"),
    Case(
        audience_plants.delivered_twice_despite_dedupe,
        *(DUPLICATES, "deliveries", 3, "5 records"),
    ),
    Case(
        audience_plants.permanent_failures_retried,
        *(FAILING, "final", 3, "5 records"),
    ),
    Case(audience_plants.books_do_not_add_up, FEW, "expected", 3, "do not add up"),
)

#: Runs that are well.
WELL: Final[tuple[Plant, ...]] = (
    healthy.queued_a_moment_ago,
    healthy.extracting,
    healthy.running_fast,
    healthy.running_paced,
    healthy.paced_by_the_hour,
    healthy.few_transient_failures,
    healthy.paused_a_minute_ago,
    healthy.inside_window_few_held,
    healthy.callbacks_soon_due,
    healthy.completed_clean,
    healthy.completed_with_few_failures,
    healthy.stopped_by_a_person,
    healthy.cancelled_before_launch,
    healthy.just_started,
    healthy.just_resumed,
    healthy.faster_than_the_earlier_run,
    healthy.as_fast_as_the_earlier_run,
)
