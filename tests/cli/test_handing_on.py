from __future__ import annotations

from tests.cli.shell import engine_beside

from watchfloor.cli.handing_on import Successor

#: What a trap does when it is imported; whoever looks for it finds the file.
TRAP = "import pathlib\npathlib.Path(__file__).with_name('sprung').touch()\n"


def test_an_engine_that_goes_on_imports_nothing_from_where_it_was_started(
    shell, tmp_path, monkeypatch
):
    trap = tmp_path / "somewhere"
    trap.mkdir()
    (trap / "sqlalchemy.py").write_text(TRAP, encoding="utf-8")
    (trap / "watchfloor.py").write_text(TRAP, encoding="utf-8")
    monkeypatch.chdir(trap)

    with (
        engine_beside(shell.layout.root),
        Successor(shell.layout)._process as standing_by,
    ):
        standing_by.kill()

    assert not (trap / "sprung").exists()
