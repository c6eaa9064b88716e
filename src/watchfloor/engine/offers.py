"""What there is to choose for a launch: campaign files and contact files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from heapq import nlargest
from itertools import islice
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Final

from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import ConfigError, WatchfloorError
from watchfloor.domain.prospects import CampaignOffer, UploadOffer
from watchfloor.domain.text import clean
from watchfloor.engine.campaigns import checked_campaign
from watchfloor.intake.toml_file import read_toml_text

#: The most that is offered; whoever has more names a path.
MOST: Final = 200
#: The most entries of a directory that are looked at for it.
_LOOKED_AT: Final = 20_000
#: Of files that intake reads as they are.
_ENDINGS: Final = (".csv", ".tsv", ".txt")
#: The last moment that has a date; file systems know later ones.
_LAST_MS: Final = 253_370_764_800_000


def working_folder(otherwise: Path) -> Path:
    """Return where this process was started; *otherwise* where that is gone."""
    try:
        return Path.cwd()
    except OSError:
        return otherwise.absolute()


def place_of(text: str, here: Path) -> Path:
    """Return the path that an operator's text means.

    Raises:
        ConfigError: Nobody has such a home directory.
    """
    try:
        return here / Path(text.strip()).expanduser()
    except RuntimeError as error:
        msg = f"{clean(text)}: nobody here has such a home directory; write it out"
        raise ConfigError(msg) from error


def campaign_offers(folder: Path) -> tuple[CampaignOffer, ...]:
    """Return the campaign files of a folder by name, each checked.

    Raises:
        ConfigError: The folder cannot be read.
    """
    try:
        paths = sorted(
            path
            for path in islice(folder.iterdir(), _LOOKED_AT)
            if path.suffix == ".toml" and not path.name.startswith(".")
        )
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _unreadable(folder, error) from error
    return tuple(campaign_offer(path) for path in paths[:MOST])


def campaign_offer(path: Path) -> CampaignOffer:
    """Return one campaign file, checked; what is wrong with it is its fault."""
    try:
        # Opening a pipe would wait for whoever writes into it.
        if not path.is_file():
            return CampaignOffer(path=str(path), fault=f"{path.name}: this is no file")
        campaign = checked_campaign(read_toml_text(path), path.name)
    except ConfigError as error:
        more = len(error.mistakes) - 1
        rest = f" (and {more:,} more)" if more else ""
        return CampaignOffer(path=str(path), fault=f"{error.mistakes[0]}{rest}")
    except (WatchfloorError, OSError) as error:
        return CampaignOffer(path=str(path), fault=f"{path.name}: {error}")
    return CampaignOffer(path=str(path), name=campaign.name, summary=_summary(campaign))


def _summary(campaign: Campaign) -> str:
    steps = ", then ".join(f"{step.name} by {step.channel}" for step in campaign.steps)
    published = "" if campaign.published else "NOT PUBLISHED; "
    return f"{published}{steps}; {limits_words(campaign)}"


def limits_words(campaign: Campaign) -> str:
    """Return how many at once, how fast, when, and after how many a word is wanted."""
    limits, window = campaign.limits, campaign.window
    words = [f"{limits.permits:,} permits", _pace(limits.rate_per_s)]
    if window is not None and not window.is_always:
        words.append(
            f"{_hour(window.open_minute)}-{_hour(window.close_minute)} "
            f"{window.zone} time"
        )
    if campaign.approval_after is not None:
        words.append(f"waits for a word after {campaign.approval_after:,} attempts")
    return ", ".join(words)


def _pace(per_s: float | None) -> str:
    if per_s is None:
        return "no pacing"
    for unit, seconds in (("s", 1), ("m", 60)):
        if per_s * seconds >= 1:
            return f"{per_s * seconds:,.6g}/{unit}"
    return f"{per_s * 3600:,.6g}/h"


def _hour(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def upload_offers(
    wanted: str, here: Path, places: Sequence[Path]
) -> tuple[UploadOffer, ...]:
    """Return the contact files at or under a path, the newest first, then folders.

    Args:
        wanted: As an operator wrote it; empty for *places*.
        here: What a path without a beginning is under.
        places: Where files may be.

    Raises:
        ConfigError: The directory that is meant cannot be read.
    """
    if not wanted.strip():
        return _chosen(_under_all(places))
    path = place_of(wanted, here)
    try:
        if path.is_dir():
            return _chosen(_under(path))
        exact = _offer(path)
        similar = _under(path.parent, path.name) if path.parent.is_dir() else ()
        others = [one for one in similar if exact is None or one.path != exact.path]
        return (*((exact,) if exact else ()), *_chosen(iter(others)))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _under_all(places: Sequence[Path]) -> Iterator[UploadOffer]:
    for place in places:
        # One that is gone or private must not hide the others.
        with suppress(OSError):
            yield from _under(place)


def _under(folder: Path, start: str = "") -> Iterator[UploadOffer]:
    with os.scandir(folder) as entries:
        for entry in islice(entries, _LOOKED_AT):
            name = entry.name
            if name.startswith(".") or not name.startswith(start):
                continue
            if name.lower().endswith(_ENDINGS) or _is_folder(entry):
                offer = _offer(folder / name)
                if offer is not None:
                    yield offer


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _offer(path: Path) -> UploadOffer | None:
    try:
        about = path.stat()
    except OSError:
        return None
    if not (S_ISREG(about.st_mode) or S_ISDIR(about.st_mode)):
        return None
    return UploadOffer(
        path=str(path),
        bytes=about.st_size,
        modified_at_ms=min(max(0, about.st_mtime_ns // 1_000_000), _LAST_MS),
        is_folder=S_ISDIR(about.st_mode),
    )


def _chosen(found: Iterator[UploadOffer]) -> tuple[UploadOffer, ...]:
    offers = {offer.path: offer for offer in found}.values()
    files = (offer for offer in offers if not offer.is_folder)
    newest = nlargest(MOST, files, key=lambda offer: offer.modified_at_ms)
    folders = sorted(
        (offer for offer in offers if offer.is_folder), key=lambda offer: offer.path
    )
    return (*newest, *folders[: MOST - len(newest)])


def _unreadable(path: Path, error: OSError | ValueError) -> ConfigError:
    why = error.strerror if isinstance(error, OSError) else str(error)
    said = (why or "it cannot be opened").lower()
    return ConfigError(f"{clean(path)}: cannot be read: {said}; check name and rights")
