from __future__ import annotations

import json
import os
import stat
import struct
import zipfile
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.triage.bundles import ABOUT, PARTS, manifest_of, strange, whole

from watchfloor.domain.errors import ConfigError
from watchfloor.triage.bounded_json import MOST_DEPTH, bounded_json
from watchfloor.triage.bundle_form import (
    MANIFEST,
    MEMBERS,
    MOST_FILE_BYTES,
    VERSION,
)
from watchfloor.triage.bundle_packing import packed
from watchfloor.triage.bundle_reading import read_bundle


@pytest.fixture
def path(tmp_path):
    return tmp_path / "b.zip"


@pytest.fixture(autouse=True)
def nothing_is_unpacked(tmp_path):
    """Reading writes nothing: beside the bundle nothing appears."""
    yield
    assert {one.name for one in tmp_path.iterdir()} <= {"b.zip", "real.zip"}


def refused(path):
    """Return why a bundle is refused: one sentence that names it."""
    with pytest.raises(ConfigError) as caught:
        read_bundle(path)
    said = str(caught.value)
    assert len(caught.value.mistakes) == 1
    assert "\n" not in said
    assert said.startswith(str(path))
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, OSError)
    return said.removeprefix(f"{path} ")


def test_a_bundle_is_read_as_it_was_written(path):
    path.write_bytes(
        whole(run_json=b'{"run": "r", "n": 3}\n', triage_txt=b"one\ntwo\n")
    )

    found = read_bundle(path)

    assert found.manifest["run"] == "r"
    assert found.documents["run.json"] == {"run": "r", "n": 3}
    assert found.texts["triage.txt"] == ("one", "two", "")
    assert list(found.sizes) == [member.name for member in MEMBERS]


def test_the_same_members_make_the_same_file():
    assert whole() == whole()
    with zipfile.ZipFile(BytesIO(whole())) as file:
        assert file.namelist() == [member.name for member in MEMBERS]
        assert {one.date_time for one in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {one.external_attr >> 16 for one in file.infolist()} == {0o100600}
        assert file.comment == b""


def test_a_bundle_without_a_picture_is_whole(path):
    parts = {name: one for name, one in PARTS.items() if not name.startswith("screen")}
    path.write_bytes(packed(parts, ABOUT))

    assert "screen.svg" not in read_bundle(path).sizes


def test_texts_have_passed_the_text_door(path):
    spite = "\x1b]52;c;aGk=\x07\u202egpj.exe\u200b"
    path.write_bytes(
        whole(
            triage_txt=f"{spite}\n".encode(),
            run_json=json.dumps({spite: [spite]}).encode(),
        )
    )

    found = read_bundle(path)

    for text in (*found.texts["triage.txt"], *found.documents["run.json"]):
        assert text.isprintable()
    assert found.documents["run.json"] == {
        "␛]52;c;aGk=␇·gpj.exe·": ["␛]52;c;aGk=␇·gpj.exe·"]
    }


# --- damaged ---------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", b"\x89PNG" + b"x" * 100])
def test_what_is_no_zip_is_said(path, content):
    path.write_bytes(content)

    assert "no zip file, or was cut off" in refused(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 0.999))
def test_a_bundle_cut_off_anywhere_is_refused(path, share):
    content = whole()
    path.write_bytes(content[: int(len(content) * share)])

    assert "cut off" in refused(path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_bundle_with_a_changed_byte_is_refused_or_says_the_same(path, at, by):
    content = bytearray(whole())
    content[at % len(content)] ^= by
    path.write_bytes(content)

    with suppress(ConfigError):
        found = read_bundle(path)
        path.write_bytes(whole())
        assert found == read_bundle(path)


def test_a_member_that_was_changed_is_named(path):
    parts = {**PARTS, "run.json": b'{"failed": 0}'}
    strange(path, parts, members=json.loads(manifest_of(PARTS))["members"])

    assert refused(path).startswith(
        "was changed: run.json is not what manifest.json says"
    )


def test_a_member_that_is_missing_is_named(path):
    parts = {name: one for name, one in PARTS.items() if name != "evidence.json"}
    strange(path, parts)

    assert refused(path).startswith("is damaged: evidence.json is missing")


def test_a_zip_without_a_manifest_is_no_bundle(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("run.json", "{}")

    assert "there is no manifest.json in it" in refused(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe", "is no UTF-8"),
        (b"{", "is no JSON"),
        (b'{"a": 1, "a": 2}', "says something twice"),
        (b'{"a": NaN}', "holds a number that is none"),
        (b'{"a": 1e999}', "holds a number that is none"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "holds a number that is too long"),
        (b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "is nested too deeply"),
        (b'"' + b"\\" * 50_001, "is no JSON"),
    ],
)
def test_json_that_nobody_wrote_is_said(path, content, why):
    strange(path, {**PARTS, "run.json": content})

    assert refused(path).startswith(f"is damaged or hostile: run.json {why}")


def test_json_that_is_no_table_is_no_member(path):
    path.write_bytes(whole(run_json=b"[]"))

    assert "run.json is no table" in refused(path)


def test_brackets_within_texts_are_not_counted():
    text = json.dumps({"a": "[" * 100 + '\\"{'})

    assert bounded_json(text.encode()) == {"a": "[" * 100 + '\\"{'}
    deep = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    bounded_json(deep.encode())
    with pytest.raises(ValueError, match="nested too deeply"):
        bounded_json(f"[{deep}]".encode())


# --- another version -------------------------------------------------------------


def test_another_version_is_named_with_who_wrote_it(path):
    strange(path, {**PARTS, "new.json": b"{}"}, watchfloor_bundle=99, watchfloor="9.1")

    assert refused(path) == (
        "is a bundle of version 99, written by Watchfloor 9.1; this one reads version "
        f"{VERSION}: use that Watchfloor; nothing of it was used"
    )


@pytest.mark.parametrize("version", ["1", None, True, 1.0, [1]])
def test_a_version_that_is_none_is_no_version(path, version):
    strange(path, PARTS, watchfloor_bundle=version)

    assert "does not say of which version" in refused(path)


# --- hostile ---------------------------------------------------------------------

NAMES = [
    "../evil",
    "..",
    "/etc/passwd",
    "a/b.json",
    "..\\evil",
    "C:\\evil",
    "C:evil",
    "run.json/",
    "\x1b[31mrun.json",
    "run.json\u202e",
    "run\u2044evil",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_out_or_is_forged_is_refused(path, name):
    strange(path, {**PARTS, name: b"{}"})

    said = refused(path)
    assert said.startswith("is hostile: it holds a file ")
    assert said.isprintable()


def test_a_name_that_ends_early_is_refused(path):
    strange(path, {**PARTS, "run.jsonX": b"{}"})
    path.write_bytes(path.read_bytes().replace(b"run.jsonX", b"ru.json\0X"))

    assert "forged name" in refused(path)


def test_a_member_that_no_bundle_has_is_refused(path):
    strange(path, {**PARTS, "setup.sh": b"rm"})

    assert refused(path).startswith(
        "is hostile: it holds setup.sh, which no bundle does"
    )


def test_a_member_that_is_there_twice_is_refused(path):
    strange(path, PARTS)
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(path, "a") as file,
    ):
        file.writestr("run.json", "{}")

    assert refused(path).startswith("is hostile: run.json is in it twice")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO])
def test_a_member_that_is_no_plain_file_is_refused(path, kind):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(MANIFEST, manifest_of(PARTS))
        head = zipfile.ZipInfo("run.json")
        head.external_attr = (kind | 0o777) << 16
        file.writestr(head, "/etc/passwd")

    assert "run.json is no plain file" in refused(path)


def test_a_bomb_is_refused_before_it_is_unpacked(path):
    strange(path, {**PARTS, "journeys.json": b" " * 3_900_000})

    assert refused(path).startswith(
        "is hostile: journeys.json would unpack to 3,900,000"
    )


def test_a_member_larger_than_any_is_refused(path):
    strange(path, {**PARTS, "run.json": os.urandom(300_000)})

    assert "run.json is larger than 262,144 bytes" in refused(path)


