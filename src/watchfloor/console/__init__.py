"""The terminal screens: they read snapshots and ask for commands, never dispatch."""
