from __future__ import annotations

import re
import traceback
from pathlib import Path

import pytest

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.quiet_hours import QuietHours
from watchfloor.domain.reach import Reach, host_pattern, internal_range
from watchfloor.domain.workspace import (
    NoticePreset,
    Plan,
    ResultsIntake,
    RetryBudget,
    Shared,
    Workspace,
)
from watchfloor.intake.workspace_file import default_workspace_text, parse_workspace
from watchfloor.intake.workspace_forms import WorkspaceFile

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "workspace-file.md"
SMALLEST = '[workspace]\nid = "a"\nname = "b"\n'
MAIL = '[mail]\nhost = "mail.example.org"\nfrom = "ops@example.org"\n'
SECRET = "hunter2-of-the-mail-server"  # noqa: S105 - what must not be told
HOSTILE = r'"\u001b]0;x\u0007\u202e\u0000\r\n[red]{text}' + "y" * 999 + '"'

THIS_MACHINE = Reach(internal=(internal_range("127.0.0.0/8"), internal_range("::1")))

FULL = """
[workspace]
id = "front-desk"
name = "The front desk"
zone = "Europe/Berlin"

[plan]
monthly_runs = 0
monthly_records = 250_000

[limits]
permits = 200
rate = "600/m"

[channels.webhook]
permits = 100
[channels."my own"]
rate = "1/s"
[channels.smtp]

[mail]
host = "mail.example.org"
port = 2525
security = "tls"
from = "The desk <desk@example.org>"
username = "env:MAIL_USERNAME"
password = "file:/etc/mail.password"
ca_file = "/etc/ssl/mail.pem"
timeout = "30s"

[notices]
preset = "ops"

[results]
token = "file:/etc/results.token"
rate = "20/s"
max_bytes = 4096

[safety]
second_person_above = 100_000

[retry]
most = 4
most_per_record = 2
stage = "5m"

[webhooks]
hosts = ["calls.example.org", "*.example.com:443"]
internal = ["10.1.0.0/16", "[::1]:8080"]

[secrets]
allow = ["env:CALLS_TOKEN", "file:/etc/watchfloor/token"]
"""


def mistakes(text):
    with pytest.raises(ConfigError) as refused:
        parse_workspace(text, "watchfloor.toml")
    return list(refused.value.mistakes)


def test_every_key_of_the_file_arrives_in_the_workspace():
    assert parse_workspace(FULL, "watchfloor.toml") == Workspace(
        workspace_id="front-desk",
        name="The front desk",
        zone="Europe/Berlin",
        plan=Plan(monthly_runs=0, monthly_records=250_000),
        shared=Shared(permits=200, rate_per_s=10.0),
        channels={
            "webhook": Shared(permits=100),
            "my own": Shared(rate_per_s=1.0),
            "smtp": Shared(),
        },
        mail={
            "host": "mail.example.org",
            "port": 2525,
            "security": "tls",
            "from": "The desk <desk@example.org>",
            "username": "env:MAIL_USERNAME",
            "password": "file:/etc/mail.password",
            "ca_file": "/etc/ssl/mail.pem",
            "timeout": "30s",
        },
        notices=NoticePreset.OPS,
        results=ResultsIntake(
            token="file:/etc/results.token",  # noqa: S106 - a reference, no secret
            rate_per_s=20.0,
            max_bytes=4096,
        ),
        second_person_above=100_000,
        retry=RetryBudget(retries=4, generations=2, stage_ms=300_000),
        reach=Reach(
            hosts=(
                host_pattern("calls.example.org"),
                host_pattern("*.example.com:443"),
            ),
            internal=(internal_range("10.1.0.0/16"), internal_range("[::1]:8080")),
        ),
        lent=frozenset({"env:CALLS_TOKEN", "file:/etc/watchfloor/token"}),
    )


@pytest.mark.parametrize(
    "tables",
    ["", "[plan]\n[limits]\n[channels]\n[notices]\n[results]\n[safety]\n[retry]\n"],
    ids=["without tables", "with empty ones"],
)
def test_what_is_not_written_is_the_domains_default(tables):
    assert parse_workspace(SMALLEST + tables, "watchfloor.toml") == Workspace(
        workspace_id="a", name="b"
    )


def test_of_the_mail_server_only_what_is_written_is_handed_on():
    assert parse_workspace(SMALLEST + MAIL, "watchfloor.toml").mail == {
        "host": "mail.example.org",
        "from": "ops@example.org",
    }


