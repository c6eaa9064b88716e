"""What a command's exit code means; scripts rely on it."""

from __future__ import annotations

DONE = 0
REFUSED = 1  #: refused or failed; the name is in the output
USAGE = 2
NOT_FOUND = 3
UNHEALTHY = 4
NOT_PROVEN = 5  #: nothing wrong was found, and not all could be held to what proves it
NOT_DRAINED = 75  #: the engine ended with attempts in flight (EX_TEMPFAIL)
