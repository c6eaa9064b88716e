"""The console's bundler: the verb in a process of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.cli.shell import SpareShell, campaign_text, people

from watchfloor.cli.bundle_child import ChildBundler
from watchfloor.cli.main import main
from watchfloor.domain.errors import WatchfloorError
from watchfloor.triage.bundle_reading import read_bundle


@pytest.fixture
def shell(tmp_path):
    root = tmp_path / "floor"
    assert main(["init", str(root)]) == 0
    spare = SpareShell(root)
    spare.launched(campaign_text(tmp_path, "autumn"), people(tmp_path / "p.csv", 5))
    return spare


async def test_a_bundle_is_written_by_another_process_and_its_steps_are_told(shell):
    told: list[str] = []

    place = await ChildBundler(shell.layout)(shell.newest, told.append)

    assert Path(place).parent == shell.root / "bundles"
    assert read_bundle(Path(place)).manifest["run"] == shell.newest
    assert "reading the run" in told
    assert "drawing the console" in told


async def test_why_there_is_none_is_said_in_one_sentence(shell):
    (shell.root / "bundles").mkdir(mode=0o755)

    with pytest.raises(WatchfloorError, match="open to others") as caught:
        await ChildBundler(shell.layout)(shell.newest, lambda _: None)

    assert "\n" not in str(caught.value)
    assert "watchfloor:" not in str(caught.value)


async def test_leaving_the_console_ends_the_process_and_leaves_no_file(shell):
    begun = asyncio.Event()
    bundler = ChildBundler(shell.layout)
    going = asyncio.create_task(bundler(shell.newest, lambda _: begun.set()))
    await begun.wait()

    going.cancel()

    with pytest.raises(asyncio.CancelledError):
        await going
    folder = shell.root / "bundles"
    assert not folder.exists() or list(folder.iterdir()) == []