@pytest.mark.parametrize(
    "name", ["The front desk", 'Say "hi" \\ \u674e', "tab\tdel\x7f\nline", "\n[plan]"]
)
def test_the_default_file_is_read_back(name):
    text = default_workspace_text("front-desk", name)

    assert parse_workspace(text, "watchfloor.toml") == Workspace(
        workspace_id="front-desk", name=name, zone="UTC", reach=THIS_MACHINE
    )


def test_every_option_of_the_default_file_is_read_once_its_mark_is_taken_away():
    text = default_workspace_text("front-desk", "The front desk")
    awake = re.sub(r"(?m)^# (?=\[|\w+ = )", "", text)
    workspace = parse_workspace(awake, "watchfloor.toml")

    assert re.findall(r"(?m)^\[([\w.]+)\]", awake) == [
        "workspace",
        "webhooks",
        "plan",
        "limits",
        "channels.webhook",
        "mail",
        "notices",
        "results",
        "safety",
        "alerts",
        "alerts.quiet",
        "alerts.command.pager",
        "alerts.webhook.chat",
        "alerts.mail.leads",
        "secrets",
        "retry",
        "audit",
        "roles",
    ]
    assert [one.label for one in workspace.alerts.hooks] == [
        "command pager",
        "webhook chat",
        "mail leads",
    ]
    assert workspace.alerts.quiet == QuietHours(from_minute=1320, to_minute=420)
    assert workspace.plan.monthly_runs == 100
    assert workspace.mail["username"] == "env:MAIL_USERNAME"
    assert workspace.results == ResultsIntake()


def test_the_zone_is_an_iana_name():
    text = SMALLEST + 'zone = "America/New_York"'

    assert parse_workspace(text, "watchfloor.toml").zone == "America/New_York"


@pytest.mark.parametrize(
    "zone",
    ["EDT5", "", "/etc/passwd", "../UTC", "utc\\u0000", "localtime", "right/UTC"],
)
def test_any_other_zone_is_refused(zone):
    (found,) = mistakes(f'{SMALLEST}zone = "{zone}"')

    assert "is not a time zone; write e.g. zone = " in found
    assert found.isprintable()


