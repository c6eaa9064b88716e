"""The filter language: an operator's text in, a bounded filter out, or what is wrong.

``docs/guides/filters.md`` is the page for those who write filters.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

from watchfloor.domain.filters import (
    MAX_CHARS,
    Filter,
    FilterError,
    fields_of,
    written,
)
from watchfloor.domain.text import clean

_EXAMPLE = 'country in ("US", "CA") and not (plan = "trial")'
#: No cell can hold them, and no database takes them as text.
_IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")
_SHOWN_FIELDS = 20
_SHOWN_CHARS = 40


def parse_filter(text: str) -> Filter:
    """Return the filter that *text* describes.

    Whatever the text, the work is bounded: at most ``MAX_CHARS`` characters,
    ``MAX_TERMS`` comparisons and list entries, ``MAX_DEPTH`` levels of brackets and
    nots.

    Raises:
        FilterError: The text is no filter or a larger one than is allowed; the first
            mistake, with its column.
    """
    if len(text) > MAX_CHARS:
        msg = f"the filter has {len(text):,} characters; at most {MAX_CHARS:,} are read"
        raise FilterError(MAX_CHARS + 1, msg)
    found = _IMPOSSIBLE.search(text)
    if found:
        code = ord(found.group())
        msg = f"a character that no cell can hold (U+{code:04X}); remove it"
        raise FilterError(found.start() + 1, msg)
    if not text.strip():
        raise FilterError(1, f"the filter is empty; write one such as: {_EXAMPLE}")
    # Imported here: lark takes tens of milliseconds, and most starts need no filter.
    from watchfloor.intake.filter_grammar import filter_of  # noqa: PLC0415 - see above

    return filter_of(text.rstrip())


def check_fields(wanted: Filter, known: Collection[str], what: str) -> None:
    """Check that a filter asks only about fields there are.

    Args:
        wanted: Parsed.
        known: The names that may stand in it.
        what: What those names are, in the plural, e.g. ``the columns of the upload``.

    Raises:
        FilterError: The first field that is not known, with its column, the nearest
            name there is and the names that may be used.
    """
    for field in fields_of(wanted):
        if field.name not in known:
            raise FilterError(field.column, _unknown(field.name, known, what))


def _unknown(name: str, known: Collection[str], what: str) -> str:
    folded = {one.casefold(): one for one in reversed(list(known))}
    close = get_close_matches(name.casefold(), folded, n=1)
    guess = f"did you mean {_shown(folded[close[0]])}? " if close else ""
    listed = ", ".join(_shown(one) for one in list(known)[:_SHOWN_FIELDS])
    more = len(known) - _SHOWN_FIELDS
    if more > 0:
        listed += f" and {more} more"
    return f"there is no field {_shown(name)}; {guess}{what} are: {listed or 'none'}"


def _shown(name: str) -> str:
    return written(clean(name, _SHOWN_CHARS))
