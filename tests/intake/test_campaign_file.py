from __future__ import annotations

import pytest

from watchfloor.domain.campaign import Audience, Campaign, CampaignStep, Limits
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.retries import RetryPolicy
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.intake.toml_file import MAX_BYTES, read_toml_text

HEAD = '[campaign]\nid = "autumn"\nname = "Autumn"\n'
AUDIENCE = '[audience]\ncontact = "phone"\n'
STEP = '[[steps]]\nname = "call"\nchannel = "simulator"\n'
SMALLEST = HEAD + AUDIENCE + STEP

FULL = """
[campaign]
id = "autumn-reminder"
name = "Autumn reminder"
notify = ["Ops@EXAMPLE.org"]
published = false

[audience]
contact = "phone"
kind = "phone"
region = "US"
region_column = "country"
required = ["first_name", "first_name", "plan"]
mode = "extract_first"

[[steps]]
name = "call"
channel = "anything at all"
[steps.settings]
url = "http://127.0.0.1:8080/calls"
headers = { Authorization = "env:CALLS_TOKEN" }
[steps.retry]
attempts = 5
backoff = "500ms"
max_backoff = "10m"
max_age = "30d"

[limits]
permits = 70
rate = "600/m"
retry_share = 1
"""


def mistakes(text):
    with pytest.raises(ConfigError) as refused:
        parse_campaign(text, "autumn.toml")
    return list(refused.value.mistakes)


def test_every_key_of_the_file_arrives_in_the_campaign():
    assert parse_campaign(FULL, "autumn.toml") == Campaign(
        campaign_id="autumn-reminder",
        name="Autumn reminder",
        audience=Audience(
            contact="phone",
            kind="phone",
            region="US",
            region_column="country",
            required=("first_name", "plan"),
        ),
        steps=(
            CampaignStep(
                name="call",
                channel="anything at all",
                settings={
                    "url": "http://127.0.0.1:8080/calls",
                    "headers": {"Authorization": "env:CALLS_TOKEN"},
                },
                retry=RetryPolicy(
                    attempts=5,
                    backoff_ms=500,
                    max_backoff_ms=600_000,
                    max_age_ms=2_592_000_000,
                ),
            ),
        ),
        limits=Limits(permits=70, rate_per_s=10.0, retry_share=1.0),
        notify=("Ops@example.org",),
        published=False,
    )


