from __future__ import annotations

import pytest

from watchfloor.domain.errors import ConfigError
from watchfloor.intake.workspace_file import (
    Workspace,
    default_workspace_text,
    parse_workspace,
)


@pytest.mark.parametrize(
    "name", ["The front desk", 'Say "hi" \\ \u674e', "tab\tdel\x7f\nline"]
)
def test_the_default_file_is_read_back(name):
    text = default_workspace_text("front-desk", name)

    assert parse_workspace(text, "watchfloor.toml") == Workspace(
        workspace_id="front-desk", name=name, zone="UTC"
    )


def test_the_zone_is_an_iana_name():
    text = '[workspace]\nid = "a"\nname = "b"\nzone = "America/New_York"'

    assert parse_workspace(text, "watchfloor.toml").zone == "America/New_York"


@pytest.mark.parametrize("zone", ["EDT5", "", "/etc/passwd", "../UTC", "utc\\u0000"])
def test_any_other_zone_is_refused(zone):
    text = f'[workspace]\nid = "a"\nname = "b"\nzone = "{zone}"'

    with pytest.raises(ConfigError, match="is not a time zone"):
        parse_workspace(text, "watchfloor.toml")


def test_what_is_not_obeyed_yet_or_not_known_is_refused():
    text = (
        '[workspace]\nid = "a"\nname = "b"\nzome = "UTC"\n'
        "[plan]\nmonthly_runs = 3\n[retention]\n[colours]\n"
    )

    with pytest.raises(ConfigError) as refused:
        parse_workspace(text, "watchfloor.toml")

    assert list(refused.value.mistakes) == [
        "watchfloor.toml: workspace.zome: unknown key; did you mean zone?",
        "watchfloor.toml: plan: is not supported yet; remove it",
        "watchfloor.toml: retention: is not supported yet; remove it",
        "watchfloor.toml: colours: unknown key; the keys here are workspace",
    ]
