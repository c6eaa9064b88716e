"""Which secrets a campaign may use whose asker is no admin: what the owner lends.

The engine reads a secret with its owner's rights and sends it where the campaign says.
So whoever writes a campaign takes every secret that they may name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from watchfloor.domain.campaign import Campaign
from watchfloor.domain.roles import Role

#: How a setting begins that says where a secret is, instead of being it.
REFERENCES: Final = ("env:", "file:")


def references(campaign: Campaign) -> tuple[str, ...]:
    """Return every reference in a campaign's settings, each once, as they stand.

    Whatever looks like one counts: what it comes to is the channel's to say, and a
    plug-in may read any of them.
    """
    found = (one for step in campaign.steps for one in _texts(step.settings))
    return tuple(dict.fromkeys(one for one in found if one.startswith(REFERENCES)))


def unlent(
    role: Role,
    named: Iterable[str],
    lent: frozenset[str],
    is_known_text: Callable[[], bool],
) -> tuple[str, ...]:
    """Return which of the references keep a campaign from being launched.

    Args:
        role: Of who launches it. An admin owns the secrets as it is.
        named: What the campaign refers to.
        lent: What the owner lends to every campaign, spelled as they do.
        is_known_text: Whether the campaign is one that the owner laid down, or one of a
            run that was launched; asked last, since files are read for it.
    """
    if role is Role.ADMIN:
        return ()
    wanted = tuple(one for one in named if one not in lent)
    return () if not wanted or is_known_text() else wanted


def unlent_words(wanted: Iterable[str]) -> str:
    """Return what to do about references that nobody lends, with their names."""
    named = [f'"{one}"' for one in wanted]
    return (
        f"the campaign refers to {' and '.join(named)}, which the engine would read "
        "with its owner's rights, and nobody lends it; nothing was launched. Ask the "
        f"owner to put this very campaign into campaigns/, or to add allow = "
        f"[{', '.join(named)}] to [secrets] of watchfloor.toml"
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
