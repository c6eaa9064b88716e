"""Changes. Only the engine may import this package (see the import contracts).

Every function runs inside the caller's transaction and commits nothing. The caller has
fenced the transaction with ``lease.fence``: an engine whose epoch has passed changes
no row.
"""
