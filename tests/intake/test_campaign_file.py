from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from watchfloor.domain.campaign import (
    Audience,
    Campaign,
    CampaignStep,
    Guard,
    Limits,
    PauseWhen,
)
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.regions import Mode
from watchfloor.domain.retries import RetryPolicy
from watchfloor.domain.windows import Window
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.intake.campaign_forms import CampaignForm
from watchfloor.intake.toml_file import MAX_BYTES, MAX_MISTAKES, read_toml_text

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "campaign-file.md"
SAMPLES = sorted((ROOT / "sample_data").rglob("*.toml"))

HEAD = '[campaign]\nid = "autumn"\nname = "Autumn"\n'
AUDIENCE = '[audience]\ncontact = "phone"\n'
STEP = '[[steps]]\nname = "call"\nchannel = "simulator"\n'
SMALLEST = HEAD + AUDIENCE + STEP
SECOND = '[[steps]]\nname = "text"\nchannel = "simulator"\n'
WINDOW = '[window]\nzone = "recipient"\nopen = "09:00"\nclose = "20:00"\n'
PAUSE = 'class = "transient"\nshare = 0.2\nover = "5m"\nat_least = 50\n'

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
zone_column = "timezone"
required = ["first_name", "first_name", "plan"]
filter = 'consent = "yes" and not (plan = "trial")'
mode = "streaming"
suppression = ["suppression/global.csv", "suppression/global.csv", "own.csv"]

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

[[steps]]
name = "text"
channel = "simulator"
when = 'call.code in ("no_answer", "busy") and plan != "basic"'

[limits]
permits = 70
rate = "600/m"
retry_share = 1

[window]
zone = "recipient"
days = ["mon", "sun"]
open = "09:30"
close = "24:00"

[callbacks]
expire = "2d"

[approval]
after = 20

[guard]
pause_when = { class = "permanent", share = 0.25, over = "5m", at_least = 50 }
breaker_after = 0

[results]
collect = "365d"
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
            zone_column="timezone",
            required=("first_name", "plan"),
            filter='consent = "yes" and not (plan = "trial")',
            mode=Mode.STREAMING,
            suppression=("suppression/global.csv", "own.csv"),
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
            CampaignStep(
                name="text",
                channel="simulator",
                when='call.code in ("no_answer", "busy") and plan != "basic"',
            ),
        ),
        limits=Limits(permits=70, rate_per_s=10.0, retry_share=1.0),
        notify=("Ops@example.org",),
        published=False,
        window=Window(
            zone="recipient",
            days=frozenset({0, 6}),
            open_minute=570,
            close_minute=1440,
        ),
        callback_expire_ms=172_800_000,
        approval_after=20,
        guard=Guard(
            pause_when=PauseWhen(
                outcome_class=OutcomeClass.PERMANENT,
                share=0.25,
                over_ms=300_000,
                at_least=50,
            ),
            breaker_after=0,
        ),
        collect_ms=31_536_000_000,
    )


@pytest.mark.parametrize("tables", ["", "[callbacks]\n[guard]\n[results]\n[limits]\n"])
def test_what_is_not_written_is_the_domains_default(tables):
    assert parse_campaign(SMALLEST + tables, "autumn.toml") == Campaign(
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
            (
                "colours: unknown key; the keys here are campaign, audience, steps, "
                "limits, window, callbacks, approval, guard, results"
            ),
        ),
        (
            "",
            "steps: is missing; write e.g. a table [[steps]] with name and channel",
        ),
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
        ('"phone"', '"phone"\nmode = "stream"', "audience.mode: 'stream' is not 'ext"),
        ('"phone"', '"phone"\nzone_column = 3', "audience.zone_column: 3 is not a te"),
        ('"phone"', '"phone"\nzone_column = ""', "audience.zone_column: '' is empty"),
        ('"phone"', '"phone"\nrequired = [1]', "audience.required[0]: 1 is not a text"),
    ],
)
def test_each_value_is_judged_strictly(old, new, mistake):
    (found,) = mistakes(SMALLEST.replace(old, new, 1))

    assert found.startswith(f"autumn.toml: {mistake}")


