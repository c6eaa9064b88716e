"""Backups of a workspace: how one file holds it, and how that is read again."""
