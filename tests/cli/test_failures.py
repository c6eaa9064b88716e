from __future__ import annotations

CAMPAIGN_SETTINGS = {"shares": "{ transient = 0.5, permanent = 0.2, ambiguous = 0.1 }"}
