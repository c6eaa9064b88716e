"""Telling a web address: one POST of JSON, no redirect, no proxy, nothing kept."""

from __future__ import annotations

from typing import Final

import aiohttp

from watchfloor.channels.connections import guarded_connector, refused
from watchfloor.channels.hook_settings import HookError, WebhookHookSettings
from watchfloor.channels.secrets import is_reference, redacted, resolved, spellings
from watchfloor.channels.webhook_settings import checked_address, refusal_of_url
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.reach import Reach
from watchfloor.domain.text import clean

#: So much of the reply is read.
REPLY_BYTES: Final = 2_048

_HEADERS = {
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "watchfloor",
}
_OK = range(200, 300)
#: Of an address that is a secret itself, neither host nor address is told.
_REFUSED_UNNAMED: Final = (
    "what url refers to may not be contacted; if it is meant, add its host to hosts, "
    "or its address to internal, in [webhooks] of watchfloor.toml"
)


async def told_webhook(
    settings: WebhookHookSettings, payload: bytes, message_id: str, reach: Reach
) -> str:
    """Post once and return the answer in one line.

    Args:
        settings: Where to, with its secrets by reference.
        payload: JSON.
        message_id: The same however often this is tried.
        reach: Whom webhooks may contact.

    Raises:
        ConfigError: A secret is missing or is no URL; nothing was sent.
        HookError: It could not be reached, or did not answer with 2xx.
    """
    url = resolved(settings.url, "url")
    try:
        checked_address(url)
    except ValueError as error:
        msg = f"url: what {settings.url} refers to {error}"
        raise ConfigError(msg) from None
    is_secret = is_reference(settings.url)
    why = refusal_of_url(url, reach)
    if why:
        raise HookError(_REFUSED_UNNAMED if is_secret else why)
    headers = {
        name: resolved(value, f"headers.{name}")
        for name, value in settings.headers.items()
    }
    secrets = [headers[n] for n, v in settings.headers.items() if is_reference(v)]
    if is_secret:
        secrets.append(url)
    hidden = spellings(secrets)
    try:
        session = _session(settings, reach)
        status, said = await _posted(session, url, headers, payload, message_id)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        refusal = refused(error)
        if refusal is not None:
            raise HookError(_REFUSED_UNNAMED if is_secret else refusal.why) from None
        raise HookError(redacted(_fault(error, settings), hidden)) from None
    answer = f"answered {status}"
    if said:
        # Cut only then: half a secret would not be found.
        answer = f"{answer}: {clean(redacted(said, hidden), 200)}"
    if status not in _OK:
        raise HookError(answer)
    return answer


def _session(settings: WebhookHookSettings, reach: Reach) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=guarded_connector(lambda: reach, force_close=True),
        timeout=aiohttp.ClientTimeout(total=settings.timeout_ms / 1000),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        read_bufsize=REPLY_BYTES,
    )


async def _posted(
    opened: aiohttp.ClientSession,
    url: str,
    headers: dict[str, str],
    payload: bytes,
    message_id: str,
) -> tuple[int, str]:
    named = {name.lower() for name in headers}
    defaults = {n: v for n, v in _HEADERS.items() if n.lower() not in named}
    async with (
        opened as session,
        session.post(
            url,
            data=payload,
            headers={**defaults, **headers, "Idempotency-Key": f'"{message_id}"'},
            allow_redirects=False,
        ) as response,
    ):
        try:
            body = await response.content.read(REPLY_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError):
            body = b""  # the status line was read, and it decides
        return response.status, body.decode(errors="replace").strip()


def _fault(error: BaseException, settings: WebhookHookSettings) -> str:
    """Return why nothing was heard; never an error's own text, which has the URL."""
    if isinstance(error, TimeoutError):
        return f"did not answer within {settings.timeout_ms / 1000:g} s"
    if isinstance(error, aiohttp.ClientConnectorError):
        return (
            f"could not be reached: {clean(error.os_error.strerror or 'no way', 100)}"
        )
    return f"the exchange broke off ({type(error).__name__})"
