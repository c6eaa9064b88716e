"""Where records go after a step of the campaign's strategy."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection, and_, bindparam, func, select

from watchfloor.store.filter_conditions import Condition
from watchfloor.store.tables import contact, record


class Strategy:
    """The steps of one campaign and who is taken on to each.

    Args:
        conditions: By step; None where everybody is taken on. The first is not asked.
    """

    def __init__(self, conditions: Sequence[Condition | None]) -> None:
        seqs = func.json_each(bindparam("seqs")).table_valued("value")
        same = and_(record.c.run_no == contact.c.run_no, record.c.seq == contact.c.seq)
        self._queries = [
            None
            if condition is None
            else select(record.c.seq)
            .join_from(record, contact, same)
            .where(
                record.c.run_no == bindparam("run_no"),
                record.c.seq.in_(select(seqs.c.value)),
                condition,
            )
            for condition in conditions
        ]

    def taken_on(
        self, connection: Connection, run_no: int, step: int, seqs: Sequence[int]
    ) -> dict[int, list[int]]:
        """Return which of *seqs* go on to which later step; the others are done.

        Args:
            connection: With the attempts of this transaction stored.
            run_no: Whose records.
            step: The step they are done with.
            seqs: The records.
        """
        left = list(seqs)
        going: dict[int, list[int]] = {}
        for number in range(step + 1, len(self._queries)):
            query = self._queries[number]
            if query is None:
                return {**going, number: left} if left else going
            bound = {"run_no": run_no, "seqs": orjson.dumps(left).decode()}
            taken = list(connection.scalars(query, bound))
            if taken:
                going[number] = taken
                gone = set(taken)
                left = [seq for seq in left if seq not in gone]
            if not left:
                break
        return going
