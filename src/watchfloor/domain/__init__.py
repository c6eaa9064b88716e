"""What a run and a record are and what may happen to them. Pure: no clock, no file."""
