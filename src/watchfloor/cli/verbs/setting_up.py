"""``init``, ``campaign`` and ``completion``: before anything runs."""

from __future__ import annotations

import grp
from argparse import Namespace
from pathlib import Path

import shtab

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, tell
from watchfloor.cli.parser import parser
from watchfloor.cli.tables import table
from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import ConfigError, WatchfloorError
from watchfloor.domain.lending import unlent_words
from watchfloor.domain.text import clean
from watchfloor.engine.campaigns import check_reach, checked_campaign
from watchfloor.engine.lending import not_lent, role_here
from watchfloor.engine.operations import create_workspace
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.layout import Layout


def init(options: Namespace) -> int:
    """Make a workspace."""
    layout = Layout(Path(options.directory).expanduser())
    name = options.name or layout.root.resolve().name
    around = compose.surroundings()
    text = default_workspace_text(f"ws-{around.entropy(6).hex()}", name)
    group = None if options.group is None else _group(options.group)
    create_workspace(layout, text, around, compose.owner("init"), group=group)
    answer(clean(layout.root))
    launch = "watchfloor launch CAMPAIGN.toml --upload FILE.csv"
    tell(f"Next: {layout.in_here(launch)}")
    return exits.DONE


def _group(name: str) -> int:
    """Return a group of the system by its name.

    Raises:
        ConfigError: There is none; nothing was made.
    """
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as error:
        msg = f"this system has no group {clean(name)}; nothing was made"
        raise ConfigError(msg) from error


def campaign(options: Namespace) -> int:
    """Check one campaign file, or list the workspace's."""
    return _check(options) if options.action == "check" else _list(options)


def completion(options: Namespace) -> int:
    """Print a completion script."""
    answer(shtab.complete(parser(), shell=options.shell))
    return exits.DONE


def _check(options: Namespace) -> int:
    path = Path(options.file)
    try:
        text = read_toml_text(path)
        found = checked_campaign(text, path.name)
        _check_reach(options, found, path.name)
    except ConfigError as error:
        if options.json:
            answer_json({"file": path.name, "mistakes": list(error.mistakes)})
            return exits.REFUSED
        raise
    wanted = _not_lent(options, found, text)
    if options.json:
        told = {"mistakes": [], "campaign": found.campaign_id, "not_lent": wanted}
        answer_json({"file": path.name, **told})
    else:
        answer(f"{clean(path.name)}: no mistakes, campaign {found.campaign_id}")
        if wanted:
            tell(f"! You could not launch it: {clean(unlent_words(wanted), 2_000)}")
    return exits.DONE


def _check_reach(options: Namespace, found: Campaign, origin: str) -> None:
    """Refuse hosts that a launch here would refuse; a file needs no place.

    Names are not looked up: a launch does that, and it takes a network.

    Raises:
        ConfigError: With every such setting.
    """
    layout = compose.layout(options)
    if layout.exists:
        check_reach(found, origin, WorkspaceSettings(layout).now)


def _not_lent(options: Namespace, found: Campaign, text: str) -> list[str]:
    """Return what keeps whoever asks from launching it here; a file needs no place."""
    layout = compose.layout(options)
    if not layout.exists:
        return []
    settings = WorkspaceSettings(layout)
    role = role_here(layout, settings, compose.started_as().role)
    return list(not_lent(found, text, role, settings))


def _list(options: Namespace) -> int:
    folder = compose.layout(options).campaigns
    found = [_told(path) for path in sorted(folder.glob("*.toml"))]
    if options.json:
        answer_json(found)
        return exits.DONE
    table(
        ("FILE", "CAMPAIGN", "NAME", "STATE"),
        [(one["file"], one["campaign"], one["name"], one["state"]) for one in found],
    )
    return exits.DONE


def _told(path: Path) -> dict[str, str]:
    try:
        one: Campaign = checked_campaign(read_toml_text(path), path.name)
    except WatchfloorError as error:
        state = str(error).split("\n")[0]
        return {"file": path.name, "campaign": "", "name": "", "state": state}
    return {
        "file": path.name,
        "campaign": one.campaign_id,
        "name": one.name,
        "state": "published" if one.published else "not published",
    }
