"""What in a free text looks like a secret, a path or a file, and is nobody's word."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
PATH = "[path]"
FILE = "[file]"

#: Address and port of an URL; name, password, path, query and fragment are not kept.
URL = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9+.\-]{0,20})://([^\s\"'<>]*)", re.ASCII
)
_HOST = re.compile(r"[A-Za-z0-9.\-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")
#: A word that says that a secret follows, and how it is joined to it.
_TOLD = re.compile(
    r"""(?ix)
    (?<![a-z])
    (?:(?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|private)[\s_.-]?key
        |key|credentials?|pin|otp|signature|sig|session(?:[\s_.-]?id)?|cookie
        |authorization)
       ["']?\s*(?:[:=]+|\bis\b|\bwas\b)\s*(?:(?:bearer|basic|digest|token)\s+)?
     | (?:bearer|basic|digest)\s+)
    ["']?([^\s"',;]+)
    """
)
#: From the root or somebody's home, of at least two parts.
_PATH = re.compile(r"(?<![\w./~\-])(?:~[\w.\-]*|/[^\s/\"'<>,;:|]+)(?:/[^\s\"'<>,;|]*)+")
_FILE = re.compile(
    r"[^\s\"'<>,;|]+\.(?:csv|tsv|txt|xlsx?|ods|jsonl?|zip|gz|toml|ya?ml|pem|key|db)"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
#: What stands between blanks and brackets; a secret has none of these.
_TOKEN = re.compile(r"[^\s\"'<>(){}\[\],;|\ue000-\uf8ff]+")
_PART = re.compile(r"[^\W_]+")
#: How the keys of well-known services begin.
_PREFIX = re.compile(
    r"(?:sk|pk|rk|whsec|gh[opusr]|github_pat|glpat|xox[a-z]|shp[a-z]{2}|sg|ya29|npm"
    r"|dop_v1|eyj|akia|asia|aiza)[-_.]?\w",
    re.IGNORECASE,
)
#: Words that begin so and are words all the same.
_MOST_PREFIX_WORD = 16
#: Letters and figures in one part that mean a measure or a name: 15min, p95, sha256.
_MEASURE = re.compile(
    r"\d{1,6}[a-z\u00b5]{1,3}|[a-z]{1,4}\d{1,3}|\d[a-z]+", re.IGNORECASE
)
_LEAST_MIXED = 6
#: A token of letters and of so long a number, so long in all, is no code.
_LEAST_NUMBER, _LEAST_NUMBERED = 4, 12
#: Letters alone, so many, as many great as small ones: encoded, not written.
_LEAST_ENCODED = 16
_GREAT_SHARE = (0.25, 0.75)


def host_alone(found: str) -> str:
    """Return scheme, host and port alone of an URL."""
    scheme, _, rest = found.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    if not _HOST.fullmatch(host):
        return f"{scheme}://{HIDDEN}"
    return f"{scheme}://{host}" + ("/..." if rest.rstrip("/") != authority else "")


def without_secrets(text: str) -> str:
    """Return *text* without what looks like a secret, a path or a file's name.

    What is hidden here is guessed by its look: it is the net below those who hide
    what they know.
    """
    text = _TOLD.sub(lambda told: told[0].replace(told[1], HIDDEN), text)
    text = _PATH.sub(PATH, text)
    text = _FILE.sub(FILE, text)
    return _TOKEN.sub(
        lambda token: HIDDEN if looks_secret(token[0]) else token[0], text
    )


def looks_secret(token: str) -> bool:
    """Whether a text without blanks looks like a key, a token or a password."""
    token = token.strip(".!?:*`")
    parts = _PART.findall(token)
    size = sum(map(len, parts))
    has_figures = any(map(str.isdigit, token))
    if _PREFIX.match(token) and has_figures and size >= _MOST_PREFIX_WORD:
        return True
    if any(_is_mixed(part) or _is_encoded(part) for part in parts):
        return True
    has_letters = any(map(str.isalpha, token))
    long_number = any(part.isdigit() and len(part) >= _LEAST_NUMBER for part in parts)
    return has_letters and long_number and size >= _LEAST_NUMBERED


def _is_mixed(part: str) -> bool:
    if len(part) < _LEAST_MIXED or part.isalpha() or part.isdigit():
        return False
    return not _MEASURE.fullmatch(part)


def _is_encoded(part: str) -> bool:
    if len(part) < _LEAST_ENCODED or not part.isalpha():
        return False
    great = sum(map(str.isupper, part)) / len(part)
    return _GREAT_SHARE[0] <= great <= _GREAT_SHARE[1]
