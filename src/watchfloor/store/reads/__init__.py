"""Questions. Each is one short SELECT or a few, and answers in domain values.

They take a plain connection: the engine asks on its own, the command line on a
read-only one, the console through ``store.reader`` in an event loop.
"""
