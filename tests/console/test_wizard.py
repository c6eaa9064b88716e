from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.console.conftest import QUICK
from tests.console.looking import press, press_at_once, settled, shown, until
from tests.console.paper_desk import PaperDesk
from tests.console.test_hostile import DOSES
from tests.support.hostile import traces
from textual.events import Key, Paste
from textual.widgets import Button

from watchfloor.console import in_turn
from watchfloor.console.app import WatchfloorApp
from watchfloor.console.keymap import Keymap
from watchfloor.console.preferences import Preferences
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.wizard import LaunchWizard
from watchfloor.console.screens.wizard_pickers import UploadPicker
from watchfloor.console.wizard_lines import check_lines, render_lines, review_lines
from watchfloor.console.wizard_steps import (
    Check,
    Draft,
    Step,
    matching,
    typed_path,
)
from watchfloor.domain.errors import ConfigError, Refusal, StoreError
from watchfloor.domain.prospects import (
    CampaignOffer,
    Prospect,
    UploadOffer,
    is_of_ended_twin,
)
from watchfloor.domain.views import Receipt

SIZE = (80, 24)
READING = ("enter", "tab", "pagedown", "r", "y", "escape")
GROUPS = ("campaigns", "uploads", "check", "commands", "drop")


@dataclass
class WizardDesk(PaperDesk):
    """A paper desk whose checks can be held, and whose answers can be chosen.

    Attributes:
        going: While it is not set, checks and listings wait.
        found: What of a prospect is other than on paper.
        given_up: How many checks were cancelled.
        twin: What a refusal of a twin says of the earlier run.
    """

    going: asyncio.Event = field(default_factory=asyncio.Event)
    found: dict[str, Any] = field(default_factory=dict)
    offers: tuple[CampaignOffer, ...] | None = None
    files: tuple[UploadOffer, ...] = ()
    fails: list[Exception] = field(default_factory=list)
    given_up: int = 0
    twin: str = "run run-0006 ended within a day"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.going.set()

    async def campaigns(self) -> tuple[CampaignOffer, ...]:
        await self.going.wait()
        found = await super().campaigns()
        return found if self.offers is None else self.offers

    async def uploads(self, path: str) -> tuple[UploadOffer, ...]:
        await self.going.wait()
        known = (*self.files, *await super().uploads(""))
        return tuple(offer for offer in known if path in offer.path)

    async def prospect(self, campaign: str, upload: str, on_progress: Any) -> Prospect:
        found = await super().prospect(campaign, upload, on_progress)
        try:
            await self.going.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.fails:
            raise self.fails.pop(0)
        return replace(found, upload_path=upload, **self.found)

    def _future(self, receipt: Receipt) -> list[Receipt]:
        ahead = super()._future(receipt)
        if ahead and ahead[0].refusal == Refusal.DUPLICATE_RUN:
            ahead[0] = replace(ahead[0], detail=f"{ahead[0].detail} ({self.twin})")
        return ahead


@pytest.fixture
def desk():
    return WizardDesk()


class Opened:
    """A wizard over a console, and what it answered when it was left."""

    def __init__(self, pilot: Any, draft: Draft | None = None) -> None:
        self.pilot = pilot
        self.app: WatchfloorApp = pilot.app
        self.wizard = LaunchWizard(self.app.session, draft, QUICK)
        self.wizard.told_every_s = 0.005
        self.answers: list[str | None] = []

    async def begun(self) -> Opened:
        await settled(self.pilot)
        await self.app.push_screen(self.wizard, self.answers.append)
        await self.calm()
        return self

    async def calm(self) -> None:
        def is_done() -> bool:
            return not any(worker.group in GROUPS for worker in self.app.workers)

        await until(self.pilot, is_done)
        await settled(self.pilot)

    async def press(self, *keys: str) -> str:
        for key in keys:
            await press(self.pilot, key)
            if key in READING:
                await self.calm()
        await self.calm()
        return shown(self.app)

    async def at(self, step: Step) -> str:
        keys = {2: ("enter",), 3: ("enter", "enter"), 4: ("enter",) * 3}
        return await self.press(*keys.get(step, ("enter",) * 4))


