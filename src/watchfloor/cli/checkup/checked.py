"""What one check of ``doctor`` came to."""

from __future__ import annotations

from typing import NamedTuple


class Checked(NamedTuple):
    """One check: whether it is well, what was found, and what to do if not.

    Attributes:
        is_note: It is well, and there is still something to do about it.
    """

    name: str
    is_well: bool
    found: str
    action: str = ""
    is_note: bool = False
