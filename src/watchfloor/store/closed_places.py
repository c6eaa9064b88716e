"""What only the owner may change: the folder, the settings, the campaign files.

Whoever may write the settings decides who is an admin and which program an alert
starts; whoever may write their folder can put other settings in their place.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from watchfloor.domain.errors import StoreError
from watchfloor.domain.shell_words import quoted
from watchfloor.store.layout import Layout

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def open_mode(path: Path) -> int | None:
    """Return the mode of a file or folder that others may write; None where none may.

    What is missing or cannot be looked at is nobody's to write.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    return mode if mode & _OTHERS_WRITE else None


def check_closed(layout: Layout) -> None:
    """Refuse a workspace whose settings others than the owner could change.

    Raises:
        StoreError: They could; nothing was changed or sent.
    """
    for path in (layout.root, layout.settings):
        mode = open_mode(path)
        if mode is not None:
            msg = (
                f"others may write {path} (mode {mode:04o}): they could name "
                "themselves admins and let an engine start any program; nothing was "
                "changed or sent. See what it says now, then: chmod go-w "
                f"{quoted(path)}"
            )
            raise StoreError(msg)