@pytest.mark.parametrize(
    "address",
    [
        "ops@example.org, desk@example.org",
        "ops@example.org desk@example.org",
        "ops@example.org;desk@example.org",
        "Ops <ops@example.org>",
        r"ops@example.org\r\nBcc: all@example.org",
        r"ops@example.org\n",
        r"\r\nops@example.org",
        r"ops@example.org\u0000",
        r"ops@\u202eexample.org",
        " ops@example.org",
    ],
)
def test_a_notice_goes_to_one_plain_mailbox_and_to_nothing_else(address):
    text = SMALLEST.replace('"Autumn"', f'"Autumn"\nnotify = ["{address}"]')
    (found,) = mistakes(text)

    assert found.startswith("autumn.toml: campaign.notify[0]: ")
    assert "is not an e-mail address; write e.g. notify = " in found
    assert found.isprintable()


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/etc/passwd", "leads out of the workspace"),
        ("../other/list.csv", "leads out of the workspace"),
        ("lists/../../list.csv", "leads out of the workspace"),
        ("~/list.csv", "leads out of the workspace"),
        (r"C:\\list.csv", "is no path with / inside the workspace"),
        (r"..\\list.csv", "is no path with / inside the workspace"),
        ("C:list.csv", "is no path with / inside the workspace"),
        (r"a\u0000.csv", "holds control or invisible characters"),
        (r"a\u202e.csv", "holds control or invisible characters"),
        (".", "names no file"),
        ("", "is empty"),
    ],
)
def test_a_suppression_list_stays_inside_the_workspace(path, what):
    text = HEAD + AUDIENCE + f'suppression = ["{path}"]\n' + STEP
    (found,) = mistakes(text)

    assert found.startswith("autumn.toml: audience.suppression[0]: ")
    assert f'{what}; write e.g. suppression = ["suppression/global.csv"]' in found
    assert found.isprintable()


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("'consent = '", "column 10: the filter ends here"),
        ("'consent == \"yes\"'", "column 9: "),
        ("''", "column 1: the filter is empty"),
        ('"\\u001b]0;x\\u0007"', "column 1: "),
        ("7", "7 is not a text in quotes; write e.g. filter = 'consent"),
    ],
)
def test_a_filter_that_is_none_is_refused_with_its_column(written, what):
    first = HEAD + AUDIENCE + f"filter = {written}\n" + STEP
    later = SMALLEST + SECOND + f"when = {written}\n"
    found = mistakes(first) + mistakes(later)

    assert found[0].startswith(f"autumn.toml: audience.filter: {what}")
    assert found[1].startswith(f"autumn.toml: steps[1].when: {what.split(';')[0]}")
    assert all(one.isprintable() for one in found)


def test_a_filter_may_name_columns_that_only_the_upload_knows():
    text = HEAD + AUDIENCE + "filter = '`customer.country` = \"US\"'\n" + STEP

    assert parse_campaign(text, "autumn.toml").audience.filter


def test_the_audience_cannot_be_chosen_by_a_step_not_yet_taken():
    text = HEAD + AUDIENCE + "filter = 'a = 1 and call.code = \"busy\"'\n" + STEP

    assert mistakes(text) == [
        (
            "autumn.toml: audience.filter: column 11: call.code is not known before "
            "the step is taken; put it into the when of a later step"
        )
    ]


def test_the_first_step_has_no_condition():
    assert mistakes(SMALLEST + "when = 'plan = \"basic\"'\n") == [
        (
            "autumn.toml: steps[0].when: every record takes the first step; remove "
            "this, and put what it asks of a row into audience.filter"
        )
    ]


@pytest.mark.parametrize("field", ["call.code", "call.class", "call.attempts", "plan"])
def test_a_later_step_may_ask_about_an_earlier_one_and_about_the_row(field):
    text = SMALLEST + SECOND + f"when = '{field} = 1'\n"

    assert parse_campaign(text, "autumn.toml").steps[1].when == f"{field} = 1"


@pytest.mark.parametrize("field", ["text.code", "later.code", "call.kode", "a.b.c"])
def test_a_step_asks_about_nothing_but_the_steps_before_it(field):
    third = '[[steps]]\nname = "later"\nchannel = "simulator"\n'
    text = SMALLEST + SECOND + f"when = 'x = 1 or {field} = 1'\n" + third
    (found,) = mistakes(text)

    assert found.startswith(
        f"autumn.toml: steps[1].when: column 10: there is no field {field}; "
    )
    assert found.endswith(
        "the fields of the steps before it are: call.code, call.class, call.attempts"
    )


