"""Walking the chain: does every link follow the one before, and fit its row?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from watchfloor.domain.anchors import Anchor
from watchfloor.domain.chain import (
    BEGINNING,
    FORMS,
    TAKEN_OUT,
    Kind,
    Link,
    link_hash,
    row_digest,
    words_digest,
)

#: The event of a workspace that came back from a backup, and of a purge.
RESTORED: Final = "restored"
PURGE_REQUESTED: Final = "purge requested"


class Break(NamedTuple):
    """The first thing that does not fit.

    Attributes:
        link: The number of the link at which it was found.
        entry: The entry of the journal, where it is about one.
        command: The command, where it is about one.
        what: changed, removed, added, relinked, cut, rewritten, foreign.
        said: The same in a sentence.
    """

    link: int
    what: str
    said: str
    entry: int | None = None
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSlice:
    """Some links in their order, and the rows that they stand for, of one moment.

    Attributes:
        links: Rows of the chain.
        entries: Every entry of the journal from the first to the last that is named
            here, also such as no link names, by number.
        commands: The commands that are named here, by id.
        newest: The number of each such command's newest link.
    """

    links: Sequence[Mapping[str, Any]]
    entries: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    commands: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    newest: Mapping[str, int] = field(default_factory=dict)


class Rest(NamedTuple):
    """What else is stored, of the moment in which no link followed the last one.

    Whatever is read of the journal must have been walked, under whichever number it
    stands: so everything is counted as well.

    Attributes:
        entry: The first entry that lies before or behind those that links stand for.
        command: A command that no link stands for.
        links: How many links there are.
        entries: How many entries of the journal.
        commands: How many commands.
        linked_commands: How many that links stand for.
    """

    entry: int | None
    command: str | None
    links: int
    entries: int
    commands: int
    linked_commands: int


class ChainWalk:
    """Goes over a chain slice by slice and stops at the first thing that does not fit.

    Attributes:
        number: The last link that fits; 0 for none.
        hash: Its hash.
        last_entry: The last entry that it has come by.
        entries: How many entries of the journal fit.
        late_entries: The last of those that were chained only afterwards; 0 for none.
        taken_out: Links whose words a purge took out.
        lineage: Up to which link the workspace was another instance before it was
            restored, by that instance.
        anchored: The last link that an anchor names as it is; 0 for none.
        held: How many anchors name a link as it is.
        not_here: Anchors of what another instance did after the backup that this
            workspace says it was restored from. Nothing here can be held to them.
        broken: What does not fit.
    """

    def __init__(self, anchors: Sequence[Anchor] = ()) -> None:
        self._anchors: dict[int, list[Anchor]] = {}
        for one in anchors:
            self._anchors.setdefault(one.link, []).append(one)
        self.number = 0
        self.hash = BEGINNING
        self.last_entry = 0
        self.entries = 0
        self.late_entries = 0
        self.taken_out = 0
        self.lineage: dict[str, int] = {}
        self.anchored = 0
        self.held = 0
        self.not_here = 0
        self.broken: Break | None = None
        self._differing: list[Anchor] = []
        # Of each run whose words are gone, the first link without them. A purge is
        # asked for after them, so whether it was is known at the end only.
        self._wordless: dict[str, Link] = {}
        self._purged: set[str] = set()

    def take(self, part: ChainSlice) -> None:
        """Go over a slice."""
        extra = sorted(part.entries.keys() - {one["entry_id"] for one in part.links})
        for row in part.links:
            if self.broken is None:
                self.broken = self._unfit(row, part, extra)

    @property
    def not_reached(self) -> int:
        """Anchors of links behind the last that fits: they were not compared."""
        return sum(
            len(some) for number, some in self._anchors.items() if number > self.number
        )

    def end(self, rest: Rest) -> None:
        """Say what no link stands for, once every link was gone over."""
        if self.broken is None:
            self.broken = self._around(rest) or self._erased()

    def _around(self, rest: Rest) -> Break | None:
        if rest.entry is not None:
            return self._added(rest.entry)
        if rest.command is not None:
            said = (
                f"command {rest.command} was added around the engine: no link stands "
                "for it"
            )
            return Break(self.number, "added", said, command=rest.command)
        counts = (
            ("links", rest.links, self.number),
            ("entries of the journal", rest.entries, self.entries),
            ("commands", rest.commands, rest.linked_commands),
        )
        for what, stored, walked in counts:
            if stored != walked:
                said = (
                    f"{stored:,} {what} are stored, and the chain leads to {walked:,} "
                    "of them: others were added around the engine, or some were "
                    "removed meanwhile"
                )
                return Break(self.number, "added", said)
        return None

    def _erased(self) -> Break | None:
        for run_id, link in self._wordless.items():
            if run_id not in self._purged:
                said = (
                    f"{_of(link)} was changed: its words were taken out, and no link "
                    f"stands for a purge of run {run_id}"
                )
                return _break(link, "changed", said)
        return None

    def compare(self, instance: str) -> None:
        """Hold the chain to its anchors.

        Args:
            instance: Which workspace it is the chain of.
        """
        if self.broken is not None:
            return
        beyond = [
            one
            for number, some in self._anchors.items()
            if number > self.number
            for one in some
        ]
        wrong = sorted([*self._differing, *beyond], key=lambda one: one.link)
        for one in wrong:
            self.broken = self._against(one, instance)
            if self.broken is not None:
                return
        for some in self._anchors.values():
            for one in some:
                if one.instance != instance and one.instance not in self.lineage:
                    self.broken = _foreign(one)
                    return

    def _against(self, one: Anchor, instance: str) -> Break | None:
        if one.instance != instance:
            until = self.lineage.get(one.instance)
            if until is None:
                return _foreign(one)
            if one.link > until:
                self.not_here += 1
                return None
        if one.link > self.number:
            said = (
                f"the anchor of {one.at} names link {one.link:,}, and the chain ends "
                f"at link {self.number:,}: its end was cut off"
            )
            return Break(self.number, "cut", said)
        said = (
            f"link {one.link:,} is not the one that the anchor of {one.at} names: the "
            "chain was written anew, at or before it"
        )
        return Break(one.link, "rewritten", said)

    def _unfit(
        self, row: Mapping[str, Any], part: ChainSlice, extra: Sequence[int]
    ) -> Break | None:
        number = row["link_no"]
        if number != self.number + 1:
            said = f"link {self.number + 1:,} was removed"
            return Break(self.number + 1, "removed", said)
        link = _link(row)
        if link is None:
            said = f"link {number:,} was changed: nothing writes such a link"
            return Break(number, "relinked", said)
        is_late = row["is_late"] == 1
        if link_hash(self.hash, link, is_late=is_late) != row["hash"]:
            said = (
                f"link {number:,}, which stands for {_of(link)}, was changed: it does "
                "not follow the link before it"
            )
            return _break(link, "relinked", said)
        if link.kind is Kind.ENTRY:
            added = next((one for one in extra if one < int(link.key)), None)
            if added is not None and added > self.last_entry:
                return self._added(added)
        found = self._row_unfit(link, row, part)
        if found is None:
            self._go_on(link, row, part, is_late=is_late)
        return found

    def _row_unfit(
        self, link: Link, row: Mapping[str, Any], part: ChainSlice
    ) -> Break | None:
        if link.kind is Kind.COMMAND and part.newest.get(link.key) != link.number:
            return None  # the command's newest link says how it is now
        stood_for = (
            part.entries.get(int(link.key))
            if link.kind is Kind.ENTRY
            else part.commands.get(link.key)
        )
        if stood_for is None:
            return _break(link, "removed", f"{_of(link)} was removed")
        if row["salt"] is None:
            words = FORMS[link.form][link.kind].words
            self._wordless.setdefault(stood_for["run_id"], link)
            fits = all(stood_for[name] == TAKEN_OUT for name in words)
        else:
            salted = words_digest(stood_for, link.kind, row["salt"], link.form)
            fits = salted == link.words
        digest = row_digest(stood_for, link.kind, link.words, link.form)
        if fits and digest == link.digest:
            return None
        said = f"{_of(link)} was changed: it is not what was chained"
        return _break(link, "changed", said)

    def _go_on(
        self, link: Link, row: Mapping[str, Any], part: ChainSlice, *, is_late: bool
    ) -> None:
        self.number, self.hash = link.number, row["hash"]
        self.taken_out += row["salt"] is None
        for one in self._anchors.get(link.number, ()):
            if one.hash == self.hash:
                self.anchored = link.number
                self.held += 1
            else:
                self._differing.append(one)
        if link.kind is Kind.ENTRY:
            entry = part.entries[int(link.key)]
            self.last_entry = int(link.key)
            self.entries += 1
            if is_late:
                self.late_entries = self.last_entry
            if entry["event"] == PURGE_REQUESTED:
                self._purged.add(entry["run_id"])
            if entry["event"] == RESTORED and not entry["run_id"]:
                instance, _, until = str(entry["before"]).rpartition("@")
                self.lineage[instance] = int(until) if until.isdecimal() else 0

    def _added(self, entry: int) -> Break:
        said = (
            f"entry {entry:,} of the journal was added around the engine: no link "
            "stands for it"
        )
        return Break(self.number, "added", said, entry)


def _link(row: Mapping[str, Any]) -> Link | None:
    """Return a link as its row tells it; None where nothing writes such a row."""
    entry, command = row["entry_id"], row["command_id"]
    blobs = (row["words"], row["digest"], row["hash"])
    if not all(isinstance(one, bytes) for one in blobs):
        return None
    if not isinstance(row["salt"], bytes | None) or row["form"] not in FORMS:
        return None
    if (entry is None) == (command is None) or row["is_late"] not in (0, 1):
        return None
    if entry is None:
        kind, key = Kind.COMMAND, command
    else:
        kind, key = Kind.ENTRY, str(entry)
    if not isinstance(key, str) or (kind is Kind.ENTRY and not isinstance(entry, int)):
        return None
    return Link(row["link_no"], row["form"], kind, key, row["words"], row["digest"])


def _of(link: Link) -> str:
    if link.kind is Kind.ENTRY:
        return f"entry {int(link.key):,} of the journal"
    return f"command {link.key}"


def _break(link: Link, what: str, said: str) -> Break:
    if link.kind is Kind.ENTRY:
        return Break(link.number, what, said, int(link.key))
    return Break(link.number, what, said, command=link.key)


def _foreign(one: Anchor) -> Break:
    said = (
        f"the anchor of {one.at} is of another workspace, {one.instance}: either the "
        "file is not this one's, or the store was put in the place of another"
    )
    return Break(one.link, "foreign", said)