def test_what_is_not_written_is_the_domains_default():
    assert parse_campaign(SMALLEST, "autumn.toml") == Campaign(
        campaign_id="autumn",
        name="Autumn",
        audience=Audience(contact="phone"),
        steps=(CampaignStep(name="call", channel="simulator"),),
    )


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            STEP + '[steps.retry]\nattempts = "four"',
            (
                "steps[0].retry.attempts: 'four' is not a whole number; "
                "write e.g. attempts = 4"
            ),
        ),
        (
            STEP + "[steps.retry]\nattempts = 0",
            "steps[0].retry.attempts: 0 is less than 1; write e.g. attempts = 4",
        ),
        (
            STEP + "[steps.retry]\nattempts = true",
            (
                "steps[0].retry.attempts: true is not a whole number; "
                "write e.g. attempts = 4"
            ),
        ),
        (
            STEP + '[steps.retry]\nbackoff = "30 seconds"',
            (
                "steps[0].retry.backoff: '30 seconds' is not a duration; "
                'write e.g. backoff = "30s"'
            ),
        ),
        (
            STEP + '[steps.retry]\nbackoff = "20m"',
            "steps[0].retry: backoff 20m is longer than max_backoff 10m; raise that",
        ),
        (
            STEP + "[steps.retry]\natempts = 4",
            "steps[0].retry.atempts: unknown key; did you mean attempts?",
        ),
        (
            STEP + "settings = 4",
            "steps[0].settings: 4 is not a table; write e.g. a table [steps.settings]",
        ),
        (
            STEP + '[limits]\nrate = "fast"',
            "limits.rate: 'fast' is not a rate; write e.g. rate = \"20/s\"",
        ),
        (
            STEP + "[limits]\npermits = 20_000",
            "limits.permits: 20000 is more than 10000; write e.g. permits = 50",
        ),
        (
            STEP + "[limits]\nretry_share = nan",
            (
                "limits.retry_share: nan is not a number to count with; "
                "write e.g. retry_share = 0.2"
            ),
        ),
        (
            STEP + "[colours]",
            "colours: unknown key; the keys here are campaign, audience, steps, limits",
        ),
        (
            "",
            "steps: is missing; write e.g. a table [[steps]] with name and channel",
        ),
        (STEP + STEP, "steps: more than one step is not supported yet; keep one"),
    ],
)
def test_a_mistake_names_its_place_and_what_would_be_right(text, mistake):
    (found,) = mistakes(HEAD + AUDIENCE + text)

    assert found.startswith(f"autumn.toml: {mistake}")


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('id = "autumn"', 'id = "Autumn"', "campaign.id: 'Autumn' does not have"),
        ('id = "autumn"', f'id = "{"a" * 65}"', "campaign.id: 'aaaa"),
        ('id = "autumn"', 'id = "a\\n"', "campaign.id: 'a\\n' does not have"),
        ('name = "Autumn"', 'name = ""', "campaign.name: '' is empty"),
        ('name = "Autumn"', "", "campaign.name: is missing; write e.g. name"),
        ('"Autumn"', '"A"\nnotify = ["ops"]', "campaign.notify[0]: 'ops' is not an"),
        ('"Autumn"', '"A"\nnotify = "ops"', "campaign.notify: 'ops' is not a list"),
        ('"Autumn"', '"A"\npublished = 1', "campaign.published: 1 is neither true"),
        ('"phone"', '"phone"\nkind = "fax"', "audience.kind: 'fax' is not 'phone',"),
        ('"phone"', '"phone"\nregion = "UK"', "audience.region: 'UK' is no region"),
        ('"phone"', '"e"\nkind = "id"\nregion = "US"', "audience: region and region_"),
        ('"phone"', '"phone"\nmode = "streaming"', 'audience.mode: "streaming" is not'),
        ('"phone"', '"phone"\nrequired = [1]', "audience.required[0]: 1 is not a text"),
    ],
)
def test_each_value_is_judged_strictly(old, new, mistake):
    (found,) = mistakes(SMALLEST.replace(old, new, 1))

    assert found.startswith(f"autumn.toml: {mistake}")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("audience.filter", HEAD + AUDIENCE + 'filter = "a"\n' + STEP),
        ("audience.suppression", HEAD + AUDIENCE + "suppression = []\n" + STEP),
        ("audience.zone_column", HEAD + AUDIENCE + 'zone_column = "z"\n' + STEP),
        ("steps[0].when", SMALLEST + 'when = "x"\n'),
        ("window", SMALLEST + '[window]\nzone = "recipient"\n'),
        ("callbacks", SMALLEST + '[callbacks]\nexpire = "48h"\n'),
        ("approval", SMALLEST + "[approval]\nafter = 20\n"),
        ("guard", SMALLEST + "[guard]\n"),
        ("results", SMALLEST + '[results]\ncollect = "30d"\n'),
    ],
)
def test_what_the_product_does_not_obey_yet_is_refused_and_never_ignored(key, text):
    assert mistakes(text) == [f"autumn.toml: {key}: is not supported yet; remove it"]


def test_all_mistakes_are_told_at_once():
    found = mistakes(
        '[campaign]\nid = 3\n[audience]\ncontact = ""\nx = 1\n[[steps]]\nname = "a"'
    )

    assert [one.split(": ")[1] for one in found] == [
        "campaign.id",
        "campaign.name",
        "audience.contact",
        "audience.x",
        "steps[0].channel",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{HEAD}x = = 1", "line 4, column 5"),
        ("[campaign", "end of document"),
        ('[a]\nb = "\x1b"', "line 2, column 6"),
        (f"x = {'[' * 5000}", "nested too deeply"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_place(text, place):
    (found,) = mistakes(text)

    assert place in found
    assert found.isprintable()


def test_hostile_keys_and_values_are_shown_harmless_and_short():
    found = mistakes(
        SMALLEST.replace('"autumn"', f'"\\u001b]0;x\\u0007\\u202e{"y" * 999}"')
        + '[limits]\n"\\u001b[2J" = 1\n'
    )

    assert all(one.isprintable() and len(one) < 200 for one in found)


def test_a_file_larger_than_a_mebibyte_is_refused(tmp_path):
    path = tmp_path / "big.toml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))

    with pytest.raises(ConfigError, match="larger than 1,024 KiB"):
        read_toml_text(path)
    assert "larger than" in mistakes("#" * (MAX_BYTES + 1))[0]


def test_a_file_is_read_as_utf_8_with_or_without_mark(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.encode())

    assert read_toml_text(path) == SMALLEST


def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(tmp_path):
    foreign = tmp_path / "foreign.toml"
    foreign.write_bytes(b"[a]\nb = '\xe9'\n")

    with pytest.raises(ConfigError, match="line 2: this is not UTF-8"):
        read_toml_text(foreign)
    with pytest.raises(ConfigError, match="no such file"):
        read_toml_text(tmp_path / "none.toml")
