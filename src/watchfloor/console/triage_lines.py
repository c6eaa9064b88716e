"""A triage as lines: its checks by section, the verdict, the evidence of one check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from watchfloor.console.columns import Column
from watchfloor.console.figures import counted
from watchfloor.console.keymap import Keymap
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.console.text import wrapped
from watchfloor.domain.runbook import Finding, Section, Sign, Triage, Verdict
from watchfloor.domain.shell_words import Address
from watchfloor.domain.text import clean

_MOST_LINES = 3
_NAME: Final = 9
_FIGURE: Final = 26
#: Behind so many empty lines of a triage's text, and one, its checks begin.
_ABOUT: Final = 2
_ROLES: Final = {Sign.OK: "good", Sign.WARN: "warn", Sign.FAIL: "bad", Sign.SKIP: "dim"}
_WHO: Final = {1: "operator", 2: "assisted", 3: "engineering"}


@dataclass(frozen=True, slots=True)
class TriageRow:
    """One check, or the heading of a section, people masked.

    Attributes:
        key: What it is known by: the check's name, or the section.
        finding: None for a heading.
    """

    key: str
    name: str
    said: str
    finding: Finding | None = None

    @property
    def sign(self) -> str:
        """What the check comes to; what fails is in capitals."""
        if self.finding is None:
            return ""
        sign = self.finding.sign
        return sign.value.upper() if sign is Sign.FAIL else sign.value

    @property
    def role(self) -> str:
        """The look of its sign."""
        return "" if self.finding is None else _ROLES[self.finding.sign]

    @property
    def quiet(self) -> str:
        """The look of a finding: what could not be judged steps back."""
        return "dim" if self.role == "dim" else ""


TRIAGE_COLUMNS: tuple[Column[TriageRow], ...] = (
    Column(
        title="CHECK",
        width=13,
        text=lambda row: row.name,
        role=lambda row: "strong" if row.finding is None else "",
    ),
    Column(title="IS", width=4, text=lambda row: row.sign, role=lambda row: row.role),
    Column(
        title="FINDING",
        width=20,
        grow=1,
        text=lambda row: row.said,
        role=lambda row: "strong" if row.finding is None else row.quiet,
    ),
)


def triage_rows(told: Triage) -> list[TriageRow]:
    """Return the checks in the runbook's order, each section under its heading."""
    rows: list[TriageRow] = []
    for place, section in enumerate(Section, 1):
        found = [one for one in told.findings if one.section is section]
        rows.append(TriageRow(section.name, str(place), _heading(section, found)))
        rows += [
            TriageRow(one.check, f"  {one.check}", shown(one.finding), one)
            for one in found
        ]
    return rows


def verdict_lines(told: Triage, keymap: Keymap, width: int) -> Sequence[Line]:
    """Return the verdict: the cause, who must act, what next, when it is over."""
    verdict = told.verdict
    role = "good" if verdict.is_well else "bad"
    who = "healthy"
    if not verdict.is_well:
        who = f"level {verdict.level}, {_WHO.get(verdict.level, '')}"
    facts = [
        ("Verdict", f"{who}: {verdict.summary}", role),
        ("Next", f"{verdict.next_action}{_key(verdict, keymap)}", "key"),
        ("ETA", verdict.eta, ""),
    ]
    if verdict.level:
        facts.append(("Level", f"{verdict.level}: {verdict.why_level}", ""))
    if verdict.consequences:
        facts.append(("Also", ", ".join(verdict.consequences), ""))
    if verdict.fix is not None:
        facts.append(("Fix", f"{verdict.fix.cause} → {verdict.fix.fix}", ""))
    facts.append(("Watched", _watched(told), "dim"))
    return [line for fact in facts for line in _fact(*fact, width)]


def evidence_lines(row: TriageRow, keymap: Keymap, width: int) -> Sequence[Line]:
    """Return one check at length: its finding, what to do, and its figures."""
    one = row.finding
    if one is None:
        return ((Piece(f" {row.said}", "strong"),),)
    asks = f"answers {', '.join(one.asks)}"
    lines: list[Line] = [(Piece(f" {one.check}  ", "strong"), Piece(asks, "dim"))]
    lines += _fact("Finding", one.finding, row.role, width)
    if one.next_action:
        key = f" ({keymap.key(one.act)} on the jobs)" if one.act else ""
        lines += _fact("Next", f"{one.next_action}{key}", "key", width)
    lines += [
        (Piece(f"  {clean(shown(name)):<{_FIGURE}}  {shown(value)}"),)
        for name, value in one.figures
    ]
    return lines


def in_shell(told: Triage, address: Address) -> Triage:
    """Return a triage whose commands are for this workspace."""
    verdict = replace(told.verdict, next_action=address.here(told.verdict.next_action))
    findings = tuple(
        replace(one, next_action=address.here(one.next_action)) for one in told.findings
    )
    return replace(told, verdict=verdict, findings=findings)


def verdict_text(told: Triage) -> str:
    """Return what is handed on first: the verdict and what it is about."""
    text = list(map(_handed, told.text))
    gaps = [place for place, line in enumerate(text) if not line]
    return "\n".join(text[: gaps[_ABOUT]] if len(gaps) > _ABOUT else text)


def whole_text(told: Triage) -> str:
    """Return everything, ready to be handed on."""
    return "\n".join(map(_handed, told.text))


def shown(text: str) -> str:
    """Return a text with people masked."""
    return without_contact(text)


def _handed(line: str) -> str:
    return clean(shown(line), 2_000)


def _heading(section: Section, found: Sequence[Finding]) -> str:
    """Return a section's name, and what it comes to in a few words."""
    failing = sum(one.sign is Sign.FAIL for one in found)
    looked = sum(one.sign is Sign.WARN for one in found)
    parts = [f"{failing} of {counted(len(found), 'check')} failing"] if failing else []
    parts += [f"{looked} worth a look"] if looked else []
    return f"{section}: {', '.join(parts)}" if parts else section.value


def _key(verdict: Verdict, keymap: Keymap) -> str:
    return f" ({keymap.key(verdict.act)} on the jobs)" if verdict.act else ""


def _watched(told: Triage) -> str:
    if not told.sampled_ms:
        return "counters read once so far"
    return f"counters read twice, {told.sampled_ms / 1000:.1f} s apart"


def _fact(name: str, said: str, role: str, width: int) -> Iterator[Line]:
    """Yield a named text, its further lines under its first."""
    room = max(10, width - _NAME - 2)
    for place, line in enumerate(wrapped(shown(said), room, _MOST_LINES)):
        yield (
            Piece(f" {name if not place else '':<{_NAME}}", "dim"),
            Piece(line, role),
        )
