"""What an operator should know before giving the word a run waits for."""

from __future__ import annotations

from watchfloor.console.figures import coming_time, counted, full_time, rate
from watchfloor.console.questions import Question
from watchfloor.domain.books import Books
from watchfloor.domain.errors import EXPLANATIONS, Refusal
from watchfloor.domain.progress import in_flight
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate
from watchfloor.domain.views import RunView

#: What a first batch came to, in the order in which it is told.
_TOLD = (
    RecordState.DELIVERED,
    RecordState.FAILED,
    RecordState.UNKNOWN,
    RecordState.RETRY,
    RecordState.CALLBACK,
    RecordState.EXPIRED,
)


def no_approval(run: RunView) -> tuple[Refusal, str] | None:
    """Return why a run waits for nobody's word; None where it does."""
    if run.awaits_approval:
        return None
    if run.lifecycle.is_ended:
        return Refusal.ALREADY_ENDED, EXPLANATIONS[Refusal.ALREADY_ENDED]
    if run.approve_after is None:
        return Refusal.NOT_YET, "its campaign asks for nobody's word; nothing waits"
    if run.approved_at_ms is not None:
        given = full_time(run.approved_at_ms)
        return Refusal.NOT_YET, f"the word was given already, {given}"
    made = f"{run.books.attempts:,} of {counted(run.approve_after, 'attempt')}"
    return (
        Refusal.NOT_YET,
        f"{made} made before the word is asked for; look again later",
    )


def approval_question(run: RunView, now_ms: int) -> Question:
    """Return the question that is asked before the word is given."""
    return Question(
        title=f"Approve {run.campaign_name}?",
        state=f"{run.run_id} is {run.label}, version {run.version}",
        lines=(
            _made(run),
            _outcomes(run.books),
            _next(run),
            *_holds(run, now_ms),
            "The word cannot be taken back; p pauses the run at any time.",
        ),
        yes="Yes, approve it",
        wants_reason=True,
    )


def _made(run: RunView) -> str:
    books = run.books
    made = f"{counted(books.attempts, 'attempt')} made so far"
    if flying := in_flight(run):
        made += f", {flying:,} of them still in flight"
    return f"{made}; the campaign waits for a word after {run.approve_after:,}."


def _outcomes(books: Books) -> str:
    counts = [
        f"{books.count(state):,} {state.word}"
        for state in _TOLD
        if books.count(state) or state in _TOLD[:3]
    ]
    return f"What came of them, in records: {', '.join(counts)}."


def _next(run: RunView) -> str:
    left = run.books.eligible + run.books.callback + run.books.waiting
    pace = "unpaced" if run.rate_per_s is None else f"at {rate(run.rate_per_s)}"
    return (
        f"{counted(left, 'record')} left: once approved, they are attempted {pace}, "
        f"at most {run.permits:,} in flight."
    )


def _holds(run: RunView, now_ms: int) -> list[str]:
    held: list[str] = []
    if run.lifecycle.gate is not Gate.OPEN:
        held.append(f"The run is {run.lifecycle.gate.value}: u must follow too.")
    if run.shut_until_ms is not None:
        opens = coming_time(run.shut_until_ms, now_ms)
        held.append(f"The window is closed: nothing starts before {opens} UTC.")
    elif run.held:
        held.append(f"{counted(run.held, 'record')} rest outside their window.")
    return held
