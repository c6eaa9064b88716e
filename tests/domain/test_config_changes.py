from __future__ import annotations

from watchfloor.domain.config_changes import config_changes

BEFORE = """
[campaign]
id = "autumn"
notify = ["ops@example.org"]

[[steps]]
name = "call"
channel = "webhook"

[steps.settings]
url = "https://calls.example/v1"
token = "env:CALLS"
body = "Hello"

[limits]
permits = 50
"""


def changed(*pairs):
    after = BEFORE
    for old, new in pairs:
        assert old in after
        after = after.replace(old, new)
    return config_changes(BEFORE, after)


def test_the_same_text_has_no_change_nor_has_another_comment():
    assert config_changes(BEFORE, BEFORE) == ()
    assert config_changes(BEFORE, f"# later\n{BEFORE}") == ()


def test_a_key_that_changed_is_told_with_what_it_was_and_is():
    assert changed(("permits = 50", "permits = 5")) == ("limits.permits: 50 -> 5",)


def test_steps_are_told_apart_by_name_and_a_channel_is_named():
    assert changed(('channel = "webhook"', 'channel = "sms"')) == (
        "steps[call].channel: webhook -> sms",
    )


def test_a_key_that_came_or_went_is_told_so():
    assert changed(("permits = 50", "permits = 50\nretry_share = 0.1")) == (
        "limits.retry_share: none -> 0.1",
    )
    assert changed(('body = "Hello"\n', "")) == (
        "steps[call].settings.body: Hello -> none",
    )


def test_a_long_text_is_told_by_its_length():
    long = "Dear ${first_name}, " * 20

    assert changed(('body = "Hello"', f'body = "{long}"')) == (
        "steps[call].settings.body: another text, 5 -> 400 characters",
    )


def test_nobody_is_named():
    found = changed(
        ("ops@example.org", "carol@example.org"),
        ('body = "Hello"', 'body = "call +4915112345678"'),
    )

    assert found[0] == "campaign.notify: changed"
    assert "15112345678" not in found[1]
    assert "+4***5678" in found[1]


def test_a_text_that_is_no_toml_is_only_known_to_differ():
    assert config_changes(BEFORE, "= broken") == ("the campaign's file differs",)


def test_what_a_campaign_is_called_is_no_change():
    before = '[campaign]\nid = "a"\nname = "Autumn, pilot"\n[limits]\npermits = 8\n'
    after = '[campaign]\nid = "b"\nname = "Autumn"\n[limits]\npermits = 16\n'

    assert config_changes(before, after) == ("limits.permits: 8 -> 16",)


def test_a_switch_is_told_as_it_is_written():
    assert changed(('id = "autumn"', 'id = "autumn"\npublished = false')) == (
        "campaign.published: none -> false",
    )


def test_a_long_text_that_came_or_went_is_told_by_its_length():
    long = "x" * 1_049
    assert changed(('body = "Hello"', f'body = "Hello"\nsubject = "{long}"')) == (
        "steps[call].settings.subject: none -> a text of 1,049 characters",
    )
    assert changed(('body = "Hello"', f'body = "{"y" * 48}"')) == (
        f"steps[call].settings.body: Hello -> {'y' * 48}",
    )
    assert changed(('body = "Hello"', 'body = "a\\nb"')) == (
        "steps[call].settings.body: another text, 5 -> 3 characters",
    )
