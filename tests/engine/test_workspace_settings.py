"""The workspace's file as people edit it under a running engine."""

from __future__ import annotations

import os

from watchfloor.engine.workspace_settings import WorkspaceSettings


def test_it_is_read_again_though_its_length_and_time_are_as_before(floor):
    """As ``cp -p``, ``rsync -t`` and some editors leave it."""
    settings, path = WorkspaceSettings(floor.layout), floor.layout.settings
    assert settings.now().name == "Floor"
    before, text = path.stat(), path.read_text(encoding="utf-8")

    path.write_text(text.replace('"Floor"', '"Upper"'), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_size == before.st_size
    assert settings.now().name == "Upper"


def test_it_is_not_read_again_where_nothing_was_changed(floor):
    settings = WorkspaceSettings(floor.layout)

    assert settings.now() is settings.now()
