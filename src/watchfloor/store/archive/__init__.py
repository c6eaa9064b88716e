"""The archive of an ended run: files that other tools read, written once and whole."""
