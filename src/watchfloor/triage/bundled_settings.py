"""A campaign and a workspace as a bundle tells them: key by key, from a list.

What stands in no list here does not leave, whatever it is called: a comment, the words
of a message, a header's value, the settings of a plug-in. A reference to a secret is
told as what it is; the secret itself was never in the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TypeAlias

from watchfloor.domain.workspace import Shared, Workspace
from watchfloor.triage.secret_shapes import HIDDEN, URL, host_alone

_MOST = 100
_MOST_CHARS = 200
#: What a value may be written in where it is one of a few words, a time or a measure.
_WORD = re.compile(r"[A-Za-z0-9_./:+\- ]{1,60}")
_CODE = re.compile(r"[a-z0-9_.]{1,60}")
_ENV = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,99}")
#: A quote within quotes is written twice; what is never closed goes to the end.
_QUOTED = re.compile(r"\"(?:[^\"]|\"\")*\"?|'(?:[^']|'')*'?")
_PLACEHOLDER = re.compile(r"\$\{([^{}]{1,60})\}")
#: Headers whose value says how a request is written, and nothing else.
_OPEN_HEADERS = frozenset({"accept", "accept-language", "content-type"})

Told: TypeAlias = Callable[[object], object]


def _plain(value: object) -> object:
    """Return a number, a yes or no, or one of a few words."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    is_word = isinstance(value, str) and _WORD.fullmatch(value)
    return value if is_word else HIDDEN


def _text(value: object) -> object:
    """Return what people call something; the scrubber sees it afterwards."""
    return value[:_MOST_CHARS] if isinstance(value, str) else HIDDEN


def _texts(value: object) -> object:
    return [_text(one) for one in value[:_MOST]] if isinstance(value, list) else HIDDEN


def _count(value: object) -> object:
    """Return how many there are: who is told by e-mail is nobody's business."""
    return {"count": len(value)} if isinstance(value, list) else HIDDEN


def _reference(value: object) -> object:
    """Return which variable holds a secret, or that a file does."""
    text = value if isinstance(value, str) else ""
    if _ENV.fullmatch(text):
        return text
    return "file:[path]" if text.startswith("file:") else HIDDEN


def _address(value: object) -> object:
    """Return an URL's scheme, host and port."""
    is_url = isinstance(value, str) and URL.fullmatch(value)
    return host_alone(str(value)) if is_url else HIDDEN


def _host(value: object) -> object:
    is_host = isinstance(value, str) and re.fullmatch(r"[0-9A-Za-z.:\-]{1,255}", value)
    return value if is_host else HIDDEN


def filter_told(value: object) -> object:
    """Return a filter without its quoted values: they may be anybody's."""
    if not isinstance(value, str):
        return HIDDEN
    return _QUOTED.sub(f'"{HIDDEN}"', value[:2_000])


def _when(value: object) -> object:
    """Return a step's condition; of its quoted values those that can be codes."""
    if not isinstance(value, str):
        return HIDDEN

    def told(quoted: re.Match[str]) -> str:
        return quoted[0] if _CODE.fullmatch(quoted[0][1:-1]) else f'"{HIDDEN}"'

    return _QUOTED.sub(told, value[:2_000])


def _message(value: object) -> object:
    """Return of a template how long it is and which columns it names."""
    text = value if isinstance(value, str) else repr(value)
    names = sorted(set(_PLACEHOLDER.findall(text)))
    return {"characters": len(text), "placeholders": names[:_MOST]}


def _headers(value: object) -> object:
    if not isinstance(value, Mapping):
        return HIDDEN
    return {
        str(name)[:60]: _plain(one)
        if str(name).lower() in _OPEN_HEADERS
        else _reference(one)
        for name, one in list(value.items())[:_MOST]
    }


def _codes(value: object) -> object:
    """Return which code means what."""
    if not isinstance(value, Mapping):
        return HIDDEN
    return {str(code)[:60]: _plain(word) for code, word in list(value.items())[:_MOST]}


def _table(keys: Mapping[str, Told]) -> Told:
    """Return what tells the listed keys of a table, and how many others there are."""

    def told(value: object) -> object:
        if not isinstance(value, Mapping):
            return HIDDEN
        known: dict[str, object] = {
            key: tell(value[key]) for key, tell in keys.items() if key in value
        }
        if others := len(value) - len(known):
            known["left_out"] = others
        return known

    return told


