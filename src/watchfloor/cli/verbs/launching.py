"""``launch``: check, review, ask, and print the run's id."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from pathlib import Path

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, tell
from watchfloor.cli.shapes import receipt_json
from watchfloor.cli.verbs.steering import PATIENCE_S, confirmed
from watchfloor.domain.text import clean
from watchfloor.engine.operations import Launch, asked_of_engine, prepared_launch
from watchfloor.store.layout import Layout


def launch(options: Namespace) -> int:
    """Launch a campaign over an upload."""
    layout = compose.layout(options)
    layout.check_exists()
    around = compose.surroundings()
    prepared = prepared_launch(
        layout,
        Path(options.campaign),
        Path(options.upload),
        compose.asker(),
        around,
        allow_twin=options.allow_twin,
    )
    is_wanted: bool = options.yes
    try:
        is_wanted = is_wanted or _reviewed(prepared)
    finally:
        # Whoever has no terminal, or presses ctrl+c, leaves no people behind either.
        if not is_wanted:
            _forget(layout, prepared)
    if not is_wanted:
        tell("Nothing was launched.")
        return exits.REFUSED
    receipt = asyncio.run(
        asked_of_engine(
            layout,
            prepared.command,
            around,
            compose.owner("launch"),
            until=lambda one: one.state != "asked",
            patience_s=PATIENCE_S,
        )
    )
    if receipt.state == "refused":
        _forget(layout, prepared)
    if options.json:
        answer_json({"id": prepared.run_id, **receipt_json(receipt)})
    elif receipt.state == "refused":
        answer(f"refused {receipt.refusal}")
        tell(receipt.detail)
    else:
        answer(prepared.run_id)
    return exits.REFUSED if receipt.state == "refused" else exits.DONE


def _reviewed(prepared: Launch) -> bool:
    asked = prepared.command.payload
    tell(f"launch {clean(prepared.campaign_name)} over {clean(asked['upload_name'])}")
    tell(f"  {asked['bytes']:,} bytes, sha256 {asked['sha256'][:16]}…")
    tell(f"  columns: {', '.join(prepared.columns)}")
    tell("  Rows are judged and counted first; the run can be cancelled until then.")
    return confirmed("Type yes to launch:", "yes")


def _forget(layout: Layout, prepared: Launch) -> None:
    layout.upload(prepared.command.payload["upload_id"]).unlink(missing_ok=True)
