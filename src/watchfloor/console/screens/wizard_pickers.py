"""A field and a list from which a launch's campaign and contact file are chosen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from watchfloor.console.pieces import Line
from watchfloor.console.reading import Failure, answer
from watchfloor.console.session import Session
from watchfloor.console.text import plain
from watchfloor.console.widgets.field import Field
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.wizard_lines import (
    CAMPAIGN_COLUMNS,
    UPLOAD_COLUMNS,
    UploadRow,
    campaign_at_length,
    upload_at_length,
)
from watchfloor.console.wizard_steps import matching, typed_path
from watchfloor.console.work import begin
from watchfloor.domain.prospects import CampaignOffer, UploadOffer

_NO_CAMPAIGN = "No campaigns in this workspace yet; what to do is told below."


class Picker(Vertical):
    """What is written narrows what is listed; the keys of the list are the screen's."""

    @dataclass
    class Changed(Message):
        """Another row is under the cursor, or other rows are listed."""

    @dataclass
    class Chosen(Message):
        """The operator has chosen."""

        offer: CampaignOffer | UploadOffer

    @dataclass
    class Said(Message):
        """Something is to be told."""

        text: str
        role: str = ""

    def __init__(self, session: Session, *, hint: str, name: str) -> None:
        super().__init__(id=f"choose-{name}", classes="choose")
        self.session = session
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Lay the field and the list out."""
        field = Field(
            placeholder=plain(self._hint).plain,
            compact=True,
            select_on_focus=False,
            max_length=1_000,
        )
        yield field
        grid = self.made_grid()
        grid.can_focus = False
        yield grid

    def on_mount(self) -> None:
        """Read what there is."""
        self.read()

    @property
    def field(self) -> Field:
        """What is written."""
        return self.query_one(Field)

    @property
    def grid(self) -> Grid[Any]:
        """What is listed."""
        return self.query_one(Grid)

    def made_grid(self) -> Grid[Any]:
        """Return an empty list."""
        raise NotImplementedError

    def read(self) -> None:
        """Read what there is, anew."""
        raise NotImplementedError

    def take(self) -> None:
        """Choose the row under the cursor, or say why there is none to choose."""
        raise NotImplementedError

    @property
    def is_looking(self) -> bool:
        """Whether something is still looked for that a key can have chosen."""
        raise NotImplementedError

    def at_length(self, width: int) -> list[Line]:
        """Return everything about the row under the cursor."""
        raise NotImplementedError

    @on(Grid.Moved)
    def _moved(self) -> None:
        self.post_message(self.Changed())


class CampaignPicker(Picker):
    """The workspace's campaigns; another one may be named by its path."""

    @dataclass
    class Read(Message):
        """The campaigns came, or why they did not."""

        answer: tuple[CampaignOffer, ...] | Failure

    @dataclass
    class Looked(Message):
        """The campaign file at a path came, or why it did not."""

        path: str
        answer: CampaignOffer | Failure

    def __init__(self, session: Session, chosen: CampaignOffer | None) -> None:
        super().__init__(session, hint="words of a name, or a path", name="campaign")
        self._chosen = chosen
        self._offers: tuple[CampaignOffer, ...] = ()
        self._looks_at = ""
        self._is_read = False
        self._is_asked_early = False

    def made_grid(self) -> Grid[CampaignOffer]:
        """Return an empty list of campaigns."""
        return Grid(
            CAMPAIGN_COLUMNS, lambda offer: offer.path, empty="Reading the campaigns …"
        )

    def read(self) -> None:
        """Read the campaigns; whatever file is looked at is looked at no more."""
        self._looks_at = ""
        begin(self, self._read, "campaigns")

    async def _read(self) -> None:
        self.post_message(self.Read(await answer(self.session.desk.campaigns())))

    @on(Read)
    def _show(self, message: Read) -> None:
        if self._is_asked_early:
            self.post_message(self.Said(""))
        self._is_read, self._is_asked_early = True, False
        if isinstance(message.answer, Failure):
            key = self.session.keymap.key("wizard.again")
            self.grid.empty = f"The campaigns could not be read; {key} tries again."
            said = f"Could not read the campaigns: {message.answer.sentence}"
            self.post_message(self.Said(said, "bad"))
        else:
            self._offers = message.answer
            is_any = bool(self._offers)
            self.grid.empty = "No campaign has such a name." if is_any else _NO_CAMPAIGN
        self._narrow()
        if self._chosen is not None:
            self.grid.select(self._chosen.path)

    @on(Input.Changed)
    def _narrow(self) -> None:
        self.grid.show(matching(self._offers, self.field.value), keep=False)
        self.grid.refresh()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    @on(Grid.Opened)
    def take(self) -> None:
        """Choose the campaign under the cursor, or the file that is written."""
        offer, path = self.grid.current, typed_path(self.field.value)
        if offer is not None:
            self._choose(offer)
        elif not path and not self._is_read:
            self._is_asked_early = True
            self.post_message(self.Said("The campaigns are still being read.", "warn"))
        elif not path:
            said = "There is no such campaign; write its path to use another file."
            self.post_message(self.Said(said, "warn"))
        elif path != self._looks_at:
            self._looks_at = path
            begin(self, partial(self._look, path), "campaigns", exclusive=False)

    @property
    def is_looking(self) -> bool:
        """Whether the campaigns, or the one that was written, are still to come."""
        return not self._is_read or bool(self._looks_at)

    async def _look(self, path: str) -> None:
        found = await answer(self.session.desk.campaign(path))
        self.post_message(self.Looked(path, found))

    @on(Looked)
    def _show_file(self, message: Looked) -> None:
        if message.path != self._looks_at:
            return
        self._looks_at = ""
        if message.path != typed_path(self.field.value):
            return  # more was written meanwhile
        if isinstance(message.answer, Failure):
            said = f"Could not read {message.path}: {message.answer.sentence}"
            self.post_message(self.Said(said, "bad"))
            return
        self.grid.show((message.answer,), keep=False)
        self.grid.refresh()
        self.post_message(self.Changed())
        self._choose(message.answer)

    def _choose(self, offer: CampaignOffer) -> None:
        if offer.fault:
            said = "This campaign cannot be chosen; its fault is told below."
            self.post_message(self.Said(said, "bad"))
        else:
            self.post_message(self.Chosen(offer))

    def at_length(self, width: int) -> list[Line]:
        """Return everything about the campaign under the cursor."""
        return campaign_at_length(self.grid.current, width)


