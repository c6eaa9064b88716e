"""What a backup holds, and what it says of itself: its first file."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from watchfloor.domain.errors import ConfigError

#: The form of backups that are made now, and the newest that is read.
FORM: Final = 1
MANIFEST: Final = "manifest.json"
STATE: Final = "state.db"
SETTINGS: Final = "watchfloor.toml"
#: A backup of more is none of ours.
MOST_FILES: Final = 200_000
MOST_MANIFEST_BYTES: Final = 64 * 1024 * 1024
_MOST_NAME: Final = 200
_PART: Final = r"[^/\x00-\x1f\x7f]{1,120}"
#: Every place of Watchfloor's own that a file may be restored to.
_PLACE: Final = re.compile(
    rf"state\.db|watchfloor\.toml|campaigns/{_PART}|uploads/{_PART}\.csv"
    rf"|archive/[^./]{_PART}(?:/{_PART}){{1,2}}"
)
#: Where people may keep suppression lists: beside what Watchfloor calls its own, which
#: nothing from a backup may be taken for.
_LIST: Final = re.compile(
    r"(?!(?:state|watchfloor|inbox|engine|reserve|anchors|headless|unstored|mishaps"
    r"|manifest)\b)(?!(?:uploads|archive|bundles)(?:/|$))"
    rf"[^./\x00-\x1f\x7f][^/\x00-\x1f\x7f]{{0,119}}(?:/(?!\.){_PART}){{0,8}}",
    re.IGNORECASE,
)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){1,32}")


class Stored(NamedTuple):
    """One file of a backup.

    Attributes:
        is_shared: Whether the workspace's group could read it.
    """

    name: str
    bytes: int
    sha256: str
    is_shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        made_at_ms: The moment of its store: what was sent later is not known to it.
        instance: The workspace's own id then.
        schema: The version of its store.
        link: The number of the audit chain's newest link; 0 for none.
        head: That link's hash, in hexadecimal.
        host: On which machine it was made.
        root: Where the workspace was.
        group: The group of the system that it was shared with; empty for nobody.
        files: In the order in which they follow.
    """

    made_at_ms: int
    instance: str
    schema: str
    link: int
    head: str
    host: str
    root: str
    group: str = ""
    files: tuple[Stored, ...]


def written(manifest: Manifest) -> bytes:
    """Return the manifest as a backup holds it."""
    told = {"watchfloor_backup": FORM, **asdict(manifest)}
    told["files"] = [one._asdict() for one in manifest.files]
    return json.dumps(told, indent=1).encode("ascii")


def is_place(name: str) -> bool:
    """Whether a file of this name may be part of a workspace."""
    is_ours = _is_plain(name) and bool(_PLACE.fullmatch(name))
    return is_ours or is_list_place(name)


def is_list_place(name: str) -> bool:
    """Whether a suppression list of this name may be part of a workspace."""
    return _is_plain(name) and bool(_LIST.fullmatch(name))


def _is_plain(name: str) -> bool:
    is_short = len(name) <= _MOST_NAME
    return is_short and not any(part in (".", "..") for part in name.split("/"))


def parsed(content: bytes, origin: str) -> Manifest:
    """Return what a backup says of itself; nothing of it is believed unchecked.

    Raises:
        ConfigError: It is no manifest, or one of a newer Watchfloor.
    """
    try:
        told = json.loads(content)
        form = told["watchfloor_backup"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(origin, "its manifest cannot be read") from error
    if type(form) is int and form > FORM:
        msg = (
            f"{origin} was made by a newer Watchfloor (form {form}, this one reads "
            f"{FORM}); nothing was restored. Use the one that made it"
        )
        raise ConfigError(msg)
    try:
        return _checked(told)
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(origin, f"its manifest is not sound: {error}") from error


def _checked(told: dict[str, Any]) -> Manifest:
    files = told["files"]
    if not isinstance(files, list) or not 0 < len(files) <= MOST_FILES:
        raise ValueError("it lists no files, or far too many")
    stored = tuple(_stored(one) for one in files)
    names = [one.name for one in stored]
    if len(set(names)) != len(names):
        raise ValueError("it lists a file twice")
    if names[0] != STATE or SETTINGS not in names:
        raise ValueError("it lists no store, or no settings")
    if told["watchfloor_backup"] != FORM:
        raise ValueError("its form is none")
    return Manifest(
        made_at_ms=_number(told["made_at_ms"]),
        instance=_hex(told["instance"]),
        schema=_text(told["schema"]),
        link=_number(told["link"]),
        head=_hex(told["head"]) if told["head"] else "",
        host=_text(told["host"]),
        root=_text(told["root"]),
        group=_text(told.get("group", "")),
        files=stored,
    )


def _stored(one: dict[str, Any]) -> Stored:
    name, digest = _text(one["name"]), _text(one["sha256"])
    if not is_place(name):
        msg = f"it lists {name[:80]!a}, which has no place in a workspace"
        raise ValueError(msg)
    if not _SHA256.fullmatch(digest):
        raise ValueError("it lists a checksum that is none")
    is_shared = one.get("is_shared", False) is True
    return Stored(name, _number(one["bytes"]), digest, is_shared)


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError("a number in it is none")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 4_096:  # noqa: PLR2004 - PATH_MAX
        raise ValueError("a text in it is none")
    return value


def _hex(value: object) -> str:
    text = _text(value)
    if not _HEX.fullmatch(text):
        raise ValueError("an id in it is none")
    return text


def _damaged(origin: str, why: str) -> ConfigError:
    return ConfigError(
        f"{origin} is no backup of Watchfloor, or is damaged: {why}. Nothing was "
        "restored. Take another copy of it, or an older backup"
    )
