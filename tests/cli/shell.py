"""The command line called in this process, with what it printed and how it ended."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from watchfloor.cli import compose
from watchfloor.cli.main import main
from watchfloor.engine.running import EngineThread, run_engine
from watchfloor.store.layout import Layout


class Answer(NamedTuple):
    """How one call ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was answered; JSON and nothing else."""
        return json.loads(self.out)


class SpareShell:
    """Calls on one workspace, where no test captures what is printed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = Layout(root)

    def __call__(self, *arguments: object) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = self._called(*arguments)
        return Answer(code, out.getvalue(), err.getvalue())

    def _called(self, *arguments: object) -> int:
        """Call as from a shell that picks this workspace."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WATCHFLOOR_WORKSPACE", str(self.root))
            return called(*arguments)

    def launched(self, campaign: Path, upload: Path, *options: str) -> str:
        """Launch and return the run's id."""
        answer = self("launch", campaign, "--upload", upload, "--yes", *options)
        assert answer.code == 0, answer
        return answer.out.strip()

    @property
    def newest(self) -> str:
        """The id of the newest run."""
        return str(self("runs", "--json").json[0]["id"])

    def run_of(self, campaign: str) -> str:
        """Return the id of the newest run of a campaign."""
        runs = self("runs", "--json").json
        return str(next(run["id"] for run in runs if run["campaign"] == campaign))

    @property
    def uploads(self) -> list[str]:
        """The names of the uploads that are kept."""
        return sorted(path.name for path in self.layout.uploads.iterdir())


class Shell(SpareShell):
    """Calls on one workspace within a test."""

    def __init__(self, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        super().__init__(root)
        self._capfd = capfd

    def __call__(self, *arguments: object) -> Answer:
        self._capfd.readouterr()
        code = self._called(*arguments)
        return Answer(code, *self._capfd.readouterr())

    def from_elsewhere(self, *arguments: object) -> Answer:
        """Call for this workspace, from a shell that picks another."""
        return self.bare("--workspace", self.root, *arguments)

    def bare(self, *arguments: object) -> Answer:
        """Call with these arguments and no workspace."""
        self._capfd.readouterr()
        code = called(*arguments)
        return Answer(code, *self._capfd.readouterr())


def called(*arguments: object) -> int:
    """Return the exit code of one call."""
    return main([str(one) for one in arguments])


def carry_out(root: Path) -> None:
    """Run an engine until nothing is left that needs no time and no person."""
    around, owner = compose.surroundings(), compose.owner("a test's engine")
    assert run_engine(Layout(root), around, owner, until_idle=True)


@contextlib.contextmanager
def engine_beside(root: Path) -> Iterator[None]:
    """Run an engine during the block; drained at its end."""
    engine = EngineThread(Layout(root), compose.surroundings(), compose.owner("engine"))
    engine.start()
    try:
        yield
    finally:
        engine.stop()
        assert engine.join()


def people(path: Path, count: int, extra: Sequence[str] = ()) -> Path:
    """Write an upload of *count* good contacts and some *extra* ones."""
    contacts = [*(f"c{number:06}" for number in range(1, count + 1)), *extra]
    rows = "".join(f"{one},Nobody\n" for one in contacts)
    path.write_text(f"id,first_name\n{rows}", encoding="utf-8", newline="")
    return path


def step(channel: str, settings: str = "") -> str:
    """Return a step's TOML."""
    return f"""
[[steps]]
name = "call"
channel = "{channel}"
[steps.settings]
{settings}
"""


def campaign_text(
    folder: Path,
    name: str,
    *,
    shown: str = "",
    published: bool = True,
    steps: str = step("simulator"),
    rest: str = "",
) -> Path:
    """Write a campaign over a column ``id`` and return the file."""
    path = folder / f"{name}.toml"
    path.write_text(
        f"""
[campaign]
id = "{name}"
name = {json.dumps(shown or name.capitalize())}
published = {json.dumps(published)}

[audience]
contact = "id"
kind = "id"
{steps}
{rest}
""",
        encoding="utf-8",
    )
    return path
