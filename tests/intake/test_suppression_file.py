from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.patience import DEADLINE_S, until

from watchfloor.domain.campaign import Audience
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.text import clean
from watchfloor.intake import suppression_file
from watchfloor.intake.audience_file import AudienceReader
from watchfloor.intake.suppression_file import (
    MAX_BYTES,
    MAX_EXAMPLES,
    load_apart,
    load_suppression,
)

SAMPLES = Path(__file__).parents[2] / "sample_data"
GLOBAL = SAMPLES / "suppression" / "global.csv"

ANN, BEN, EVE = "+12025550147", "+13035550125", "+441314960183"


@pytest.fixture
def write(tmp_path):
    def written(content, name="list.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.fixture
def reader_of(tmp_path, monkeypatch):
    """Let processes apart run a shell script instead of Python."""

    def install(script):
        program = tmp_path / "reader"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))

    return install


def is_listed(found, contact, kind="phone"):
    return contact_digest(kind, contact) in found.digests


def refusal(path, kind="phone", region="", **more):
    with pytest.raises(ConfigError) as caught:
        load_suppression(path, kind, region, **more)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        f"phone\n{ANN}\n{BEN}\n",
        f"{ANN}\n{BEN}",
        f"{ANN}\r\n\r\n{BEN}\r\n",
        f"\n\n  {ANN}  \r{BEN}\r",
        "(202) 555-0147\n1-303-555-0125\n",
        f'"{ANN}"\n"{BEN}"\n',
        f"name;Phone ;since\nAnn;{ANN};2026\nBen;{BEN};2026\n",
        f"since\tADDRESS\n2026\t{ANN}\n2026\t{BEN}\n",
        f'number,why\n{ANN},"rang,\nangry"\n{BEN},\n',
        f"id,contact\n1,{ANN}\n2,{BEN}\n",
        f"email|phone\nann@example.org|{ANN}\nben@example.org|{BEN}\n",
        f"watchfloor_row,watchfloor_reason,phone\n3,no,{ANN}\n4,no,{BEN}\n",
        f"\ufeffphone\n{ANN}\n{BEN}\n",
        f"\ufeffphone,na\u00efve\n{ANN},\u00e9\n{BEN},\n".encode("utf-16-le"),
        f"\ufeff{ANN}\n{BEN}\n".encode("utf-16-be"),
        f"phone,name\n{ANN},Zo\u00eb\n{BEN},J\u00f6rg\n".encode("cp1252"),
    ],
)
def test_a_list_of_any_shape_names_the_same_contacts(write, content):
    path = write(content)

    found = load_suppression(path, "phone", "us")

    assert is_listed(found, ANN)
    assert is_listed(found, BEN)
    assert not is_listed(found, EVE)
    assert (found.entries, found.unusable, found.examples) == (2, 0, ())
    assert len(found.digests) == 2
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_campaigns_column_goes_before_every_other(write):
    path = write(f"phone,Caf\u00e9\n{EVE},{ANN}\n{EVE},{BEN}\n")

    found = load_suppression(path, "phone", "", column="Cafe\u0301")

    assert is_listed(found, ANN)
    assert not is_listed(found, EVE)


@pytest.mark.parametrize(
    ("kind", "contact"),
    [("phone", ANN), ("email", "Ann.B@example.org"), ("id", "REF-1")],
)
def test_of_several_columns_the_one_of_the_campaigns_kind_is_read(write, kind, contact):
    path = write(f"id,email,phone,contact\nREF-1,Ann.B@Example.ORG,{ANN},Ann\n")

    found = load_suppression(path, kind, "")

    assert is_listed(found, contact, kind)
    assert (found.entries, found.unusable) == (1, 0)


def test_an_id_that_looks_like_a_phone_is_no_phone(write):
    found = load_suppression(write(f"{ANN}\n"), "id", "")

    assert is_listed(found, ANN, "id")
    assert not is_listed(found, ANN)


def test_a_region_column_of_the_campaign_is_obeyed_row_by_row(write):
    path = write("country,phone\nGB,0131 496 0183\n,303-555-0125\n")

    found = load_suppression(path, "phone", "US", region_column="country")

    assert is_listed(found, EVE)
    assert is_listed(found, BEN)


