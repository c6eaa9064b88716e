from __future__ import annotations

import re

import pytest
from tests.support.loopback import loaded_for_loopback
from tests.support.post_office import House, PostOffice, new_certificate

from watchfloor.channels.base import RenderError
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import OutcomeClass

SECRET = "hunter2-hunter2"  # noqa: S105 - a planted one
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def office():
    with PostOffice() as opened:
        yield opened


@pytest.fixture
def post(office, smtp, mail):
    """Send one mail through the office and return how it ended and what came in."""
    del office.posted[:]

    async def send(settings=None, **given):
        async with smtp(office.port, **(settings or {})) as channel:
            outcome = await channel.deliver(mail(**given))
        return outcome, list(office.posted)

    return send


def ended(outcome):
    return outcome.outcome_class.word, outcome.code


# What is sent.


async def test_sends_one_mail_to_one_recipient(post):
    outcome, (posted,) = await post()

    assert ended(outcome) == ("delivered", "smtp_250")
    assert re.fullmatch(r"[0-9A-F]{10}", outcome.provider_id)
    assert posted.sender == "desk@example.test"
    assert posted.recipients == ["ann@example.org"]
    message = posted.message
    assert message["From"] == "Night Desk <desk@example.test>"
    assert message["To"] == "ann@example.org"
    assert message["Subject"] == "Your visit, Ann"
    assert message["Message-ID"] == "<0123abcd@example.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Tue, 14 Nov 2023 22:13:20 -0000"
    assert posted.part("plain") == "Dear Ann,\nsee you soon.\n"


