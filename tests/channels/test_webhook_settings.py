from __future__ import annotations

import pytest

from watchfloor.channels.webhook import WebhookChannel
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import Delivery

SECRET = "hunter2-hunter2"  # noqa: S105 - a planted one


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"url": "ftp://x/"}, "url: must be an http or https URL"),
        ({"url": "calls"}, "url: must be an http or https URL"),
        ({"url": "http:///x"}, "url: "),
        ({"url": "http://host:99999/"}, "url: is no URL"),
        ({"url": "http://host/a b"}, "url: must not contain blanks"),
        ({"url": "http://host/${contact}"}, "url: takes no placeholders"),
        ({"url": f"http://me:{SECRET}@host/"}, "url: must not hold credentials"),
        ({"url": f"http://{SECRET}@host/"}, "url: must not hold credentials"),
        ({"headers": {"X-A": "a\r\nb"}}, "headers.X-A: must not contain line"),
        ({"headers": {"X A": "a"}}, "headers.'X A': is no header's name"),
        ({"headers": {"Host": "a"}}, "headers.Host: is set by the channel"),
        ({"headers": {"X-A": "a", "x-a": "b"}}, "headers.x-a: is there twice"),
        ({"headers": {"X-A": "file:rel"}}, "headers.X-A: .* absolute path"),
        ({"headers": {"X-A": f"{SECRET}\n"}}, "headers.X-A: must not contain line"),
        ({"body": "to"}, "body: must be a table"),
        ({"body": {"to": "${"}}, "body.to: a placeholder is not well formed"),
        ({"timeout": "10"}, "timeout: '10' is not a duration"),
        ({"timeout": "0ms"}, "timeout: must be longer than nothing"),
        ({"method": "GET"}, "method: 'GET' is not known; use 'POST' or 'PUT'"),
        ({"codes": {"busy": "later"}}, "codes.busy: 'later' is not known"),
        ({"codes": {"a-b": "transient", "a_b": "permanent"}}, "codes: has the same"),
        ({"statuses": {"99": "transient"}}, "statuses.99: is no HTTP status"),
        ({"timout": "10s"}, "timout: there is no such setting; did you mean 'timeout'"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_key_and_no_secret(
    webhook, settings, sentence
):
    with pytest.raises(ConfigError, match=f"^{sentence}") as caught:
        webhook(**{"url": "http://127.0.0.1/", **settings})

    assert len(caught.value.mistakes) == 1
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_url_is_needed():
    with pytest.raises(ConfigError, match=r"^url: is missing"):
        WebhookChannel({})


def test_every_mistake_is_found_at_once(webhook):
    with pytest.raises(ConfigError) as caught:
        webhook(
            "ftp://x/",
            body={"a": "${", "b": ["${record.x}"]},
            headers={"Host": "a", "X-A": "env:"},
            retries=3,
        )

    assert sorted(one.partition(":")[0] for one in caught.value.mistakes) == [
        "body.a",
        "body.b[0]",
        "headers.Host",
        "headers.X-A",
        "retries",
        "url",
    ]


def test_delivery_and_deadline_follow_the_settings(webhook):
    channel = webhook("http://127.0.0.1/", delivery="at_most_once", timeout="3s")

    assert channel.delivery is Delivery.AT_MOST_ONCE
    assert 3 < channel.deadline_s < 6
    assert webhook("http://127.0.0.1/").delivery is Delivery.IDEMPOTENT
