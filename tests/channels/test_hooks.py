from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import time

import pytest
from tests.channels.conftest import Exchange
from tests.support.loopback import LOOPBACK
from tests.support.process import is_gone

from watchfloor.channels import hook_command
from watchfloor.channels.hook_command import MOST_BYTES, told_command
from watchfloor.channels.hook_settings import (
    CommandHookSettings,
    HookError,
    WebhookHookSettings,
)
from watchfloor.channels.hook_webhook import told_webhook
from watchfloor.channels.settings import checked
from watchfloor.domain.errors import ConfigError

PAYLOAD = json.dumps({"id": "alert-1", "text": "a run is stalled"}).encode()
SECRET = "hunter2-of-the-chat"  # noqa: S105 - what must not be told


def program(tmp_path, body):
    """Write a program in Python; return the argv that starts it."""
    path = tmp_path / "hook.py"
    path.write_text(body, encoding="utf-8")
    return [sys.executable, "-I", str(path)]


def command(argv, timeout="20s"):
    return checked(CommandHookSettings, {"argv": argv, "timeout": timeout})


async def until(found):
    give_up = time.monotonic() + 20
    while not found():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)


async def test_a_command_reads_the_alert_and_what_it_says_is_kept(tmp_path):
    argv = program(
        tmp_path,
        "import json, sys\n"
        "told = json.load(sys.stdin)\n"
        "print('paged', told['id'], sys.argv[1])\n",
    )

    said = await told_command(command([*argv, "$HOME; *"]), PAYLOAD)

    assert said == "ended with 0: paged alert-1 $HOME; *"


async def test_a_command_gets_nothing_of_the_engines_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    seen = tmp_path / "seen.json"
    argv = program(
        tmp_path,
        "import json, os, sys\n"
        "about = {'env': dict(os.environ), 'cwd': os.getcwd(), 'sid': os.getsid(0),"
        " 'fds': sorted(os.listdir('/proc/self/fd'))}\n"
        f"open({str(seen)!r}, 'w').write(json.dumps(about))\n",
    )

    await told_command(command(argv), PAYLOAD)

    about = json.loads(seen.read_text())
    # The interpreter itself may add what its locale is.
    assert set(about["env"]) - {"LC_CTYPE"} == {"PATH", "LANG"}
    assert about["cwd"] == "/"
    assert about["sid"] != os.getsid(0)
    assert about["fds"] == ["0", "1", "2", "3"]  # 3 is the directory it listed


async def test_a_command_that_does_not_read_may_take_the_alert_all_the_same(tmp_path):
    argv = program(tmp_path, "raise SystemExit(0)\n")

    assert await told_command(command(argv), PAYLOAD * 20_000) == "ended with 0"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise SystemExit(3)\n", "ended with 3"),
        ("print('no network')\nraise SystemExit(1)\n", "ended with 1: no network"),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
            "was ended by signal 9",
        ),
        ("import sys\nprint('\\x1b]0;x\\x07', file=sys.stderr)\n1/0\n", "ended with 1"),
    ],
)
async def test_a_command_that_dies_has_not_taken_it(tmp_path, body, why):
    with pytest.raises(HookError) as raised:
        await told_command(command(program(tmp_path, body)), PAYLOAD)

    assert str(raised.value).startswith(why)
    assert "\x1b" not in str(raised.value)


async def test_a_command_that_hangs_is_killed_with_its_children(tmp_path):
    pids = tmp_path / "pids"
    argv = program(
        tmp_path,
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "if child:\n"
        f"    open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child}}')\n"
        "time.sleep(600)\n",
    )

    with pytest.raises(HookError, match=r"did not end within 1\.5 s and was killed"):
        await told_command(command(argv, "1500ms"), PAYLOAD)

    for pid in pids.read_text().split():
        await until(lambda pid=pid: is_gone(int(pid)))


async def test_a_command_that_floods_its_output_is_killed_and_costs_no_memory(tmp_path):
    pid = tmp_path / "pid"
    argv = program(
        tmp_path,
        "import os, sys\n"
        f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n"
        "while True:\n"
        "    sys.stdout.write('x' * 65536)\n",
    )

    with pytest.raises(HookError, match=f"more than {MOST_BYTES // 1024:,} KiB"):
        await told_command(command(argv, "60s"), PAYLOAD)

    await until(lambda: is_gone(int(pid.read_text())))


async def test_what_a_command_leaves_behind_does_not_hold_it_up(tmp_path):
    pid = tmp_path / "pid"
    argv = program(
        tmp_path,
        "import os, time\n"
        "print('paged', flush=True)\n"
        "child = os.fork()\n"
        "if child:\n"
        f"    open({str(pid)!r}, 'w').write(str(child))\n"
        "    os._exit(0)\n"
        "os.setsid()\n"
        "time.sleep(600)\n",
    )

    assert await told_command(command(argv, "60s"), PAYLOAD) == "ended with 0: paged"

    assert not is_gone(int(pid.read_text()))
    os.kill(int(pid.read_text()), 9)


async def test_giving_up_on_a_command_kills_it(tmp_path):
    pid = tmp_path / "pid"
    argv = program(
        tmp_path,
        "import os, time\n"
        f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n",
    )
    asked = asyncio.create_task(told_command(command(argv, "60s"), PAYLOAD))
    await until(lambda: pid.exists() and pid.read_text())

    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked

    await until(lambda: is_gone(int(pid.read_text())))


