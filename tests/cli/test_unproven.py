"""A backup whose audit chain does not hold, from the command line."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.cli.shell import campaign_text, people


def test_a_broken_chain_is_told_by_backup_and_stops_a_restore_without_a_word(
    shell, tmp_path
):
    shell.launched(campaign_text(tmp_path, "autumn"), people(tmp_path / "p.csv", 2))
    with closing(sqlite3.connect(shell.layout.state)) as connection:
        connection.execute("UPDATE journal SET why = 'as agreed' WHERE entry_id = 1")
        connection.commit()
    backup = tmp_path / "backup.tar"

    made = shell("backup", backup)
    refused = shell("restore", backup, tmp_path / "back")
    meant = shell("restore", backup, tmp_path / "back", "--yes", "--json")

    assert (made.code, backup.is_file()) == (4, True)
    assert "! the audit chain is broken at link 1" in made.err
    assert refused.code == 1
    assert "nothing was restored" in refused.err
    assert meant.code == 0
    [flaw] = meant.json["flaws"]
    assert "entry 1 of the journal was changed" in flaw
