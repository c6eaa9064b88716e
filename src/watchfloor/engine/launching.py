"""Taking a launch: the plan, the twin, the parent, and then the run's row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import ConfigError, Refusal, RefusedError
from watchfloor.domain.identity import is_plain_id, run_fingerprint
from watchfloor.domain.regions import Lifecycle
from watchfloor.engine.campaigns import channel_for, check_reach, checked_campaign
from watchfloor.engine.changes import Transaction, adopt
from watchfloor.engine.lending import demand_lent
from watchfloor.engine.quotas import reserve_or_refuse
from watchfloor.engine.standing import role_in
from watchfloor.store.inbox import Command
from watchfloor.store.layout import upload_id_of
from watchfloor.store.reads.families import purged_of_family
from watchfloor.store.reads.runs import campaign_text, family_id, ledger_rows, twin
from watchfloor.store.writes import runs as writes

#: An ended run of the same campaign over the same upload is a twin for so long.
TWIN_MS = 24 * 3_600_000


def launch(tx: Transaction, command: Command) -> str:
    """Store a new run: accepted, contacting nobody yet.

    Raises:
        RefusedError: ``DUPLICATE_RUN``, ``PLAN_LIMIT`` or ``NOT_ALLOWED``; there is no
            run.
        ConfigError: The campaign cannot be launched.
        ValueError: The command makes no sense.
    """
    asked = command.payload
    check_id(tx, command)
    _check_upload(command)
    campaign = checked_campaign(asked["campaign_text"], asked["campaign_origin"])
    if not campaign.published:
        msg = f"campaign {campaign.campaign_id} is not published; nothing was launched"
        raise ConfigError(msg)
    check_reach(campaign, asked["campaign_origin"], tx.workspace.now)
    fingerprint = run_fingerprint(
        campaign.campaign_id, asked["sha256"], campaign.audience.filter
    )
    if not asked.get("allow_twin", False):
        _refuse_twin(tx, fingerprint)
    parent_id = str(asked.get("parent_id", ""))
    family = _family(tx, command.run_id, parent_id)
    records = int(asked.get("records", 0))
    if records < 0:
        raise ValueError("a run has no fewer than 0 records")
    demand_lent(
        campaign,
        asked["campaign_text"],
        role_in(tx, command),
        tx.workspace,
        campaign_text(tx.connection, parent_id) if parent_id else None,
    )
    month = reserve_or_refuse(tx.connection, tx.workspace.now(), tx.now_ms, records)
    writes.add_upload(
        tx.connection,
        {
            "upload_id": asked["upload_id"],
            "name": asked["upload_name"],
            "sha256": asked["sha256"],
            "bytes": asked["bytes"],
            "received_at_ms": command.at_ms,
        },
    )
    values = of_campaign(campaign, asked["campaign_text"])
    writes.add_run(
        tx.connection,
        {
            **values,
            "run_id": command.run_id,
            "family_id": family,
            "parent_id": parent_id,
            "upload_id": asked["upload_id"],
            "fingerprint": fingerprint,
            "created_at_ms": tx.now_ms,
            "quota_month": month,
            "quota_records": records,
        },
    )
    writes.add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": command.run_id,
            "event": "launch",
            "after": "Queued",
            "by": command.by,
            "origin": command.origin,
            "why": command.why,
            "detail": f"{campaign.name}, {asked['upload_name']}"
            + (f", child of {parent_id}" if parent_id else ""),
            "command_id": command.command_id,
            "epoch": tx.epoch,
        },
    )
    adopt(tx, command.run_id)
    tx.changed.add(command.run_id)
    return ""


def check_id(tx: Transaction, command: Command) -> None:
    """Refuse an id that no new run can have; whoever asks has chosen it.

    Raises:
        ValueError: It is another run's, or would lead out of the folders that runs
            keep their files in.
    """
    if not is_plain_id(command.run_id):
        msg = f"{command.run_id!r:.80} is no id of a run: letters, digits and . _ -"
        raise ValueError(msg)
    if ledger_rows(tx.connection, command.run_id):
        msg = f"run {command.run_id} was launched already"
        raise ValueError(msg)


def _check_upload(command: Command) -> None:
    if command.payload["upload_id"] != upload_id_of(command.run_id):
        # It becomes a file name, and one upload belongs to one run.
        msg = (
            f"upload {command.payload['upload_id']!r} is not that of run "
            f"{command.run_id}"
        )
        raise ValueError(msg)


def _refuse_twin(tx: Transaction, fingerprint: str) -> None:
    found = twin(tx.connection, fingerprint, ended_after_ms=tx.now_ms - TWIN_MS)
    if found is not None:
        run_id, is_live = found
        state = "is live" if is_live else "ended within a day"
        raise RefusedError(Refusal.DUPLICATE_RUN, f"run {run_id} {state}")


def _family(tx: Transaction, run_id: str, parent_id: str) -> str:
    """Return the family whose keys the run uses: its parent's, or one of its own."""
    if not parent_id:
        return run_id
    if not ledger_rows(tx.connection, parent_id):
        msg = f"there is no run {parent_id} to be the parent"
        raise ValueError(msg)
    family = family_id(tx.connection, parent_id)
    purged = purged_of_family(tx.connection, family)
    if purged:
        msg = (
            f"run {purged} of this family is purged: nobody knows any more whom it "
            "contacted, and a child would contact them again. Nothing was launched; "
            "launch the campaign anew"
        )
        raise ConfigError(msg)
    return family


def of_campaign(campaign: Campaign, text: str) -> Mapping[str, Any]:
    """Return what a new run's row takes from its campaign; the text as it was read."""
    fresh = Lifecycle(mode=campaign.audience.mode)
    steps = [
        (step.name, step.channel, channel_for(step).delivery) for step in campaign.steps
    ]
    return {
        "campaign_id": campaign.campaign_id,
        "campaign_name": campaign.name,
        "campaign_text": text,
        "mode": fresh.mode,
        "phase": fresh.phase,
        "gate": fresh.gate,
        "intake": fresh.intake,
        "results": fresh.results,
        "history": fresh.history,
        "permits": campaign.limits.permits,
        "rate_per_s": campaign.limits.rate_per_s,
        "steps_json": json.dumps(steps),
        "approve_after": campaign.approval_after,
        "collect_ms": campaign.collect_ms,
        "notify_json": json.dumps(campaign.notify),
    }