async def opened(pilot: Any, draft: Draft | None = None) -> Opened:
    return await Opened(pilot, draft).begun()


async def at_review(pilot: Any) -> Opened:
    wizard = await opened(pilot)
    await wizard.at(Step.REVIEW)
    assert wizard.wizard.step is Step.REVIEW
    return wizard


# --- choosing ----------------------------------------------------------------------


async def test_the_wizard_goes_from_a_campaign_to_a_run_by_keys_alone(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        assert "[1 Campaign]" in shown(app)
        assert "Autumn billing" in await wizard.press("enter")
        assert "[2 Contact file]" in shown(app)
        assert "[3 Checks]" in await wizard.press(*"octo", "enter")
        assert "[4 Dry render]" in await wizard.press("pagedown")
        assert "[5 Review]" in await wizard.press("pagedown")
        await wizard.press("m", "y")

        assert wizard.answers == ["run-0100"]
        [(launched, allow_twin)] = desk.launched
        assert (launched.campaign_path, launched.upload_path, allow_twin) == (
            "campaigns/autumn.toml",
            "lists/october.csv",
            False,
        )
        assert desk.dropped == []


async def test_a_faulty_campaign_says_why_and_cannot_be_chosen(app):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        said = await wizard.press("down", "enter")

        assert "cannot be chosen: steps.call.channel: there is no channel" in said
        assert "This campaign cannot be chosen" in said
        assert wizard.wizard.step is Step.CAMPAIGN
        assert "No campaign is chosen yet" in await wizard.press("pagedown")


async def test_words_narrow_the_campaigns_and_a_path_names_another(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        assert "broken.toml" not in await wizard.press(*"autumn")
        await wizard.press("ctrl+u", *"/srv/other.toml", "enter", "enter")

        assert wizard.wizard.draft.campaign == CampaignOffer(
            path="/srv/other.toml", name="other.toml"
        )
        assert wizard.wizard.check.prospect is not None
        assert wizard.wizard.check.prospect.campaign_path == "/srv/other.toml"


async def test_a_file_that_is_no_campaign_says_so_where_it_was_written(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        said = await wizard.press(*"/srv/broken.toml", "enter")

        assert wizard.wizard.step is Step.CAMPAIGN
        assert wizard.wizard.draft.campaign is None
        assert "cannot be chosen: broken.toml: line 6: this is not TOML" in said
        assert "This campaign cannot be chosen" in said
        assert wizard.wizard.picker.grid.current_key == "/srv/broken.toml"

        await wizard.press("enter")
        assert wizard.wizard.step is Step.CAMPAIGN
        await wizard.press("ctrl+u", *"/srv/other.toml", "enter")
        assert isinstance(wizard.wizard.picker, UploadPicker)


async def test_a_file_that_could_not_be_looked_at_says_so_and_can_be_taken_again(
    app, desk
):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        desk.fault = StoreError("the store is gone")
        said = await wizard.press(*"/srv/other.toml", "enter")
        assert "Could not read /srv/other.toml: the store is gone" in said
        assert wizard.wizard.step is Step.CAMPAIGN

        desk.fault = None
        await wizard.press("enter")
        assert isinstance(wizard.wizard.picker, UploadPicker)


async def test_a_changed_key_is_named_by_the_wizard_too(console):
    keymap, mistakes = Keymap().remapped({"wizard.choose": "f6", "wizard.no": "f7"})
    assert mistakes == []
    app = console(wishes=Preferences(keymap=keymap))
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        said = await wizard.press("pagedown")
        assert "No campaign is chosen yet: F6 takes the one under the cursor" in said
        assert "not yet (F7)" in str(app.screen.query_one("#no", Button).label)


async def test_a_workspace_without_campaigns_says_how_to_make_one(app, desk):
    desk.offers = ()
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)

        assert "No campaigns in this workspace yet" in shown(app)
        assert "watchfloor campaign check FILE" in shown(app)
        assert "There is no such campaign" in await wizard.press("enter")


async def test_campaigns_that_cannot_be_read_can_be_read_again(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        desk.fault = StoreError("campaigns: permission denied")
        wizard = await opened(pilot)
        assert "Could not read the campaigns: campaigns: permission" in shown(app)
        desk.fault = None

        assert "Autumn billing" in await wizard.press("f5")


async def test_what_is_written_is_taken_however_fast_enter_follows(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.press("enter")
        desk.going.clear()
        await press(pilot, *"october", "enter")
        assert "[2 Contact file]" in shown(app)
        desk.going.set()
        await wizard.calm()

        assert wizard.wizard.draft.upload is not None
        assert wizard.wizard.draft.upload.path == "lists/october.csv"
        assert wizard.wizard.step is Step.CHECKS


async def test_keys_that_come_before_the_field_has_the_focus_are_not_lost(app):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        app.set_focus(None)
        await wizard.press("enter")
        assert wizard.wizard.step is Step.UPLOAD

        app.set_focus(None)
        # Elsewhere in the wizard the first of them arms, and the second launches.
        await wizard.press("m", "y", ".")
        assert not app.session.is_armed
        app.set_focus(None)
        app.post_message(Paste(" and\nmore"))
        await wizard.calm()
        assert app.screen.query_one(UploadPicker).field.value == "my. and more"
        assert not app.session.is_armed


async def test_what_is_typed_behind_a_choice_waits_until_that_is_made(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        desk.going.clear()
        for key in (Key("n", "n"), Key("enter", "\r"), Key("m", "m"), Key("x", "x")):
            app.post_message(key)
        await until(pilot, lambda: "Reading the campaigns" in shown(app))
        enough = time.monotonic() + 0.2
        await until(pilot, lambda: time.monotonic() > enough or not app.has_typed_ahead)
        desk.going.set()
        await settled(pilot)

        assert app.screen.query_one(UploadPicker).field.value == "mx"
        assert not app.session.is_armed


async def test_enter_before_the_campaigns_are_listed_chooses_nothing_and_says_why(
    app, desk
):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        desk.going.clear()
        wizard = Opened(pilot)
        await app.push_screen(wizard.wizard)
        await press(pilot, "enter")
        assert "The campaigns are still being read." in shown(app)
        desk.going.set()
        await wizard.calm()

        assert wizard.wizard.step is Step.CAMPAIGN
        assert "still being read" not in shown(app)


async def test_tab_never_completes_what_another_text_found(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.press("enter")
        desk.going.clear()
        await press(pilot, *"october", "tab")
        picker = wizard.wizard.query_one(UploadPicker)
        assert picker.field.value == "october"
        desk.going.set()
        await wizard.calm()

        assert picker.field.value == "lists/october.csv"
        assert wizard.wizard.step is Step.UPLOAD


async def test_tab_completes_a_path_and_a_folder_is_gone_into(app, desk):
    folder = UploadOffer(path="lists", bytes=0, modified_at_ms=0, is_folder=True)
    desk.files = (folder,)
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        assert "lists/" in await wizard.press("enter")
        assert "september.csv" in await wizard.press("enter")
        picker = wizard.wizard.query_one(UploadPicker)
        assert picker.field.value == "lists/"
        await wizard.press("down", "tab")

        assert picker.field.value == "lists/october.csv"
        assert wizard.wizard.step is Step.UPLOAD


async def test_a_name_that_no_keyboard_writes_is_taken_by_enter(app, desk):
    odd = UploadOffer(path="lists/\x1b[2J\udcff.csv", bytes=1, modified_at_ms=0)
    desk.files = (odd,)
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        assert "cannot be written" in await wizard.press("enter", "tab")
        assert wizard.wizard.query_one(UploadPicker).field.value == ""
        assert "␛[2J·.csv" in await wizard.press("enter")

        assert wizard.wizard.draft.upload == odd


async def test_nothing_a_terminal_obeys_can_be_put_into_a_field(app):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        picked = wizard.wizard.picker.field
        picked.value = "a\x1b[2J\u202eb\x9dc\n"

        assert picked.value == "a[2Jbc"


async def test_where_no_file_is_that_is_said_and_nothing_is_chosen(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        said = await wizard.press("enter", *"nowhere", "enter")

        assert "No contact file is there" in said
        assert wizard.wizard.step is Step.UPLOAD
        assert "No contact file is chosen yet" in await wizard.press("pagedown")


async def test_a_directory_that_cannot_be_read_says_so_in_place_of_files(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.press("enter")
        desk.fault = ConfigError("/root: cannot be read: permission denied")

        assert "/root: cannot be read: permission" in await wizard.press("x")


# --- checks and dry render ---------------------------------------------------------


async def test_a_check_tells_rows_rejects_unfit_and_warnings(app):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        said = await wizard.at(Step.CHECKS)

        for part in (
            "Rows read        10,000",
            "Usable           9,900",
            "60 invalid, 40 duplicate",
            "not a phone number: 60",
            "other reasons: 40",
            "1 cannot be sent as they are",
            "row 17, call: no first name",
            "16 permits, 20/s",
            "Plan             ok",
            "global.csv: 2 lines cannot be read",
        ):
            assert part in said


async def test_a_check_tells_how_many_rows_it_has_read_and_holds_the_next_step(
    app, desk
):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.press("enter")
        desk.going.clear()
        await press(pilot, "enter")
        await until(pilot, lambda: "Rows read        10,000" in shown(app))
        await press(pilot, "pagedown")
        assert "needs every row" in shown(app)
        assert wizard.wizard.step is Step.CHECKS
        desk.going.set()
        await wizard.calm()

        assert "Usable           9,900" in shown(app)


async def test_leaving_gives_a_check_up(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.press("enter")
        desk.going.clear()
        await press(pilot, "enter", "escape")
        await until(pilot, lambda: bool(desk.given_up))

        assert wizard.answers == [None]
        assert desk.dropped == []


async def test_every_mistake_of_a_check_is_a_line_and_it_can_be_made_again(app, desk):
    desk.fails = [ConfigError("a.toml: no id", "people.csv: no column phone")]
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        said = await wizard.at(Step.CHECKS)
        assert "• a.toml: no id\n" in said
        assert "• people.csv: no column phone" in said
        assert "nothing that can be launched" in await wizard.press("pagedown")

        assert "Usable           9,900" in await wizard.press("r")


async def test_another_file_drops_what_was_checked_and_is_checked_anew(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.at(Step.CHECKS)
        await wizard.press("pageup", *"october", "enter")

        assert [one.upload_path for one in desk.dropped] == ["lists/september.csv"]
        assert wizard.wizard.check.prospect is not None
        assert wizard.wizard.check.prospect.upload_path == "lists/october.csv"


async def test_the_same_file_chosen_again_is_not_read_again(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.at(Step.CHECKS)
        await wizard.press("pageup", "enter", "pageup", "pagedown")

        assert desk.reads.count("prospect") == 1
        assert desk.dropped == []


async def test_a_check_that_ends_too_late_is_dropped(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.at(Step.CHECKS)
        found = wizard.wizard.check.prospect
        assert found is not None
        old = LaunchWizard.Checked(-1, replace(found, ident="run-0099"))
        wizard.wizard.post_message(old)
        await until(pilot, lambda: bool(desk.dropped))

        assert desk.dropped[0].ident == "run-0099"
        assert wizard.wizard.check.prospect == found


async def test_a_dry_render_shows_what_is_sent_and_masks_people(app, desk):
    desk.found["sample"] = (
        ("call", "by webhook"),
        ("call: body.to", "+15550000042"),
        ("call: body.text", "Hello Ann,\nyour bill.\n\nBye"),
        ("text", "by smtp"),
        ("text: to", "ann.miller@example.org"),
    )
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        said = await wizard.at(Step.RENDER)

        assert "call  by webhook" in said
        assert "body.to" in said
        assert "+1***0042" in said
        assert "Hello Ann,\n" in said
        assert "a***@example.org" in said
        assert "+15550000042" not in said
        assert "ann.miller" not in said


# --- the review, which is the confirmation -----------------------------------------


async def test_the_review_says_everything_and_its_safe_answer_has_the_focus(app, desk):
    desk.found["sha256"] = "91ab" * 16
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        said = shown(app)
        for part in (
            "Launch Autumn billing over september.csv?",
            "At most 9,900 people would be contacted, of 10,000 rows.",
            "the run can be cancelled until then",
            "Limits: 16 permits, 20/s.",
            "Campaign: campaigns/autumn.toml",
            "File: lists/september.csv, 2.0 MiB, sha256 91ab91ab91ab91ab…",
            "Disarmed: press m to arm",
        ):
            assert part in said
        assert app.focused is not None
        assert app.focused.id == "no"
        await wizard.press("m", "enter")

        assert wizard.wizard.step is Step.RENDER
        assert desk.launched == []


async def test_a_stream_is_told_in_words_that_cannot_be_missed(app, desk):
    desk.found["is_streaming"] = True
    async with app.run_test(size=SIZE) as pilot:
        await at_review(pilot)

        assert "STREAMING: people are contacted while the file is" in shown(app)
        assert "cancelled until then" not in shown(app)


async def test_the_review_is_left_backwards(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        await wizard.press("m")
        for key in ("n", "escape", "pageup"):
            assert "[4 Dry render]" in await wizard.press(key)
            await wizard.press("enter")

        assert wizard.answers == []
        assert desk.launched == []


async def test_nothing_is_launched_while_disarmed_or_once_arming_has_ended(
    app, desk, clock
):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        assert "Nothing was launched: disarmed: press m" in await wizard.press("y")
        assert "ARMED until" in await wizard.press("m")
        clock.pass_ms(5 * 60_000)
        assert "Nothing was launched: disarmed" in await wizard.press("y")
        assert "disarmed" in await wizard.press("m", "M", "y")

        assert desk.launched == []


async def test_a_yes_that_was_typed_before_the_review_stood_launches_nothing(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        assert "[4 Dry render]" in await wizard.press("m", "pageup")

        await press_at_once(pilot, "enter", "y")
        assert wizard.wizard.step is Step.REVIEW
        assert "y came before the review stood: nothing was launched." in shown(app)
        assert desk.launched == []

        await wizard.press("y")
        await until(pilot, lambda: len(desk.launched) == 1)


async def test_a_choice_made_after_the_wait_for_another_one_leaves_nothing_to_wait_for(
    app, desk, monkeypatch
):
    monkeypatch.setattr(in_turn, "_LONGEST_S", 0.02)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        wizard = Opened(pilot)
        await app.push_screen(wizard.wizard)
        await wizard.calm()
        await wizard.press("enter")
        await wizard.calm()
        desk.going.clear()
        for key in (Key("z", "z"), Key("tab", "\t"), Key("enter", "\r")):
            app.post_message(key)
        picker = app.screen.query_one(UploadPicker)
        await until(pilot, lambda: picker._takes_when_shown)
        desk.going.set()
        await wizard.calm()

        assert "No contact file is there" in shown(app)
        assert wizard.wizard.is_ready


async def test_campaigns_that_are_read_anew_let_go_of_a_file_that_is_looked_at(
    app, desk
):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        wizard = Opened(pilot)
        await app.push_screen(wizard.wizard)
        await wizard.calm()
        picker = wizard.wizard.picker
        picker.field.value = "/nowhere/x.toml"
        await wizard.calm()
        picker.take()
        assert not wizard.wizard.is_ready
        wizard.wizard.action_again()
        await wizard.calm()

        assert wizard.wizard.is_ready


async def test_yes_means_nothing_before_the_review(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.at(Step.CHECKS)
        said = await wizard.press("m", "y", "n")

        assert wizard.wizard.step is Step.CHECKS
        assert "The review comes first." in said
        assert desk.launched == []


async def test_a_console_that_only_looks_checks_and_never_launches(console, desk):
    app = console(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        assert "READ ONLY: this session checks and launches nothing" in shown(app)
        await wizard.at(Step.REVIEW)
        assert "READ ONLY" in await wizard.press("m", "y")

        assert wizard.wizard.step is Step.REVIEW
        assert desk.launched == []


async def test_what_cannot_be_launched_says_why_and_is_not_asked_for(app, desk):
    whys = {
        "plan": ("records 9,800 + 9,900 of 10,000", "would refuse it: records 9,800"),
        "obstacle": ("campaign autumn is not published", "autumn is not published"),
    }
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.press("enter", "enter", "m")
        for name, (told, why) in whys.items():
            desk.found = {name: told}
            assert why in await wizard.press("r", "enter", "enter")
            # What is said stands above the keys, in as many lines as it needs.
            said = (await wizard.press("y")).splitlines()[-4:-1]
            assert why in " ".join(" ".join(said).split())

        assert desk.launched == []


async def test_yes_pressed_twice_asks_once(app, desk):
    desk.stages = ()
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        await press(pilot, "m", "y", "y")
        await wizard.calm()
        await wizard.press("y")

        assert len(desk.launched) == 1


async def test_a_launch_no_engine_takes_is_told_and_left_with_its_id(app, desk):
    desk.stages = ()
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        said = await wizard.press("m", "y")
        assert "no engine has" in said
        assert wizard.answers == []
        await wizard.press("escape")

        assert wizard.answers == ["run-0100"]


async def test_a_refused_launch_says_so_and_is_checked_anew(app, desk):
    desk.refusals = [Refusal.PLAN_LIMIT]
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        said = await wizard.press("m", "y")
        assert "launch refused, PLAN_LIMIT" in said
        assert wizard.wizard.step is Step.CHECKS
        assert len(desk.dropped) == 1
        await wizard.press("r", "enter", "enter", "y")

        assert wizard.answers == ["run-0100"]


async def test_a_launch_that_could_not_be_stored_can_be_tried_again(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        desk.fault = StoreError("the inbox cannot be written: disk full")
        assert "launch: the inbox cannot be written" in await wizard.press("m", "y")
        desk.fault = None
        await wizard.press("y")

        assert wizard.answers == ["run-0100"]


async def test_a_twin_of_an_ended_run_wants_again_typed(app, desk):
    desk.refusals = [Refusal.DUPLICATE_RUN]
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        await press(pilot, "m", "y")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await settled(pilot)
        assert "Up to 9,900 people are contacted AGAIN." in shown(app)
        assert "run-0006" in shown(app)
        await wizard_typed(pilot, "again")
        await wizard.calm()

        assert [twin for _, twin in desk.launched] == [False, True]
        assert wizard.answers == ["run-0100"]


async def wizard_typed(pilot: Any, word: str) -> None:
    await press(pilot, *word, "enter", "y")


async def test_a_twin_that_is_not_meant_launches_nothing_and_stays_checked(app, desk):
    desk.refusals = [Refusal.DUPLICATE_RUN]
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        await press(pilot, "m", "y")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await settled(pilot)
        await wizard_typed(pilot, "agai")
        assert isinstance(app.screen, Confirm)
        said = await wizard.press("escape")

        assert "Nothing was launched" in said
        assert wizard.wizard.step is Step.REVIEW
        assert wizard.wizard.check.prospect is not None
        assert desk.dropped == []
        assert len(desk.launched) == 1


async def test_a_twin_of_a_live_run_is_not_offered(app, desk):
    desk.refusals = [Refusal.DUPLICATE_RUN]
    desk.twin = "run run-0001 is live"
    async with app.run_test(size=SIZE) as pilot:
        wizard = await at_review(pilot)
        said = await wizard.press("m", "y")

        assert "run run-0001 is live" in said
        assert app.screen is wizard.wizard
        assert len(desk.launched) == 1


# --- leaving -----------------------------------------------------------------------


async def test_leaving_keeps_what_was_chosen_and_drops_what_was_checked(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        first = await opened(pilot)
        await first.at(Step.RENDER)
        await first.press("escape")
        await until(pilot, lambda: len(desk.dropped) == 1)
        assert first.answers == [None]
        again = await opened(pilot, first.wizard.draft)

        assert again.wizard.step is Step.CHECKS
        assert "file september.csv" in shown(app)
        assert "Usable           9,900" in shown(app)
        assert desk.reads.count("prospect") == 2


async def test_a_draft_without_a_file_goes_on_where_it_was_left(app):
    async with app.run_test(size=SIZE) as pilot:
        first = await opened(pilot)
        await first.press("enter", "escape")
        again = await opened(pilot, first.wizard.draft)

        assert again.wizard.step is Step.UPLOAD
        assert "campaign Autumn billing" in shown(app)


async def test_a_console_that_ends_drops_what_was_checked(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        wizard = await opened(pilot)
        await wizard.at(Step.REVIEW)
        app.exit(0)

    assert [one.ident for one in desk.dropped] == ["run-0100"]


# --- looks -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (60, 16)])
async def test_heading_steps_message_and_keys_stand_at_every_size(app, desk, size):
    desk.found["warnings"] = tuple(f"list {n}: unreadable" for n in range(60))
    async with app.run_test(size=size) as pilot:
        wizard = await opened(pilot)
        for step in Step:
            lines = shown(app).splitlines()
            assert lines[0].startswith(" New run  prod-eu")
            assert step.title in lines[1]
            assert "step" in lines[size[1] - 1].casefold()
            if step is not Step.REVIEW:
                await wizard.press("enter")
        assert "No, not yet (n)" in shown(app)
        assert "list 59: unreadable" not in shown(app)
        assert "more lines below" in shown(app)
        await wizard.press("ctrl+d", "ctrl+d", "j", *["ctrl+d"] * 20)

        assert "list 59: unreadable" in shown(app)
        assert "below" not in shown(app)
        assert "No, not yet (n)" in shown(app)


@pytest.mark.parametrize("poison", DOSES)
async def test_no_step_lets_a_text_from_outside_through_raw(app, desk, poison):
    desk.poison = poison
    desk.files = (UploadOffer(path=f"lists/{poison}", bytes=1, modified_at_ms=0),)
    desk.offers = (
        CampaignOffer(path=f"c/{poison}", name=poison, summary=poison),
        CampaignOffer(path=f"d/{poison}", fault=poison),
    )
    desk.found = {"sample": ((poison, poison), (f"{poison}: to", poison))}
    async with app.run_test(size=(120, 36)) as pilot:
        wizard = await opened(pilot)
        seen = [await wizard.press("down", "enter", "up")]
        for _ in range(4):
            seen.append(shown(app))
            await wizard.press("enter")
        assert wizard.wizard.step is Step.REVIEW
        desk.fault = StoreError(poison)
        seen += [shown(app), await wizard.press("m", "y"), await wizard.press("r")]

        assert all(not traces(text) for text in seen)


# --- pure parts --------------------------------------------------------------------


def test_a_campaign_is_found_by_any_of_its_words():
    offers = (
        CampaignOffer(path="c/autumn.toml", name="Reminder"),
        CampaignOffer(path="c/spring.toml", name="Reminder"),
    )
    assert matching(offers, "REM spri") == offers[1:]
    assert matching(offers, "") == offers


@pytest.mark.parametrize(
    ("typed", "path"),
    [(" other.toml", "other.toml"), ("~/x/y", "~/x/y"), ("words", ""), ("", "")],
)
def test_a_path_is_told_from_words(typed, path):
    assert typed_path(typed) == path


def test_only_the_twin_of_an_ended_run_may_be_meant():
    refused = Receipt(
        command_id="c",
        verb="launch",
        run_id="r",
        state="refused",
        refusal="DUPLICATE_RUN",
        detail="DUPLICATE_RUN: is live or ended recently (run r ended within a day)",
    )
    assert is_of_ended_twin(refused)
    live = "DUPLICATE_RUN: is live or ended recently (run r is live)"
    assert not is_of_ended_twin(replace(refused, detail=live))
    assert not is_of_ended_twin(replace(refused, refusal="PLAN_LIMIT"))


def test_lines_before_anything_was_checked_say_so():
    (line,) = check_lines(Check(), 80)
    assert line[0].text == " Nothing is checked yet."


def test_where_no_row_can_be_sent_the_dry_render_says_so():
    found = Prospect(
        ident="r",
        campaign_name="c",
        campaign_path="c.toml",
        upload_name="u.csv",
        upload_bytes=1,
        columns=("id",),
        rows=1,
        candidates=1,
    )
    assert "None of the first rows can be sent" in render_lines(found, 80)[0][0].text


def test_one_person_is_no_people(app):
    found = Prospect(
        ident="r",
        campaign_name="c",
        campaign_path="c.toml",
        upload_name="u.csv",
        upload_bytes=1,
        columns=("id",),
        rows=1,
        candidates=1,
    )
    text = "".join(
        piece.text
        for line in review_lines(Check(prospect=found), app.session, 200)
        for piece in line
    )
    assert "At most 1 person would be contacted, of 1 row." in text
