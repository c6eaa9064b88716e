"""The half of the import rules that the static contracts cannot see: what loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[1] / "src" / "watchfloor" / "domain"
DOMAIN_MODULES = ", ".join(
    f"watchfloor.domain.{path.stem}" for path in sorted(DOMAIN.glob("[a-z]*.py"))
)


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        ("watchfloor", ("textual", "sqlalchemy", "pydantic", "asyncio")),
        (DOMAIN_MODULES, ("textual", "sqlalchemy", "pydantic", "asyncio", "logging")),
        ("watchfloor.cli.main", ("textual", "aiohttp")),
        ("watchfloor.store.tables", ("sqlalchemy.dialects.postgresql", "alembic")),
    ],
    ids=["the package", "the domain", "the command line", "the tables"],
)
def test_importing_it_loads_nothing_it_does_not_need(modules, forbidden):
    probe = f"import {modules}, sys; print(*({set(forbidden)!r} & set(sys.modules)))"

    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )

    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == []
