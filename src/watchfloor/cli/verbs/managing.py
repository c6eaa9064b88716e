"""``approve``, ``limit``, ``suppress`` and ``plan``: what a workspace allows."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from watchfloor.cli import compose, exits
from watchfloor.cli.asking import asked, confirmed, order_of, report
from watchfloor.cli.lines import answer, answer_json, iso, moment, tell
from watchfloor.cli.tables import table
from watchfloor.cli.verbs.looking import full_id, print_books
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.masking import masked
from watchfloor.domain.measures import rate_per_s
from watchfloor.domain.sharing import WORKSPACE, filed_limits
from watchfloor.domain.text import clean
from watchfloor.domain.views import RunView
from watchfloor.domain.workspace import Shared
from watchfloor.engine.quotas import plan_use
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.intake.normalise import UnfitContactError, email, identifier, phone
from watchfloor.store.inbox import Command
from watchfloor.store.reading import reading
from watchfloor.store.reads.limits import shared_limits
from watchfloor.store.reads.runs import run_view

NONE = "none"


def approve(options: Namespace) -> int:
    """Give the word that a run waits for."""
    with reading(compose.layout(options)) as connection:
        run = run_view(connection, full_id(connection, options.run))
    if run.awaits_approval and not options.yes:
        _preview(run)
        if not confirmed("Type yes to approve:", "yes"):
            tell("Nothing was asked; nothing was changed.")
            return exits.REFUSED
    return _asked(options, order_of(options, "approve", run.run_id))


def limit(options: Namespace) -> int:
    """Change permits and rate of a run, a channel, or the workspace."""
    payload: dict[str, object] = {}
    if options.permits is not None:
        payload["permits"] = _permits(options.permits)
    if options.rate is not None:
        payload["rate_per_s"] = _rate(options.rate)
    is_shared = options.scope == "workspace" or options.scope.startswith("channel:")
    if options.clear and (payload or not is_shared):
        msg = "--clear stands alone, after workspace or channel:NAME"
        raise ConfigError(msg)
    if not payload and not options.clear:
        return _show_limits(options)
    if is_shared:
        payload |= {"scope": options.scope, "clear": options.clear}
        return _asked(options, order_of(options, "limit", "", payload))
    with reading(compose.layout(options)) as connection:
        run = run_view(connection, full_id(connection, options.scope))
    return _asked(options, order_of(options, "limit", run.run_id, payload))


def suppress(options: Namespace) -> int:
    """Keep contacts from being contacted again, by any run."""
    compose.layout(options).check_exists()
    by_kind: dict[str, list[str]] = {}
    for contact in options.contacts:
        kind = options.kind or _kind(contact, options.region)
        normal = _normalised(kind, contact, options.region)
        tell(f"{kind} {masked(normal)}")
        by_kind.setdefault(kind, []).append(contact_digest(kind, normal).hex())
    code = exits.DONE
    for kind, digests in by_kind.items():
        command = order_of(options, "suppress", "", {"digests": digests, "kind": kind})
        code = max(code, _asked(options, command))
    return code


def plan(options: Namespace) -> int:
    """Show what this month's plan has left."""
    layout = compose.layout(options)
    with reading(layout) as connection:
        workspace = WorkspaceSettings(layout).now()
        use = plan_use(connection, workspace, compose.now_ms())
    limits = {"runs": use.plan.monthly_runs, "records": use.plan.monthly_records}
    used = {"runs": use.used.runs, "records": use.used.records}
    if options.json:
        answer_json(
            {
                "month": use.month,
                "ends_at": iso(use.ends_at_ms),
                "zone": workspace.zone,
                "used": used,
                "limits": limits,
            }
        )
        return exits.DONE
    answer(f"{use.month} in {workspace.zone}, ends {moment(use.ends_at_ms)} UTC")
    for word, most in limits.items():
        allowed = "any number" if most is None else f"{most:,}"
        answer(f"{word:<8} {used[word]:,} of {allowed}")
    return exits.DONE


def _show_limits(options: Namespace) -> int:
    """Print the limits that hold now: of the workspace, channels, and the run."""
    layout = compose.layout(options)
    with reading(layout) as connection:
        workspace = WorkspaceSettings(layout).now()
        own = shared_limits(connection)
        run = None
        if options.scope != WORKSPACE and not options.scope.startswith("channel:"):
            run = run_view(connection, full_id(connection, options.scope))
    found = filed_limits(workspace)
    found |= {one.scope: one.shared for one in own}
    if run is not None:
        found[run.run_id] = Shared(permits=run.permits, rate_per_s=run.rate_per_s)
    by = {one.scope: f"set by {one.by} {moment(one.at_ms)} UTC" for one in own}
    if options.json:
        answer_json({scope: asdict(shared) for scope, shared in found.items()})
        return exits.DONE
    table(
        ("SCOPE", "PERMITS", "RATE", "FROM"),
        [
            (
                scope,
                NONE if shared.permits is None else shared.permits,
                NONE if shared.rate_per_s is None else f"{shared.rate_per_s:g}/s",
                by.get(scope, "the run" if run and scope == run.run_id else "file"),
            )
            for scope, shared in found.items()
        ],
    )
    return exits.DONE


def _preview(run: RunView) -> None:
    books = run.books
    tell(f"approve {run.run_id} ({clean(run.campaign_name)}), now {run.label}:")
    tell(f"  {books.attempts:,} attempts were made before this word.")
    print_books(books)
    tell(f"  {books.eligible + books.waiting:,} records go on after it.")


def _asked(options: Namespace, command: Command) -> int:
    receipt = asked(compose.layout(options), command)
    if receipt.detail and receipt.state not in ("asked", "refused"):
        tell(receipt.detail)
    return report(receipt, as_json=options.json)


def _permits(text: str) -> int | None:
    if text == NONE:
        return None
    if not (text.isascii() and text.isdigit()) or not int(text):
        msg = f"--permits {text!r} is no number above 0; write one, or none"
        raise ConfigError(msg)
    return int(text)


def _rate(text: str) -> float | None:
    if text == NONE:
        return None
    try:
        return rate_per_s(text)
    except ValueError as error:
        msg = f"--rate {text!r} {error}; write 20/s, 600/m, 10/h, or none"
        raise ConfigError(msg) from error


def _kind(contact: str, region: str) -> str:
    """Return what a contact surely is; an id is never guessed.

    Raises:
        ConfigError: It may be several things; nothing was suppressed.
    """
    if "@" in contact:
        return "email"
    if contact.lstrip().startswith("+") or region:
        return "phone"
    msg = (
        f"{clean(masked(contact))}: is it a phone or an id? Nothing was suppressed. "
        "Write --kind phone --region US, or --kind id"
    )
    raise ConfigError(msg)


def _normalised(kind: str, contact: str, region: str) -> str:
    try:
        if kind == "phone":
            return phone(contact, region.upper())
        return email(contact) if kind == "email" else identifier(contact)
    except UnfitContactError as error:
        msg = (
            f"{clean(masked(contact))} is no usable {kind}: {error}; nothing was "
            "suppressed"
        )
        raise ConfigError(msg) from error
