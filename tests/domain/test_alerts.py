from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from watchfloor.domain.alerts import (
    AGAIN_AFTER_MS,
    Alert,
    AlertKind,
    AlertRules,
    Cause,
    Clear,
    Hook,
    Miss,
    Raise,
    Summary,
    decide,
)

NOW_MS = 1_800_000_000_000
ALL = AlertRules(on=frozenset(AlertKind))
FLAPPING = [AlertKind.STALLED, AlertKind.SLOW, AlertKind.FAILING, AlertKind.STORE]


def cause(kind=AlertKind.STALLED, run_id="run-1", since_ms=NOW_MS - 60_000):
    return Cause(kind, run_id, since_ms, f"{kind} since a while")


def alert(kind=AlertKind.STALLED, number=1, **values):
    about = cause(kind)
    given = {
        "alert_id": number,
        "kind": kind,
        "run_id": about.run_id,
        "mark": about.mark,
        "since_ms": about.since_ms,
        "said": about.said,
        "raised_at_ms": about.since_ms,
    }
    return Alert(**{**given, **values})


def decided(known, causes, rules=ALL, now_ms=NOW_MS, *, is_quiet=False):
    return decide(known, causes, rules, now_ms, is_quiet=is_quiet)


@pytest.mark.parametrize("kind", AlertKind)
def test_a_cause_that_begins_is_one_alert_and_none_while_it_lasts(kind):
    assert decided([], [cause(kind)]) == (Raise(cause(kind), is_held=False),)
    assert decided([alert(kind)], [cause(kind)]) == ()


def test_nothing_wrong_and_nothing_known_asks_for_nothing():
    assert decided([], []) == ()


def test_what_the_file_does_not_ask_for_is_no_alert():
    rules = AlertRules(on=frozenset({AlertKind.FAILED}))

    assert decided([], [cause(AlertKind.SLOW)], rules) == ()


def test_alerts_of_different_runs_and_kinds_are_different_alerts_oldest_first():
    causes = [
        cause(run_id="run-2", since_ms=NOW_MS - 1),
        cause(AlertKind.SLOW, since_ms=NOW_MS - 3),
        cause(since_ms=NOW_MS - 2),
    ]

    raised = [one.cause for one in decided([], causes)]

    assert raised == [causes[1], causes[2], causes[0]]


@pytest.mark.parametrize("kind", FLAPPING)
def test_a_flapping_cause_keeps_its_alert_until_it_has_been_gone_for_long(kind):
    known = alert(kind)
    gone = replace(known, gone_at_ms=NOW_MS)

    assert decided([known], []) == (Miss(known, NOW_MS),)
    assert decided([gone], [], now_ms=NOW_MS + AGAIN_AFTER_MS - 1) == ()
    assert decided([gone], [cause(kind, since_ms=NOW_MS + 5)]) == (Miss(gone, None),)
    assert decided([gone], [], now_ms=NOW_MS + AGAIN_AFTER_MS) == (
        Clear(gone, NOW_MS, is_held=False, tells=True),
    )


def test_after_it_was_cleared_the_same_cause_is_a_new_alert():
    over = alert(cleared_at_ms=NOW_MS - 1, is_held=True)

    effects = decided([over], [cause()], is_quiet=True)

    assert effects == (Raise(cause(), is_held=True),)


def test_a_second_pause_by_the_engine_is_a_second_cause_though_the_first_just_ended():
    first = alert(AlertKind.AUTO_PAUSED)
    second = cause(AlertKind.AUTO_PAUSED, since_ms=NOW_MS)

    assert decided([first], [second]) == (
        Clear(first, NOW_MS, is_held=False, tells=True),
        Raise(second, is_held=False),
    )


@pytest.mark.parametrize("kind", AlertKind)
def test_the_end_is_told_of_what_can_end_and_where_the_file_asks_for_it(kind):
    gone = alert(kind, gone_at_ms=NOW_MS - AGAIN_AFTER_MS)
    for tells_cleared in (True, False):
        rules = replace(ALL, tells_cleared=tells_cleared)
        tells = kind.lasts and tells_cleared

        assert decided([gone], [], rules) == (
            Clear(gone, NOW_MS - AGAIN_AFTER_MS, is_held=False, tells=tells),
        )


