"""Values kept outside the campaign: ``env:NAME`` and ``file:/absolute/path``.

A campaign's text is frozen with the run, shown and bundled, so it holds the reference
and never the secret. A secret is read when the channel opens and forgotten when it
closes; it appears in no message, no representation and no outcome.
"""

from __future__ import annotations

import html
import json
import os
import re
import stat
from base64 import b64encode
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import PurePath
from string import ascii_lowercase, ascii_uppercase
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.lending import REFERENCES

MAX_BYTES = 65_536
HIDDEN = "[secret]"

_ENV, _FILE = REFERENCES
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BURIED = re.compile(r"\S+\s+(env|file):\S+")
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Shorter ones would hide ordinary words of a reply.
_LEAST_HIDDEN = 6
#: Of one that was cut off, so much tells it from an ordinary word.
_LEAST_BEGUN: Final = 8
#: Of one that is written apart, backwards or in part, so much is no word by chance.
_LEAST_DISGUISED: Final = 8
#: Of one so long, two thirds of its characters give it away.
_LEAST_PARTED: Final = 12
#: So many places that begin like a part of a secret: the text is not gone through.
_MOST_PLACES: Final = 1_000
#: What can stand between two characters and is not seen, or only as a gap.
_GAPS: Final = re.compile(
    r"[\s\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
#: Letter by letter: other ways to make letters small move what stands behind them.
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


def is_reference(value: str) -> bool:
    """Whether *value* says where a secret is, instead of being the value itself."""
    return value.startswith(REFERENCES)


def check_reference(value: str) -> None:
    """Check the form of a plain value or a reference; nothing is read.

    Raises:
        ValueError: The reference can never be resolved, or a value would break out of
            its line. The message does not quote a plain value.
    """
    if has_control_characters(value):
        raise ValueError("must not contain line breaks or control characters")
    if value.startswith(_ENV) and not _NAME.fullmatch(value.removeprefix(_ENV)):
        msg = f"{value!r} names no environment variable; write env:NAME"
        raise ValueError(msg)
    if value.startswith(_FILE):
        if not PurePath(value.removeprefix(_FILE)).is_absolute():
            msg = f"{value!r} must be an absolute path, like file:/etc/calls.token"
            raise ValueError(msg)
    elif _BURIED.fullmatch(value):
        raise ValueError(
            "a reference must be the whole value; put the words before it, like "
            "Bearer, into the secret"
        )


def has_control_characters(value: str) -> bool:
    """Whether *value* could end a header's line or hide in it; a tab is allowed."""
    return _UNSAFE.search(value) is not None


def resolved(value: str, place: str) -> str:
    """Return the secret that *value* refers to, or *value* itself if it is plain.

    Args:
        value: A checked reference or a plain value.
        place: The key path, for the message.

    Raises:
        ConfigError: It is missing, empty, unsafe to use or open to others. The message
            names the reference and never what was found there.
    """
    if not is_reference(value):
        return value
    try:
        return _read(value)
    except ValueError as error:
        why = str(error)
    # Outside the handler: a decoding error would carry the file's bytes along.
    msg = f"{place}: {value} {why}; nobody was contacted; mend it and start again"
    raise ConfigError(msg)


class Spelling(NamedTuple):
    """One way to write a secret, and what of it is looked for.

    Attributes:
        whole: All of it, in small letters.
        begun: What a text may end behind; empty where that is too short to tell.
        middle: What every part that gives it away holds; empty where it is too short.
        least: How many of its characters in a row are such a part.
    """

    whole: str
    begun: str
    middle: str
    least: int


def spellings(secrets: Iterable[str]) -> tuple[Spelling, ...]:
    """Return how secrets may be written by who echoes them, for ``redacted``.

    As they are and backwards, and as URLs, HTML, JSON, hexadecimal and base64 have
    them, there also amid more that was encoded with them. Each also without its gaps.

    Args:
        secrets: Whole values; of ``Bearer abc`` also ``abc`` alone is meant.
    """
    found: set[str] = set()
    for secret in secrets:
        for part in (secret, secret.rpartition(" ")[2]):
            found |= set(_spelled(part)) if len(part) >= _LEAST_HIDDEN else set()
    found |= {_GAPS.sub("", one) for one in found}
    low = {_low(one) for one in found if len(one) >= _LEAST_HIDDEN}
    return tuple(_spelling(one) for one in sorted(low, key=len, reverse=True))


def _spelling(whole: str) -> Spelling:
    size = least = len(whole)
    if size >= _LEAST_PARTED:
        least = max(_LEAST_DISGUISED, -(-2 * size // 3))
    return Spelling(
        whole,
        begun=whole[:_LEAST_BEGUN] if size > _LEAST_BEGUN else "",
        middle=whole[size - least : least] if size >= _LEAST_DISGUISED else "",
        least=least,
    )


def _spelled(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (secret, quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (html.escape(secret), json.dumps(secret)[1:-1], raw.hex())
    if len(secret) >= _LEAST_DISGUISED:
        yield secret[::-1]
    for shift in range(3):
        # What stands before moves its bits; the signs at its ends are half another's.
        encoded = b64encode(bytes(shift) + raw).decode()
        whole = encoded[(0, 2, 3)[shift] : (shift + len(raw)) * 8 // 6]
        yield from (whole, whole.replace("+", "-").replace("/", "_"))


def redacted(text: str, spelled: Iterable[Spelling]) -> str:
    """Return *text* without the secrets that a provider may have echoed.

    Capitals are small letters here, and a beginning at the end counts: whoever echoes
    may have cut it. So do two thirds of a secret in a row, and gaps do not.

    Args:
        text: From outside, not yet cut.
        spelled: What ``spellings`` returned.
    """
    if not text:
        return text
    low = _low(text)
    for one in spelled:
        at = 0
        while (at := low.find(one.whole, at)) >= 0:
            text = f"{text[:at]}{HIDDEN}{text[at + len(one.whole) :]}"
            low = _low(text)
            # What stands there now may hold a secret that is spelled like it.
            at += len(HIDDEN)
        if one.begun and one.begun in low:
            at = low.rfind(one.begun)
            if one.whole.startswith(low[at:]):
                text = f"{text[:at]}{HIDDEN}"
                low = _low(text)
    return _without_disguised(text, low, spelled)


def _without_disguised(text: str, low: str, spelled: Iterable[Spelling]) -> str:
    """Return *text* without secrets that are written apart or only in part."""
    folded = _GAPS.sub("", low)
    for one in spelled:
        if not one.middle or one.middle not in folded:
            continue
        places = _places(folded, one)
        if places is None:
            return HIDDEN
        if places:
            text = _cut_out(text, places)
            folded = _GAPS.sub("", _low(text))
    return text


def _places(folded: str, secret: Spelling) -> list[tuple[int, int]] | None:
    """Return where enough of a secret stands in a row; None: far too often asked."""
    whole, middle, least = secret.whole, secret.middle, secret.least
    before, after = whole[: len(whole) - least][::-1], whole[least:]
    found: list[tuple[int, int]] = []
    at = end = 0
    for _ in range(_MOST_PLACES):
        at = folded.find(middle, at)
        if at < 0:
            return found
        begin = at - _alike(folded[max(end, at - len(before)) : at][::-1], before)
        stop = at + len(middle)
        stop += _alike(folded[stop : stop + len(after)], after)
        if stop - begin >= least:
            found.append((begin, stop))
            at = end = stop
        else:
            at += 1
    return None


def _low(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with together."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _cut_out(text: str, places: list[tuple[int, int]]) -> str:
    """Return *text* without what stands at *places* of it, counted without its gaps."""
    kept = [at for at, char in enumerate(text) if not _GAPS.match(char)]
    for begin, stop in reversed(places):
        text = f"{text[: kept[begin]]}{HIDDEN}{text[kept[stop - 1] + 1 :]}"
    return text


def _read(reference: str) -> str:
    in_env = reference.startswith(_ENV)
    secret = _from_env(reference) if in_env else _from_file(reference)
    if not secret:
        raise ValueError("is empty")
    if has_control_characters(secret):
        raise ValueError("holds line breaks or control characters")
    return secret


def _from_env(reference: str) -> str:
    secret = os.environ.get(reference.removeprefix(_ENV))
    if secret is None:
        raise ValueError("is not set in the engine's environment")
    return secret


def _from_file(reference: str) -> str:
    path = reference.removeprefix(_FILE)
    # Not blocking, so that a pipe put in the secret's place cannot hold the engine.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(path, flags)
    except OSError as error:
        msg = f"cannot be read ({os.strerror(error.errno or 0)}; no link is followed)"
        raise ValueError(msg) from error
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("is not a plain file")
        if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValueError("is open to group or others (chmod 600 closes it)")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError("is too large to be a secret")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
