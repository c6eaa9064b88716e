from __future__ import annotations

from tests.console.looking import press, settled, shown, until

from watchfloor.console.preferences import Preferences, read_preferences
from watchfloor.console.screens.handover import HandoverPage
from watchfloor.domain.errors import StoreError

WIDE = (120, 60)


async def test_the_note_is_read_when_it_is_opened_and_copied_as_a_whole(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "handover" not in desk.reads
        await press(pilot, "N")
        await until(pilot, lambda: "Open questions:" in shown(app))
        assert isinstance(app.screen, HandoverPage)
        page = shown(app)
        for fact in (
            "Handover: Production (prod-eu)",
            "2 starts in the period, 1 after it died",
            "Autumn billing (run-0001): 62 % done, slow since 11:02",
            "waits for approval",
            "stands",
        ):
            assert fact in page, fact
        assert desk.reads.count("handover") == 1

        await press(pilot, "y")
        assert "copied, if the terminal allows it" in shown(app)
        copied = app.clipboard.split("\n")
        assert copied[0] == "Handover: Production (prod-eu)"
        assert copied[-1] == "- Why is Autumn billing slow? watchfloor why run-0001"
        await press(pilot, "escape")
        assert app.screen is app.jobs


async def test_what_is_copied_is_harmless_and_names_nobody(app, desk):
    desk.poison = "\x1b]52;c;eA==\x07 nora@example.org"
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "N")
        await until(pilot, lambda: "Open questions:" in shown(app))
        await press(pilot, "y")

        for told in (app.clipboard, shown(app)):
            assert "\x1b" not in told
            assert "\x07" not in told
            assert "nora@" not in told


async def test_a_note_that_cannot_be_read_says_why_and_copies_nothing(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk.fault = StoreError("the store is gone")
        await press(pilot, "N")
        await until(pilot, lambda: "Could not read the note" in shown(app))
        assert "the store is gone" in shown(app)
        await press(pilot, "y")
        assert app.clipboard == ""


async def test_the_note_fits_a_narrow_terminal(app):
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot)
        await press(pilot, "N")
        await until(pilot, lambda: "more lines below" in shown(app))
        assert all(len(line) <= 60 for line in shown(app).split("\n"))


class Bells:
    """Counts how often an app rang, in the place where it would write."""

    def __init__(self, app, monkeypatch):
        self.count = 0
        monkeypatch.setattr(app, "bell", self._ring)

    def _ring(self):
        self.count += 1


async def test_the_bell_rings_once_for_each_alert_and_only_if_asked(
    console, desk, monkeypatch
):
    for rings in (True, False):
        desk.alert = 7
        app = console(wishes=Preferences(undo_s=0, theme="dark", rings=rings))
        bells = Bells(app, monkeypatch)
        async with app.run_test(size=WIDE) as pilot:
            await settled(pilot)
            await pulsed(pilot, app)
            assert bells.count == 0, "what stood before is no news"
            desk.alert = 8
            await pulsed(pilot, app)
            await pulsed(pilot, app)
            assert bells.count == int(rings)
            desk.alert = 11
            await pulsed(pilot, app)
            assert bells.count == 2 * int(rings)


async def pulsed(pilot, app):
    app.jobs._pulse()
    await settled(pilot)


def test_the_bell_is_a_preference(tmp_path):
    path = tmp_path / "console.toml"
    path.write_text("bell = true\n", encoding="utf-8")
    assert read_preferences(path)[0].rings

    path.write_text('bell = "loud"\n', encoding="utf-8")
    wishes, mistakes = read_preferences(path)
    assert not wishes.rings
    assert mistakes == ("bell: write true or false",)
