"""Style sheets that are parsed once for all consoles of a test process.

Every console parses its own and Textual's, twice: a third of what it costs to open one.
What comes of it depends on the text and the theme's variables alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet


@contextmanager
def parsed_once() -> Iterator[None]:
    """Keep what Textual parses; a theme has rules of its own."""
    parse = Stylesheet._parse_rules
    kept: dict[Any, list[RuleSet]] = {}

    def kept_or_parsed(sheet: Stylesheet, css: str, *where: Any, **how: Any) -> Any:
        theme = tuple(sorted(sheet._variables.items()))
        key = (css, *where, *sorted(how.items()), theme)
        if key not in kept:
            kept[key] = parse(sheet, css, *where, **how)
        return kept[key]

    with patch.object(Stylesheet, "_parse_rules", kept_or_parsed):
        yield