def test_a_region_column_that_the_list_lacks_is_not_missed(write):
    path = write(f"phone\n{ANN}\n")

    assert load_suppression(path, "phone", "", region_column="country").entries == 1


def test_a_contact_that_repeats_is_one_digest(write):
    found = load_suppression(write(f"{ANN}\n(202) 555-0147\n{ANN}\n"), "phone", "US")

    assert (found.entries, found.unusable, len(found.digests)) == (3, 0, 1)


def test_one_contact_alone_is_a_list(write):
    assert is_listed(load_suppression(write(ANN), "phone", ""), ANN)


def test_a_header_alone_is_a_list_that_names_nobody(write):
    found = load_suppression(write("phone,since\n"), "phone", "")

    assert (found.entries, found.unusable, len(found.digests)) == (0, 0, 0)


def test_every_unusable_row_is_counted_and_the_first_are_told(write):
    bad = "".join(f"{n}\n" for n in range(10))

    found = load_suppression(write(f"phone\n{ANN}\n\n{bad}{BEN}\n"), "phone", "US")

    assert (found.entries, found.unusable) == (2, 10)
    assert len(found.examples) == MAX_EXAMPLES
    assert found.examples[0] == "row 2: not a phone number"
    assert found.examples[4].startswith("row 6: ")


def test_rows_of_a_list_without_a_header_are_numbered_from_its_first_line(write):
    found = load_suppression(write(f"Telefon\n{ANN}\n12\n"), "phone", "")

    assert [one.partition(":")[0] for one in found.examples] == ["row 1", "row 3"]


@pytest.mark.parametrize("cell", ["@example.org", "  @example.org", "@"])
def test_a_whole_domain_is_unusable_and_says_why(write, cell):
    found = load_suppression(write(f"ann@example.org\n{cell}\n"), "email", "")

    assert (found.entries, found.unusable) == (1, 1)
    assert found.examples == ("row 2: a whole domain; list each of its addresses",)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1.202555E10,x", "spreadsheet notation"),
        (b"+1202555\x000147,x", "a NUL byte"),
        (b'"+12025550147,x', "a quote is not closed"),
        (b'"+12025550147"1,x', "a quote is in the wrong place"),
        (b"=1+cmd|' /C calc'!A0,x", "not a phone number"),
        (b"\x1b]52;c;AAAA\x07,x", "control characters"),
        ("\u202e7410555202+,x".encode(), "phone"),
        (b"+1202555\xff0147,x", "not utf-8"),
        (b"+12025550147", "too few cells"),
        (b"+12025550147,x,x", "too many cells"),
        (b",x", "no phone number"),
        (b"9" * 10_000_000 + b",x", "longer than"),
        (b"9" * 60_000 + b",x", "longer than"),
        (b"9" * 16_000 + b",x", "phone number"),
    ],
    ids=lambda value: f"{value[:20]!r} of {len(value)}",
)
def test_a_hostile_row_is_one_unusable_row_and_harms_no_other(write, row, reason):
    before, after = f"phone,name\n{ANN},Zo\u00eb\n", f"\n{BEN},J\u00f6rg\n"
    path = write(before.encode() + row + after.encode())

    found = load_suppression(path, "phone", "US")

    assert (found.entries, found.unusable) == (2, 1)
    assert is_listed(found, ANN)
    assert is_listed(found, BEN)
    (example,) = found.examples
    assert reason in example
    assert clean(example) == example


