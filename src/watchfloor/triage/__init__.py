"""The runbook: evidence is gathered, checks judge it, a verdict says what to do."""
