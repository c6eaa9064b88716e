from __future__ import annotations

from email.message import EmailMessage

import pytest
from tests.support.post_office import House, PostOffice, new_certificate

from watchfloor.channels.mail_settings import MailSettings
from watchfloor.channels.mail_transport import MailError, send_mail
from watchfloor.channels.settings import checked
from watchfloor.domain.errors import ConfigError

SECRET = "hunter2-hunter2"  # noqa: S105 - a planted one


@pytest.fixture
def office():
    with PostOffice() as opened:
        yield opened


def settings_for(given, **others):
    usual = {"from": "Watchfloor <floor@example.test>", "timeout": "20s"}
    return checked(MailSettings, {**usual, **given, **others})


def loopback(port, **others):
    host = {"host": "127.0.0.1", "port": port, "security": "none"}
    return settings_for(host, **others)


def notice(text="The run 'Grüße' was cancelled."):
    message = EmailMessage()
    message["From"] = "Watchfloor <floor@example.test>"
    message["To"] = "ops@example.test"
    message["Bcc"] = "boss@example.test"
    message["Subject"] = "Cancelled: Grüße"
    message["Message-ID"] = "<1@example.test>"
    message.set_content(text)
    return message


async def test_sends_one_mail_to_everybody_named(office):
    message = notice()
    before = message.as_bytes()

    reply = await send_mail(
        settings_for(office.settings), message, ["ops@example.test", "b@example.test"]
    )

    (posted,) = office.posted
    assert reply.startswith("250 2.0.0 Ok: queued as ")
    assert posted.sender == "floor@example.test"
    assert posted.recipients == ["ops@example.test", "b@example.test"]
    assert posted.message["Subject"] == "Cancelled: Grüße"
    assert posted.part("plain") == "The run 'Grüße' was cancelled.\n"
    assert "boss" not in posted.raw.decode()
    assert message.as_bytes() == before


async def test_one_refused_recipient_does_not_silence_the_others(office):
    office.replies["gone@example.test"] = "550 5.1.1 no such user"

    reply = await send_mail(
        settings_for(office.settings),
        notice(),
        ["gone@example.test", "ops@example.test"],
    )

    assert office.posted[0].recipients == ["ops@example.test"]
    assert reply.endswith("refused for 1 recipients")


async def test_signs_in_over_tls(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTICE_PASSWORD", SECRET)
    house = House(certificate=new_certificate(tmp_path), users={"floor": SECRET})
    with PostOffice(house) as office:
        settings = settings_for(
            office.settings,
            username="floor",
            password="env:NOTICE_PASSWORD",  # noqa: S106 - a reference
        )
        await send_mail(settings, notice(), ["ops@example.test"])

    assert (office.posted[0].is_secured, office.posted[0].user) == (True, "floor")


@pytest.mark.parametrize(
    ("replies", "sentence"),
    [
        ({"RCPT": "550 5.1.1 unknown"}, "was not sent through .*: 5.1.1 unknown"),
        ({"RCPT": "drop"}, "was not sent through .*: the connection broke at RCPT"),
        ({"MAIL": "530 5.7.0 sign in"}, "was not sent.*refused the sign-in"),
        ({"DOT": "drop"}, "nobody knows whether the mail .* was sent"),
        ({"DOT": "554 5.6.0 no"}, "was not sent through .*: 5.6.0 no"),
    ],
)
async def test_what_went_wrong_is_a_sentence(mail_server, replies, sentence):
    server = await mail_server(**replies)

    with pytest.raises(MailError, match=sentence):
        await send_mail(loopback(server.port), notice(), ["ops@example.test"])

    await server.left.wait()


async def test_an_unreachable_server_is_a_sentence(dead_port):
    with pytest.raises(MailError, match=f"127.0.0.1:{dead_port}: .* no connections;"):
        await send_mail(loopback(dead_port), notice(), ["ops@example.test"])


@pytest.mark.parametrize("recipients", [[], ["ops"], ["a@example.test, b@x.test"]])
async def test_recipients_are_single_mailboxes(dead_port, recipients):
    with pytest.raises(MailError, match=r"^no mail was sent through 127"):
        await send_mail(loopback(dead_port), notice(), recipients)


async def test_a_missing_secret_is_told_before_anybody_is_contacted(dead_port):
    settings = loopback(dead_port, username="a", password="env:NO_SUCH_PASSWORD")  # noqa: S106 - a reference

    with pytest.raises(ConfigError, match=r"^password: env:NO_SUCH_PASSWORD is"):
        await send_mail(settings, notice(), ["ops@example.test"])
