"""The engine: it owns a workspace, applies commands and carries runs out.

It runs on a thread and an event loop of its own, so that no screen can slow it.
"""
