"""When worlds begin: with the engine or without, at the same moment."""

from __future__ import annotations

#: Half an hour before the clocks of Berlin go forward: 00:30 UTC, 31 March 2030.
EPOCH_MS = 1_901_147_400_000
