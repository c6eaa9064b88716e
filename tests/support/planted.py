"""Secrets and people put everywhere they can be, and looking for them everywhere."""

from __future__ import annotations

import base64
import html
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

#: Secrets, by where each is planted. Every one looks as such things look.
SECRETS: Mapping[str, str] = {
    "variable a header refers to": "Bearer tok-7Qx2-planted-env-Zr81",
    "variable nothing refers to": "hx-81-planted-idle-variable-0042",
    "file a header refers to": "kd83hf-planted-file-reference-99",
    "value of a header": "trace-planted-header-5512-value",
    "query of an address": "planted9query3token",
    "body of a message": "planted-body-key-7781",
    "comment in a campaign": "planted-comment-password-31",
    "comment in a workspace": "planted-workspace-comment-77",
    "user of a mail server": "planted-mail-user-4410",
    "detail of a reply": "sk_live_51HplantedReply8823",
    "id in a reply": "msg-planted-provider-id-3391",
    "reason in the journal": "ghp_plantedReason0123456789ab",
    "symptom": "AKIAPLANTED0SYMPTOM7",
}
#: Numbers, addresses and what else tells of a person, by where each is planted.
PEOPLE: Mapping[str, str] = {
    "contact that fails": "+14155550123",
    "contact that arrives": "+14155550188",
    "contact that is unknown": "+14155550199",
    "first name": "Wilhelmina",
    "last name": "Oyelaran-Smythe",
    "address in a field": "wilhelmina.o@private-mail.example",
    "note in a field": "owes 4,410 since the divorce",
    "address in a reply": "second.person@other-mail.example",
    "number in a reply": "+442079460018",
    "address in a reason": "boss@head-office.example",
    "number in a reason": "+493012345678",
    "address who is told": "ops@planted-notify.example",
    "address in a name of a file": "leads-of-karl@planted-file.example.csv",
    "number in the symptom": "+33142685300",
}


#: Secrets that no file of a workspace ever holds: each is referred to, or lies beside.
REFERRED: Mapping[str, str] = {
    what: f"k{sha256(what.encode()).hexdigest()[:9].upper()}+v/"
    f"{sha256(what.encode()).hexdigest()[10:22]}="
    for what in (
        "authorization of a webhook",
        "key of a webhook, in a file",
        "cookie of a webhook",
        "signature of a webhook, in a file",
        "password of a mail server",
        "user of a mail server, referred to",
        "password of the workspace for mail, in a file",
        "user of the workspace for mail",
        "authorization of an alert",
        "key of an alert, in a file",
        "token of an address that is alerted",
        "token of the door for results",
        "token that a function raises",
        "token that a function answers",
        "token that an outcome tells",
        "token in a file that is open to others",
        "token in a file that is no text",
        "token with a control in it",
        "variable that nothing refers to",
        "token that somebody guesses at the door",
    )
}


@dataclass(frozen=True, slots=True)
class Find:
    """Where a plant was found."""

    what: str
    place: str


def found_in(bundle: Path, plants: Mapping[str, str]) -> list[Find]:
    """Return every plant that stands anywhere in a bundle, however it is written."""
    finds = []
    texts = list(_texts(bundle))
    for what, plant in plants.items():
        wanted = _spellings(plant)
        for place, text in texts:
            if any(spelling in text for spelling in wanted):
                finds.append(Find(what, place))
    return finds


def leaks(texts: Mapping[str, str], plants: Mapping[str, str]) -> list[Find]:
    """Return every plant of which anything stands in texts, by the place of each.

    Looked for are the plant, its encodings, it backwards, and any nine signs of it.
    """
    finds = []
    looked_through = {place: text.casefold() for place, text in texts.items()}
    for what, plant in plants.items():
        wanted = _spellings(plant) | _encodings(plant) | _pieces(plant)
        for place, text in looked_through.items():
            if any(one in text for one in wanted):
                finds.append(Find(what, place))
    return finds


def told_of(texts: Mapping[str, str], people: Mapping[str, str]) -> list[Find]:
    """Return everybody of whom the whole number or address stands in texts."""
    finds = []
    looked_through = {place: text.casefold() for place, text in texts.items()}
    for what, person in people.items():
        wanted = _spellings(person) | _encodings(person)
        for place, text in looked_through.items():
            if any(one in text for one in wanted):
                finds.append(Find(what, place))
    return finds


def _encodings(plant: str) -> set[str]:
    raw = plant.encode()
    found = {plant[::-1], raw.hex(), raw.hex(" "), quote_plus(plant), raw[::-1].hex()}
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + raw).decode()
        part = whole[(0, 2, 3)[shift] : (shift + len(raw)) * 8 // 6]
        found |= {part, part.replace("+", "-").replace("/", "_"), part[::-1]}
    return {one.casefold() for one in found}


def _pieces(plant: str, size: int = 9) -> set[str]:
    pieces = {plant[at : at + size] for at in range(len(plant) - size + 1)}
    return {one.casefold() for piece in pieces for one in (piece, piece[::-1])}


def _texts(bundle: Path) -> Iterator[tuple[str, str]]:
    """Yield the file and each member in every form it can be read in."""
    raw = bundle.read_bytes()
    yield "the file", raw.decode("latin-1").casefold()
    with zipfile.ZipFile(bundle) as file:
        yield "the comment", file.comment.decode("latin-1").casefold()
        for entry in file.infolist():
            head = entry.filename + (entry.comment + entry.extra).decode("latin-1")
            yield f"the head of {entry.filename}", head.casefold()
            text = file.read(entry).decode()
            for form in _forms(text):
                yield entry.filename, form.casefold()


def _forms(text: str) -> Iterator[str]:
    yield text
    yield unquote(text)
    yield html.unescape(re.sub(r"<[^>]*>", "", text)).replace("\xa0", " ")
    yield text.encode().decode("unicode_escape", errors="replace")
    # As one: there are thousands of them, each looked through for every plant.
    yield "\n".join(_decoded(text))


def _decoded(text: str) -> Iterator[str]:
    for chunk in set(re.findall(r"[A-Za-z0-9+/_-]{12,}", text)):
        for cut in range(4):
            whole = chunk[cut:].replace("-", "+").replace("_", "/")
            padded = whole[: len(whole) // 4 * 4]
            yield base64.b64decode(padded).decode("latin-1")


def _spellings(plant: str) -> set[str]:
    """Return how a plant may be written: as it is, encoded, or by its words."""
    words = re.findall(r"[^\W_]+", plant)
    figures = "".join(char for char in plant if char.isdigit())
    spelled = {
        plant,
        quote(plant),
        quote(plant, safe=""),
        json.dumps(plant)[1:-1],
        html.escape(plant),
        base64.b64encode(plant.encode()).decode().rstrip("="),
        plant.encode().hex(),
        "_".join(words),
        plant.rpartition(" ")[2],
    }
    if plant.startswith("+"):
        spelled |= {figures, figures[1:], figures[2:]}
    return {one.casefold() for one in spelled if one}
