"""``unknowns``, ``resolve`` and ``look-up``: records that nobody knows about."""

from __future__ import annotations

from argparse import Namespace

from watchfloor.cli import compose, exits
from watchfloor.cli.asking import asked, confirmed, is_settled, order_of, report
from watchfloor.cli.lines import answer, answer_json, moment, tell
from watchfloor.cli.places import place_of
from watchfloor.cli.shapes import unknown_json
from watchfloor.cli.standing import sees_people
from watchfloor.cli.tables import table
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.cohorts import MOST_NAMED, Selection
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.masking import masked
from watchfloor.domain.resolutions import ResolveAs, ResolvePreview, told
from watchfloor.domain.text import clean
from watchfloor.domain.views import Receipt
from watchfloor.engine.desk_reads import resolve_preview_of
from watchfloor.engine.desk_reads import unknowns as unknowns_of
from watchfloor.engine.operations import resolve_command
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import engine_view

#: For a resolution of very many records; it goes on when nobody waits any more.
RESOLVE_PATIENCE_S = 60.0
MOST = 10_000


def unknowns(options: Namespace) -> int:
    """List unknown records, of all runs or of one."""
    after = place_of(options.after) if options.after else None
    size = min(max(options.limit, 1), MOST)
    layout = compose.layout(options)
    with reading(layout) as connection:
        run_id = full_id(connection, options.run) if options.run else ""
        page = unknowns_of(connection, run_id, after, size)
    if not sees_people(layout):
        page = page.without_keys()
    if options.json:
        answer_json([unknown_json(one, unmask=options.unmask) for one in page.unknowns])
        return exits.DONE
    table(
        ("RUN", "RECORD", "CONTACT", "STEP", "TRIES", "CODE", "WHEN (UTC)", "KEY"),
        [
            (
                one.run_id,
                one.record.seq,
                one.record.contact if options.unmask else masked(one.record.contact),
                one.record.step,
                one.record.attempts,
                one.record.code,
                moment(one.record.updated_at_ms),
                one.record.key,
            )
            for one in page.unknowns
        ],
    )
    if page.after is not None:
        tell(f"{page.of:,} in all; more: --after {page.after[0]}/{page.after[1]}")
    return exits.DONE


def resolve(options: Namespace) -> int:
    """Say what became of unknown records, after a preview."""
    layout = compose.layout(options)
    selection = _selection(options)
    resolve_as = ResolveAs(options.resolve_as)
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
        seen = resolve_preview_of(connection, run_id, selection, resolve_as)
    if not options.yes and seen.refusal is None and not _confirmed(seen):
        tell("Nothing was asked; nothing was changed.")
        return exits.REFUSED
    around = compose.surroundings()
    command = resolve_command(seen, compose.asker(), options.reason, around)
    receipt = asked(layout, command, until=is_settled, patience_s=RESOLVE_PATIENCE_S)
    return _report(receipt, as_json=options.json)


def look_up(options: Namespace) -> int:
    """Ask the provider about unknown records, through the engine; or end that."""
    layout = compose.layout(options)
    if options.withdraw:
        return _withdraw(options)
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
        is_alive = engine_view(connection).is_alive(compose.now_ms())
    payload = {} if options.seq is None else {"seq": options.seq}
    command = order_of(options, "look_up", run_id, payload)
    if is_alive:
        patience_s = RESOLVE_PATIENCE_S
        receipt = asked(layout, command, until=is_settled, patience_s=patience_s)
    else:
        receipt = asked(layout, command)
    code = _report(receipt, as_json=options.json)
    if receipt.state == "acknowledged":
        tell(
            "It goes on; see: watchfloor events " + run_id
            if is_alive
            else "No engine runs: it is stored and waits for one: watchfloor engine"
        )
    return code


def _withdraw(options: Namespace) -> int:
    """End the look-up of a run, whether an engine runs or not."""
    if options.seq is not None:
        msg = "a look-up is withdrawn as a whole; leave SEQ out. It goes on."
        raise ConfigError(msg)
    layout = compose.layout(options)
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
    command = order_of(options, "withdraw_look_up", run_id, {})
    return _report(asked(layout, command), as_json=options.json)


def _selection(options: Namespace) -> Selection:
    """Return which records are meant.

    Raises:
        ConfigError: None are named, or both by number and by what they share.
    """
    shared = Selection(
        codes=frozenset(options.code),
        steps=frozenset(options.step),
        origins=frozenset(options.origin),
    )
    if options.seq and (shared != Selection() or options.all):
        msg = "name records by number, or by what they share; not both"
        raise ConfigError(msg)
    if len(options.seq) > MOST_NAMED:
        msg = f"at most {MOST_NAMED:,} records can be named one by one"
        raise ConfigError(msg)
    if options.seq or shared != Selection() or options.all:
        return shared if not options.seq else Selection(seqs=frozenset(options.seq))
    msg = (
        "say which unknown records are meant: SEQ, --code, --step, --origin, or --all; "
        "nothing was asked"
    )
    raise ConfigError(msg)


def _confirmed(seen: ResolvePreview) -> bool:
    of = told(seen.selection)
    which = f" ({clean(of)})" if of else ""
    tell(
        f"resolve as {seen.resolve_as}{which}, run {seen.run_id} "
        f"({clean(seen.campaign_name)}), now {seen.label}:"
    )
    for line in seen.lines:
        tell(f"  {line}")
    if seen.typed:
        return confirmed(f"Type {seen.typed} to confirm:", seen.typed)
    return confirmed("Type yes to resolve:", "yes")


def _report(receipt: Receipt, *, as_json: bool) -> int:
    is_told = receipt.state in ("acknowledged", "settled") and receipt.detail
    if as_json or not is_told:
        return report(receipt, as_json=as_json)
    verb = receipt.verb.replace("_", "-")
    answer(f"{verb} {receipt.state}: {clean(receipt.detail, 500)}")
    return exits.DONE
