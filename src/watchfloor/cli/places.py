"""Where a page of records of several runs begins: ``RUN/SEQ``."""

from __future__ import annotations

from watchfloor.domain.errors import ConfigError


def place_of(text: str) -> tuple[str, int]:
    """Return the run and the record that ``--after`` names.

    Raises:
        ConfigError: It names none.
    """
    run_id, _, seq = text.rpartition("/")
    if not run_id or not seq.isascii() or not seq.isdigit():
        msg = f"--after {text!r:.40} is no place; write it as the last page told it"
        raise ConfigError(msg)
    return run_id, int(seq)
