"""Contacting a record by an HTTP request to a provider.

Each attempt is at most one request: no redirect is followed, no proxy is taken from
the environment, no cookie is kept, and nothing is sent again by the client.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from watchfloor.channels.base import NoAnswerError, RenderError
from watchfloor.channels.connections import guarded_connector, refused
from watchfloor.channels.hosts import Hosts, check_hosts
from watchfloor.channels.replies import (
    Reply,
    ReplyRules,
    outcome_of_look_up,
    outcome_of_reply,
)
from watchfloor.channels.request_phase import (
    Phase,
    outcome_of_error,
    phase_tracing,
    send_once,
)
from watchfloor.channels.secrets import is_reference, resolved
from watchfloor.channels.settings import checked
from watchfloor.channels.webhook_settings import (
    LOOK_UP_KEY,
    WebhookSettings,
    host_of,
)
from watchfloor.domain.outcomes import Delivery, Dispatch, Outcome, OutcomeClass
from watchfloor.domain.reach import Reach

#: The most of a reply's body that is read; the connection is closed on a longer one.
REPLY_BYTES = 65_536
#: The client rounds longer time-outs up to a whole second of its loop.
MARGIN_S = 2.0

#: That there is no such key is an answer: the provider does not know either.
_NOT_KNOWN = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_FAULTS = (aiohttp.ClientError, TimeoutError, OSError)
# No compression: a small bomb would be a large body.
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "watchfloor",
}


class WebhookChannel:
    """Send one JSON request per attempt.

    Args:
        settings: See ``WebhookSettings``.
        clock: Seconds since 1970 UTC, for a Retry-After that is a date.
    """

    def __init__(
        self, settings: Mapping[str, object], clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = checked(WebhookSettings, settings)
        self._clock = clock
        self._reach: Callable[[], Reach] = Reach
        self._rules = ReplyRules()
        self._session: aiohttp.ClientSession | None = None

    @property
    def delivery(self) -> Delivery:
        """As the settings say; idempotent means the provider honours the key."""
        return Delivery(self._settings.delivery)

    @property
    def deadline_s(self) -> float:
        """The time-out and a margin."""
        return self._settings.timeout_ms / 1000 + MARGIN_S

    @property
    def placeholders(self) -> frozenset[str]:
        """The columns that the body names."""
        return self._settings.body.placeholders

    @property
    def target(self) -> str:
        """The URL's host and port."""
        url = URL(self._settings.url)
        host = url.host_subcomponent or ""
        return f"{host}:{url.port}"

    @property
    def hosts(self) -> Hosts:
        """Where ``url`` and ``lookup_url`` lead."""
        given = {"url": self._settings.url, "lookup_url": self._settings.lookup_url}
        return {name: host_of(address) for name, address in given.items() if address}

    def keep_within(self, reach: Callable[[], Reach]) -> None:
        """Contact no other hosts than these say."""
        self._reach = reach

    def rendered(self, dispatch: Dispatch) -> Mapping[str, object]:
        """Return the request: method, url, headers and body."""
        return {
            "method": self._settings.method,
            "url": self._settings.url,
            "headers": {
                **_with_defaults(self._settings.headers),
                **_key_header(dispatch),
            },
            "body": self._filled_body(dispatch),
        }

    async def __aenter__(self) -> Self:
        check_hosts(self.hosts, self._reach())
        headers, secrets = self._resolved_headers()
        self._rules = ReplyRules(
            codes=_classes(self._settings.codes),
            statuses={
                int(status): one
                for status, one in _classes(self._settings.statuses).items()
            },
            secrets=secrets,
        )
        timeout_s = self._settings.timeout_ms / 1000
        self._session = aiohttp.ClientSession(
            # No limit of its own: the permits are the limit, and an attempt that
            # waited here for a connection would be in flight and standing still.
            connector=guarded_connector(
                self._reach,
                limit=0,
                # A kept connection may die just as it is used again, which nobody can
                # tell from a lost reply. A resend mends that; at most once cannot.
                force_close=self.delivery is Delivery.AT_MOST_ONCE,
            ),
            headers=headers,
            timeout=aiohttp.ClientTimeout(
                total=timeout_s,
                connect=min(self._settings.connect_timeout_ms / 1000, timeout_s),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=REPLY_BYTES,
            trace_configs=[phase_tracing()],
            middlewares=(send_once,),
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        session, self._session = self._session, None
        self._rules = ReplyRules()
        if session is not None:
            await session.close()

    async def deliver(self, dispatch: Dispatch) -> Outcome:
        """Send one request and read the reply.

        Raises:
            RuntimeError: The channel is not open; nothing was sent.
        """
        if self._session is None:
            raise RuntimeError("the webhook channel is not open")
        try:
            body = json.dumps(self._filled_body(dispatch)).encode()
        except RenderError as error:
            return error.outcome
        phase = Phase()
        try:
            response = await self._session.request(
                self._settings.method,
                self._settings.url,
                data=body,
                headers=_key_header(dispatch),
                allow_redirects=False,
                raise_for_status=False,
                trace_request_ctx=phase,
            )
        except _FAULTS as error:
            return outcome_of_error(error, is_sent=phase.is_sent)
        try:
            reply = Reply(
                status=response.status,
                retry_after=response.headers.get("Retry-After", ""),
                body=await _whole_body(response),
            )
        finally:
            # A body read to its end has gone back to the pool already.
            response.close()
        return outcome_of_reply(reply, self._rules, self._clock())

    @property
    def can_look_up(self) -> bool:
        """Whether ``lookup_url`` is set."""
        return bool(self._settings.lookup_url)

    async def look_up(self, dispatch: Dispatch) -> Outcome | None:
        """Ask the provider about a key with one GET, as strictly as delivering.

        Raises:
            NoAnswerError: No reply, or one that is neither 2xx nor 404 or 410.
            RuntimeError: The channel is not open; nothing was asked.
        """
        if self._session is None or not self.can_look_up:
            raise RuntimeError("the webhook channel is not open, or has no lookup_url")
        url = self._settings.lookup_url.replace(LOOK_UP_KEY, quote(dispatch.key, ""))
        try:
            response = await self._session.get(
                url,
                headers=_key_header(dispatch),
                allow_redirects=False,
                raise_for_status=False,
                trace_request_ctx=Phase(),
            )
        except _FAULTS as error:
            refusal = refused(error)
            why = "the provider could not be asked" if refusal is None else refusal.why
            raise NoAnswerError(why) from error
        try:
            reply = Reply(status=response.status, body=await _whole_body(response))
        finally:
            response.close()
        if reply.status in _NOT_KNOWN:
            return None
        if reply.status // 100 != HTTPStatus.OK // 100:
            msg = f"the provider answered {reply.status} to a look-up"
            raise NoAnswerError(msg)
        return outcome_of_look_up(reply, self._rules)

    def _filled_body(self, dispatch: Dispatch) -> object:
        try:
            return self._settings.body.filled(dispatch)
        except KeyError as error:
            raise RenderError.missing(error) from error

    def _resolved_headers(self) -> tuple[dict[str, str], tuple[str, ...]]:
        given = {
            name: resolved(value, f"headers.{name}")
            for name, value in self._settings.headers.items()
        }
        secrets = tuple(
            given[name]
            for name, value in self._settings.headers.items()
            if is_reference(value)
        )
        return _with_defaults(given), secrets


def _with_defaults(given: Mapping[str, str]) -> dict[str, str]:
    named = {name.lower() for name in given}
    defaults = {
        name: value for name, value in _HEADERS.items() if name.lower() not in named
    }
    return {**defaults, **given}


def _key_header(dispatch: Dispatch) -> dict[str, str]:
    return {"Idempotency-Key": f'"{dispatch.key}"'}


async def _whole_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, or nothing if it is too long, broken or does not end."""
    body = bytearray()
    try:
        while chunk := await response.content.read(REPLY_BYTES + 1 - len(body)):
            body += chunk
            if len(body) > REPLY_BYTES:
                return b""
    except _FAULTS:
        # The status line was read, and it decides.
        return b""
    return bytes(body)


def _classes(words: Mapping[str, str]) -> dict[str, OutcomeClass]:
    return {key: OutcomeClass[word.upper()] for key, word in words.items()}