async def test_a_command_that_is_not_there_or_no_program_says_so(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("not a program")
    plain.chmod(stat.S_IRUSR)

    for path in (tmp_path / "nothing", plain):
        with pytest.raises(HookError, match="cannot be started"):
            await told_command(command([str(path)]), PAYLOAD)


def test_a_hooks_environment_holds_no_secret_by_construction():
    assert set(hook_command.ENVIRONMENT) == {"PATH", "LANG"}


class Serving:
    """A web server of one answer, which writes down what it is sent."""

    def __init__(self, answer):
        self._answer = answer
        self.seen = []
        self.port = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook?room=7"

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        exchange = Exchange(head, b"", reader, writer)
        exchange.body = await reader.readexactly(
            int(exchange.header("Content-Length") or 0)
        )
        self.seen.append(exchange)
        try:
            await self._answer(exchange)
        finally:
            writer.close()


def post(url, **settings):
    return checked(WebhookHookSettings, {"url": url, "timeout": "20s", **settings})


async def test_a_webhook_is_posted_json_with_its_id_and_secrets(monkeypatch):
    monkeypatch.setenv("CHAT_AUTH", f"Bearer {SECRET}")
    async with Serving(
        lambda one: one.reply(202, f"thanks for {SECRET}".encode())
    ) as server:
        settings = post(server.url, headers={"Authorization": "env:CHAT_AUTH"})

        said = await told_webhook(settings, PAYLOAD, "alert-1", LOOPBACK)

    (seen,) = server.seen
    assert seen.head.startswith("POST /hook?room=7 HTTP/1.1\r\n")
    assert seen.body == PAYLOAD
    assert seen.header("Authorization") == f"Bearer {SECRET}"
    assert seen.header("Content-Type") == "application/json"
    assert seen.header("Idempotency-Key") == '"alert-1"'
    assert said == "answered 202: thanks for [secret]"


async def test_an_address_that_is_a_secret_is_read_and_never_told(tmp_path):
    async with Serving(lambda one: one.reply(500, one.head.encode())) as server:
        kept = tmp_path / "chat.url"
        kept.write_text(f"{server.url}&token={SECRET}\n", encoding="utf-8")
        kept.chmod(0o600)

        with pytest.raises(HookError) as raised:
            await told_webhook(post(f"file:{kept}"), PAYLOAD, "alert-1", LOOPBACK)

    assert f"token={SECRET}" in server.seen[0].head
    assert str(raised.value).startswith("answered 500")


async def test_a_redirect_is_not_followed():
    async with Serving(lambda one: one.reply(200)) as elsewhere:
        answer = lambda one: one.reply(307, Location=elsewhere.url)  # noqa: E731 - short
        async with Serving(answer) as server:
            with pytest.raises(HookError, match="answered 307"):
                await told_webhook(post(server.url), PAYLOAD, "alert-1", LOOPBACK)

    assert elsewhere.seen == []


async def test_no_proxy_is_taken_from_the_environment(monkeypatch):
    async with Serving(lambda one: one.reply(200)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with Serving(lambda one: one.reply(200)) as server:
            assert (
                await told_webhook(post(server.url), PAYLOAD, "a", LOOPBACK)
                == "answered 200"
            )

    assert proxy.seen == []


async def test_a_webhook_that_hangs_is_given_up():
    async with Serving(lambda one: one.hang()) as server:
        settings = post(server.url, timeout="300ms")
        with pytest.raises(HookError, match=r"did not answer within 0\.3 s"):
            await told_webhook(settings, PAYLOAD, "alert-1", LOOPBACK)


async def test_a_webhook_that_answers_without_end_is_read_to_a_bound():
    async def flood(one):
        await one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
        try:
            while True:
                await one.send(b"x" * 65_536)
        except ConnectionError:
            pass

    async with Serving(flood) as server:
        said = await told_webhook(post(server.url), PAYLOAD, "alert-1", LOOPBACK)

    assert said.startswith("answered 200: xxx")
    assert len(said) < 300


async def test_a_webhook_that_breaks_off_or_is_not_there_says_so(unused_tcp_port):
    async def drop(one):
        one.reset()

    async with Serving(drop) as server:
        with pytest.raises(HookError, match="broke off"):
            await told_webhook(post(server.url), PAYLOAD, "alert-1", LOOPBACK)
    nobody = f"http://127.0.0.1:{unused_tcp_port}/"
    with pytest.raises(HookError, match="could not be reached"):
        await told_webhook(post(nobody), PAYLOAD, "alert-1", LOOPBACK)


async def test_a_secret_that_is_missing_or_no_address_is_said_before_anything_is_sent(
    monkeypatch,
):
    monkeypatch.delenv("CHAT_URL", raising=False)
    with pytest.raises(ConfigError, match="CHAT_URL is not set"):
        await told_webhook(post("env:CHAT_URL"), PAYLOAD, "alert-1", LOOPBACK)

    monkeypatch.setenv("CHAT_URL", f"file:///{SECRET}")
    with pytest.raises(ConfigError, match="http or https") as raised:
        await told_webhook(post("env:CHAT_URL"), PAYLOAD, "alert-1", LOOPBACK)
    assert SECRET not in str(raised.value)
