"""Symptom, cause, fix: the table that a verdict's row is chosen from (2.10).

``docs/guides/triage.md`` says the same; a test holds the two equal.
"""

from __future__ import annotations

from typing import Final

from watchfloor.domain.runbook import Fix

#: The first row that names a verdict's cause is its row.
FIXES: Final = (
    Fix(
        "never moves",
        "no engine is alive",
        "start one: watchfloor engine; if it does not stay: watchfloor doctor",
        ("runtime",),
    ),
    Fix(
        "never moves",
        "the store takes no writes, or the disk is all but full",
        "make room, then look: watchfloor doctor",
        ("store",),
    ),
    Fix(
        "failed",
        "campaign, template or upload cannot be used as they are",
        "recheck them with: watchfloor campaign check; launch again",
        ("status",),
    ),
    Fix(
        "running, and no attempt completes",
        "the provider refuses our access",
        "mend the channel's credentials, then resume",
        ("access",),
    ),
    Fix(
        "running, and no attempt completes",
        "the provider's breaker opened",
        "ask the provider; resume once it answers",
        ("breaker",),
    ),
    Fix(
        "never moves",
        "the engine paused the run with a reason, or a person did and forgot it",
        "mend what the reason names, or ask who paused it; then resume",
        ("gate",),
    ),
    Fix(
        "never moves",
        "it waits for a person's word",
        "look at the first outcomes, then: watchfloor approve",
        ("approval",),
    ),
    Fix(
        "PLAN_LIMIT on start",
        "the month's runs or records are used up",
        "wait for the next month, or raise the plan in watchfloor.toml",
        ("quota",),
    ),
    Fix(
        "running, and no attempt completes",
        "permits are held by attempts that do not end, or by other runs",
        "ask the provider; pause and resume; raise shared limits",
        ("permits", "shared"),
    ),
    Fix(
        "running, and no attempt completes",
        "the engine stands still although work could start",
        "hand over to engineering with a bundle; pause and resume it once",
        ("progress", "intake", "callbacks", "retried"),
    ),
    Fix(
        "somebody may be contacted twice",
        "a second run of the same campaign and people",
        "pause both, keep the one that is meant, cancel the other",
        ("twin",),
    ),
    Fix(
        "somebody may be contacted twice",
        "a delivery was repeated, or tried again after it failed for good",
        "pause the run, do not retry, hand over to engineering",
        ("deliveries", "final"),
    ),
    Fix(
        "failures again and again for a large segment",
        "the provider fails, or asks for a slower pace",
        "lower the pace or pause; hand over with a bundle",
        ("provider", "retry share", "retry path"),
    ),
    Fix(
        "only some records fail",
        "they have a prefix, a domain or a step in common",
        "open the journey of a failed record; correct or leave out those contacts",
        ("segment",),
    ),
    Fix(
        "completed, but contacts are wrong",
        "outcomes and codes say why",
        "look at failed records and the journey of one: watchfloor records, journey",
        ("outcomes",),
    ),
    Fix(
        "may have been delivered, and nobody knows",
        "an attempt was cut off, or its answer was lost",
        "resolve each by what the provider says; see which: watchfloor unknowns",
        ("unknown",),
    ),
    Fix(
        "far fewer deliveries than expected",
        "rows of the upload are malformed, or read by the wrong region",
        "watchfloor rejects RUN -o FILE, corrected, is taken up as a child run",
        ("rejects", "region", "encoding"),
    ),
    Fix(
        "far fewer deliveries than expected",
        "suppression lists, the filter or the window leave people out",
        "recheck lists, filter and window of the campaign",
        ("suppression", "filter", "window", "recipients"),
    ),
    Fix(
        "far fewer deliveries than expected",
        "it is slower than it should be",
        "take back the change that coincides, or raise pace and permits",
        ("slowdown", "pace", "late"),
    ),
    Fix(
        "the figures do not add up",
        "counters and rows disagree",
        "trust neither; watchfloor books --audit; hand over to engineering",
        ("expected",),
    ),
    Fix(
        "numbers stale",
        "the page shows what it read, on purpose",
        "refresh it: r",
        (),
    ),
)


def fix_for(cause: str) -> Fix | None:
    """Return the table's row of a cause; None where nothing is to be mended."""
    return next((row for row in FIXES if cause in row.causes), None)
