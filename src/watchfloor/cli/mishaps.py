"""Mistakes of our own: a sentence on the screen, the way to them in a file.

A traceback shows what no screen may: it quotes people, and what it quotes may command a
terminal. The file holds where it happened, and of what was said only what may leave the
house; it is its owner's alone.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from types import TracebackType
from typing import Final

from watchfloor import __version__
from watchfloor.cli import compose
from watchfloor.cli.lines import iso, tell
from watchfloor.domain.errors import WatchfloorError
from watchfloor.store.layout import Layout

#: A file that has grown so large begins anew.
MOST_BYTES: Final = 1_000_000
_MOST_FRAMES: Final = 60
_MOST_CHAINED: Final = 5
_LONGEST: Final = 500
_AGAIN_MS: Final = 60_000
_MOST_KNOWN: Final = 100


class Mishaps:
    """Where this process writes its mistakes down.

    Attributes:
        layout: The workspace it works in; None before that is known.
    """

    def __init__(self) -> None:
        self.layout: Layout | None = None
        self._survived: dict[tuple[type, str], tuple[str, int]] = {}

    def sentence(self, error: BaseException) -> WatchfloorError:
        """Write a mistake down; return what the operator is told of it."""
        where = self._where(error)
        return WatchfloorError(
            f"stopped by a mistake in Watchfloor itself ({_said(error)}). "
            f"What was stored is kept: watchfloor status. {where}"
        )

    def survived(self, error: BaseException) -> str:
        """Write a mistake down that ends nothing; return in a sentence where it stands.

        What happens again at the same place within a minute is not written again: a
        function that fails for each of a million records says nothing new.
        """
        mark, now_ms = (type(error), _innermost(error)), compose.now_ms()
        told, at_ms = self._survived.get(mark, ("", 0))
        if told and abs(now_ms - at_ms) < _AGAIN_MS:
            return told
        told = self._where(error)
        if len(self._survived) >= _MOST_KNOWN:
            self._survived.clear()
        self._survived[mark] = told, now_ms
        return told

    def _where(self, error: BaseException) -> str:
        place = self.noted(error)
        if place:
            return f"Where it happened stands in {place}; report that."
        return f"It happened at {_innermost(error)}; report that."

    def noted(self, error: BaseException) -> Path | None:
        """Write a mistake down; return the file, or None where there is none to use."""
        if self.layout is None or not self.layout.may_own:
            return None
        lines = [
            f"{iso(compose.now_ms())} watchfloor {__version__} pid {os.getpid()}",
            *_way(error),
            "",
        ]
        try:
            _append(self.layout.mishaps, "\n".join(lines) + "\n")
        except OSError:
            return None
        return self.layout.mishaps

    @contextmanager
    def overheard(self) -> Iterator[None]:
        """Hear of mistakes that nobody waits for: of threads, and of loops' tasks."""
        ears, root = _Ears(self), logging.getLogger()
        before = threading.excepthook

        def of_thread(args: threading.ExceptHookArgs) -> None:
            if args.exc_value is not None and args.exc_type is not SystemExit:
                tell(f"watchfloor: {self.sentence(args.exc_value)}")

        root.addHandler(ears)
        threading.excepthook = of_thread
        try:
            yield
        finally:
            threading.excepthook = before
            root.removeHandler(ears)


class _Ears(logging.Handler):
    """What any library warns of, as one clean line; its traceback goes to the file."""

    def __init__(self, mishaps: Mishaps) -> None:
        super().__init__(logging.WARNING)
        self._mishaps = mishaps

    def emit(self, record: logging.LogRecord) -> None:
        """Say one line."""
        error = record.exc_info[1] if record.exc_info else None
        said = _discreet(record.getMessage())
        if error is not None:
            said = f"{said} ({_said(error)})"
            place = self._mishaps.noted(error)
            said = f"{said}; see {place}" if place else said
        tell(said)


def _said(error: BaseException) -> str:
    """Return what an error is and says, fit for a screen."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a stranger's error may not be printable
        text = "no text"
    return f"{type(error).__name__}: {_discreet(text)}"


def _discreet(text: str) -> str:
    # Imported here: nearly every start makes no mistake.
    from watchfloor.triage.scrubbing import KEY_BYTES, Scrubber  # noqa: PLC0415 - see above

    return Scrubber(os.urandom(KEY_BYTES)).text(text, _LONGEST)


def _way(error: BaseException) -> Iterator[str]:
    """Yield an error, how it came about, and what it came of; no value of anything."""
    known: BaseException | None = error
    for _ in range(_MOST_CHAINED):
        if known is None:
            return
        yield _said(known)
        frames = list(traceback.walk_tb(known.__traceback__))[-_MOST_FRAMES:]
        for frame, line in frames:
            code = frame.f_code
            yield f"  {_module(code.co_filename)}:{line} in {code.co_name}"
        of = known.__cause__
        if of is None and not known.__suppress_context__:
            of = known.__context__
        if of is not None:
            yield "which came of"
        known = of


def _innermost(error: BaseException) -> str:
    tb: TracebackType | None = error.__traceback__
    place = "an unknown place"
    for frame, line in traceback.walk_tb(tb):
        place = f"{_module(frame.f_code.co_filename)}:{line}"
    return place


def _module(path: str) -> str:
    """Return a file as it is called in any installation."""
    parts = PurePath(path).parts
    for name in ("watchfloor", "site-packages"):
        if name in parts:
            start = len(parts) - 1 - parts[::-1].index(name)
            return "/".join(parts[start:])
    return "/".join(parts[-2:])


def _append(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        if os.fstat(descriptor).st_size > MOST_BYTES:
            os.ftruncate(descriptor, 0)
        os.write(descriptor, text.encode(errors="replace"))
    finally:
        os.close(descriptor)