def test_every_strange_field_of_a_condition_is_told():
    found = mistakes(SMALLEST + SECOND + "when = 'a.code = 1 or not b.code = 1'\n")

    assert [re.findall(r"no field (\w)", one) for one in found] == [["a"], ["b"]]


@pytest.mark.parametrize("name", ["call", "Call back later!", "\u00e9", "x" * 64])
def test_a_step_that_is_alone_may_have_any_name(name):
    text = SMALLEST.replace('"call"', f'"{name}"')

    assert parse_campaign(text, "autumn.toml").steps[0].name == name


@pytest.mark.parametrize("name", ["second-call", "2nd", "a b", "a.b", "\u00e9", "a`b"])
def test_steps_that_a_filter_must_tell_apart_have_plain_names(name):
    (found,) = mistakes(SMALLEST + SECOND.replace("text", name))

    assert found.startswith("autumn.toml: steps[1].name: ")
    assert found.endswith('write letters, digits and _, as in name = "second_call"')


def test_two_steps_of_one_name_are_told_with_both_places():
    assert mistakes(SMALLEST + SECOND + SECOND) == [
        (
            "autumn.toml: steps[2].name: 'text' is the name of steps[1] too; give "
            "each step a name of its own"
        )
    ]


def test_a_strategy_has_at_most_ten_steps():
    steps = [SECOND.replace("text", f"step_{number}") for number in range(10)]
    text = HEAD + AUDIENCE + "".join(steps)

    assert len(parse_campaign(text, "autumn.toml").steps) == 10
    assert mistakes(text + SECOND)[0].startswith(
        "autumn.toml: steps: a list of 11 is longer than 10; write e.g. "
    )
    assert mistakes("steps = []\n" + HEAD + AUDIENCE)[0].startswith(
        "autumn.toml: steps: an empty list is too short; "
    )


@pytest.mark.parametrize("zone", ["recipient", "UTC", "Europe/Berlin"])
def test_a_window_is_open_every_day_unless_it_names_days(zone):
    text = SMALLEST + WINDOW.replace("recipient", zone)

    assert parse_campaign(text, "autumn.toml").window == Window(
        zone=zone, days=frozenset(range(7)), open_minute=540, close_minute=1200
    )


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('"recipient"', '"Mars/Olympus"', "zone: 'Mars/Olympus' is not a time zone"),
        ('"recipient"', '"Recipient"', "zone: 'Recipient' is not a time zone"),
        ('"recipient"', '"/etc/localtime"', "zone: '/etc/localtime' is not a time"),
        ('"recipient"', '"utc\\u0000"', "zone: 'utc\\x00' is not a time zone"),
        ('"recipient"', "5", "zone: 5 is not a text"),
        ('zone = "recipient"', "", "zone: is missing; write e.g. zone = "),
        ('"09:00"', '"9:00"', "open: '9:00' is not a time of day; write e.g. open"),
        ('"09:00"', '"09:60"', "open: '09:60' is not a time of day"),
        ('"09:00"', '"24:00"', "open: '24:00' is not a time of day"),
        ('"09:00"', '"\u0660\u0669:00"', "open: '\u0660\u0669:00' is not a time"),
        ('"09:00"', "09:00:00", "open: 09:00:00 is not a time of day"),
        ('"09:00"', "900", "open: 900 is not a time of day"),
        ('"20:00"', '"24:01"', "close: '24:01' is not a time of day"),
        ('"20:00"', '"20:00\\n"', "close: '20:00\\n' is not a time of day"),
        ("open =", 'days = ["Monday"]\nopen =', "days[0]: 'Monday' is not 'mon', "),
        ("open =", "days = []\nopen =", "days: an empty list is too short"),
        ("open =", 'days = "mon"\nopen =', "days: 'mon' is not a list"),
        ("open =", "dayz = []\nopen =", "dayz: unknown key; did you mean days?"),
    ],
)
def test_each_value_of_a_window_is_judged(old, new, mistake):
    (found,) = mistakes(SMALLEST + WINDOW.replace(old, new))

    assert found.startswith(f"autumn.toml: window.{mistake}")
    assert found.isprintable()


