"""Widgets that draw line by line and send a line only when it differs."""