@pytest.mark.parametrize(
    ("table", "line", "mistake"),
    [
        ("plan", "monthly_runs = -1", "monthly_runs: -1 is less than 0; write e.g."),
        ("plan", 'monthly_runs = "3"', "monthly_runs: '3' is not a whole number"),
        ("plan", "monthly_runs = 1_000_001", "monthly_runs: 1000001 is more than"),
        ("plan", "monthly_records = 2.5", "monthly_records: 2.5 is not a whole numb"),
        ("plan", "monthly_records = true", "monthly_records: true is not a whole"),
        ("plan", f"monthly_records = {'9' * 40}", "monthly_records: a number of very"),
        ("plan", "monthly_run = 1", "monthly_run: unknown key; did you mean monthly_"),
        ("limits", "permits = 0", "permits: 0 is less than 1; write e.g. permits ="),
        ("limits", "permits = -1", "permits: -1 is less than 1"),
        ("limits", "permits = 10_001", "permits: 10001 is more than 10000"),
        ("limits", "rate = 20", "rate: 20 is not a rate; write e.g. rate = "),
        ("limits", 'rate = "0/s"', "rate: '0/s' lets nothing through"),
        ("channels.webhook", "permits = 0", "permits: 0 is less than 1; write e.g. p"),
        ("channels.webhook", 'rate = "9"', "rate: '9' is not a rate; write e.g. rate"),
        (
            "channels.webhook",
            "permit = 1",
            "permit: unknown key; did you mean permits?",
        ),
        ("notices", 'preset = "all"', "preset: 'all' is not 'default' or 'ops'; write"),
        ("notices", "preset = 1", "preset: 1 is not 'default' or 'ops'"),
        ("notices", "presets = 1", "presets: unknown key; did you mean preset?"),
        ("results", 'rate = "much"', "rate: 'much' is not a rate"),
        ("results", "max_bytes = 0", "max_bytes: 0 is less than 1024; write e.g. max"),
        ("results", "max_bytes = 67_108_865", "max_bytes: 67108865 is more than 671"),
        ("results", 'max_bytes = "1MiB"', "max_bytes: '1MiB' is not a whole number"),
        ("results", 'tokn = "x"', "tokn: unknown key; did you mean token?"),
        ("safety", "second_person_above = 0", "second_person_above: 0 is less than 1"),
        (
            "webhooks",
            'hosts = ["https://x.org/"]',
            "hosts[0]: 'https://x.org/' is no h",
        ),
        ("webhooks", 'hosts = ["*"]', "hosts[0]: '*' is no host: write calls.example"),
        ("webhooks", 'hosts = ["a.b:99999"]', "hosts[0]: 'a.b:99999' has no port from"),
        ("webhooks", "hosts = [1]", "hosts[0]: 1 is not a text in quotes"),
        ("webhooks", 'internal = ["x.org"]', "internal[0]: 'x.org' is no address"),
        (
            "webhooks",
            'internal = ["10.1.2.3/8"]',
            "internal[0]: '10.1.2.3/8' is no range",
        ),
        ("webhooks", "internal = [7]", "internal[0]: 7 is not a text in quotes"),
        ("safety", "second_person_above = []", "second_person_above: an empty list is"),
        ("safety", "second_person = 1", "second_person: unknown key; did you mean sec"),
    ],
)
def test_each_value_is_judged_strictly(table, line, mistake):
    (found,) = mistakes(f"{SMALLEST}[{table}]\n{line}\n")

    assert found.startswith(f"watchfloor.toml: {table}.{mistake}")


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ('host = ""', "host: '' is empty; write e.g. host = "),
        ("host = 1", "host: 1 is not a text in quotes"),
        ("port = 0", "port: 0 is less than 1; write e.g. port = 587"),
        ("port = 65_536", "port: 65536 is more than 65535"),
        ('port = "587"', "port: '587' is not a whole number"),
        ('security = "ssl"', "security: 'ssl' is not 'starttls', 'tls' or 'none'"),
        ('from = "ops"', "from: 'ops' is not one mailbox; write e.g. from = "),
        ('from = "a@example.org, b@example.org"', "from: 'a@example.org, b@exampl"),
        ('from = "a@example.org, B <b@example.org>"', "from: 'a@example.org, B <b"),
        (r'from = "a@example.org\r\nBcc: b@example.org"', r"from: 'a@example.org\r\n"),
        (r'from = "A\nB <a@example.org>"', r"from: 'A\nB <a@example.org>' is not"),
        ('ca_file = "mail.pem"', "ca_file: 'mail.pem' is no absolute path; write"),
        (r'ca_file = "/a\u0000"', r"ca_file: '/a\x00' is no absolute path"),
        ('timeout = "1 minute"', "timeout: '1 minute' is not a duration; write e.g."),
        ('timeout = "11m"', "timeout: '11m' is longer than 10m"),
        ('timeout = "0s"', "timeout: '0s' is not between"),
        ("timeout = 30", "timeout: 30 is not a text in quotes"),
        ('sender = "x@example.org"', "sender: unknown key; the keys here are host, fr"),
        ('user_name = "env:A"', "user_name: unknown key; did you mean username?"),
    ],
)
def test_each_value_of_the_mail_server_is_judged(line, mistake):
    name = line.partition(" ")[0]
    rest = "".join(one for one in MAIL.splitlines(True) if not one.startswith(name))
    (found,) = mistakes(f"{SMALLEST}{rest}{line}\n")

    assert found.startswith(f"watchfloor.toml: mail.{mistake}")
    assert found.isprintable()


def test_a_mail_server_without_host_and_sender_is_told():
    assert [one.split(";")[0] for one in mistakes(SMALLEST + "[mail]\n")] == [
        "watchfloor.toml: mail.host: is missing",
        "watchfloor.toml: mail.from: is missing",
    ]


@pytest.mark.parametrize(
    ("table", "line"),
    [
        (MAIL, f'password = "{SECRET}"'),
        (MAIL, f'username = "{SECRET}"'),
        (MAIL, f'password = ["{SECRET}"]'),
        (MAIL, f'password = "env:{SECRET} "'),
        (MAIL, f'password = "file:{SECRET}"'),
        (MAIL, f'pasword = "{SECRET}"'),
        (
            '[mail]\nfrom = "a@example.org"\n',
            f'host = "smtp://me:{SECRET}@example.org"',
        ),
        ("mail = ", f'"smtp://me:{SECRET}@example.org"'),
        ("[results]\n", f'token = "{SECRET}"'),
        ("[results]\n", f'token = "Bearer {SECRET}"'),
        ("[results]\n", 'token = ""'),
        ("[results]\n", "token = 4711"),
    ],
)
def test_a_secret_that_stands_in_the_file_is_refused_and_never_repeated(table, line):
    with pytest.raises(ConfigError) as refused:
        parse_workspace(f"{table}{line}\n{SMALLEST}", "watchfloor.toml")

    (found,) = refused.value.mistakes
    assert found.startswith(("watchfloor.toml: mail", "watchfloor.toml: results.token"))
    told = "".join(traceback.format_exception(refused.value))
    assert SECRET not in told
    assert "4711" not in told


