"""What the keys of a campaign file must be to one another.

Each rule reads the tables as they are written, so that a mistake elsewhere in the file
never hides one of these. A value of the wrong type is the forms' to tell: a rule passes
over it, and takes the default where a key is absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from watchfloor.domain.campaign import RECIPIENT
from watchfloor.domain.filters import Emptiness, Field, FilterError, fields_of
from watchfloor.domain.measures import duration_ms, duration_text
from watchfloor.domain.retries import RetryPolicy
from watchfloor.domain.text import clean
from watchfloor.domain.windows import Window
from watchfloor.intake.campaign_forms import MAX_STEPS
from watchfloor.intake.filter_language import check_fields, parse_filter
from watchfloor.intake.mistakes import shown
from watchfloor.intake.toml_values import DAY_MS, close_minute, open_minute

#: What a filter may ask about an earlier step, as ``call.code``.
STEP_FIELDS = ("code", "class", "attempts")

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EVERY_DAY = frozenset(range(7))
_DEFAULTS = RetryPolicy()

Table = Mapping[str, object]


def broken_rules(campaign: Table) -> Iterator[str]:
    """Yield every mistake that lies between two keys, its place first."""
    audience, window = _table(campaign, "audience"), _table(campaign, "window")
    steps = _steps(campaign)
    yield from _regions(audience)
    yield from _retries(steps)
    yield from _names(steps)
    yield from _conditions(audience, steps)
    yield from _hours(window)
    yield from _recipients(audience, window)


def _regions(audience: Table) -> Iterator[str]:
    has_region = "region" in audience or "region_column" in audience
    if has_region and _kind(audience) in ("email", "id"):
        yield 'audience: region and region_column are for kind = "phone"; remove them'


def _retries(steps: Sequence[Table]) -> Iterator[str]:
    for at, step in enumerate(steps):
        retry = _table(step, "retry")
        backoff = _duration(retry, "backoff", _DEFAULTS.backoff_ms)
        most = _duration(retry, "max_backoff", _DEFAULTS.max_backoff_ms)
        if backoff is not None and most is not None and most < backoff <= DAY_MS:
            yield (
                f"steps[{at}].retry: backoff {duration_text(backoff)} is longer than "
                f"max_backoff {duration_text(most)}; raise that"
            )


def _names(steps: Sequence[Table]) -> Iterator[str]:
    # One step alone is named by no filter: any name will do.
    if len(steps) == 1:
        return
    first: dict[str, int] = {}
    for at, name in enumerate(_step_names(steps)):
        if not name:
            continue
        if name in first:
            yield (
                f"steps[{at}].name: {shown(name)} is the name of steps[{first[name]}] "
                "too; give each step a name of its own"
            )
        elif not _PLAIN_NAME.fullmatch(name):
            yield (
                f"steps[{at}].name: {shown(name)} cannot be named in a filter; where "
                "there are several steps, write letters, digits and _, as in "
                'name = "second_call"'
            )
        first.setdefault(name, at)


def _conditions(audience: Table, steps: Sequence[Table]) -> Iterator[str]:
    names = _step_names(steps)
    asked = {f"{name}.{one}" for name in names for one in STEP_FIELDS}
    for field in _fields(audience.get("filter")):
        if field.name in asked:
            yield (
                f"audience.filter: column {field.column}: {clean(field.name)} is not "
                "known before the step is taken; put it into the when of a later step"
            )
    if steps and "when" in steps[0]:
        yield (
            "steps[0].when: every record takes the first step; remove this, and put "
            "what it asks of a row into audience.filter"
        )
    for at, step in enumerate(steps[1:], start=1):
        before = dict.fromkeys(names[:at])
        earlier = [f"{name}.{one}" for name in before for one in STEP_FIELDS]
        for field in _fields(step.get("when")):
            if "." in field.name:
                yield from _strange(field, earlier, f"steps[{at}].when")


def _strange(field: Field, earlier: Sequence[str], place: str) -> Iterator[str]:
    try:
        # One by one, so that the first strange field does not hide the next.
        check_fields(Emptiness(field), earlier, "the fields of the steps before it")
    except FilterError as error:
        yield f"{place}: {clean(error)}"


def _hours(window: Table) -> Iterator[str]:
    try:
        opens = open_minute(window.get("open"))
        closes = close_minute(window.get("close"))
    except ValueError:
        return
    try:
        Window(zone=RECIPIENT, days=_EVERY_DAY, open_minute=opens, close_minute=closes)
    except ValueError as error:
        yield f"window: {error}"


def _recipients(audience: Table, window: Table) -> Iterator[str]:
    is_known = _kind(audience) not in ("email", "id") or "zone_column" in audience
    if window.get("zone") == RECIPIENT and not is_known:
        yield (
            'window.zone: "recipient" needs kind = "phone", or a column that names '
            "each recipient's zone; add audience.zone_column, or name one zone here"
        )


def _steps(campaign: Table) -> list[Table]:
    """Return the steps, an empty table for what is none, so that places stay right."""
    steps = campaign.get("steps")
    if not isinstance(steps, list):
        return []
    return [one if isinstance(one, Mapping) else {} for one in steps[:MAX_STEPS]]


def _step_names(steps: Sequence[Table]) -> list[str]:
    """Return the names, an empty one for what is none."""
    found = [step.get("name") for step in steps]
    return [name if isinstance(name, str) else "" for name in found]


def _fields(text: object) -> tuple[Field, ...]:
    """Return what a filter asks about; nothing for a filter with a mistake."""
    if not isinstance(text, str):
        return ()
    try:
        return fields_of(parse_filter(text))
    except FilterError:
        return ()


def _kind(audience: Table) -> object:
    return audience.get("kind", "phone")


def _table(table: Table, key: str) -> Table:
    found = table.get(key)
    return found if isinstance(found, Mapping) else {}


def _duration(table: Table, key: str, default_ms: int) -> int | None:
    try:
        return duration_ms(table[key]) if key in table else default_ms
    except ValueError:
        return None
