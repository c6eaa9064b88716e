"""Taking a retry: the cohort is frozen and the child's row stored, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchfloor.domain.canary import StageState, stage_sizes
from watchfloor.domain.cohorts import from_payload
from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.labels import native
from watchfloor.domain.recovery import RetryPreview
from watchfloor.domain.regions import Mode
from watchfloor.engine.campaigns import check_reach, checked_campaign
from watchfloor.engine.changes import Transaction, adopt
from watchfloor.engine.launching import check_id, of_campaign
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.quotas import reserve_or_refuse
from watchfloor.engine.retry_previews import retry_preview
from watchfloor.store.inbox import Command
from watchfloor.store.layout import upload_id_of
from watchfloor.store.reads.retryable import retried_run
from watchfloor.store.reads.runs import ledger_rows
from watchfloor.store.writes import retries
from watchfloor.store.writes import runs as writes


def retry(tx: Transaction, command: Command) -> str:
    """Store a run that takes up failed records of an ended one, contacting nobody yet.

    The command's run id is the child's.

    Raises:
        RefusedError: There is no retry: by name, with the figures as they are now.
        NotFoundError: There is no such parent.
        ValueError: The command makes no sense.
    """
    asked = command.payload
    check_id(tx, command)
    canary, with_unknown = asked["canary"], asked["with_unknown"]
    if not isinstance(canary, bool) or not isinstance(with_unknown, bool):
        raise TypeError("canary and with_unknown are true or false")
    now = retry_preview(
        tx.connection,
        tx.workspace.now(),
        tx.now_ms,
        str(asked["parent_id"]),
        from_payload(asked["selection"]),
        with_unknown=with_unknown,
    )
    if now.refusal is not None:
        raise RefusedError(now.refusal, now.detail)
    if now.digest != asked["digest"]:
        raise RefusedError(Refusal.DRIFTED, f"now {now.counts.told}")
    parent = ledger_rows(tx.connection, now.run_id)[0]
    child = _add_run(tx, command, now, parent)
    frozen = retries.freeze(
        tx.connection,
        child,
        retried_run(tx.connection, parent["run_no"]),
        now.selection,
        with_unknown=with_unknown,
        records=now.counts.retried,
    )
    if frozen != now.counts.retried:
        msg = f"{frozen:,} records were frozen of {now.counts.retried:,} counted"
        raise ValueError(msg)
    sizes = stage_sizes(frozen, canary=canary)
    if len(sizes) > 1:
        _add_canary(tx, child, sizes)
    _enter(tx, command, now, sizes)
    adopt(tx, command.run_id)
    tx.changed.add(command.run_id)
    return f"{frozen:,} records in {_stages(sizes)}"


def _add_run(
    tx: Transaction, command: Command, now: RetryPreview, parent: Mapping[str, Any]
) -> int:
    text = parent["campaign_text"]
    origin = f"the campaign of run {now.run_id}"
    campaign = checked_campaign(text, origin)
    check_reach(campaign, origin, tx.workspace.now)
    records = now.counts.retried
    month = reserve_or_refuse(tx.connection, tx.workspace.now(), tx.now_ms, records)
    upload_id = upload_id_of(command.run_id)
    writes.add_upload(
        tx.connection,
        {
            "upload_id": upload_id,
            "name": f"cohort of {now.run_id}",
            "sha256": now.digest,
            "bytes": 0,
            "received_at_ms": command.at_ms,
        },
    )
    values = of_campaign(campaign, text)
    # What an operator lowered on the parent is not raised again behind their back.
    rates = [one for one in (values["rate_per_s"], parent["rate_per_s"]) if one]
    return writes.add_run(
        tx.connection,
        {
            **values,
            # Nobody is contacted before all of the cohort is taken up.
            "mode": Mode.EXTRACT_FIRST,
            "permits": min(values["permits"], parent["permits"]),
            "rate_per_s": min(rates, default=None),
            "run_id": command.run_id,
            "family_id": parent["family_id"],
            "parent_id": now.run_id,
            "upload_id": upload_id,
            # Whoever launches the same again meanwhile would contact the same people.
            "fingerprint": parent["fingerprint"],
            "created_at_ms": tx.now_ms,
            "quota_month": month,
            "quota_records": records,
            "columns_json": parent["columns_json"],
            "raw_header": parent["raw_header"],
            "delimiter": parent["delimiter"],
            "cohort": records,
            "retry_generation": now.generation + 1,
        },
    )


def _add_canary(tx: Transaction, run_no: int, sizes: tuple[int, ...]) -> None:
    last, stages = 0, []
    for size in sizes:
        last += size
        stages.append({"last_seq": last, "state": StageState.WAITING})
    # The first one is opened with the run's launch.
    retries.add_stages(tx.connection, run_no, stages)
    writes.save_run_values(tx.connection, run_no, released_seq=sizes[0])


def _enter(
    tx: Transaction, command: Command, now: RetryPreview, sizes: tuple[int, ...]
) -> None:
    told = now.counts.told
    common = {
        "at_ms": tx.now_ms,
        "by": command.by,
        "origin": command.origin,
        "why": command.why,
        "command_id": command.command_id,
        "epoch": tx.epoch,
    }
    writes.add_entry(
        tx.connection,
        {
            **common,
            "run_id": command.run_id,
            "event": "launch",
            "after": "Queued",
            "detail": f"{now.campaign_name}, retry of {now.run_id}: {told}; "
            f"{_stages(sizes)}",
        },
    )
    ledger = Ledger(ledger_rows(tx.connection, now.run_id)[0])
    label = native(ledger.lifecycle, ledger.work)
    writes.add_entry(
        tx.connection,
        {
            **common,
            "run_id": now.run_id,
            "event": "retried",
            "before": label,
            "after": label,
            "detail": f"by run {command.run_id}: {told}",
        },
    )


def _stages(sizes: tuple[int, ...]) -> str:
    if len(sizes) == 1:
        return "one stage, no canary"
    return f"stages of {', '.join(f'{size:,}' for size in sizes)}"
