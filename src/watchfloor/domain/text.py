"""The one door through which text from outside reaches a terminal, log or title.

Contact files, headers, campaign names, file names and provider replies may hold escape
sequences, markup, bidirectional overrides and marks of no width. Behind this door they
are visible, one line, and harmless; nothing is interpreted and nothing is hidden.
"""

from __future__ import annotations

import unicodedata

#: What a reader is shown instead of a code point that has no look of its own.
PLACEHOLDER = "·"

#: Marks stacked on one character; more than any living script needs.
_MOST_MARKS = 4

#: C0 controls and DEL have pictures of their own (Unicode block 2400).
_PICTURES = {chr(i): chr(0x2400 + i) for i in range(32)} | {"\x7f": "\u2421"}

#: Blank letters that no category tells apart from visible ones.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")

#: Half flags and skin tones: whether they join what stands before them, and how wide
#: the two are then, no two terminals agree on.
_JOINING = frozenset(map(chr, (*range(0x1F1E6, 0x1F200), *range(0x1F3FB, 0x1F400))))

_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def clean(value: object, limit: int = 500) -> str:
    """Return *value* as one visible line of at most *limit* characters.

    Controls become pictures (ESC is shown as ``␛``), characters without a look become
    ``·``, and piles of combining marks are cut. A cut text ends with ``…``.
    """
    text = value if isinstance(value, str) else str(value)
    if text.isascii() and text.isprintable():
        return text if len(text) <= limit else text[: limit - 1] + "…"
    # Bounded before normalising: composing a megabyte of marks is slow on purpose.
    cut = len(text) > limit
    shown = _shown(unicodedata.normalize("NFC", text[: 4 * limit]))
    if cut or len(shown) > limit:
        return shown[: limit - 1] + "…"
    return shown


def _shown(text: str) -> str:
    out: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if category in ("Mn", "Me"):
            marks += 1
            if marks > _MOST_MARKS or char in _BLANKS or _is_selector(char):
                continue
            if not out:
                out.append(PLACEHOLDER)
        else:
            marks = 0
        out.append(_visible(char, category))
    return "".join(out)


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _visible(char: str, category: str) -> str:
    if char in _PICTURES:
        return _PICTURES[char]
    if category in _UNSEEN_CATEGORIES or char in _BLANKS or char in _JOINING:
        return PLACEHOLDER
    return char
