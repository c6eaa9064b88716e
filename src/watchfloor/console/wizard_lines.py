"""The lines of the launch wizard's steps, made of what was chosen and checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from watchfloor.console.columns import Column
from watchfloor.console.figures import clock_time, counted, full_time, near_time, size
from watchfloor.console.pieces import Line, Piece, measured, spread
from watchfloor.console.privacy import shown_field
from watchfloor.console.session import Session
from watchfloor.console.text import wrapped
from watchfloor.console.wizard_steps import Check, Draft, Step, blocked, file_name
from watchfloor.domain.prospects import CampaignOffer, Prospect, UploadOffer

_LABEL = 17
_PART = 26
_MOST_LINES = 4
_MOST_OF_TEXT = 40
_SHA_SHOWN = 16
_TO_THE_MINUTE = len("14:02")
_FEWER = "Repeats, opt-outs and the campaign's filter can only make them fewer."
_STREAMING = (
    "STREAMING: people are contacted while the file is still read, and nothing takes "
    "that back."
)
_EXTRACTED_FIRST = (
    "Rows are judged and counted first; the run can be cancelled until then."
)


def head(session: Session, width: int) -> Line:
    """Return the first line: what this is, where, and with which rights."""
    left: Line = (
        Piece(" New run", "key"),
        Piece(f"  {session.workspace_name}", "strong"),
    )
    return spread(left, (*_rights(session), Piece(" ")), width)


def _rights(session: Session) -> Line:
    if session.read_only:
        return (Piece("READ ONLY", "warn"),)
    if not session.is_armed:
        return (Piece("disarmed", "dim"),)
    until = clock_time(session.catch.armed_until_ms)[:_TO_THE_MINUTE]
    return (Piece(f" ARMED until {until} ", "alarm"),)


def steps(now: Step, width: int) -> Line:
    """Return all steps in one line, or only this one where they do not fit."""
    line: list[Piece] = [Piece(" ")]
    for step in Step:
        name = f"{step.value} {step.title}"
        is_now = step is now
        line.append(Piece(f"[{name}]" if is_now else name, "key" if is_now else "dim"))
        line.append(Piece("  "))
    if measured(tuple(line)) <= width + 1:
        return tuple(line)
    return (Piece(f" Step {now.value} of {len(Step)}: {now.title}", "key"),)


def choice(draft: Draft) -> Line:
    """Return what is chosen so far in one line."""
    campaign, upload = draft.campaign, draft.upload
    return (
        Piece(" campaign ", "dim"),
        Piece(_named(campaign) if campaign else "-", "strong"),
        Piece("   file ", "dim"),
        Piece(file_name(upload.path) if upload else "-", "strong"),
    )


def _named(campaign: CampaignOffer) -> str:
    return campaign.name or file_name(campaign.path)


# --- choosing ------------------------------------------------------------------------


CAMPAIGN_COLUMNS: tuple[Column[CampaignOffer], ...] = (
    Column(
        title="CAMPAIGN",
        width=16,
        grow=1,
        text=_named,
        role=lambda offer: "dim" if offer.fault else "",
    ),
    Column(
        title="",
        width=24,
        grow=2,
        text=lambda o: f"CANNOT BE USED: {o.fault}" if o.fault else o.summary,
        role=lambda offer: "bad" if offer.fault else "dim",
    ),
)


class UploadRow(NamedTuple):
    """A contact file or folder, and the moment at which it was looked at."""

    offer: UploadOffer
    as_of_ms: int


UPLOAD_COLUMNS: tuple[Column[UploadRow], ...] = (
    Column(
        title="FILE",
        width=24,
        grow=1,
        text=lambda r: file_name(r.offer.path) + ("/" if r.offer.is_folder else ""),
        role=lambda r: "key" if r.offer.is_folder else "",
    ),
    Column(
        title="SIZE",
        width=10,
        right=True,
        text=lambda r: "folder" if r.offer.is_folder else size(r.offer.bytes),
        role=lambda r: "dim" if r.offer.is_folder else "",
    ),
    Column(
        title="CHANGED UTC",
        width=11,
        text=lambda r: near_time(r.offer.modified_at_ms, r.as_of_ms),
        role=lambda _: "dim",
    ),
)


def campaign_at_length(offer: CampaignOffer | None, width: int) -> list[Line]:
    """Return everything about the campaign under the cursor."""
    if offer is None:
        return _block(
            "Campaigns are TOML files in the workspace's campaigns folder. Check one "
            "with: watchfloor campaign check FILE. Or write the path of one above.",
            "dim",
            width,
        )
    if offer.fault:
        return _block(f"cannot be chosen: {offer.fault}", "bad", width)
    return [(Piece(f" {offer.path}", "dim"),), *_block(offer.summary, "", width)]


def upload_at_length(offer: UploadOffer | None, width: int) -> list[Line]:
    """Return everything about the contact file under the cursor."""
    if offer is None:
        return _block(
            "Write the path of a contact file, or of a folder that holds some "
            "(.csv, .tsv, .txt).",
            "dim",
            width,
        )
    what = "a folder" if offer.is_folder else f"{offer.bytes:,} bytes"
    about = f"{what}, changed {full_time(offer.modified_at_ms)}"
    return [*_block(offer.path, "", width), (Piece(f" {about}", "dim"),)]


def _block(text: str, role: str, width: int, most: int = _MOST_LINES) -> list[Line]:
    return [(Piece(f" {one}", role),) for one in wrapped(text, width - 2, most)]


# --- checks --------------------------------------------------------------------------


def check_lines(check: Check, width: int) -> list[Line]:
    """Return how far the check is, or what it found."""
    if check.is_under_way:
        return [
            (Piece(" Every row is judged as at a launch; nobody is contacted."),),
            (),
            _told("Rows read", f"{check.rows:,}", "strong"),
        ]
    if check.failure:
        return _failed(check.failure, width)
    if check.prospect is None:
        return [(Piece(" Nothing is checked yet.", "dim"),)]
    return _found(check.prospect, width)


def _failed(failure: str, width: int) -> list[Line]:
    lines: list[Line] = [(Piece(" There is nothing to launch.", "bad"),), ()]
    for sentence in failure.split("\n"):
        lines += _point(sentence, "bad", width)
    return [*lines, (), (Piece(" Nothing was launched; r checks again.", "dim"),)]


def _found(found: Prospect, width: int) -> list[Line]:
    lines = [
        _told("Rows read", f"{found.rows:,}", "strong"),
        _told("Usable", f"{found.candidates:,}", "strong"),
        *_rejected(found, width),
        *_unfit(found, width),
        *_labelled("Columns", ", ".join(found.columns), "dim", width),
        *_labelled("Limits", found.limits or "-", "", width),
        *_labelled("Plan", found.plan or "ok", "bad" if found.plan else "", width),
    ]
    for text in (found.obstacle, *found.warnings):
        if text:
            lines += _labelled("Warning", text, "warn", width)
    return lines


def _rejected(found: Prospect, width: int) -> Iterable[Line]:
    kinds = [f"{count:,} {kind}" for kind, count in found.rejects.items() if count]
    yield from _labelled("Rejected", ", ".join(kinds) or "none", "", width)
    named = dict(found.reasons)
    others = sum(found.rejects.values()) - sum(named.values())
    if named and others > 0:
        named["other reasons"] = others
    for reason, count in named.items():
        yield _told("", f"{reason}: {count:,}", "dim")


def _unfit(found: Prospect, width: int) -> Iterable[Line]:
    if not found.unfit:
        return
    said = f"{found.unfit:,} cannot be sent as they are, and will fail unsent"
    yield from _labelled("Unfit", said, "warn", width)
    for example in found.unfit_examples:
        yield from _labelled("", example, "dim", width)


def _told(label: str, text: str, role: str = "") -> Line:
    return (Piece(f" {label:<{_LABEL}}", "dim"), Piece(text, role))


def _labelled(
    label: str, text: str, role: str, width: int, room: int = _LABEL
) -> list[Line]:
    first, *rest = wrapped(text, max(8, width - room - 2), _MOST_LINES)
    blank = " " * (room + 1)
    return [
        (Piece(f" {label:<{room}}", "dim"), Piece(first, role)),
        *((Piece(blank), Piece(line, role)) for line in rest),
    ]


def _point(sentence: str, role: str, width: int) -> list[Line]:
    first, *rest = wrapped(sentence, width - 4, _MOST_LINES)
    return [
        (Piece(" • ", "dim"), Piece(first, role)),
        *((Piece("   "), Piece(line, role)) for line in rest),
    ]


# --- dry render ----------------------------------------------------------------------


def render_lines(found: Prospect, width: int) -> list[Line]:
    """Return what each step would send to the first person; contacts are masked."""
    if not found.sample:
        return [
            (Piece(" None of the first rows can be sent by every step.", "warn"),),
            (Piece(" The step before this one says why.", "dim"),),
        ]
    lines: list[Line] = [
        (Piece(" What the first usable row would be sent. Nobody is contacted."),)
    ]
    step = ""
    for name, text in found.sample:
        shown = shown_field(text, "")
        part = name.removeprefix(f"{step}: ") if step else name
        if part == name:
            step = name
            lines += [(), (Piece(f" {name}  ", "key"), Piece(shown, "dim"))]
        else:
            lines += _part(part, shown, width)
    return lines


def _part(name: str, text: str, width: int) -> list[Line]:
    """Return a part as it is sent: the lines of a mail stay lines."""
    label = f"  {wrapped(name, _PART, 1)[0]}"
    first, *rest = text.splitlines() or [""]
    lines = _labelled(label, first, "", width, _PART + 3)
    for line in rest[:_MOST_OF_TEXT]:
        lines += _labelled("", line, "", width, _PART + 3)
    if len(rest) > _MOST_OF_TEXT:
        more = counted(len(rest) - _MOST_OF_TEXT, "more line")
        lines += _labelled("", more, "dim", width, _PART + 3)
    return lines


# --- review --------------------------------------------------------------------------


def review_lines(check: Check, session: Session, width: int) -> list[Line]:
    """Return everything once more in few lines; this is the confirmation."""
    found = check.prospect
    if found is None:
        return [(Piece(" Nothing is checked yet.", "dim"),)]
    title = f" Launch {found.campaign_name} over {found.upload_name}?"
    lines: list[Line] = [(Piece(title, "key"),)]
    why = blocked(check, session)
    if why:
        lines += _block(f"{why[:1].upper()}{why[1:]}.", "warn", width, 3)
    lines.append(())
    for sentence, role in _sentences(found):
        lines += _point(sentence, role, width)
    return lines


def _sentences(found: Prospect) -> Iterable[tuple[str, str]]:
    people = "1 person" if found.candidates == 1 else f"{found.candidates:,} people"
    rows = counted(found.rows, "row")
    yield f"At most {people} would be contacted, of {rows}. {_FEWER}", "strong"
    yield (_STREAMING, "warn") if found.is_streaming else (_EXTRACTED_FIRST, "")
    yield f"Limits: {found.limits or 'none told'}.", ""
    yield f"Campaign: {found.campaign_path}", ""
    yield f"File: {_file(found)}", ""
    if found.unfit:
        yield f"{found.unfit:,} of them cannot be sent as they are.", "warn"
    for warning in found.warnings:
        yield warning, "warn"


def _file(found: Prospect) -> str:
    told = f"{found.upload_path or found.upload_name}, {size(found.upload_bytes)}"
    return told + (f", sha256 {found.sha256[:_SHA_SHOWN]}…" if found.sha256 else "")
