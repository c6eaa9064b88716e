"""The schema of the state store. Times are integer milliseconds since 1970, UTC."""

from watchfloor.store.tables.base import metadata
from watchfloor.store.tables.chain import chain
from watchfloor.store.tables.records import (
    attempt,
    contact,
    dedupe,
    record,
    reject,
    zone_set,
)
from watchfloor.store.tables.resolutions import resolution, resolved
from watchfloor.store.tables.retries import canary, cohort
from watchfloor.store.tables.runs import (
    books,
    command,
    history,
    journal,
    lease,
    progress,
    report,
    run,
    upload,
)
from watchfloor.store.tables.workspace import (
    alert,
    alert_message,
    notice,
    quota,
    result,
    result_count,
    shared_limit,
    suppression,
)

__all__ = [
    "alert",
    "alert_message",
    "attempt",
    "books",
    "canary",
    "chain",
    "cohort",
    "command",
    "contact",
    "dedupe",
    "history",
    "journal",
    "lease",
    "metadata",
    "notice",
    "progress",
    "quota",
    "record",
    "reject",
    "report",
    "resolution",
    "resolved",
    "result",
    "result_count",
    "run",
    "shared_limit",
    "suppression",
    "upload",
    "zone_set",
]
