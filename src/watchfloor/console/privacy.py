"""What of any text screens may show: see ``domain.privacy``."""

from __future__ import annotations

from watchfloor.domain.privacy import (
    shown_contact,
    shown_field,
    shown_text,
    without_contact,
)

__all__ = ["shown_contact", "shown_field", "shown_text", "without_contact"]