def test_a_bomb_that_lies_about_its_size_is_refused(path):
    strange(path, {**PARTS, "journeys.json": b" " * 3_900_000})
    content = path.read_bytes()
    path.write_bytes(
        content.replace(struct.pack("<L", 3_900_000), struct.pack("<L", 900))
    )

    refused(path)


def test_all_members_together_are_bounded(path):
    large = os.urandom(3_000) * 1_300
    strange(path, {**PARTS, **dict.fromkeys(("f1", "f2", "f3", "f4"), large)})

    assert refused(path).startswith("is hostile: unpacked it would be 15,6")


def test_a_file_larger_than_any_bundle_is_not_looked_into(path):
    with path.open("wb") as file:
        file.truncate(MOST_FILE_BYTES + 1)

    assert "which no bundle is" in refused(path)


def test_too_many_files_are_refused_by_what_the_end_says(path):
    strange(path, {**PARTS, **{f"f{number}": b"" for number in range(100)}})

    assert "it says it holds 1" in refused(path)


def test_a_directory_of_files_longer_than_it_says_is_refused(path):
    strange(path, {**PARTS, **{f"f{number}": b"" for number in range(3_000)}})
    content = bytearray(path.read_bytes())
    struct.pack_into("<HH", content, len(content) - 14, 14, 14)
    path.write_bytes(content)

    assert refused(path).startswith("is no bundle: it says it holds 14 files")


@pytest.mark.parametrize("where", ["before", "after"])
def test_nothing_else_hides_in_the_file(path, where):
    content, more = whole(), b"#!/bin/sh\n"
    path.write_bytes(b"PK" + more + content if where == "before" else content + more)

    refused(path)


def test_a_comment_is_no_part_of_a_bundle(path):
    strange(path, PARTS)
    with zipfile.ZipFile(path, "a") as file:
        file.comment = b"\x1b]0;owned\x07"

    assert "no end that a bundle has" in refused(path)


def test_an_encrypted_bundle_is_said_to_be_one(path):
    content = bytearray(whole())
    for mark, flag_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + flag_at] |= 1
            at = content.find(mark, at + 4)
    path.write_bytes(content)

    assert refused(path).startswith("is encrypted: manifest.json wants a password")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_way_of_packing_is_refused(path, method):
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr(MANIFEST, manifest_of(PARTS))

    assert "packed in a way that Watchfloor never packs" in refused(path)


def test_a_place_in_a_far_larger_file_is_not_gone_to(path):
    content = whole()
    far = b"PK\x06\x07" + b"\0" * 16
    path.write_bytes(content[:-22] + far + content[-22:])

    refused(path)


# --- files -----------------------------------------------------------------------


def test_what_is_not_there_is_said(path):
    assert refused(path).startswith("cannot be read: No such file")


def test_a_pipe_is_no_bundle_and_nobody_waits_for_it(path):
    os.mkfifo(path)

    assert refused(path).startswith("is no plain file")


def test_a_link_to_a_bundle_is_read(path):
    real = path.with_name("real.zip")
    real.write_bytes(whole())
    path.symlink_to(real)

    assert read_bundle(path).manifest["run"] == "r"


# --- the last look ---------------------------------------------------------------


@pytest.mark.parametrize("what", ["Hunter-TWO", "+4915112345678"])
def test_what_must_not_leave_stops_the_bundle(what):
    with pytest.raises(ConfigError, match="would have told a secret or a person"):
        packed(
            {**PARTS, "triage.txt": f"so {what}".lower().encode()},
            ABOUT,
            {what.lower()},
        )


def test_an_address_stops_the_bundle_also_one_in_a_picture_told_apart():
    with pytest.raises(ConfigError, match="would have told an address"):
        packed({**PARTS, "triage.txt": b"ask jane@example.com"}, ABOUT)
    split = b"<svg><text>+491511</text><text>2345678</text></svg>"
    with pytest.raises(ConfigError, match="a secret or a person"):
        packed({**PARTS, "screen.svg": split}, ABOUT, {"+4915112345678"})


def test_a_member_too_large_is_not_written():
    with pytest.raises(ConfigError, match=r"run\.json would have .* --since"):
        packed({**PARTS, "run.json": b"x" * 300_000}, ABOUT)