class UploadPicker(Picker):
    """The contact files where the field says; nothing is read while nobody writes."""

    @dataclass
    class Read(Message):
        """The contact files at a path came, or why they did not."""

        path: str
        answer: tuple[UploadOffer, ...] | Failure

    def __init__(self, session: Session) -> None:
        hint = "path of a contact file or a folder"
        super().__init__(session, hint=hint, name="upload")
        self._is_reading = False
        self._read_path: str | None = None
        self._shown_path: str | None = None
        self._takes_when_shown = False
        self._completes_when_shown = False

    def made_grid(self) -> Grid[UploadRow]:
        """Return an empty list of contact files."""
        return Grid(
            UPLOAD_COLUMNS,
            lambda row: row.offer.path,
            empty="Looking for contact files …",
        )

    @on(Input.Changed)
    def read(self) -> None:
        """Look where the field says, one look at a time."""
        self._read_path = None
        if not self._is_reading:
            self._is_reading = True
            begin(self, self._read, "uploads", exclusive=False)

    async def _read(self) -> None:
        while (path := self.field.value) != self._read_path:
            self._read_path = path
            found = await answer(self.session.desk.uploads(path))
            self.post_message(self.Read(path, found))
        self._is_reading = False

    @on(Read)
    def _show(self, message: Read) -> None:
        if message.path != self.field.value:
            return  # more was written meanwhile
        found: tuple[UploadOffer, ...] = ()
        self.grid.empty = "No contact file is there (.csv, .tsv, .txt)."
        if isinstance(message.answer, Failure):
            self.grid.empty = message.answer.sentence
        else:
            found = message.answer
        is_same, self._shown_path = self._shown_path == message.path, message.path
        now_ms = self.session.clock()
        self.grid.show([UploadRow(offer, now_ms) for offer in found], keep=is_same)
        if not found:
            self.grid.refresh()
        self.post_message(self.Changed())
        if self._takes_when_shown:
            self._take()
        elif self._completes_when_shown:
            self.complete()

    @on(Input.Submitted)
    def take(self) -> None:
        """Choose the file under the cursor, once what is written is listed."""
        # What is listed still may be what another text found.
        if self._shown_path == self.field.value:
            self._take()
        else:
            self._takes_when_shown = True

    @on(Grid.Opened)
    def _take(self) -> None:
        self._takes_when_shown = self._completes_when_shown = False
        row = self.grid.current
        if row is None:
            said = "No contact file is there; write the path of one."
            self.post_message(self.Said(said, "warn"))
        elif row.offer.is_folder:
            self.complete()
        else:
            self.post_message(self.Chosen(row.offer))

    @property
    def is_looking(self) -> bool:
        """Whether a file was chosen, or its path asked for, that is not listed yet."""
        return self._takes_when_shown or self._completes_when_shown

    def complete(self) -> None:
        """Write the path under the cursor into the field, once that is listed."""
        if self._shown_path != self.field.value:
            # What is listed still is what another text found.
            self._completes_when_shown = True
            return
        self._completes_when_shown = False
        row = self.grid.current
        if row is None:
            return
        path = row.offer.path + ("/" if row.offer.is_folder else "")
        if self.field.validate_value(path) == path:
            self.field.value = path
            self.field.cursor_position = len(path)
        else:
            key = self.session.keymap.key("wizard.choose")
            said = f"Such a name cannot be written; {key} takes a file as it is."
            self.post_message(self.Said(said, "warn"))

    def at_length(self, width: int) -> list[Line]:
        """Return everything about the contact file under the cursor."""
        row = self.grid.current
        return upload_at_length(row.offer if row is not None else None, width)