def test_a_window_across_midnight_is_refused_with_the_way_out():
    (found,) = mistakes(SMALLEST + WINDOW.replace("09:00", "21:00"))

    assert found.startswith("autumn.toml: window: the window opens at 21:00 and closes")
    assert "cannot cross midnight" in found
    assert "a campaign of their own" in found


def test_a_window_without_any_hours_is_refused():
    (found,) = mistakes(SMALLEST + WINDOW.replace("20:00", "09:00"))

    assert found.startswith("autumn.toml: window: the window opens and closes at 09:00")


@pytest.mark.parametrize("kind", ["email", "id"])
def test_a_recipients_zone_must_be_known_from_somewhere(kind):
    audience = AUDIENCE + f'kind = "{kind}"\n'

    (found,) = mistakes(HEAD + audience + STEP + WINDOW)
    assert found.startswith('autumn.toml: window.zone: "recipient" needs kind = "phone')
    assert "add audience.zone_column, or name one zone here" in found
    named = HEAD + audience + 'zone_column = "tz"\n' + STEP + WINDOW
    assert parse_campaign(named, "autumn.toml").is_by_recipient
    fixed = HEAD + audience + STEP + WINDOW.replace("recipient", "UTC")
    assert not parse_campaign(fixed, "autumn.toml").is_by_recipient


@pytest.mark.parametrize(
    ("key", "least", "most"),
    [
        ("steps.retry.backoff", ("1ms", "0ms"), ("1d", "25h")),
        ("steps.retry.max_backoff", ("30s", "0ms"), ("7d", "8d")),
        ("steps.retry.max_age", ("1ms", "0s"), ("90d", "91d")),
        ("callbacks.expire", ("1m", "59s"), ("90d", "91d")),
        ("results.collect", ("1h", "59m"), ("365d", "366d")),
        ("results.collect", ("60m", "1ms"), ("8760h", "999999999d")),
    ],
)
def test_a_duration_has_bounds_that_make_sense(key, least, most):
    table, _, name = key.rpartition(".")

    def campaign(duration):
        room = 'max_backoff = "7d"\n' if name == "backoff" else ""
        return SMALLEST + f'[{table}]\n{room}{name} = "{duration}"\n'

    for allowed, refused in (least, most):
        parse_campaign(campaign(allowed), "autumn.toml")
        (found,) = mistakes(campaign(refused))
        assert f".{name}: '{refused}' is not between " in found
        assert f"; write e.g. {name} = " in found


@pytest.mark.parametrize(
    ("table", "line", "mistake"),
    [
        ("callbacks", "expire = 48", "expire: 48 is not a duration; write e.g."),
        ("callbacks", 'expires = "48h"', "expires: unknown key; did you mean expire?"),
        ("results", "collect = true", "collect: true is not a duration"),
        ("results", "colect = 1", "colect: unknown key; did you mean collect?"),
        ("approval", "", "after: is missing; write e.g. after = 20"),
        ("approval", "after = 0", "after: 0 is less than 1; write e.g. after = 20"),
        ("approval", "after = 2.5", "after: 2.5 is not a whole number"),
        ("approval", f"after = {'9' * 30}", "after: a number of very many digits is"),
        ("approval", f"after = 0x{'f' * 9999}", "after: a number of very many digits"),
        ("guard", "breaker_after = -1", "breaker_after: -1 is less than 0; write"),
        ("guard", "breaker_after = 100_001", "breaker_after: 100001 is more than 10"),
        ("guard", "brake_after = 1", "brake_after: unknown key; did you mean breaker"),
        ("guard", "pause_when = 3", "pause_when: 3 is not a table; write e.g. pause_"),
        ("limits", "permits = 0", "permits: 0 is less than 1"),
        ("limits", "permits = -5", "permits: -5 is less than 1"),
        ("limits", "permits = 2.0", "permits: 2.0 is not a whole number"),
        ("limits", 'rate = "0/s"', "rate: '0/s' lets nothing through"),
        ("limits", 'rate = "-1/s"', "rate: '-1/s' is not a rate"),
        ("limits", 'rate = "1/d"', "rate: '1/d' is not a rate"),
        ("limits", "retry_share = -0.1", "retry_share: -0.1 is less than 0"),
        ("limits", "retry_share = 1.5", "retry_share: 1.5 is more than 1"),
        ("limits", "retry_share = inf", "retry_share: inf is not a number to count"),
    ],
)
def test_each_value_of_the_small_tables_is_judged(table, line, mistake):
    (found,) = mistakes(f"{SMALLEST}[{table}]\n{line}\n")

    assert found.startswith(f"autumn.toml: {table}.{mistake}")


