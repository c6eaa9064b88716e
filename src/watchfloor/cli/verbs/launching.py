"""``launch``: check, review, ask, and print the run's id; or rehearse it on paper."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from watchfloor.cli import compose, exits
from watchfloor.cli.asking import asked, confirmed
from watchfloor.cli.lines import answer, answer_json, iso, moment, span, tell
from watchfloor.cli.shapes import receipt_json
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.errors import ConfigError, Refusal
from watchfloor.domain.identity import new_id
from watchfloor.domain.lending import unlent_words
from watchfloor.domain.prospects import is_of_ended_twin
from watchfloor.domain.text import clean
from watchfloor.domain.views import Receipt
from watchfloor.engine.preparing import Launch, prepared_launch
from watchfloor.engine.rehearsing import Rehearsal, rehearsed
from watchfloor.engine.surveying import Survey
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading

_PROGRESS_ROWS = 100_000


def launch(options: Namespace) -> int:
    """Launch a campaign over an upload."""
    layout = compose.layout(options)
    layout.check_exists()
    _check(options)
    if options.rehearse:
        return _rehearse(options, layout)
    prepared = prepared_launch(
        layout,
        Path(options.campaign) if options.campaign else None,
        Path(options.upload),
        compose.asker(),
        compose.surroundings(),
        allow_twin=options.allow_twin,
        parent_id=_parent(options, layout),
        on_progress=_told_progress,
    )
    for warning in prepared.warnings:
        tell(f"! {warning}")
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
    receipt = asked(layout, prepared.command)
    if receipt.refusal == Refusal.DUPLICATE_RUN and _means_it(options, receipt):
        again = {**prepared.command.payload, "allow_twin": True}
        around = compose.surroundings()
        command_id = new_id(around.now_ms(), around.entropy(10))
        meant = replace(prepared.command, command_id=command_id, payload=again)
        receipt = asked(layout, meant)
    return _told(options, layout, prepared, receipt)


def _means_it(options: Namespace, receipt: Receipt) -> bool:
    """Ask who launches the same again, once the first run has ended, to type that."""
    if options.yes or not is_of_ended_twin(receipt):
        return False
    tell(receipt.detail)
    return confirmed("Type again to launch all the same:", "again")


def _check(options: Namespace) -> None:
    if bool(options.campaign) == bool(options.child_of):
        raise ConfigError(
            "name a campaign file, or with --child-of the run whose campaign to use"
        )
    if options.rehearse and options.child_of:
        raise ConfigError("a child run cannot be rehearsed; rehearse its campaign file")


def _parent(options: Namespace, layout: Layout) -> str:
    if not options.child_of:
        return ""
    with reading(layout) as connection:
        return full_id(connection, options.child_of)


def _told(
    options: Namespace, layout: Layout, prepared: Launch, receipt: Receipt
) -> int:
    if receipt.state == "refused":
        _forget(layout, prepared)
    if options.json:
        answer_json({"id": prepared.run_id, **receipt_json(receipt)})
    elif receipt.state == "refused":
        answer(f"refused {receipt.refusal}")
        tell(receipt.detail)
    else:
        answer(prepared.run_id)
        if receipt.state == "asked":
            tell(receipt.detail)
    return exits.REFUSED if receipt.state == "refused" else exits.DONE


def _reviewed(prepared: Launch) -> bool:
    wanted = prepared.command.payload
    tell(f"launch {clean(prepared.campaign_name)} over {clean(wanted['upload_name'])}")
    tell(f"  {wanted['bytes']:,} bytes, sha256 {wanted['sha256'][:16]}…")
    tell(f"  columns: {', '.join(prepared.columns)}")
    _tell_survey(prepared.survey)
    if wanted["parent_id"]:
        tell(f"  child of {wanted['parent_id']}: its records are not contacted again")
    if wanted["allow_twin"]:
        tell(
            "  A twin is allowed: whoever an earlier run contacted is contacted AGAIN."
        )
    if prepared.is_streaming:
        tell("  Attempts begin while the file is still read: from the first rows on")
        tell("  people are contacted, and nothing takes that back.")
    else:
        tell(
            "  Rows are judged and counted first; the run can be cancelled until then."
        )
    return confirmed("Type yes to launch:", "yes")


def _tell_survey(found: Survey) -> None:
    rejects = ", ".join(f"{n:,} {kind}" for kind, n in found.rejects.items()) or "none"
    most = f"at most {found.candidates:,} usable, repeats not counted out yet"
    tell(f"  {found.rows:,} rows: {most}; rejected: {rejects}")
    for line in _reasons(found):
        tell(f"    {line}")
    if found.unfit:
        tell(f"  {found.unfit:,} cannot be sent as they are, and will fail unsent:")
        for example in found.unfit_examples:
            tell(f"    {example}")


def _reasons(found: Survey) -> list[str]:
    """Return the commonest reasons of rejects, and how many have others."""
    lines = [f"{reason}: {count:,}" for reason, count in found.reasons.items()]
    others = sum(found.rejects.values()) - sum(found.reasons.values())
    return [*lines, f"other reasons: {others:,}"] if others else lines


def _rehearse(options: Namespace, layout: Layout) -> int:
    found = rehearsed(
        layout,
        Path(options.campaign),
        Path(options.upload),
        compose.surroundings(),
        asks=compose.asker().role,
        on_progress=_told_progress,
    )
    if options.json:
        answer_json(_rehearsal_json(found))
    else:
        _print_rehearsal(found)
    return exits.REFUSED if _refusal(found) else exits.DONE


def _refusal(found: Rehearsal) -> tuple[Refusal, str] | None:
    """Return what a launch would be refused by first, and why."""
    if found.not_lent:
        return Refusal.NOT_ALLOWED, unlent_words(found.not_lent)
    return (Refusal.PLAN_LIMIT, found.declined) if found.declined else None


def _print_rehearsal(found: Rehearsal) -> None:
    survey, forecast = found.survey, found.forecast
    rejects = ", ".join(f"{n:,} {kind}" for kind, n in found.rejects.items() if n)
    answer(f"rehearsal of {clean(found.campaign_name)}: nobody was contacted")
    answer(f"rows       {survey.rows:,}; rejected: {rejects or 'none'}")
    for line in _reasons(survey):
        answer(f"           {clean(line)}")
    for warning in found.warnings:
        answer(f"warning    {clean(warning, 2_000)}")
    answer(f"records    {found.records:,} would be contacted")
    if survey.unfit:
        answer(f"unfit      {survey.unfit:,} cannot be sent as they are:")
        for example in survey.unfit_examples:
            answer(f"           {clean(example)}")
    answer(f"window     {forecast.inside:,} open now, {forecast.outside:,} outside")
    if forecast.outside:
        first, last = forecast.first_opens_at_ms, forecast.last_opens_at_ms
        answer(f"           opens from {moment(first)} to {moment(last)} UTC")
    if forecast.never:
        answer(f"           {forecast.never:,} never: no common hour in their zones")
    answer(f"attempt    {found.seconds_per_attempt:.3g} s each, {found.timing}")
    if forecast.duration_s is None:
        answer("duration   more than a year, or nobody can ever be contacted")
    else:
        took = span(int(forecast.duration_s * 1000))
        answer(f"duration   {took}, until {moment(forecast.ends_at_ms)} UTC")
    _print_refusals(found)


def _print_refusals(found: Rehearsal) -> None:
    if found.not_lent:
        answer(f"secrets    NOT_ALLOWED: {clean(unlent_words(found.not_lent), 2_000)}")
    answer(f"plan       {f'PLAN_LIMIT: {found.declined}' if found.declined else 'ok'}")


def _rehearsal_json(found: Rehearsal) -> dict[str, object]:
    survey, forecast = found.survey, found.forecast
    refusal, detail = _refusal(found) or (None, None)
    return {
        "campaign": found.campaign_name,
        "rows": survey.rows,
        "rejects": found.rejects,
        "records": found.records,
        "warnings": list(found.warnings),
        "unfit": survey.unfit,
        "inside_window": forecast.inside,
        "outside_window": forecast.outside,
        "window_never_opens": forecast.never,
        "first_opens_at": iso(forecast.first_opens_at_ms),
        "last_opens_at": iso(forecast.last_opens_at_ms),
        "seconds_per_attempt": found.seconds_per_attempt,
        "timing": found.timing,
        "duration_s": forecast.duration_s,
        "ends_at": iso(forecast.ends_at_ms),
        "not_lent": list(found.not_lent),
        "refusal": refusal,
        "detail": detail,
    }


def _told_progress(rows: int) -> None:
    if rows % _PROGRESS_ROWS == 0 and sys.stderr.isatty():
        tell(f"{rows:,} rows looked at")


def _forget(layout: Layout, prepared: Launch) -> None:
    layout.upload(prepared.command.payload["upload_id"]).unlink(missing_ok=True)
