from __future__ import annotations

import pytest

from watchfloor.domain.alerts import AGAIN_AFTER_MS, AlertKind, AlertRules, Hook
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.quiet_hours import QuietHours
from watchfloor.engine.workspace_settings import checked_workspace
from watchfloor.intake.workspace_file import parse_workspace

SMALLEST = '[workspace]\nid = "a"\nname = "b"\n'
SECRET = "hunter2-of-the-chat"  # noqa: S105 - what must not be told


def rules(text):
    return parse_workspace(SMALLEST + text, "watchfloor.toml").alerts


def mistakes(tmp_path, text):
    path = tmp_path / "watchfloor.toml"
    path.write_text(SMALLEST + text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        checked_workspace(path)
    return [one.removeprefix("watchfloor.toml: ") for one in raised.value.mistakes]


def test_without_the_table_nobody_is_alerted():
    assert rules("") == AlertRules()


def test_everything_that_can_be_said_is_kept():
    found = rules(
        """
        [alerts]
        on = ["slow", "failed"]
        urgent = ["failed"]
        cleared = false
        again_after = "5m"
        [alerts.quiet]
        from = "23:00"
        to = "06:30"
        days = ["sat", "sun"]
        zone = "Europe/Berlin"
        [alerts.command.pager]
        argv = ["/bin/page", "now"]
        [alerts.webhook.chat]
        url = "https://chat.example.org/x"
        headers = { Authorization = "env:CHAT" }
        timeout = "3s"
        [alerts.mail.leads]
        to = ["leads@example.org"]
        """
    )

    assert found == AlertRules(
        on=frozenset({AlertKind.SLOW, AlertKind.FAILED}),
        urgent=frozenset({AlertKind.FAILED}),
        tells_cleared=False,
        again_after_ms=300_000,
        quiet=QuietHours(
            from_minute=1380,
            to_minute=390,
            days=frozenset({5, 6}),
            zone="Europe/Berlin",
        ),
        hooks=(
            Hook(kind="command", name="pager", settings={"argv": ["/bin/page", "now"]}),
            Hook(
                kind="webhook",
                name="chat",
                settings={
                    "url": "https://chat.example.org/x",
                    "headers": {"Authorization": "env:CHAT"},
                    "timeout": "3s",
                },
            ),
            Hook(kind="mail", name="leads", settings={"to": ["leads@example.org"]}),
        ),
    )


def test_what_is_not_said_has_a_value():
    found = rules('[alerts]\non = ["failed"]')

    assert found.tells_cleared
    assert found.again_after_ms == AGAIN_AFTER_MS
    assert (found.urgent, found.quiet, found.hooks) == (frozenset(), None, ())


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ('on = ["stuck"]', "alerts.on[0]", "is not 'stalled'"),
        ("on = true", "alerts.on", "is not a list"),
        ('on = ["slow"]\nurgent = ["failed"]', "alerts", "urgent names failed"),
        ('on = ["slow"]\nagain_after = "5s"', "alerts.again_after", "not between 1m"),
        ('on = ["slow"]\nclear = true', "alerts.clear", "did you mean cleared?"),
        ("[alerts.command.a]\nargv = ['/bin/x']", "alerts", "nobody is alerted of"),
        (
            "on = ['slow']\n[alerts.command.A]\nargv = ['/x']",
            "alerts.command.A",
            "form",
        ),
        ("on = ['slow']\n[alerts.command.a]\nargv = []", "alerts.command.a.argv", ""),
        ("on = ['slow']\n[alerts.mail.a]\nto = ['x']", "alerts.mail.a.to[0]", "e-mail"),
        ("[alerts.quiet]\nfrom = '25:00'\nto = '07:00'", "alerts.quiet.from", "time"),
        ("[alerts.quiet]\nfrom = '07:00'\nto = '07:00'", "alerts.quiet", "same time"),
        ("[alerts.quiet]\nfrom = '00:00'\nto = '24:00'", "alerts.quiet", "never end"),
        (
            "[alerts.quiet]\nfrom = '22:00'\nto = '07:00'\nzone = 'Berlin'",
            "alerts.quiet.zone",
            "is not a time zone",
        ),
        (
            "on = ['slow']\n[alerts.command.a]\nargv = ['page']",
            "alerts.command.a.argv",
            "absolute path",
        ),
        (
            "on = ['slow']\n[alerts.command.a]\nargv = ['/x']\ntimeout = 'soon'",
            "alerts.command.a.timeout",
            "soon",
        ),
        (
            "on = ['slow']\n[alerts.webhook.a]\nurl = 'ftp://x/'",
            "alerts.webhook.a.url",
            "http or https",
        ),
        (
            "on = ['slow']\n[alerts.mail.a]\nto = ['a@example.org']",
            "alerts.mail.a",
            "needs a mail server",
        ),
    ],
)
def test_every_mistake_is_named_with_its_place(tmp_path, text, place, why):
    found = mistakes(tmp_path, f"[alerts]\n{text}\n")

    assert len(found) == 1, found
    assert found[0].startswith(f"{place}: ")
    assert why in found[0]


def test_all_mistakes_of_all_hooks_are_named_at_once(tmp_path):
    text = """
    [alerts]
    on = ["slow"]
    [alerts.command.one]
    argv = ["page"]
    [alerts.webhook.two]
    url = "nowhere"
    headers = { "X Y" = "z", Host = "other" }
    [alerts.mail.three]
    to = ["a@example.org"]
    """

    places = [one.partition(": ")[0] for one in mistakes(tmp_path, text)]

    assert places == [
        "alerts.command.one.argv",
        "alerts.webhook.two.url",
        "alerts.webhook.two.headers.'X Y'",
        "alerts.webhook.two.headers.Host",
        "alerts.mail.three",
    ]


@pytest.mark.parametrize(
    "line",
    [
        f'headers = {{ Authorization = "Bearer {SECRET}" }}',
        f'headers = {{ Authorization = "{SECRET}\\n" }}',
    ],
)
def test_a_secret_in_the_file_is_a_mistake_and_is_not_repeated(tmp_path, line):
    text = '[alerts]\non = ["slow"]\n[alerts.webhook.a]\nurl = "http://x.example/"\n'

    told = "\n".join(mistakes(tmp_path, f"{text}{line}\n"))

    assert "alerts.webhook.a.headers" in told
    assert SECRET not in told
