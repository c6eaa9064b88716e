"""How far a request had come when it failed, and what that means.

A time-out alone cannot say whether the request left. The client's tracing can: before
the headers are handed to the connection nothing has left the process and a retry is
safe in every mode; afterwards the provider may have acted.
"""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, TraceConfig

from watchfloor.channels.connections import refused
from watchfloor.channels.hosts import outcome_of_refused_address
from watchfloor.domain.outcomes import Outcome, OutcomeClass


class Phase:
    """One request's progress; given to the client as ``trace_request_ctx``.

    Attributes:
        is_sent: Whether the headers were handed to the connection.
    """

    __slots__ = ("is_sent",)

    def __init__(self) -> None:
        self.is_sent = False


class BrokenRequestError(aiohttp.ClientError):
    """A connection broke; its cause says how. The client will not send it again."""


def phase_tracing() -> TraceConfig:
    """Return the tracing that keeps each request's ``Phase``."""
    tracing = TraceConfig()
    tracing.on_request_headers_sent.append(_note_sent)
    return tracing


async def _note_sent(
    session: aiohttp.ClientSession,  # noqa: ARG001 - the client's signal passes it
    context: SimpleNamespace,
    params: aiohttp.TraceRequestHeadersSentParams,  # noqa: ARG001 - as above
) -> None:
    phase: Phase = context.trace_request_ctx
    phase.is_sent = True


async def send_once(
    request: ClientRequest, handler: ClientHandlerType
) -> ClientResponse:
    """Keep the client from sending a PUT again by itself (a client middleware).

    aiohttp repeats idempotent methods when a connection breaks, unseen by us. The
    errors that make it do so are wrapped in one that does not.

    Raises:
        BrokenRequestError: In place of the error that is its cause.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise BrokenRequestError from error


def outcome_of_error(error: BaseException, *, is_sent: bool) -> Outcome:
    """Return what a failed request means.

    Args:
        error: What the client raised; its text is not repeated, since it may hold the
            URL and the headers.
        is_sent: See ``Phase``.
    """
    if isinstance(error, BrokenRequestError) and error.__cause__ is not None:
        error = error.__cause__
    if is_sent:
        code, detail = _after_sending(error)
        return Outcome(outcome_class=OutcomeClass.AMBIGUOUS, code=code, detail=detail)
    refusal = refused(error)
    if refusal is not None:
        return outcome_of_refused_address(refusal)
    code, detail = _before_sending(error)
    return Outcome(outcome_class=OutcomeClass.TRANSIENT, code=code, detail=detail)


def _before_sending(error: BaseException) -> tuple[str, str]:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "dns_failed", "the provider's host name could not be resolved"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "tls_failed", "no secure connection; check port and certificate"
        case TimeoutError():
            return "connect_timeout", "no connection within the time-out"
        case OSError(errno=errno.ECONNREFUSED):
            return "connection_refused", "the provider accepts no connections"
        case OSError(errno=int(number)):
            return "connect_failed", os.strerror(number)
        case _:
            return "connect_failed", "no connection could be made"


def _after_sending(error: BaseException) -> tuple[str, str]:
    match error:
        case TimeoutError():
            return "read_timeout", "sent, and no reply within the time-out"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return "garbage_reply", "sent, and the reply was not HTTP"
        case _:
            return "connection_reset", "sent, and the connection broke before a reply"
