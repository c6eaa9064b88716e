"""The one door out of a workspace: what a text may tell to whoever is handed a bundle.

People become pseudonyms that hold for one bundle and for no other; what is known to be
secret, and what looks like it, is taken out. Everything a bundle says passes here.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import Callable, Iterable, Mapping
from unicodedata import category, normalize
from urllib.parse import unquote

from watchfloor.domain.masking import PURGED
from watchfloor.domain.personal import ADDRESS, FIGURES, NUMBER, is_long
from watchfloor.domain.text import clean
from watchfloor.triage.secret_shapes import HIDDEN, URL, host_alone, without_secrets

KEY_BYTES = 32
SECRET, FIELD, UPLOAD, KEY = "[secret]", "[field]", "[upload]", "[key]"
MACHINE = "[machine]"

#: A shorter one would take ordinary words away.
LEAST_VALUE, LEAST_CONTACT = 3, 3
#: A number that is written for one country ends as it does for the world.
_LEAST_TAIL = 7
#: What a text may hold of characters that have no look.
_UNSEEN = frozenset({"Cf", "Co", "Cn", "Cs"})
#: Where what was settled stands until the end: each place is one private character.
_FIRST_PLACE, _PLACES = 0xE000, 0x1900
_PLACE = re.compile("[\ue000-\uf8ff]")

#: Keys and checksums: the first half of an idempotency key names its contact.
_KEYS = re.compile(
    r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{128}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{64}"
    r"|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{16}"
    r"|[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})(?![0-9A-Fa-f])"
)
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|&#?\w{1,8};|\\[ux][0-9A-Fa-f]{2}")
#: A machine's address: a number is written so as well.
_MACHINE = re.compile(r"(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
#: A number that is no part of a longer word.
_FREE_NUMBER = re.compile(
    rf"(?<![^\s:=+(\[/,;<>\"']){NUMBER.pattern}(?![^\s:=)\]/,;.<>\"'!?])"
)
#: Of letters alone: what looks for numbers must not take a pseudonym for one.
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_PSEUDONYM = re.compile(r"person-[a-p]{10}")
#: Figures in one row, whatever stands beside them.
_ROW_OF_FIGURES = re.compile(rf"\+?\d{{{_LEAST_TAIL},}}")
_MOST_DECODINGS = 4
_PART = re.compile(r"[^\W_]+")


class Scrubber:
    """Takes people and secrets out of texts.

    Args:
        key: Random, of this bundle alone; whoever has it can tell who is who.
        keep: Ids that must stay as they are.
        contacts: Of the run, as far as they are known.
        secrets: Texts that must not leave, and what stands in the place of each.
    """

    def __init__(
        self,
        key: bytes,
        *,
        keep: Iterable[str] = (),
        contacts: Iterable[str] = (),
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._key = key
        self._issued: set[str] = set()
        self._keep = _any_of(keep)
        self._contacts = {
            one.casefold(): one
            for one in contacts
            if len(one) >= LEAST_CONTACT and one != PURGED
        }
        self._known = _spelled(self._contacts.values())
        self._by_spelling = {_folded(one): one for one in self._contacts.values()}
        self._by_words = {_words(one): one for one in self._contacts.values()}
        self._tails = {
            _figures(one)[-_LEAST_TAIL:]: one
            for one in self._contacts.values()
            if one.startswith("+")
        }
        secrets = secrets or {}
        self._secrets = {one.casefold(): name for one, name in secrets.items()}
        self._secret = _any_of(self._secrets, whole=False)

    def person(self, contact: str) -> str:
        """Return the pseudonym of a contact."""
        if contact in ("", PURGED):
            return PURGED
        known = self._contacts.get(contact.casefold(), contact)
        told = hmac.new(self._key, _folded(known).encode(), hashlib.sha256)
        pseudonym = f"person-{told.hexdigest()[:10].translate(_LETTERS)}"
        self._issued.add(pseudonym)
        return pseudonym

    def text(self, text: str, limit: int = 500) -> str:
        """Return *text* as it may leave: one visible line of at most *limit*."""
        return self._told(self._passage(text, limit), limit)

    def of_record(
        self, text: str, contact: str, values: Iterable[str], limit: int = 500
    ) -> str:
        """Return what was said of one record, also without what its row held.

        Args:
            text: From a provider, most often.
            contact: The record's.
            values: The cells of its row of the upload.
            limit: The most characters.
        """
        own = _spelled(
            value
            for value in {one.strip() for one in values}
            if len(value) >= LEAST_VALUE
        )
        passage = self._passage(text, limit)
        passage.put(_spelled((contact,)), lambda _: self.person(contact))
        passage.put(own, lambda _: FIELD)
        return self._told(passage, limit)

    def tree(self, value: object, limit: int = 500) -> object:
        """Return what JSON can hold with every text scrubbed, also those of keys."""
        if isinstance(value, str):
            return self.text(value, limit)
        if isinstance(value, Mapping):
            return {
                self.text(str(key), limit): self.tree(one, limit)
                for key, one in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.tree(one, limit) for one in value]
        return value

    def _passage(self, text: str, limit: int) -> _Passage:
        """Return *text* with what is known to be secret taken out."""
        passage = _Passage(text[: 4 * limit])
        passage.put(
            self._secret, lambda found: self._secrets.get(found.casefold(), SECRET)
        )
        return passage

    def _told(self, passage: _Passage, limit: int) -> str:
        # What left once may be told again; what merely looks so is as any text.
        passage.put(_PSEUDONYM, lambda one: one if one in self._issued else "")
        passage.put(self._known, self._named)
        passage.put(self._keep, str)
        passage.put(_KEYS, lambda _: KEY)
        passage.put(URL, host_alone)
        passage.put(ADDRESS, self._named)
        passage.put(_MACHINE, lambda _: MACHINE)
        passage.put(FIGURES, str)
        passage.put(_FREE_NUMBER, self._number)
        # Before what is left of numbers: half a secret would stay beside a pseudonym.
        passage.hide_secrets()
        passage.put(NUMBER, self._number)
        passage.put(_ROW_OF_FIGURES, self._named)
        return clean(passage.whole(), limit)

    def _number(self, found: str) -> str:
        return self._named(found) if is_long(found) else ""

    def _named(self, found: str) -> str:
        """Return the pseudonym of what was found: of a known contact if it is one."""
        known = self._by_spelling.get(_folded(found)) or self._by_words.get(
            _words(found)
        )
        if known is None and "@" not in found:
            known = self._tails.get(_figures(found)[-_LEAST_TAIL:])
        return self.person(known or found)


class _Passage:
    """A text on its way out: what was settled is out of the reach of what follows."""

    def __init__(self, text: str) -> None:
        self._text = _plain(text)
        self._settled: list[str] = []

    def put(self, what: re.Pattern[str] | None, told: Callable[[str], str]) -> None:
        """Put something in the place of what is found; nothing leaves it as it is."""

        def placed(found: re.Match[str]) -> str:
            instead = told(found[0])
            if not instead:
                return found[0]
            self._settled.append(instead)
            return chr(_FIRST_PLACE + (len(self._settled) - 1) % _PLACES)

        if what is not None:
            self._text = what.sub(placed, self._text)

    def hide_secrets(self) -> None:
        """Take out of what is left what looks like a secret."""
        self._text = without_secrets(self._text)

    def whole(self) -> str:
        """Return the text with everything that was settled in its place."""
        if len(self._settled) > _PLACES:
            return HIDDEN  # nothing that anybody writes
        return _PLACE.sub(
            lambda at: self._settled[ord(at[0]) - _FIRST_PLACE], self._text
        )


def _plain(text: str) -> str:
    """Return *text* decoded: what hides an address from a reader hides it from us."""
    for _ in range(_MOST_DECODINGS):
        text = normalize("NFKC", text)
        text = "".join(char for char in text if category(char) not in _UNSEEN)
        if not _ENCODED.search(text):
            break
        text = _ESCAPED.sub(lambda one: chr(int(one[1] or one[2], 16)), text)
        text = unquote(html.unescape(text), errors="replace")
    return "".join(char for char in text if category(char) not in _UNSEEN)


def _folded(contact: str) -> str:
    """Return what is the same however a contact is written."""
    if "@" in contact:
        return contact.strip("<>()[].:;\"'").casefold()
    figures = _figures(contact)
    letters = any(map(str.isalpha, contact.partition(";ext=")[0]))
    return contact.casefold() if letters or not figures else figures.lstrip("0")


def _words(contact: str) -> str:
    """Return letters and figures alone: what is left of a contact within a code."""
    return "".join(_PART.findall(contact)).casefold()


def _figures(text: str) -> str:
    return "".join(char for char in text.partition(";ext=")[0] if char.isdigit())


def _any_of(texts: Iterable[str], *, whole: bool = True) -> re.Pattern[str] | None:
    """Return what finds these very texts, the longest first; None for none."""
    wanted = sorted({one for one in texts if one}, key=len, reverse=True)
    if not wanted:
        return None
    told = "|".join(map(re.escape, wanted))
    edges = (r"(?<![^\W_])", r"(?![^\W_])") if whole else ("", "")
    return re.compile(f"{edges[0]}(?:{told}){edges[1]}", re.IGNORECASE)


def _spelled(texts: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds texts whatever stands between their words.

    A provider's code is written with underscores for all that is no letter and no
    figure: an address in it has neither its dots nor its ``@``.
    """
    spelled = set()
    for text in texts:
        parts = _PART.findall(normalize("NFKC", text))
        if sum(map(len, parts)) >= LEAST_VALUE:
            spelled.add(r"[\W_]{0,3}".join(map(re.escape, parts)))
    if not spelled:
        return None
    told = "|".join(sorted(spelled, key=len, reverse=True))
    return re.compile(rf"\+?(?<![^\W_])(?:{told})(?![^\W_])", re.IGNORECASE)
