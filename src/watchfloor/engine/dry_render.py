"""What each step would send to one person of an upload; nothing is sent or opened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import quote

from watchfloor.channels.base import Channel, RenderError
from watchfloor.domain.campaign import Campaign
from watchfloor.domain.masking import masked
from watchfloor.engine.campaigns import channel_for
from watchfloor.engine.surveying import dry_dispatch
from watchfloor.intake.audience_file import AudienceReader, Candidate

#: So many rows are looked at for one that every step can send.
_ROWS: Final = 500
_PARTS: Final = 60
_LONGEST: Final = 2_000
#: What is shorter is no contact of its own wherever it stands in a longer text.
_TELLING: Final = 6

Part = tuple[str, str]


def dry_render(upload: Path, campaign: Campaign) -> tuple[Part, ...]:
    """Return what every step would send for the first candidate that all of them can.

    Returns:
        Pairs of step and part, and its text; the contact is masked wherever it stands.
        Empty where none of the first rows can be sent.
    """
    steps = [(step.name, step.channel, channel_for(step)) for step in campaign.steps]
    with AudienceReader(
        upload, campaign.audience, by_recipient=campaign.is_by_recipient
    ) as reader:
        for batch in islice(reader.batches(_ROWS), 1):
            for candidate in batch.candidates:
                cells = json.loads(candidate.values_json)
                fields = dict(zip(reader.columns, cells, strict=False))
                sent = _sent(candidate, fields, steps)
                if sent is not None:
                    written = fields.get(campaign.audience.contact, "").strip()
                    contacts = _spellings(candidate.contact, written)
                    return tuple((name, _hidden(text, contacts)) for name, text in sent)
    return ()


def _sent(
    candidate: Candidate,
    fields: Mapping[str, str],
    steps: Sequence[tuple[str, str, Channel]],
) -> list[Part] | None:
    """Return every step's parts in the order of the steps; None where one cannot."""
    parts: list[Part] = []
    for step, kind, channel in steps:
        try:
            rendered = channel.rendered(dry_dispatch(candidate, fields, step))
        except RenderError:
            return None
        parts.append((step, f"by {kind}"))
        parts += [
            (f"{step}: {name}", text)
            for name, text in islice(_leaves(rendered, ""), _PARTS)
        ]
    return parts


def _leaves(value: object, name: str) -> Iterator[Part]:
    """Yield what a nested value holds, each with the way to it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{name}[{number}]")
    else:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        yield name, text[:_LONGEST]


def _spellings(*contacts: str) -> tuple[str, ...]:
    """Return the contacts as they may stand in a text or in an address."""
    return (*contacts, *(quote(contact, safe="") for contact in contacts))


def _hidden(text: str, contacts: Sequence[str]) -> str:
    for contact in contacts:
        if contact and text.strip() == contact:
            return masked(contact)
        if len(contact) > _TELLING:
            text = text.replace(contact, masked(contact))
    return text