@pytest.mark.parametrize("kind", ["phone", "email", "id"])
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_it_is_loaded_or_refused(write, kind, content):
    path = write(b"contact,x\n+12025550147,\n" + content)

    with suppress(ConfigError):
        found = load_suppression(path, kind, "US")
        assert all(clean(example) == example for example in found.examples)
        assert is_listed(found, ANN, kind) is (kind != "email")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is empty"),
        ("\n \n", "the file is empty"),
        ("phone\nnobody\n12\n", "none of its 2 rows names a contact of kind phone"),
        ("12\n", "none of its 1 rows"),
        ("name,telefon\nAnn,+12025550147\n", "no column of its header is called"),
        (f"phone,PHONE\n{ANN},{BEN}\n", "two of its columns are called 'phone'"),
        (f"\x00phone\n{ANN}\n", "the header cannot be read: a NUL byte"),
        (b"PK\x03\x04", "an Excel workbook"),
        (bytes(range(1, 32)) * 40, "a binary file"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_a_sentence(write, content, reason):
    path = write(content)

    said = refusal(path)

    assert said.startswith(f"{path}: the suppression list is not loaded: ")
    assert reason in said
    assert said.count(str(path)) == 1


def test_a_refusal_quotes_no_row(write):
    path = write(f"Ann,{ANN}\nBen,{BEN}\n")

    assert ANN not in refusal(path)
    assert BEN not in refusal(path)


def test_an_unknown_kind_is_refused(write):
    assert "write phone, email or id" in refusal(write(ANN), kind="fax")


def test_a_missing_list_a_directory_and_a_pipe_are_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    assert "no such file or directory" in refusal(tmp_path / "no.csv")
    assert "this is a directory" in refusal(tmp_path)
    assert "this is no regular file" in refusal(pipe)


@pytest.mark.parametrize("name", ["a\0b.csv", "x" * 300])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    assert "is not loaded" in refusal(tmp_path / name)


def test_a_loop_of_links_is_refused(tmp_path):
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)

    assert "is not loaded" in refusal(loop)


def test_a_hostile_file_name_is_shown_harmless(tmp_path):
    said = refusal(tmp_path / "a\x1b]0;b\n.csv")

    assert "\u241b]0;b\u240a.csv" in said
    assert clean(said) == said


def test_a_list_that_may_not_be_read_is_refused(write):
    path = write(ANN)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user reads whatever it likes")

    assert "permission denied; check its name and rights" in refusal(path)


def test_a_list_that_is_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    assert "larger than 512 MiB" in refusal(path)


def test_a_list_of_too_many_entries_is_refused(write, monkeypatch):
    monkeypatch.setattr(suppression_file, "MAX_ENTRIES", 2)

    assert load_suppression(write(f"{ANN}\n{BEN}\n"), "phone", "").entries == 2
    assert "more than 2 entries" in refusal(write(f"{ANN}\n{BEN}\n{EVE}\n"))


def test_a_list_that_changes_while_it_is_read_is_refused(write):
    path = write("".join(f"{n}\n" for n in range(50_000)))
    is_read = threading.Event()

    def touch():
        for at in count(1):
            os.utime(path, ns=(at, at))
            if is_read.is_set():
                return

    touching = threading.Thread(target=touch)
    touching.start()
    try:
        assert "changed while it was read; load it again" in refusal(path, kind="id")
    finally:
        is_read.set()
        touching.join()


@pytest.mark.parametrize("way", ["link", "folder", "dots"])
def test_no_way_leads_out_of_the_workspace(tmp_path, way):
    workspace, outside = tmp_path / "workspace", tmp_path / "outside"
    workspace.mkdir()
    outside.mkdir()
    (outside / "list.csv").write_text(f"{ANN}\n")
    (workspace / "list.csv").symlink_to(outside / "list.csv")
    (workspace / "lists").symlink_to(outside, target_is_directory=True)
    path = {
        "link": workspace / "list.csv",
        "folder": workspace / "lists" / "list.csv",
        "dots": workspace / ".." / "outside" / "list.csv",
    }[way]

    said = refusal(path, within=workspace)

    assert f"it lies outside of {workspace}" in said


def test_a_link_out_of_its_own_folder_needs_a_workspace_that_holds_both(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "today.csv").write_text(f"{ANN}\n")
    link = tmp_path / "lists" / "global.csv"
    link.symlink_to(tmp_path / "today.csv")

    assert "it lies outside of" in refusal(link)
    assert load_suppression(link, "phone", "", within=tmp_path).entries == 1


