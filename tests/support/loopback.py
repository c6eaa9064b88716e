"""Leave to contact this machine, as a workspace's file gives it."""

from __future__ import annotations

from watchfloor.channels.base import Channel, Reaching, load_channel
from watchfloor.domain.reach import Reach, internal_range

LOOPBACK = Reach(internal=(internal_range("127.0.0.0/8"),))


def loaded_for_loopback(name: str, settings: dict[str, object]) -> Channel:
    """Return a channel that may contact providers of a test."""
    channel = load_channel(name)(settings)
    if isinstance(channel, Reaching):
        channel.keep_within(lambda: LOOPBACK)
    return channel
