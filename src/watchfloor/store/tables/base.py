"""What all tables are registered with.

The condition of a partial index is given as ``sqlite_where`` alone: naming another
database in a table loads its dialect, and every verb would wait for that (60 ms).
"""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()