@pytest.mark.parametrize(
    "table", ["campaign", "audience", "limits", "window", "callbacks", "approval"]
)
def test_a_table_that_is_none_is_told(table):
    rest = "".join(
        part for part in (HEAD, AUDIENCE, STEP) if not part.startswith(f"[{table}]")
    )

    assert any(
        one.startswith(f"autumn.toml: {table}: 7 is not a table; write e.g. a table [")
        for one in mistakes(f"{table} = 7\n{rest}")
    )


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('"transient"', '"delivered"', "class: 'delivered' is not 'transient',"),
        ('class = "transient"\n', "", "class: is missing; write e.g. class = "),
        ("class =", "klass = 1\nclass =", "klass: unknown key; did you mean class?"),
        ("share = 0.2", "share = 0", "share: 0 is not greater than 0"),
        ("share = 0.2", "share = 1.01", "share: 1.01 is more than 1"),
        ("share = 0.2", "share = nan", "share: nan is not a number to count with"),
        ("share = 0.2", 'share = "20%"', "share: '20%' is not a number"),
        ('"5m"', '"999ms"', "over: '999ms' is not between 1s and 1h"),
        ('"5m"', '"61m"', "over: '61m' is not between 1s and 1h"),
        ("at_least = 50", "at_least = 0", "at_least: 0 is less than 1"),
        ("at_least = 50", "at_least = 1_000_001", "at_least: 1000001 is more than"),
    ],
)
def test_each_value_of_a_guard_is_judged(old, new, mistake):
    (found,) = mistakes(f"{SMALLEST}[guard.pause_when]\n{PAUSE.replace(old, new)}")

    assert found.startswith(f"autumn.toml: guard.pause_when.{mistake}")


@pytest.mark.parametrize("word", ["transient", "permanent", "ambiguous", "callback"])
def test_a_run_may_pause_itself_over_any_class_but_delivered(word):
    pause = PAUSE.replace("transient", word).replace("0.2", "1")
    campaign = parse_campaign(f"{SMALLEST}[guard.pause_when]\n{pause}", "autumn.toml")

    assert campaign.guard.pause_when == PauseWhen(
        outcome_class=OutcomeClass[word.upper()],
        share=1.0,
        over_ms=300_000,
        at_least=50,
    )


def test_a_mistake_in_one_table_hides_none_in_another_or_between_them():
    text = (
        HEAD
        + 'notify = ["ops"]\n'
        + '[audience]\nkind = "email"\nregion = "US"\nrequired = [1]\n'
        + STEP
        + "when = 'a = 1'\n[steps.retry]\nbackoff = \"20m\"\n"
        + STEP
        + "when = 'text.code = 1'\n"
        + WINDOW.replace("09:00", "21:00")
        + 'dayz = 1\n[guard]\npause_when = 1\n[results]\ncollect = "1s"\n'
    )

    assert [one.split(": ")[1] for one in mistakes(text)] == [
        "campaign.notify[0]",
        "audience.contact",
        "audience.required[0]",
        "window.dayz",
        "guard.pause_when",
        "results.collect",
        "audience",
        "steps[0].retry",
        "steps[1].name",
        "steps[0].when",
        "steps[1].when",
        "window",
        "window.zone",
    ]


def test_more_mistakes_than_anyone_reads_are_counted():
    keys = "".join(f"key_{number} = 1\n" for number in range(MAX_MISTAKES + 50))
    found = mistakes(keys + SMALLEST)

    assert len(found) == MAX_MISTAKES + 1
    assert found[-1] == "autumn.toml: 50 more mistakes; correct these first"