_SHARES = _table(
    dict.fromkeys(("transient", "permanent", "callback", "ambiguous"), _plain)
)
_CHANNELS: dict[str, Told] = {
    "simulator": _table(
        {
            **dict.fromkeys(("seed", "latency", "jitter", "timeout"), _plain),
            **dict.fromkeys(("callback_after", "delivery"), _plain),
            "shares": _SHARES,
        }
    ),
    "webhook": _table(
        {
            "url": _address,
            **dict.fromkeys(("method", "timeout", "connect_timeout"), _plain),
            "delivery": _plain,
            "headers": _headers,
            "body": _message,
            "codes": _codes,
            "statuses": _codes,
        }
    ),
    "smtp": _table(
        {
            "host": _host,
            **dict.fromkeys(("port", "security", "timeout", "connections"), _plain),
            **dict.fromkeys(("username", "password"), _reference),
            **dict.fromkeys(("subject", "html", "text"), _message),
            "codes": _codes,
        }
    ),
    "python": _table(dict.fromkeys(("call", "timeout", "delivery"), _plain)),
}
_NO_SETTINGS = _table({})


def _step(value: object) -> object:
    if not isinstance(value, Mapping):
        return HIDDEN
    channel = value.get("channel")
    settings = _CHANNELS.get(str(channel), _NO_SETTINGS)
    retry = dict.fromkeys(("attempts", "backoff", "max_backoff", "max_age"), _plain)
    keys: dict[str, Told] = {"name": _text, "channel": _text, "when": _when}
    return _table({**keys, "settings": settings, "retry": _table(retry)})(value)


def _steps(value: object) -> object:
    return [_step(one) for one in value[:_MOST]] if isinstance(value, list) else HIDDEN


_PAUSE_WHEN = _table(dict.fromkeys(("class", "share", "over", "at_least"), _plain))
_CAMPAIGN = _table(
    {
        "campaign": _table(
            {"id": _text, "name": _text, "notify": _count, "published": _plain}
        ),
        "audience": _table(
            {
                **dict.fromkeys(("contact", "region_column", "zone_column"), _text),
                **dict.fromkeys(("kind", "region", "mode"), _plain),
                "required": _texts,
                "filter": filter_told,
                "suppression": _count,
            }
        ),
        "steps": _steps,
        "limits": _table(dict.fromkeys(("permits", "rate", "retry_share"), _plain)),
        "window": _table(
            {
                **dict.fromkeys(("zone", "open", "close"), _plain),
                "days": lambda days: (
                    [_plain(one) for one in days] if isinstance(days, list) else HIDDEN
                ),
            }
        ),
        "callbacks": _table({"expire": _plain}),
        "approval": _table({"after": _plain}),
        "guard": _table({"pause_when": _PAUSE_WHEN, "breaker_after": _plain}),
        "results": _table({"collect": _plain}),
    }
)


def campaign_told(text: str) -> object:
    """Return a campaign's frozen text as a bundle tells it."""
    try:
        return _CAMPAIGN(tomllib.loads(text))
    except (ValueError, RecursionError):
        return {"unreadable": True}


def contact_kind(text: str) -> str:
    """Return what a campaign's contacts are: phone, email or id; or empty."""
    try:
        return str(tomllib.loads(text)["audience"].get("kind", "phone"))
    except (ValueError, KeyError, AttributeError, RecursionError):
        return ""


def workspace_told(workspace: Workspace) -> dict[str, Any]:
    """Return the settings of a workspace as a bundle tells them."""
    mail = dict(workspace.mail)
    return {
        "workspace": {
            "id": workspace.workspace_id,
            "name": workspace.name,
            "zone": workspace.zone,
        },
        "plan": asdict(workspace.plan),
        "limits": shared_told(workspace.shared),
        "channels": {
            name: shared_told(one) for name, one in workspace.channels.items()
        },
        "mail": _table(
            {
                "host": _host,
                **dict.fromkeys(("port", "security", "timeout"), _plain),
                **dict.fromkeys(("username", "password"), _reference),
            }
        )(mail),
        "notices": {"preset": workspace.notices.value},
        "results": {
            "token": _reference(workspace.results.token),
            "rate_per_s": workspace.results.rate_per_s,
            "max_bytes": workspace.results.max_bytes,
        },
        "safety": {"second_person_above": workspace.second_person_above},
    }


def shared_told(shared: Shared) -> dict[str, object]:
    """Return a limit that runs share."""
    return {"permits": shared.permits, "rate_per_s": shared.rate_per_s}


def references(text: str, workspace: Workspace | None) -> frozenset[str]:
    """Return every reference to a secret that the two name, wherever it stands."""
    found: set[str] = set()
    with suppress(ValueError, RecursionError):
        _gather(tomllib.loads(text), found)
    if workspace is not None:
        _gather(dict(workspace.mail), found)
        found.add(workspace.results.token)
    return frozenset(found)


def _gather(value: object, found: set[str]) -> None:
    if isinstance(value, Mapping):
        for one in value.values():
            _gather(one, found)
    elif isinstance(value, list):
        for one in value:
            _gather(one, found)
    elif isinstance(value, str) and value.startswith(("env:", "file:")):
        found.add(value)
