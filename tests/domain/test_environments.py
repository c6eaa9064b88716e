from __future__ import annotations

from watchfloor.domain.environments import without_secrets


def test_what_finds_programs_and_words_is_handed_on_and_nothing_else():
    needed = {
        "PATH": "/usr/bin",
        "HOME": "/srv/nora",
        "LANG": "de_DE.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": "/opt/plug-ins",
        "TZ": "UTC",
    }
    secret = {
        "WATCHFLOOR_RESULTS_TOKEN": "hush",
        "CALLS_TOKEN": "hush",
        "MAIL_PASSWORD": "hush",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "SSH_AUTH_SOCK": "agent",
        "path": "hush",
        "": "hush",
    }

    assert without_secrets({**secret, **needed}) == needed
    assert without_secrets({}) == {}