def test_the_sample_list_matches_five_of_the_clean_sample():
    found = load_suppression(GLOBAL, "phone", "")
    audience = Audience(contact="phone", region_column="country")

    with AudienceReader(SAMPLES / "clean-200.csv", audience) as reader:
        rows = [one for batch in reader.batches() for one in batch.candidates]

    assert (found.entries, found.unusable, len(found.digests)) == (12, 0, 12)
    assert sum(one.digest in found.digests for one in rows) == 5


@pytest.mark.parametrize(
    ("content", "kind", "region", "more"),
    [
        ("phone\n", "phone", "", {}),
        (f"{ANN}\n(303) 555-0125\n@example.org\n\x1b[2J\n", "phone", "US", {}),
        ("a@example.org\n@example.org\n\u00e9\n", "email", "", {}),
        ("a\nb\n\u202e\n", "id", "", {}),
        ("x,country\n0131 496 0183,GB\n", "phone", "", {"column": "x"}),
        ("".join(f"{n}\n" for n in range(150_000)), "id", "", {}),
    ],
    ids=["nobody", "phones", "addresses", "ids", "columns", "more than a pipe holds"],
)
async def test_a_list_loaded_apart_is_the_same(write, content, kind, region, more):
    path = write(content)
    more = {"region_column": "country", "within": path.parent, **more}

    apart = await load_apart(path, kind, region, **more)

    assert apart == load_suppression(path, kind, region, **more)


@pytest.mark.parametrize("name", ["no.csv", "a\0b.csv", "-h", "bad.csv", "\udcff"])
async def test_a_list_refused_apart_is_refused_in_the_same_words(write, name):
    path = write("12\n", "bad.csv").with_name(name)

    with pytest.raises(ConfigError) as caught:
        await load_apart(path, "phone", "")

    assert str(caught.value) == refusal(path)


async def test_it_is_loaded_apart_from_any_folder_whatever_lies_there(
    write, tmp_path, monkeypatch
):
    write(ANN)
    write("raise SystemExit('not the csv module')", "csv.py")
    (tmp_path / "watchfloor").mkdir()
    write("raise SystemExit('not the package')", "watchfloor/__init__.py")
    monkeypatch.chdir(tmp_path)

    assert (await load_apart(Path("list.csv"), "phone", "")).entries == 1


async def test_a_cancelled_load_leaves_no_process_behind(write, tmp_path, reader_of):
    pid_file = tmp_path / "pid"
    reader_of(
        f"echo $$ > '{pid_file}.new'; mv '{pid_file}.new' '{pid_file}'; exec sleep 600"
    )
    loading = asyncio.create_task(load_apart(write(ANN), "phone", ""))
    await asyncio.to_thread(until, pid_file.exists, "the process apart")

    loading.cancel()
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(asyncio.CancelledError):
            await loading

    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


async def test_a_load_cancelled_at_once_leaves_nothing_open(write):
    loading = asyncio.create_task(load_apart(write(ANN), "phone", ""))
    await asyncio.sleep(0)

    loading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await loading


async def test_a_load_that_takes_too_long_is_ended_with_a_sentence(write, monkeypatch):
    monkeypatch.setattr(suppression_file, "MAX_SECONDS", 0)

    with pytest.raises(ConfigError, match="it took longer than 0 s"):
        await load_apart(write(ANN), "phone", "")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 3", "3"),
        ("kill -9 $$", "-9"),
        ("echo nonsense; exit 1", "1"),
        ("""echo '{"digests": 2}'; printf 12345678""", "0"),
    ],
)
async def test_a_reader_that_ends_early_is_told_and_loads_nothing(
    write, reader_of, script, code
):
    reader_of(script)

    with pytest.raises(ConfigError, match=rf"ended early \(code {code}\)"):
        await load_apart(write(ANN), "phone", "")


async def test_a_process_that_cannot_be_started_is_told(write, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))

    with pytest.raises(ConfigError, match="no process can be started for it"):
        await load_apart(write(ANN), "phone", "")


def test_the_reader_loads_neither_models_nor_the_store():
    probe = "import watchfloor.intake.suppression_file, sys; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert not {"pydantic", "sqlalchemy", "textual"} & set(loaded.stdout.split())
