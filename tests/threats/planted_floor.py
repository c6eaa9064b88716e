"""A workspace that uses twenty secrets, and everything that tells of its work."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import socket
import socketserver
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.cli.shell import Answer, SpareShell
from tests.support.patience import DEADLINE_S, until
from tests.support.planted import PEOPLE, REFERRED
from tests.support.provider import Provider, Reply

from watchfloor.cli import compose
from watchfloor.cli.main import main
from watchfloor.domain.outcomes import Dispatch, Outcome, OutcomeClass
from watchfloor.engine.door import Door
from watchfloor.engine.running import run_engine
from watchfloor.engine.supervisor import Supervisor

CONTACTS = tuple(PEOPLE[one] for one in PEOPLE if one.startswith("contact"))

ENV: Mapping[str, str] = {
    "HOOK_AUTH": f"Bearer {REFERRED['authorization of a webhook']}",
    "HOOK_COOKIE": REFERRED["cookie of a webhook"],
    "POST_PASSWORD": REFERRED["password of a mail server"],
    "POST_USER": REFERRED["user of a mail server, referred to"],
    "MAIL_USER": REFERRED["user of the workspace for mail"],
    "ALERT_AUTH": f"Bearer {REFERRED['authorization of an alert']}",
    "RESULTS_TOKEN": REFERRED["token of the door for results"],
    "RAISED": REFERRED["token that a function raises"],
    "ANSWERED": REFERRED["token that a function answers"],
    "OUTCOME": REFERRED["token that an outcome tells"],
    "CONTROL": f"{REFERRED['token with a control in it']}\n",
    "IDLE": REFERRED["variable that nothing refers to"],
}


def echoed(*whats: str) -> str:
    """Return secrets in every way that who was sent them may write them."""
    return "; ".join(
        spelled
        for secret in (REFERRED[what] for what in whats)
        for spelled in (
            secret,
            secret.lower(),
            quote(secret, safe=""),
            json.dumps(secret),
            html.escape(secret),
            secret.encode().hex(),
            base64.b64encode(f"user:{secret}".encode()).decode(),
        )
    )


#: What the provider of the contacts, and the one who is alerted, were sent.
SENT = tuple(what for what in REFERRED if "of a webhook" in what)
ALERTED = tuple(what for what in REFERRED if "alert" in what)

_CAMPAIGN = """
[campaign]
id = "{name}"
name = "Planted {name}"
notify = ["{told}"]
[audience]
contact = "phone"
kind = "phone"
[[steps]]
name = "call"
channel = "{channel}"
[steps.settings]
{settings}
[steps.retry]
attempts = 1
"""


async def contacted(
    record: Dispatch, *, raised: str, answered: str, outcome: str
) -> object:
    """Tell its secrets and its contact in every way that a function can."""
    if record.contact == CONTACTS[0]:
        msg = f"login with {raised} failed for {record.contact}"
        raise RuntimeError(msg)
    if record.contact == CONTACTS[1]:
        detail = f"{answered} for {record.contact}"
        return {"outcome": "permanent", "code": answered, "detail": detail}
    return Outcome(
        outcome_class=OutcomeClass.PERMANENT,
        code=outcome,
        detail=f"{outcome} and {base64.b64encode(outcome.encode()).decode()}",
        provider_id=outcome,
    )


class _Echo(socketserver.StreamRequestHandler):
    """A mail server that repeats, when it refuses them, the credentials it was sent."""

    def handle(self) -> None:
        said = self.wfile.write
        said(b"220 echo\r\n")
        while line := self.rfile.readline():
            verb, _, rest = line.strip().partition(b" ")
            if verb.upper() == b"EHLO":
                said(b"250-echo\r\n250 AUTH PLAIN LOGIN\r\n")
            elif verb.upper() == b"AUTH":
                encoded = rest.rpartition(b" ")[2]
                plain = base64.b64decode(encoded).replace(b"\0", b" ")
                assert isinstance(self.server, _MailServer)
                self.server.heard.append(plain.decode())
                said(b"535 5.7.8 bad: " + encoded + b" " + plain + b"\r\n")
            else:
                said(b"250 fine\r\n")
                if verb.upper() == b"QUIT":
                    return


class _MailServer(socketserver.ThreadingTCPServer):
    """Keeps the credentials that it was sent."""

    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        self.heard: list[str] = []
        super().__init__(*arguments)


@contextmanager
def _mail_server() -> Iterator[tuple[int, list[str]]]:
    with _MailServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], server.heard
        server.shutdown()


def _echo(whats: tuple[str, ...]) -> Reply:
    person = f"{PEOPLE['address in a reply']} or {PEOPLE['number in a reply']}"
    said = dict.fromkeys(("code", "id"), echoed(whats[0]))
    detail = f"{person} sent {echoed(*whats)}"
    return Reply(body={"outcome": "permanent", **said, "detail": detail})


class PlantedFloor:
    """The workspace, and what was said about it by sink.

    Attributes:
        told: Texts by their place; whoever looks adds to them.
        log: What every logger of the process said, down to debug.
        heard: The credentials that the mail server was sent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "floor"
        self.told: dict[str, str] = {}
        self.heard: list[str] = []
        self.log = io.StringIO()
        assert main(["init", str(self.root), "--name", "Planted"]) == 0
        self.shell = SpareShell(self.root)

    def fill(self) -> None:
        """Have three channels, two hooks, a door and their secrets used in earnest."""
        with (
            pytest.MonkeyPatch.context() as patch,
            Provider(_echo(SENT)) as provider,
            Provider(_echo(ALERTED)) as alerted,
            _mail_server() as (port, heard),
            self._listening(),
        ):
            for name, secret in ENV.items():
                patch.setenv(name, secret)
            self._configure(alerted, port)
            self._launch(provider, port)
            self._carry_out()
            self._say("alerts test", self.shell("alerts", "test"))
            self._say("refusals", *self._refused(provider))
            self.heard += heard

    def _secret_file(self, what: str, content: bytes | None = None) -> Path:
        path = self.folder / f"secret-{len(list(self.folder.iterdir()))}"
        path.write_bytes(content or REFERRED[what].encode())
        path.chmod(0o600)
        return path

    def _configure(self, provider: Provider, port: int) -> None:
        alert_url = (
            f"{provider.url}?token={REFERRED['token of an address that is alerted']}"
        )
        address = self._secret_file("", alert_url.encode())
        key = self._secret_file("key of an alert, in a file")
        password = self._secret_file("password of the workspace for mail, in a file")
        text = self.shell.layout.settings.read_text(encoding="utf-8")
        self.shell.layout.settings.write_text(
            f"""{text}
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
from = "Desk <desk@planted-from.example>"
username = "env:MAIL_USER"
password = "file:{password}"
[notices]
preset = "ops"
[results]
token = "env:RESULTS_TOKEN"
[alerts]
on = ["failed", "failing", "auto_paused"]
[alerts.webhook.chat]
url = "file:{address}"
headers = {{ Authorization = "env:ALERT_AUTH", X-Api-Key = "file:{key}" }}
[alerts.mail.leads]
to = ["{PEOPLE["address who is told"]}"]
""",
            encoding="utf-8",
        )

    def _launch(self, provider: Provider, port: int) -> None:
        key = self._secret_file("key of a webhook, in a file")
        signature = self._secret_file("signature of a webhook, in a file")
        headers = (
            'Authorization = "env:HOOK_AUTH"\nCookie = "env:HOOK_COOKIE"\n'
            f'X-Api-Key = "file:{key}"\nX-Signature = "file:{signature}"\n'
        )
        at_once = 'delivery = "at_most_once"\n'
        self._launched(
            "webhook",
            f'url = "{provider.url}"\n{at_once}[steps.settings.headers]\n{headers}',
        )
        self._launched(
            "python",
            f'call = "{__name__}:contacted"\n{at_once}[steps.settings.settings]\n'
            'raised = "env:RAISED"\nanswered = "env:ANSWERED"\n'
            'outcome = "env:OUTCOME"\n',
        )
        self._launched(
            "smtp",
            f'host = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
            'username = "env:POST_USER"\npassword = "env:POST_PASSWORD"\n'
            'from = "desk@planted-from.example"\nsubject = "x"\ntext = "x"\n',
            contacts=("jane.roe@private-mail.example",),
            kind="email",
        )

        held = self._launched("simulator", "")
        self._say("a pause", self._paused(held))

    def _paused(self, run: str) -> Answer:
        reason = f"tell {PEOPLE['address in a reason']} {PEOPLE['number in a reason']}"
        return self.shell("pause", run, "--yes", "--reason", reason)

    def _launched(
        self,
        channel: str,
        settings: str,
        contacts: tuple[str, ...] = CONTACTS,
        kind: str = "phone",
    ) -> str:
        campaign = self.folder / f"{channel}.toml"
        text = _CAMPAIGN.format(
            name=channel,
            channel=channel,
            settings=settings,
            told=PEOPLE["address who is told"],
        )
        campaign.write_text(
            text.replace('kind = "phone"', f'kind = "{kind}"'), encoding="utf-8"
        )
        upload = self.folder / f"{channel}.csv"
        field = PEOPLE["address in a field"]
        rows = "".join(f"{one},{field}\n" for one in contacts)
        upload.write_text(f"phone,mail\n{rows}", encoding="utf-8")
        run = self.shell.launched(campaign, upload)
        self._say("a pause", self._paused(run))
        self._say("a resume", self.shell("resume", run, "--yes"))
        return run

    def _carry_out(self) -> None:
        started: list[Supervisor] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        door = Door("127.0.0.1", port)

        def run() -> None:
            around, owner = compose.surroundings(), compose.owner("engine")
            run_engine(
                self.shell.layout, around, owner, door=door, on_start=started.append
            )

        engine = threading.Thread(target=run, daemon=True)
        engine.start()
        until(self._is_attempted, "every record to be attempted")
        for token in (
            REFERRED["token that somebody guesses at the door"],
            ENV["RESULTS_TOKEN"],
        ):
            self.told[f"the door's answer to {token[:2]}"] = self._reported(port, token)
        started[0].stop()
        engine.join(DEADLINE_S)
        assert not engine.is_alive()

    def _is_attempted(self) -> bool:
        runs = self.shell("runs", "--json").json
        return len([one for one in runs if one["attempts"]]) == 3

    def _reported(self, port: int, token: str) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/results?token={quote(token)}",
            data=json.dumps({"id": token, "key": token, "kind": token}).encode(),
            headers={"Authorization": f"Bearer {token}"},
        )
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=DEADLINE_S)  # noqa: S310 - as above
        return ""

    def _refused(self, provider: Provider) -> Iterator[Answer]:
        """Yield how the engine refuses secrets that it cannot use."""
        loose = self._secret_file("token in a file that is open to others")
        loose.chmod(0o644)
        what = "token in a file that is no text"
        garbled = self._secret_file(what, REFERRED[what].encode() + b"\xff")
        for number, reference in enumerate(
            (f"file:{loose}", f"file:{garbled}", "env:CONTROL")
        ):
            name = f"refused-{number}"
            campaign = self.folder / f"{name}.toml"
            settings = (
                f'url = "{provider.url}"\n[steps.settings.headers]\n'
                f'Authorization = "{reference}"\n'
            )
            text = _CAMPAIGN.format(
                name=name, channel="webhook", settings=settings, told="a@b.example"
            )
            campaign.write_text(text, encoding="utf-8")
            upload = self.folder / "webhook.csv"
            yield self.shell("launch", campaign, "--upload", upload, "--yes")
        run_engine(
            self.shell.layout,
            compose.surroundings(),
            compose.owner("engine"),
            until_idle=True,
        )

    def _say(self, place: str, *answers: Answer) -> None:
        self.told[place] = "\n".join(
            [self.told.get(place, ""), *(one.out + one.err for one in answers)]
        )

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Write down what any logger says, with its tracebacks."""
        handler = logging.StreamHandler(self.log)
        root = logging.getLogger()
        before = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.setLevel(before)
            root.removeHandler(handler)
