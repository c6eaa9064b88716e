"""What a channel handed back, made fit to be stored; a plug-in may return anything."""

from __future__ import annotations

from dataclasses import replace

from watchfloor.domain.outcomes import Outcome, OutcomeClass

_MOST_DETAIL = 500
_MOST_ID = 200
_MOST_CODE = 64
#: Beyond it a number is no time; JSON and SQLite hold every integer below exactly.
_MOST_NUMBER = 2**53


def sound(outcome: object) -> Outcome:
    """Return *outcome* if it can be stored, its texts cut and whole, else a fault.

    What is no outcome at all is ambiguous: the channel may have sent before it failed.
    """
    if not isinstance(outcome, Outcome):
        return faulty(f"it returned {type(outcome).__name__}, which is no outcome")
    wrong = _what_is_wrong(outcome)
    if wrong:
        return faulty(wrong)
    if _is_plain(outcome):
        return outcome
    return replace(
        outcome,
        code=_storable(outcome.code, _MOST_CODE),
        detail=_storable(outcome.detail, _MOST_DETAIL),
        provider_id=_storable(outcome.provider_id, _MOST_ID),
        run_fault=_storable(outcome.run_fault, _MOST_DETAIL),
        suppress=_storable(outcome.suppress, _MOST_DETAIL),
    )


def faulty(why: str) -> Outcome:
    """Return the outcome of an attempt whose channel is at fault.

    It blames the run: a channel that fails for one record fails for all.
    """
    told = _storable(why, _MOST_DETAIL)
    return Outcome(
        outcome_class=OutcomeClass.AMBIGUOUS,
        code="channel_error",
        detail=told,
        run_fault=f"the channel fails: {told}",
    )


def _what_is_wrong(outcome: Outcome) -> str:
    kind: object = outcome.outcome_class
    if not isinstance(kind, OutcomeClass):
        return "its outcome has no class"
    texts: tuple[object, ...] = (
        outcome.code,
        outcome.detail,
        outcome.provider_id,
        outcome.run_fault,
        outcome.suppress,
    )
    if not all(isinstance(text, str) for text in texts):
        return "its outcome holds something else where text belongs"
    times: tuple[object, ...] = (outcome.retry_after_ms, outcome.due_at_ms or 0)
    if not all(isinstance(at, int) and 0 <= at <= _MOST_NUMBER for at in times):
        return "its outcome holds a time that is none"
    return ""


def _is_plain(outcome: Outcome) -> bool:
    texts = (
        outcome.code,
        outcome.detail,
        outcome.provider_id,
        outcome.run_fault,
        outcome.suppress,
    )
    return all(text.isascii() for text in texts) and (
        len(outcome.code) <= _MOST_CODE
        and len(outcome.detail) <= _MOST_DETAIL
        and len(outcome.provider_id) <= _MOST_ID
        and len(outcome.run_fault) <= _MOST_DETAIL
        and len(outcome.suppress) <= _MOST_DETAIL
    )


def _storable(text: str, most: int) -> str:
    """Return text that any store takes: half a character is replaced."""
    return text[:most].encode(errors="replace").decode()