async def test_text_and_html_are_alternatives_and_html_values_are_escaped(post):
    settings = {"html": "<p title='${name}'>Dear ${name}</p>"}
    _, (posted,) = await post(settings, name="<b>'Ann' & \"Co\"</b>")

    kinds = [part.get_content_type() for part in posted.message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    assert "<b>" in posted.part("plain")
    safe = "&lt;b&gt;&#x27;Ann&#x27; &amp; &quot;Co&quot;&lt;/b&gt;"
    assert posted.part("html") == f"<p title='{safe}'>Dear {safe}</p>\n"


async def test_html_alone_is_enough(office, mail):
    del office.posted[:]
    settings = {"from": "desk@example.test", "subject": "Hi", "html": "<p>Hi</p>"}
    async with loaded_for_loopback("smtp", {**office.settings, **settings}) as channel:
        await channel.deliver(mail())

    assert office.posted[0].message.get_content_type() == "text/html"


async def test_a_value_is_never_read_as_a_template(post):
    _, (posted,) = await post(name="${contact} $${name}")

    assert posted.message["Subject"] == "Your visit, ${contact} $${name}"


async def test_the_same_key_has_the_same_body_whatever_the_server_offers(
    smtp, mail_server, mail
):
    plain = await mail_server()
    modern = await mail_server(EHLO="250-x\r\n250-8BITMIME\r\n250-SIZE\r\n250 SMTPUTF8")
    for server, number in ((plain, 1), (modern, 2), (modern, 3)):
        async with smtp(server.port, html="<p>Grüße ${name}</p>") as channel:
            await channel.deliver(mail(number=number, name="Zoë"))

    assert len({*plain.mails, *modern.mails}) == 1
    assert max(plain.mails[0]) < 128


async def test_a_line_that_is_a_dot_ends_nothing(post):
    text = "one\n.\n..\n.two\r\n.\r\nQUIT\r\n${name}"
    settings = {"subject": "Hi", "text": text}
    _, (posted,) = await post(settings, name="x\n.\nRCPT TO:<eve@example.test>")

    assert posted.recipients == ["ann@example.org"]
    expected = "one\n.\n..\n.two\n.\nQUIT\nx\n.\nRCPT TO:<eve@example.test>\n"
    assert posted.part("plain") == expected


async def test_reply_to_and_message_id_domain_are_as_the_settings_say(post):
    settings = {
        "reply_to": "Zoë Q. Desk <help@bücher.example>",
        "message_id_domain": "bücher.example",
    }
    _, (posted,) = await post(settings)

    assert posted.message["Reply-To"].addresses[0].display_name == "Zoë Q. Desk"
    assert posted.message["Reply-To"].addresses[0].domain == "xn--bcher-kva.example"
    assert posted.message["Message-ID"] == "<0123abcd@xn--bcher-kva.example>"


@pytest.mark.parametrize(
    ("template", "header", "post_header"),
    [
        (
            "https://example.org/u?who=${contact}&k=${record.key}" + "&x" * 60,
            "<https://example.org/u?who=ann%40example.org&k=0123abcd" + "&x" * 60 + ">",
            "List-Unsubscribe=One-Click",
        ),
        ("mailto:u+${name}@example.org", "<mailto:u+Ann@example.org>", None),
        ("mailto:u@example.org", "<mailto:u@example.org>", None),
    ],
)
async def test_the_way_out_is_one_address_in_one_line(
    post, template, header, post_header
):
    _, (posted,) = await post({"list_unsubscribe": template})

    assert f"List-Unsubscribe: {header}\r\n".encode() in posted.raw
    assert posted.message["List-Unsubscribe-Post"] == post_header


async def test_long_subjects_are_folded_and_read_whole(post):
    for name in ("Grüße " * 100, "word " * 400, "x" * 3_000):
        _, taken = await post(name=name.strip())

        posted = taken[-1]
        assert posted.message["Subject"] == f"Your visit, {name.strip()}"
        assert max(len(line) for line in posted.raw.split(b"\r\n")) <= 78


# Letters beyond ASCII in addresses.


async def test_a_domain_is_folded_to_ascii(post):
    _, (posted,) = await post(contact="ann@bücher.example")

    assert posted.recipients == ["ann@xn--bcher-kva.example"]
    assert posted.message["To"] == "ann@xn--bcher-kva.example"


async def test_other_letters_before_the_at_need_a_server_that_takes_them(post):
    outcome, (posted,) = await post(contact="josé@bücher.example")

    assert ended(outcome) == ("delivered", "smtp_250")
    assert posted.recipients == ["josé@xn--bcher-kva.example"]
    assert "To: josé@xn--bcher-kva.example".encode() in posted.raw


async def test_a_server_that_does_not_take_them_is_never_asked(smtp, mail):
    with PostOffice(House(takes_utf8=False)) as office:
        async with smtp(office.port) as channel:
            outcome = await channel.deliver(mail(contact="josé@example.org"))
            after = await channel.deliver(mail())

    assert ended(outcome) == ("permanent", "smtputf8_needed")
    assert (outcome.run_fault, outcome.suppress) == ("", "")
    assert ended(after) == ("delivered", "smtp_250")
    assert (office.connections, len(office.posted)) == (1, 1)


async def test_a_sender_that_needs_such_a_server_pauses_the_run(smtp, mail):
    with PostOffice(House(takes_utf8=False)) as office:
        async with smtp(office.port, **{"from": "böse@example.test"}) as channel:
            outcome = await channel.deliver(mail())

    assert ended(outcome) == ("permanent", "smtputf8_needed")
    assert "resume" in outcome.run_fault


# Hostile records.


@pytest.mark.parametrize(
    "contact",
    [
        "ann@example.org, eve@example.org",
        "ann@example.org,eve@example.org",
        "ann@example.org\r\nBcc: eve@example.org",
        "ann@example.org>\r\nRCPT TO:<eve@example.org",
        "Ann <ann@example.org>",
        "<ann@example.org>",
        "ann@example.org ",
        "ann@example.org SIZE=1",
        '"ann eve"@example.org',
        "ann\x00@example.org",
        "ann\u202e@example.org",
        "group: ann@example.org;",
        "ann",
        "",
        "a" * 10_000 + "@example.org",
    ],
)
async def test_a_contact_that_is_not_one_mailbox_is_never_sent(post, contact):
    outcome, taken = await post(contact=contact)

    assert ended(outcome) == ("permanent", "unfit_contact")
    assert taken == []
    assert "eve" not in outcome.detail


@pytest.mark.parametrize(
    "name",
    [
        "Ann\r\nBcc: eve@example.org",
        "Ann\nX-Evil: 1",
        "Ann\r",
        "Ann\x00",
        "Ann\x1b[31m",
        "Ann\x0b",
        "Ann\x85Bcc: eve@example.org",
        "Ann\u2028Bcc: eve@example.org",
        "Ann\ud800",
    ],
)
async def test_a_value_that_breaks_out_of_the_subject_is_never_sent(post, name):
    outcome, taken = await post(name=name)

    assert ended(outcome) == ("permanent", "unfit_field")
    assert taken == []
    assert "Ann" not in outcome.detail


@pytest.mark.parametrize(
    "name",
    [
        "x" * 10_240,
        "Grüße" * 2_048,
        "\u202eevil\u202c",
        "=?utf-8?q?=0D=0ABcc:_eve@example.org?=",
        "=?us-ascii?b?DQpCY2M6IGV2ZUBleGFtcGxlLm9yZw==?=",
        "a, b <eve@example.org>; c",
        "--=_0123",
        ":" * 300,
        " " * 300,
    ],
)
async def test_nothing_in_a_value_adds_a_header_or_a_recipient(post, name):
    settings = {
        "html": "<p>${name}</p>",
        "list_unsubscribe": "https://example.org/${record.key}",
    }
    outcome, (posted,) = await post(settings, name=name)

    assert ended(outcome) == ("delivered", "smtp_250")
    assert posted.recipients == ["ann@example.org"]
    head = posted.raw.partition(b"\r\n\r\n")[0].decode("ascii")
    names = [line.partition(":")[0] for line in re.split(r"\r\n(?![ \t])", head)]
    assert names == [
        *HEADERS[:6],
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        *HEADERS[6:],
    ]
    assert posted.part("plain").split() == ["Dear", *f"{name},".split(), *SOON]
    assert [part.get_content_type() for part in posted.message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


SOON = ["see", "you", "soon."]


async def test_a_value_cannot_add_a_second_way_out(post):
    settings = {"list_unsubscribe": "https://example.org/${name}"}
    _, (posted,) = await post(settings, name="x>, <mailto:eve@example.org")

    assert posted.message["List-Unsubscribe"] == (
        "<https://example.org/x%3E%2C%20%3Cmailto%3Aeve%40example.org>"
    )


async def test_a_way_out_too_long_for_a_header_is_never_sent(post):
    settings = {"list_unsubscribe": "https://example.org/${name}"}
    outcome, taken = await post(settings, name="x" * 1_000)

    assert (ended(outcome), taken) == (("permanent", "unfit_field"), [])


async def test_a_record_without_the_column_is_never_sent(post):
    outcome, taken = await post({"text": "Dear ${first_name}"})

    assert (ended(outcome), taken) == (("permanent", "missing_field"), [])
    assert "'first_name'" in outcome.detail


# Rendering.


def test_renders_the_mail_in_plain_values(smtp, mail):
    channel = smtp(
        2525,
        html="<p>${name}</p>",
        reply_to="help@example.test",
        list_unsubscribe="mailto:out@example.test",
    )

    assert channel.rendered(mail(name="A & B")) == {
        "from": "Night Desk <desk@example.test>",
        "to": "ann@example.org",
        "reply_to": "help@example.test",
        "subject": "Your visit, A & B",
        "text": "Dear A & B,\nsee you soon.",
        "html": "<p>A &amp; B</p>",
        "list_unsubscribe": "mailto:out@example.test",
        "message_id": "<0123abcd@example.test>",
    }


@pytest.mark.parametrize(
    ("given", "code", "sentence"),
    [
        ({"contact": "a@b.test, c@d.test"}, "unfit_contact", "the contact is not one"),
        ({"name": "a\nb"}, "unfit_field", "the subject would contain a line break"),
    ],
)
def test_what_cannot_be_sent_cannot_be_rendered(smtp, mail, given, code, sentence):
    with pytest.raises(RenderError, match=f"^{sentence}") as caught:
        smtp(2525).rendered(mail(**given))

    assert caught.value.code == code


# Over TLS, signed in.


@pytest.mark.parametrize("from_the_start", [False, True])
async def test_signs_in_over_tls(certificate, mail, monkeypatch, from_the_start):
    monkeypatch.setenv("MAIL_PASSWORD", SECRET)
    house = House(
        certificate=certificate,
        is_tls_from_the_start=from_the_start,
        users={"desk": SECRET},
    )
    with PostOffice(house) as office:
        settings = {
            **office.settings,
            "from": "desk@example.test",
            "subject": "Hi",
            "text": "Hi",
            "username": "desk",
            "password": "env:MAIL_PASSWORD",
        }
        async with loaded_for_loopback("smtp", settings) as channel:
            outcomes = [await channel.deliver(mail(key=f"k{n}")) for n in range(3)]

    assert {ended(one) for one in outcomes} == {("delivered", "smtp_250")}
    assert {(one.is_secured, one.user) for one in office.posted} == {(True, "desk")}
    assert office.connections == 1


async def test_a_wrong_password_pauses_the_run(certificate, smtp, mail, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "wrong-wrong-wrong")
    with PostOffice(House(certificate=certificate, users={"desk": SECRET})) as office:
        signed = {"username": "desk", "password": "env:MAIL_PASSWORD"}
        async with smtp(office.port, **{**office.settings, **signed}) as channel:
            outcome = await channel.deliver(mail())

    assert ended(outcome) == ("permanent", "smtp_5_7_8")
    assert "username and password" in outcome.run_fault
    assert office.posted == []


@pytest.mark.parametrize("from_the_start", [False, True])
async def test_a_certificate_of_nobody_known_is_not_trusted(
    certificate, smtp, mail, from_the_start
):
    house = House(certificate=certificate, is_tls_from_the_start=from_the_start)
    with PostOffice(house) as office:
        settings = {**office.settings, "ca_file": None}
        async with smtp(office.port, **settings) as channel:
            outcome = await channel.deliver(mail())

    assert ended(outcome) == ("transient", "tls_failed")
    assert "not to be trusted" in outcome.detail
    assert office.posted == []


async def test_a_certificate_for_another_name_is_not_trusted(certificate, smtp, mail):
    with PostOffice(House(certificate=certificate)) as office:
        settings = {**office.settings, "host": "localhost"}
        async with smtp(office.port, **settings) as channel:
            outcome = await channel.deliver(mail())

    assert outcome.outcome_class is OutcomeClass.TRANSIENT
    assert office.posted == []


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_an_unusable_ca_file_is_told_before_anybody_is_contacted(
    smtp, tmp_path, content
):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    channel = smtp(2525, security="tls", ca_file=str(file))

    with pytest.raises(ConfigError, match=r"^ca_file: .*ca\.pem cannot be used"):
        async with channel:
            pass


async def test_a_missing_secret_is_told_before_anybody_is_contacted(smtp):
    channel = smtp(2525, username="desk", password="env:NO_SUCH_PASSWORD")  # noqa: S106 - a reference

    with pytest.raises(ConfigError, match=r"^password: env:NO_SUCH_PASSWORD is not"):
        async with channel:
            pass
