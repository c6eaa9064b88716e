"""A streaming run of two steps with a filter, killed with SIGKILL again and again.

The call honours its key, the text is sent at most once; who is called busy gets a text.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial

from tests.support.patience import until
from tests.support.process import EngineProcess
from tests.support.provider import Provider, Reply

from watchfloor.domain.records import RecordState

KILLS = 8
ROWS = 1_200
PERMITS = 8
SEED = 20_261_123
BUSY = Reply(body={"outcome": "permanent", "code": "busy"}, after_s=0.01)


def story(call: Provider, text: Provider) -> str:
    return f"""
[campaign]
id = "kills"
name = "Kills"
[audience]
contact = "id"
kind = "id"
mode = "streaming"
filter = 'not (first_name starts with "x")'
[[steps]]
name = "call"
channel = "webhook"
settings = {{ url = "{call.url}" }}
[steps.retry]
backoff = "10ms"
max_backoff = "20ms"
[[steps]]
name = "text"
when = 'call.code = "busy"'
channel = "webhook"
settings = {{ url = "{text.url}", delivery = "at_most_once" }}
[limits]
permits = {PERMITS}
"""


def has_moved(call, text, arrived, engine) -> bool:
    now = len(call.arrivals) + len(text.arrivals)
    return now > arrived or not engine.is_running


def test_a_strategy_loses_and_repeats_nothing_over_kills(floor, tmp_path):
    lot = random.Random(SEED)  # noqa: S311 - replayable
    names = {f"c{n:05}": "x" if n % 5 == 0 else "y" for n in range(ROWS)}
    upload = tmp_path / "people.csv"
    rows = "".join(f"{contact},{name}\n" for contact, name in names.items())
    upload.write_text(f"id,first_name\n{rows}")
    wanted = {contact for contact, name in names.items() if name == "y"}
    busy = {contact for contact in wanted if int(contact[1:]) % 3 == 0}
    slow = Reply(after_s=0.01)
    with Provider(lambda: slow) as call, Provider(lambda: slow) as text:
        for contact in busy:
            # A killed attempt is made again: the provider says the same again.
            call.replies[contact] = [BUSY] * (KILLS + 2)
        run_id = floor.launched(story(call, text), upload)
        kills = 0
        for _ in range(KILLS):
            with EngineProcess(floor.layout, "--until-idle") as engine:
                arrived = len(call.arrivals) + len(text.arrivals)
                until(partial(has_moved, call, text, arrived, engine))
                time.sleep(lot.uniform(0.0, 0.12))
                kills += engine.kill()
            floor.assert_books_hold(run_id)
        with EngineProcess(floor.layout, "--until-idle") as engine:
            assert engine.ended() == 0

        assert kills == KILLS
        books = floor.assert_books_hold(run_id)
        assert books.filtered == ROWS - len(wanted)
        assert books.records == len(wanted)
        assert set(call.contacts) == wanted
        assert all(len(found) == 1 for found in call.bodies_by_key.values())
        assert len(set(call.keys)) == len(wanted)
        assert set(text.contacts) <= busy
        assert set(Counter(text.keys).values()) <= {1}
        assert set(text.keys).isdisjoint(call.keys)
        unknown = {one.contact for one in floor.records(run_id, RecordState.UNKNOWN)}
        assert busy <= set(text.contacts) | unknown
        assert unknown <= busy
        assert books.unknown <= kills * PERMITS
        assert books.delivered + books.unknown == books.records
        assert floor.view(run_id).label == "Completed + collecting"
