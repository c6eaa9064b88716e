"""From a campaign and a contact file to a run: checked, reviewed, and asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from functools import partial

from textual import on
from textual.message import Message
from textual.widgets import Button

from watchfloor.console.closing import close
from watchfloor.console.commands import (
    Patience,
    follow,
    is_still_armed,
    why_refused,
)
from watchfloor.console.limits import Limits
from watchfloor.console.questions import Consent, Question
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.wizard_page import WizardPage
from watchfloor.console.session import Session
from watchfloor.console.wizard_steps import (
    READ_ONLY,
    Check,
    Draft,
    Step,
    blocked,
    twin_question,
)
from watchfloor.console.work import begin
from watchfloor.domain.prospects import Prospect, is_of_ended_twin
from watchfloor.domain.views import Receipt, RunView


class LaunchWizard(WizardPage):
    """Answers with the id of the run that was launched, or with nothing.

    What was checked is kept by the desk until it is launched; it is dropped when
    something else is chosen, and whenever and however this screen goes away.

    Args:
        session: Whose desk is asked.
        draft: Where an earlier wizard was left; None to begin anew.
        patience: How the launch is followed.

    Attributes:
        unsettled: A launch that had no answer yet when the wizard was left.
        told_every_s: How often a check says how many rows it has read.
    """

    told_every_s = 0.5

    @dataclass
    class Progress(Message):
        """Some more rows were read."""

        number: int
        rows: int

    @dataclass
    class Checked(Message):
        """A check has ended."""

        number: int
        answer: Prospect | Failure

    @dataclass
    class Answered(Message):
        """The engine has answered, or patience has ended; None where nothing is new."""

        receipt: Receipt | None

    def __init__(
        self, session: Session, draft: Draft | None, patience: Patience | None = None
    ) -> None:
        super().__init__(session, draft)
        self._patience = patience or Patience()
        self._number = 0
        self._is_asking = False
        self._asked: Receipt | None = None
        self.unsettled: Receipt | None = None

    async def on_unmount(self) -> None:
        """Leave no copy of a contact file behind that nothing was launched over."""
        if self.check.prospect is not None:
            await answer(self.session.desk.drop_prospect(self.check.prospect))

    # --- the check -------------------------------------------------------------------

    def entered(self, step: Step) -> None:
        """Begin the check where there is none yet."""
        if step is Step.CHECKS and self.check == Check():
            self._begin_check()

    def forget_check(self) -> None:
        """Drop what was checked before, or end the check."""
        self._number += 1
        self.workers.cancel_group(self, "check")
        found, self.check = self.check.prospect, Check()
        if found is not None:
            self._drop(found)

    def _drop(self, prospect: Prospect) -> None:
        begin(self, partial(self._dropped, prospect), "drop", exclusive=False)

    async def _dropped(self, prospect: Prospect) -> None:
        await answer(self.session.desk.drop_prospect(prospect))

    def _begin_check(self) -> None:
        campaign, upload = self.draft.campaign, self.draft.upload
        if campaign is None or upload is None:
            self.check = Check(failure="A campaign and a contact file must be chosen.")
            return
        self.check = Check(is_under_way=True)
        paths = campaign.path, upload.path
        begin(self, partial(self._checking, self._number, *paths), "check")

    async def _checking(self, number: int, campaign: str, upload: str) -> None:
        # Filled on another thread; only the newest figure is of any use.
        read: deque[int] = deque([0], maxlen=1)
        desk = self.session.desk
        checking = asyncio.ensure_future(desk.prospect(campaign, upload, read.append))
        try:
            while not checking.done():
                await asyncio.wait({checking}, timeout=self.told_every_s)
                self.post_message(self.Progress(number, read[0]))
            # It has ended: the patience of an ordinary read does not matter here.
            found = await answer(checking)
        finally:
            checking.cancel()
        if not self.post_message(self.Checked(number, found)) and isinstance(
            found, Prospect
        ):
            await answer(desk.drop_prospect(found))

    @on(Progress)
    def _show_progress(self, message: Progress) -> None:
        if message.number == self._number and self.check.is_under_way:
            self.check = replace(self.check, rows=message.rows)
            self.paint()

    @on(Checked)
    def _show_checked(self, message: Checked) -> None:
        found = message.answer
        if message.number != self._number:
            if isinstance(found, Prospect):
                self._drop(found)
            return
        if isinstance(found, Failure):
            self.check = Check(failure=found.sentence)
        else:
            self.check = Check(prospect=found, rows=found.rows)
        self.paint()

    # --- keys ------------------------------------------------------------------------

    def action_choose(self) -> None:
        """Take what is under the cursor, or go on.

        Where something is chosen the field takes the key, once it has the focus.
        """
        if self.step.is_choosing:
            self.picker.take()
        elif self.step is not Step.REVIEW:
            self.action_step(1)

    def action_again(self) -> None:
        """Look at the files anew, or check what was chosen anew."""
        if self._is_asking:
            return
        if self.step.is_choosing:
            self.picker.read()
        else:
            self.forget_check()
            self.go(Step.CHECKS)

    def action_step(self, by: int) -> None:
        """Go to another step, unless the launch is on its way."""
        if not self._is_asking:
            super().action_step(by)

    def action_arm(self) -> None:
        """Let commands pass for five minutes."""
        if self.session.read_only:
            self.say(f"{READ_ONLY}.", "warn")
            return
        self.session.catch.arm(self.session.clock())
        self.say("Armed for five minutes.", "warn")

    def action_disarm(self) -> None:
        """Let no command pass."""
        self.session.catch.disarm()
        self.say("Disarmed.")

    @on(Button.Pressed, "#no")
    def action_no(self) -> None:
        """Go back from the review; nothing is launched."""
        if self.step is Step.REVIEW:
            self.action_step(-1)

    def action_leave(self) -> None:
        """Leave; from the review only one step back, as its safe answer does."""
        if self._asked is not None:
            self.unsettled = self._asked
            close(self, self._asked.run_id)
        elif self._is_asking:
            self.say("The launch is being asked for at this moment; wait for it.")
        elif self.step is Step.REVIEW:
            self.action_step(-1)
        else:
            close(self)

    @on(Button.Pressed, "#yes")
    def action_launch(self) -> None:
        """Ask for the launch that was reviewed."""
        found = self.check.prospect
        why = blocked(self.check, self.session)
        if self._is_asking:
            return
        if self.step is not Step.REVIEW or found is None:
            self.say(self.lacks() or "The review comes first.")
        elif not self.session.catch.was_asked(self._entered_at_s):
            key = self.session.keymap.key("wizard.launch")
            self.say(
                f"{key} came before the review stood: nothing was launched.", "warn"
            )
        elif why:
            self.say(f"Nothing was launched: {why}.", "warn")
        else:
            self._is_asking = True
            self.say("Asking …")
            # Exclusive of nothing: what went out is followed to its end.
            begin(self, partial(self._launch, found), "commands", exclusive=False)

    # --- the launch ------------------------------------------------------------------

    async def _launch(self, found: Prospect) -> None:
        end = await self._sent(found, allow_twin=False)
        if end is not None and is_of_ended_twin(end):
            self._asked = None
            why = why_refused(end)
            consent = await self.consent(twin_question(found, why))
            if consent is None:
                self.say(f"Nothing was launched: {why}.", "warn")
            if consent is None or not is_still_armed(self.session, self, consent):
                end = None
            else:
                end = await self._sent(found, allow_twin=True)
        self.post_message(self.Answered(end))

    async def _sent(self, found: Prospect, *, allow_twin: bool) -> Receipt | None:
        """Ask and follow; None where nobody can say whether it was asked."""
        sent = self.session.desk.launch(found, allow_twin=allow_twin)
        receipt = await asyncio.shield(answer(sent))
        if isinstance(receipt, Failure):
            self.say(f"launch: {receipt.sentence}", "bad")
            return None
        self._asked = receipt
        name = found.campaign_name
        return await follow(self.session, self, receipt, name, self._patience)

    @on(Answered)
    def _show_answer(self, message: Answered) -> None:
        end = message.receipt
        if end is not None and end.state == "settled":
            self.check = Check()
            self.draft = Draft()
            close(self, end.run_id)
        elif end is None:
            self._is_asking, self._asked = False, None
        elif end.state == "refused":
            self._is_asking, self._asked = False, None
            self._decline(end)

    def _decline(self, end: Receipt) -> None:
        self.forget_check()
        why = f"launch refused, {end.refusal}: {why_refused(end)}."
        self.check = Check(failure=why)
        self.go(Step.CHECKS)

    # --- the counter at which the launch is asked for --------------------------------

    async def consent(self, question: Question) -> Consent | None:
        """Ask the operator; None for no, and behind another screen."""
        if not self.is_active:
            return None
        return await self.app.push_screen_wait(Confirm(question, self.session))

    async def new_limits(self, run: RunView) -> Limits | None:  # noqa: ARG002  no launch changes them
        """Change no limits: a launch takes those of its campaign."""
        return None

    async def run_changed(self, run_id: str) -> None:
        """Show nothing yet: the run is shown by whoever opened the wizard."""
