"""The terminal screens: they read snapshots and ask for commands, never dispatch.

``app.run_console`` is the door for the composition root; ``desk.Desk`` is all that a
screen knows of engine and store. Widgets tell, screens decide, the desk acts. Nothing
on a page moves unless the operator asked for it, and what came from outside is shown
through ``text`` only.
"""
