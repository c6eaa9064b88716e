"""Members to one file: their manifest, their order, and a last look at them all."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.personal import ADDRESS
from watchfloor.triage.bundle_form import (
    BY_NAME,
    MANIFEST,
    MEMBERS,
    MOST_BYTES,
    VERSION,
)

#: The first moment that a zip can tell: when a bundle was made stands in its manifest.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o100600 << 16
_TAG = re.compile(r"<[^>]*>")


def packed(
    members: Mapping[str, bytes],
    about: Mapping[str, object],
    never: Iterable[str] = (),
) -> bytes:
    """Return the bundle: the same members and the same words give the same bytes.

    Args:
        members: By name, without the manifest.
        about: What the manifest says beside its form and the members' hashes.
        never: Texts that must not stand in it: the last look before it leaves.

    Raises:
        ConfigError: A member is too large, or something would have left that must
            not; nothing was written.
    """
    whole = {MANIFEST: _manifest(members, about), **members}
    _check_sizes(whole)
    _look_once_more(whole, never)
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=False) as file:
        for name, *_ in MEMBERS:
            if name in whole:
                file.writestr(_head(name), whole[name])
    return out.getvalue()


def _head(name: str) -> zipfile.ZipInfo:
    head = zipfile.ZipInfo(name, _MOMENT)
    head.compress_type = zipfile.ZIP_DEFLATED
    head.create_system = _UNIX
    head.external_attr = _MODE
    return head


def _manifest(members: Mapping[str, bytes], about: Mapping[str, object]) -> bytes:
    told = {
        "watchfloor_bundle": VERSION,
        **about,
        "members": {
            name: {
                "bytes": len(members[name]),
                "sha256": hashlib.sha256(members[name]).hexdigest(),
            }
            for name, *_ in MEMBERS
            if name in members
        },
    }
    return as_json(told)


def as_json(value: object) -> bytes:
    """Return *value* as JSON in ASCII, for people to read as well."""
    return f"{json.dumps(value, indent=1)}\n".encode()


def _check_sizes(members: Mapping[str, bytes]) -> None:
    for name, content in members.items():
        most = BY_NAME[name].most_bytes
        if len(content) > most:
            msg = (
                f"{name} would have {len(content):,} bytes, and {most:,} may leave; "
                "nothing was written. Ask for a shorter time: --since"
            )
            raise ConfigError(msg)
    if sum(map(len, members.values())) > MOST_BYTES:
        msg = (
            f"the bundle would be larger than {MOST_BYTES:,} bytes; nothing was written"
        )
        raise ConfigError(msg)


def _look_once_more(members: Mapping[str, bytes], never: Iterable[str]) -> None:
    """Refuse what slipped through: a bundle too few is better than one too many."""
    forbidden = [one.casefold() for one in never if one]
    for name, content in members.items():
        text = content.decode()
        texts = [text.casefold(), _TAG.sub("", text).casefold()]
        if any(one in text for one in forbidden for text in texts):
            what = "a secret or a person"
        elif not name.endswith(".svg") and ADDRESS.search(text):
            what = "an address"
        else:
            continue
        msg = (
            f"{name} would have told {what}; nothing was written. "
            "This is a mistake in Watchfloor itself; report it"
        )
        raise ConfigError(msg)
