"""The contract every channel keeps, and how channels are found.

A channel is any class of this shape, registered under the entry-point group
``watchfloor.channels``. It needs nothing of Watchfloor but ``domain``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from types import TracebackType
from typing import Protocol, Self, cast, runtime_checkable

from watchfloor.channels.hosts import Hosts
from watchfloor.domain.errors import ConfigError, NotFoundError
from watchfloor.domain.outcomes import Delivery, Dispatch, Outcome, OutcomeClass
from watchfloor.domain.reach import Reach

GROUP = "watchfloor.channels"


class RenderError(ValueError):
    """This record cannot be rendered, so it can never be sent; nothing was opened.

    Its text is a short sentence that repeats no value of the record: it is shown and
    stored unmasked.

    Attributes:
        code: The outcome's code when it is found only while delivering.
    """

    def __init__(self, text: str, code: str = "unfit_field") -> None:
        super().__init__(text)
        self.code = code

    @classmethod
    def missing(cls, error: KeyError) -> Self:
        """Return the error for a column that a template names and the record lacks."""
        text = f"the record has no column {error.args[0]!r:.100}"
        return cls(text, "missing_field")

    @property
    def outcome(self) -> Outcome:
        """What an attempt at this record comes to: nothing was sent, ever will be."""
        return Outcome(
            outcome_class=OutcomeClass.PERMANENT, code=self.code, detail=str(self)
        )


@runtime_checkable
class Channel(Protocol):
    """One way of contacting a record, with the settings of one campaign's step.

    ``deliver`` never raises for what the provider did: a refusal, a time-out or an
    unreachable host is an ``Outcome``. It raises only for a bug, which the engine
    books as ambiguous. It may be cancelled at any ``await`` and must then leave
    nothing half open.
    """

    def __init__(self, settings: Mapping[str, object]) -> None:
        """Check *settings* and open nothing.

        Raises:
            ConfigError: With every mistake in the settings, each naming its key, what
                is wrong and what would be right. No secret is resolved and none
                appears in a message.
        """
        ...

    @property
    def delivery(self) -> Delivery:
        """What may be done after a crash: resend with the same key, or never."""
        ...

    @property
    def deadline_s(self) -> float:
        """The longest one ``deliver`` can take by its own time-outs.

        The engine cancels an attempt that is clearly past it.
        """
        ...

    @property
    def placeholders(self) -> frozenset[str]:
        """The columns of the upload that the settings' templates name."""
        ...

    @property
    def target(self) -> str:
        """What fails as one, for a breaker to watch: ``host:port``, or empty."""
        ...

    def rendered(self, dispatch: Dispatch) -> Mapping[str, object]:
        """Return what would be sent for this record, fit for JSON and a screen.

        Works on a channel that is not open, and opens nothing. A secret appears as
        the reference that the settings hold.

        Raises:
            RenderError: This record can never be sent as it is.
        """
        ...

    async def __aenter__(self) -> Self:
        """Open what the channel keeps open for a whole run; resolve secrets.

        Raises:
            ConfigError: A secret is missing or something cannot be opened. The run
                fails with this text; nobody was contacted.
        """
        ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        ...

    async def deliver(self, dispatch: Dispatch) -> Outcome:
        """Make one attempt. Safe to call many times at once."""
        ...


class NoAnswerError(Exception):
    """The provider could not be asked, or gave no answer that can be read.

    Its text is a short sentence without anything of the record; it says nothing about
    whether the record was delivered.
    """


@runtime_checkable
class LookUp(Protocol):
    """What a channel offers besides, whose provider can be asked about a key."""

    @property
    def can_look_up(self) -> bool:
        """Whether these settings say how the provider is asked."""
        ...

    async def look_up(self, dispatch: Dispatch) -> Outcome | None:
        """Ask the provider what became of the attempts with this dispatch's key.

        It contacts nobody and changes nothing: asking twice is harmless. Only what the
        provider says for certain may be delivered (it was), transient (it was not, and
        may be tried again) or permanent (it was not, and never will be). That it knows
        no such key is no such word: the request may still be on its way.

        Returns:
            None where the provider does not know, or does not say for certain.

        Raises:
            NoAnswerError: It could not be asked.
        """
        ...


@runtime_checkable
class Reaching(Protocol):
    """What a channel offers besides, whose settings say which hosts it contacts.

    The workspace says whom it may contact; until it has, nothing but public addresses.
    One whose ``reaches_any_host`` is true is held to the inner addresses alone.
    """

    @property
    def hosts(self) -> Hosts:
        """What the settings name, each with its port."""
        ...

    def keep_within(self, reach: Callable[[], Reach]) -> None:
        """Contact no other hosts than these say; they are asked at every connection."""
        ...


def held_to(channel: Reaching, reach: Reach) -> Reach:
    """Return what of *reach* holds for a channel."""
    is_free = getattr(channel, "reaches_any_host", False)
    return reach.of_any_host() if is_free else reach


def asks_of(channel: Channel) -> LookUp | None:
    """Return a channel as one whose provider can be asked; None where it cannot be."""
    if isinstance(channel, LookUp) and channel.can_look_up:
        return channel
    return None


@cache
def _installed() -> EntryPoints:
    """Return the installed channels; looking through every package takes its time."""
    return entry_points(group=GROUP)


def channel_names() -> list[str]:
    """Return the installed channels' names, importing none of them."""
    return sorted(_installed().names)


def load_channel(name: str) -> type[Channel]:
    """Import exactly one channel.

    Raises:
        NotFoundError: No installed package offers a channel of this name.
        ConfigError: It is installed, but cannot be imported.
    """
    for point in _installed().select(name=name):
        try:
            return cast("type[Channel]", point.load())
        except Exception as error:
            msg = f"channel {name!r} is installed but cannot be imported: {error}"
            raise ConfigError(msg) from error
    msg = f"no channel is called {name!r}; installed: {', '.join(channel_names())}"
    raise NotFoundError(msg)