@pytest.mark.parametrize("key", ["password", "username"])
def test_where_a_secret_may_stand_is_said(key):
    assert mistakes(f'{SMALLEST}{MAIL}{key} = "{SECRET}"\n') == [
        (
            f"watchfloor.toml: mail.{key}: must say where the secret is; write "
            "env:NAME or file:/absolute/path, and keep the secret itself out of this "
            "file"
        )
    ]


def test_what_is_not_known_is_refused_with_the_nearest_that_is():
    text = (
        SMALLEST + 'zome = "UTC"\n[plans]\nmonthly_runs = 3\n[retention]\n[colours]\n'
    )

    known = (
        "workspace, plan, limits, channels, mail, notices, results, safety, alerts, "
        "webhooks, secrets, retry, audit, roles"
    )
    assert mistakes(text) == [
        "watchfloor.toml: workspace.zome: unknown key; did you mean zone?",
        "watchfloor.toml: plans: unknown key; did you mean plan?",
        f"watchfloor.toml: retention: unknown key; the keys here are {known}",
        f"watchfloor.toml: colours: unknown key; the keys here are {known}",
    ]


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("", "channels.'': '' is empty"),
        ("x" * 65, "is longer than 64 characters"),
    ],
)
def test_a_channels_name_has_a_length(name, mistake):
    text = f'{SMALLEST}[channels."{name}"]\npermits = 1\n'

    (found,) = mistakes(text)
    assert mistake in found
    assert "[key]" not in found


@pytest.mark.parametrize(
    "table",
    ["plan", "limits", "channels", "mail", "notices", "results", "safety", "retry"],
)
def test_a_table_that_is_none_is_told(table):
    (found,) = mistakes(f"{table} = 7\n{SMALLEST}")

    assert found.startswith(
        f"watchfloor.toml: {table}: 7 is not a table; write e.g. a table [{table}"
    )


def test_all_mistakes_are_told_at_once():
    found = mistakes(
        '[workspace]\nid = "A"\n[plan]\nmonthly_runs = -1\n[limits]\nrate = 1\n'
        "[channels.a]\npermits = 0\n[mail]\nport = 0\n[notices]\npreset = 1\n"
        "[results]\ntoken = 1\n[safety]\nsecond_person_above = 0\n[x]\n"
    )

    assert [one.split(": ")[1] for one in found] == [
        "workspace.id",
        "workspace.name",
        "plan.monthly_runs",
        "limits.rate",
        "channels.a.permits",
        "mail.host",
        "mail.from",
        "mail.port",
        "notices.preset",
        "results.token",
        "safety.second_person_above",
        "x",
    ]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        *(("workspace", key) for key in WorkspaceFile.model_fields),
        ("workspace", "id"),
        ("workspace", "zone"),
        ("plan", "monthly_runs"),
        ("limits", "rate"),
        ("channels", '"\\u001b[2J"'),
        ('channels."\\u001b[2J"', "rate"),
        ("mail", "host"),
        ("mail", "from"),
        ("mail", "security"),
        ("mail", "password"),
        ("mail", "ca_file"),
        ("mail", "timeout"),
        ("notices", "preset"),
        ("results", "token"),
        ('"\\u001b[2J"', "x"),
    ],
)
def test_hostile_keys_and_values_are_shown_harmless_and_short(table, key):
    for value in (HOSTILE, f"[{HOSTILE}]", f"{{{HOSTILE} = 1}}"):
        found = mistakes(f"[{table}]\n{key} = {value}\n")
        assert all(one.isprintable() and len(one) < 300 for one in found)


def test_the_guide_names_every_key():
    guide = GUIDE.read_text(encoding="utf-8")

    for name, field in WorkspaceFile.model_fields.items():
        assert f"[{name}" in guide
        inner = field.annotation
        for form in (inner, *getattr(inner, "__args__", ())):
            for key, about in getattr(form, "model_fields", {}).items():
                assert f"`{about.alias or key}`" in guide


def test_every_example_of_the_guide_is_a_workspace():
    guide = GUIDE.read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)

    assert len(examples) >= 2
    for example in examples:
        assert parse_workspace(example, "guide.toml").name