@pytest.mark.parametrize("kind", AlertKind)
def test_a_kind_that_is_taken_out_of_the_file_ends_at_once_and_in_silence(kind):
    effects = decided([alert(kind)], [cause(kind)], AlertRules())

    assert effects == (Clear(alert(kind), NOW_MS, is_held=False, tells=False),)


def test_quiet_hours_hold_what_is_not_urgent():
    rules = replace(ALL, urgent=frozenset({AlertKind.FAILED}))
    causes = [cause(AlertKind.FAILED, since_ms=NOW_MS - 2), cause(since_ms=NOW_MS - 1)]

    effects = decided([], causes, rules, is_quiet=True)

    assert effects == (
        Raise(causes[0], is_held=False),
        Raise(causes[1], is_held=True),
    )


def test_the_end_of_what_was_told_before_is_held_in_quiet_hours_too():
    told = alert(AlertKind.AUTO_PAUSED)

    assert decided([told], [], is_quiet=True) == (
        Clear(told, NOW_MS, is_held=True, tells=False),
    )


def test_when_quiet_hours_end_everything_held_is_told_at_once():
    stands = alert(is_held=True)
    over = alert(AlertKind.SLOW, 2, is_held=True, cleared_at_ms=NOW_MS - 9)
    ends = alert(AlertKind.AUTO_PAUSED, 3, is_held=True)
    told = alert(AlertKind.FAILED, 4)
    causes = [cause(), cause(AlertKind.FAILED)]

    assert decided([stands, over, ends, told], causes) == (
        Clear(ends, NOW_MS, is_held=True, tells=False),
        Summary((1, 2, 3)),
    )
    assert decided([stands, over], causes[:1], is_quiet=True) == ()


def worlds():
    """Yield every kind, standing, cause, quiet, urgency and wish there is."""
    for kind, flags in product(AlertKind, product((False, True), repeat=8)):
        known, gone, held, here, quiet, urgent, cleared, on = flags
        if (gone or held) and not known:
            continue
        rules = AlertRules(
            on=frozenset({kind}) if on else frozenset(),
            urgent=frozenset({kind}) if urgent else frozenset(),
            tells_cleared=cleared,
        )
        gone_at_ms = NOW_MS - AGAIN_AFTER_MS if gone else None
        standing = alert(kind, gone_at_ms=gone_at_ms, is_held=held)
        yield (
            [standing] if known else [],
            [cause(kind)] if here else [],
            rules,
            quiet,
        )


def test_in_every_world_there_is_one_alert_per_cause_and_nothing_is_told_twice():
    count = 0
    for known, causes, rules, quiet in worlds():
        count += 1
        effects = decided(known, causes, rules, is_quiet=quiet)
        raised = [one for one in effects if isinstance(one, Raise)]
        cleared = [one for one in effects if isinstance(one, Clear)]
        summaries = [one for one in effects if isinstance(one, Summary)]
        told = [
            *(one for one in raised if not one.is_held),
            *(one for one in cleared if one.tells),
        ]
        wanted = [one for one in causes if one.kind in rules.on]

        assert len(effects) == len(raised) + len(cleared) + len(summaries) + sum(
            isinstance(one, Miss) for one in effects
        )
        # One alert for a cause, and none for what nobody asked for.
        assert [one.cause for one in raised] == ([] if known else wanted)
        # What lasts is not cleared; what the file dropped always is.
        assert len(cleared) <= len(known)
        if known and wanted:
            assert not cleared
        if known and not rules.on:
            assert cleared
        # Quiet is quiet, but for what is urgent.
        if quiet:
            assert not summaries
            assert not told or rules.urgent
        # What was held is told in the summary, and only there.
        held = [one for one in known if one.is_held]
        assert bool(summaries) == (bool(held) and not quiet)
        if held:
            assert not [one for one in cleared if one.tells]
            assert all(one.is_held for one in cleared)
    assert count == len(AlertKind) * (2**8 - 3 * 2**5)


def test_a_hook_is_called_by_its_kind_and_its_name():
    assert Hook(kind="webhook", name="on-call").label == "webhook on-call"
