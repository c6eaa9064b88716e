from __future__ import annotations

import pytest

from watchfloor.channels.smtp import SmtpChannel
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import Delivery

SECRET = "hunter2-hunter2"  # noqa: S105 - a planted one
USUAL: dict[str, object] = {
    "host": "mail.example.test",
    "from": "desk@example.test",
    "subject": "Hi ${name}",
    "text": "Hi",
}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"host": ""}, "host: is no host"),
        ({"host": "mail.example.test:25"}, "host: is no host"),
        ({"host": "a b"}, "host: is no host"),
        ({"port": 0}, "port: must be greater than"),
        ({"port": 65_536}, "port: must be less than"),
        ({"security": "none"}, "security: 'none' is for a server on this machine"),
        ({"security": "ssl"}, "security: 'ssl' is not known; use 'starttls', 'tls'"),
        ({"username": "a"}, "password: is missing; username needs one"),
        ({"password": "env:X"}, "password: needs a username"),
        (
            {"username": "a", "password": SECRET},
            "password: must not stand here in the clear; write env:NAME",
        ),
        ({"username": "a", "password": "env:"}, "password: 'env:' names no"),
        ({"from": "desk"}, "from: is not one mailbox"),
        ({"from": "a@x.test, b@x.test"}, "from: is not one mailbox"),
        ({"from": "A <a@x.test>, B <b@x.test>"}, "from: is not one mailbox"),
        ({"from": "A\r\nBcc: b@x.test <a@x.test>"}, "from: has a display name"),
        ({"from": "a@x.test\n"}, "from: must not contain line breaks"),
        ({"from": 3}, "from: must be a text"),
        ({"reply_to": "b"}, "reply_to: is not one mailbox"),
        ({"subject": "a\nb"}, "subject: must be one line"),
        ({"subject": "${"}, "subject: a placeholder is not well formed"),
        ({"subject": 3}, "subject: must be a text"),
        ({"text": None}, "text: is missing; write text, html or both"),
        ({"html": "${record.x}"}, r"html: \$\{record.x\} is not known"),
        ({"list_unsubscribe": "http://x.test/"}, "list_unsubscribe: must begin with"),
        ({"list_unsubscribe": "https://x/, y"}, "list_unsubscribe: must be one addr"),
        ({"list_unsubscribe": "https://x/ä"}, "list_unsubscribe: must be ASCII"),
        ({"message_id_domain": "a b"}, "message_id_domain: is no domain"),
        ({"connections": 0}, "connections: must be greater"),
        ({"ca_file": "ca.pem"}, "ca_file: must be an absolute path"),
        ({"codes": {"250": "transient"}}, "codes.'250': is no refusal's code"),
        ({"codes": {"5.1.1": "delivered"}}, "codes.5.1.1: 'delivered' is not known"),
        ({"timeout": "0s"}, "timeout: must be longer than nothing"),
        ({"verify": False}, "verify: there is no such setting"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_key_and_no_secret(settings, sentence):
    with pytest.raises(ConfigError, match=f"^{sentence}") as caught:
        SmtpChannel({**USUAL, **settings})

    assert len(caught.value.mistakes) == 1
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("key", ["host", "from", "subject"])
def test_what_it_cannot_work_without(key):
    with pytest.raises(ConfigError, match=f"^{key}: is missing"):
        SmtpChannel({name: value for name, value in USUAL.items() if name != key})


@pytest.mark.parametrize(
    ("settings", "target"),
    [
        ({}, "mail.example.test:587"),
        ({"security": "tls"}, "mail.example.test:465"),
        ({"security": "tls", "port": 4_650}, "mail.example.test:4650"),
        ({"host": "localhost", "security": "none", "port": 25}, "localhost:25"),
        ({"host": "127.0.0.2", "security": "none"}, "127.0.0.2:587"),
        ({"host": "::1", "security": "none"}, "[::1]:587"),
    ],
)
def test_the_port_follows_the_security_unless_it_is_given(settings, target):
    assert SmtpChannel({**USUAL, **settings}).target == target


def test_every_template_is_asked_for_its_columns():
    channel = SmtpChannel(
        {
            **USUAL,
            "text": "${contact} ${plan}",
            "html": "<p>${city}</p>",
            "list_unsubscribe": "https://x.test/${token}/${record.key}",
        }
    )

    assert channel.placeholders == {"name", "plan", "city", "token"}


def test_a_mail_is_sent_at_most_once_and_may_wait_once_and_take_once():
    channel = SmtpChannel({**USUAL, "timeout": "5s"})

    assert channel.delivery is Delivery.AT_MOST_ONCE
    assert 10 < channel.deadline_s < 15