@pytest.mark.parametrize(
    "shape",
    [
        "steps = 1",
        "steps = [1, {}]",
        "steps = [[], {name = 1, when = 2, retry = 3}]",
        "audience = []",
        "[window]\nopen = []\nclose = {}",
        '[[steps]]\nname = "a"\nretry = []\n[[steps]]\nname = ["a"]\nwhen = 2.5',
        '[[steps]]\n[steps.retry]\nbackoff = []\nmax_backoff = "x"',
        "[[audience]]\nkind = 1",
    ],
)
def test_no_shape_of_the_tables_is_too_odd_for_the_rules_between_them(shape):
    assert all(one.startswith("autumn.toml: ") for one in mistakes(shape))


def keys_of(form):
    for name, field in form.model_fields.items():
        inner = [one for one in (field.annotation, *args_of(field)) if is_form(one)]
        yield field.alias or name
        for one in inner:
            yield from keys_of(one)


def args_of(field):
    found = list(getattr(field.annotation, "__args__", ()))
    return found + [one for arg in found for one in getattr(arg, "__args__", ())]


def is_form(annotation):
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def test_the_guide_names_every_key():
    guide = GUIDE.read_text(encoding="utf-8")

    for key in sorted(set(keys_of(CampaignForm))):
        assert re.search(rf"\[{key}\]|\.{key}\]|`{key}`", guide), key


def test_every_example_of_the_guide_is_a_campaign():
    guide = GUIDE.read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)

    assert len(examples) >= 2
    for example in examples:
        assert parse_campaign(example, "guide.toml").steps


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_without_mistake(path):
    assert parse_campaign(path.read_text(encoding="utf-8"), path.name).published


def test_the_sample_strategy_uses_what_a_strategy_can():
    text = (ROOT / "sample_data" / "strategy.toml").read_text(encoding="utf-8")
    campaign = parse_campaign(text, "strategy.toml")

    assert len(campaign.steps) == 2
    assert campaign.steps[1].when
    assert campaign.audience.filter
    assert campaign.is_by_recipient
    assert campaign.guard.pause_when


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
        (f"x = {'9' * 5000}", "a number has too many digits"),
        (f"[{'a' * 999}]\n[{'a' * 999}]", "line 2, column 1001"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_place(text, place):
    (found,) = mistakes(text)

    assert place in found
    assert found.isprintable()
    assert len(found) < 300


HOSTILE = r'"\u001b]0;x\u0007\u202e\u0000\r\n[red]{text}' + "y" * 999 + '"'


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("campaign", "id"),
        ("campaign", "name"),
        ("campaign", "notify"),
        ("campaign", "published"),
        ("audience", "contact"),
        ("audience", "kind"),
        ("audience", "region"),
        ("audience", "zone_column"),
        ("audience", "required"),
        ("audience", "filter"),
        ("audience", "mode"),
        ("audience", "suppression"),
        ("audience.suppression", '"\\u001b[2J"'),
        ("limits", "rate"),
        ("limits", "permits"),
        ("window", "zone"),
        ("window", "days"),
        ("window", "open"),
        ("callbacks", "expire"),
        ("approval", "after"),
        ("guard.pause_when", "class"),
        ("guard.pause_when", "over"),
        ("results", "collect"),
        ("colours", '"\\u001b[2J"'),
        ('"\\u001b[2J"', "x"),
    ],
)
def test_hostile_keys_and_values_are_shown_harmless_and_short(table, key):
    for value in (HOSTILE, f"[{HOSTILE}]", f"{{{HOSTILE} = 1}}"):
        found = mistakes(f"[{table}]\n{key} = {value}\n")
        assert all(one.isprintable() and len(one) < 300 for one in found)


@pytest.mark.parametrize("key", ["name", "channel", "when", "settings", "retry"])
def test_a_hostile_step_is_shown_harmless_and_short(key):
    for value in (HOSTILE, f"[{HOSTILE}]", f"{{{HOSTILE} = 1}}"):
        steps = f"[[steps]]\n{key} = {value}\n" * 2
        found = mistakes(HEAD + AUDIENCE + steps)
        assert all(one.isprintable() and len(one) < 300 for one in found)


def test_a_hostile_file_name_is_shown_harmless():
    with pytest.raises(ConfigError) as refused:
        parse_campaign("", "\x1b]0;x\x07.toml")

    assert all(one.isprintable() for one in refused.value.mistakes)


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
