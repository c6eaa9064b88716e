from __future__ import annotations

import gzip
import json
import sys

import pyarrow.parquet  # type: ignore[import-untyped]  # carries no types
import pytest

from watchfloor.domain.errors import ConfigError
from watchfloor.store.archive.archive import open_archive
from watchfloor.store.archive.columns import SCHEMA, told
from watchfloor.store.archive.drafts import Draft, Slice, discard
from watchfloor.store.archive.formats import Format, best_format
from watchfloor.store.archive.manifest import FILE
from watchfloor.store.archive.places import archive_of, draft_of
from watchfloor.store.archive.private_files import sha256_of
from watchfloor.store.archive.tallies import HOUR_MS, MOST_LINES, OTHER_CODES, Tally

NOW_MS = 1_763_840_000_123
ABOUT = {"run_id": "run-1", "books": {"records": 2}}
#: What an upload may hold: all of it comes back as it was.
HOSTILE = {
    "name": "\x00nul\x1b[31m",
    "Name": "twice but for a capital",
    "a.b": "dots",
    'quo"te': "=cmd|' /C calc'!A0",
    "\u202egpj": "\u2066bidi\u200b",
    "": "no name",
    "long": "x" * 10_240,
    "emoji 🎈": "東京 \U0001d518",
}


def record(seq, contact="c1", state="delivered", fields=None):
    fields = {"id": contact} if fields is None else fields
    line = (seq, seq + 1, contact, state, "call", 1, "delivered", "ok")
    return (*line, NOW_MS, None, fields)


def attempt(seq, number=1, detail=""):
    line = (seq, number, "call", "delivered", "ok", NOW_MS, NOW_MS + 40, 40)
    return (*line, "id-1", detail, "")


def piece(*records, attempts=()):
    report = Tally()
    for one in attempts:
        report.count(0, 1, one[4], one[5], one[7])
    states = [one[3] for one in records]
    return Slice(records, attempts, records[-1][0], states, report)


@pytest.fixture(params=list(Format))
def form(request):
    return request.param


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "archive" / "run-1"


def drafted(folder, form, about=ABOUT):
    return Draft(folder.with_name(".run-1.partial"), about, form)


def made(folder, form, *parts, about=ABOUT):
    draft = drafted(folder, form, about)
    for slices in parts:
        assert draft.add_part([slices])
    return draft.finish(folder)


def part_files(folder):
    return sorted(path for path in folder.iterdir() if path.name != FILE)


def test_what_was_written_comes_back_in_order(folder, form):
    first = piece(
        record(1), record(2, "c2", "failed"), attempts=[attempt(1), attempt(2)]
    )
    second = piece(record(5, "c5"), attempts=[attempt(5), attempt(5, 2)])
    manifest = made(folder, form, first, second)

    archive = open_archive(folder)

    assert archive.manifest == manifest
    assert [one["seq"] for one in archive.records()] == [1, 2, 5]
    assert [(one["seq"], one["number"]) for one in archive.attempts()] == [
        (1, 1),
        (2, 1),
        (5, 1),
        (5, 2),
    ]
    assert next(archive.records()) == {
        "seq": 1,
        "row_no": 2,
        "contact": "c1",
        "state": "delivered",
        "step": "call",
        "attempts": 1,
        "outcome_class": "delivered",
        "code": "ok",
        "first_at": "2025-11-22T19:33:20.123Z",
        "updated_at": None,
        "fields": {"id": "c1"},
    }
    assert next(archive.attempts())["took_ms"] == 40
    assert (manifest.records, manifest.attempts) == (3, 4)
    assert manifest.states == {"delivered": 2, "failed": 1}
    assert [line.attempts for line in manifest.report] == [4]


def test_hostile_text_comes_back_as_it_was(folder, form):
    contact, detail = "\x00\x1b[2J\u202e+1415", "\ufffd" + "d" * 10_240
    hostile = piece(
        record(1, contact, fields=HOSTILE), attempts=[attempt(1, detail=detail)]
    )
    made(folder, form, hostile)

    archive = open_archive(folder)

    [found] = archive.records()
    assert (found["contact"], found["fields"]) == (contact, HOSTILE)
    assert list(found["fields"]) == list(HOSTILE)
    assert next(archive.attempts())["detail"] == detail


def test_another_tool_reads_the_parquet_files(folder):
    hostile = piece(record(1, fields=HOSTILE), attempts=[attempt(1)])
    made(folder, Format.PARQUET, hostile)

    records = pyarrow.parquet.read_table(folder / "records-00001.parquet")
    attempts = pyarrow.parquet.read_table(folder / "attempts-00001.parquet")

    assert records.column_names == [column.name for column in SCHEMA["records"]]
    assert str(records.schema.field("first_at").type) == "timestamp[ms, tz=UTC]"
    [row] = records.to_pylist()
    assert row["first_at"].timestamp() * 1000 == pytest.approx(NOW_MS)
    assert json.loads(row["fields"]) == HOSTILE
    assert attempts.to_pylist()[0]["provider_id"] == "id-1"


def test_another_tool_reads_the_json_lines(folder):
    hostile = piece(record(1, fields=HOSTILE), record(2), attempts=[attempt(1)])
    made(folder, Format.JSON_LINES, hostile)

    with gzip.open(folder / "records-00001.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines.read().split("\n") if line]

    assert [row["seq"] for row in rows] == [1, 2]
    assert rows[0]["fields"] == HOSTILE
    assert rows[0]["first_at"] == told(NOW_MS)


def test_the_same_rows_give_the_same_bytes(tmp_path, form):
    places = [tmp_path / name / "run-1" for name in ("one", "two")]
    for place in places:
        place.parent.mkdir()
        made(place, form, piece(record(1), attempts=[attempt(1)]))

    one, two = ([sha256_of(path) for path in sorted(p.iterdir())] for p in places)

    assert one == two


def test_nobody_else_may_read_an_archive(folder, form):
    made(folder, form, piece(record(1)))

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_run_without_records_has_a_whole_archive_of_nothing(folder, form):
    draft = drafted(folder, form)
    assert not draft.add_part([])
    draft.finish(folder)

    archive = open_archive(folder)

    assert list(archive.records()) == list(archive.attempts()) == []
    assert part_files(folder) == []


def test_whole_parts_of_a_draft_are_kept_and_half_ones_are_not(folder, form):
    draft = drafted(folder, form)
    draft.add_part([piece(record(1)), piece(record(4), attempts=[attempt(4)])])
    with pytest.raises(OSError, match="no room"):
        draft.add_part(failing(piece(record(5))))

    again = drafted(folder, form)

    assert again.parts == draft.parts
    assert (again.records, again.last_seq) == (2, 4)
    assert again.add_part([piece(record(5))])
    assert again.finish(folder).records == 3
    assert [one["seq"] for one in open_archive(folder).records()] == [1, 4, 5]


def failing(slices):
    yield slices
    raise OSError(28, "no room")


def test_a_part_that_was_damaged_since_is_made_again_with_all_after_it(folder, form):
    draft = drafted(folder, form)
    for seq in (1, 2, 3):
        draft.add_part([piece(record(seq))])
    (path,) = draft.folder.glob("records-00002.*")
    path.write_bytes(path.read_bytes()[:-1])

    again = drafted(folder, form)

    assert again.last_seq == 1


def test_a_draft_of_another_account_or_format_is_begun_anew(folder):
    for other in (Format.JSON_LINES, Format.PARQUET):
        drafted(folder, other).add_part([piece(record(1))])
    assert drafted(folder, Format.PARQUET).records == 1

    again = drafted(folder, Format.PARQUET, {**ABOUT, "books": {"records": 3}})

    assert again.records == 0


def test_a_part_file_is_never_written_through_a_link(folder, tmp_path, form):
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    draft = drafted(folder, form)
    (draft.folder / f"records-00001.{form}").symlink_to(target)

    draft.add_part([piece(record(1))])

    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_archive_is_told_and_not_read(folder, form, damage):
    made(folder, form, piece(record(1), attempts=[attempt(1)]))
    path = part_files(folder)[0]
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        last = b"" if damage == "cut" else bytes([content[-1] ^ 1])
        path.write_bytes(content[:-1] + last)

    with pytest.raises(ConfigError, match=rf"is damaged: {path.name}.*from a backup"):
        open_archive(folder)


def test_a_manifest_that_is_not_the_one_the_history_knows_is_told(folder, form):
    made(folder, form, piece(record(1)))
    known = sha256_of(folder / FILE)
    open_archive(folder, sha256=known)
    (folder / FILE).write_bytes((folder / FILE).read_bytes() + b" ")

    with pytest.raises(ConfigError, match=r"is damaged: manifest\.json"):
        open_archive(folder, sha256=known)


@pytest.mark.parametrize(
    ("told_", "why"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ("{}", "KeyError"),
        ('{"watchfloor_archive": 99}', "of version 99"),
        ('{"watchfloor_archive": 1, "purged": true}', "was purged"),
    ],
)
def test_a_folder_that_is_no_archive_is_told(folder, told_, why):
    folder.mkdir(parents=True)
    (folder / FILE).write_text(told_, encoding="utf-8")

    with pytest.raises(ConfigError, match=rf"{why}.*[Nn]othing was read"):
        open_archive(folder)


def test_a_folder_that_is_not_there_is_told(folder):
    with pytest.raises(ConfigError, match="is no archive"):
        open_archive(folder)


def test_an_archive_from_elsewhere_cannot_point_out_of_itself(folder, form):
    made(folder, form, piece(record(1)))
    path = folder / FILE
    name = part_files(folder)[0].name
    path.write_text(path.read_text().replace(name, "../../etc/passwd"))

    with pytest.raises(ConfigError, match="is no name of a part file"):
        open_archive(folder)


def test_without_pyarrow_archives_are_json_lines_and_parquet_says_what_to_do(
    folder, monkeypatch
):
    assert best_format() is Format.PARQUET
    made(folder, Format.PARQUET, piece(record(1)))
    monkeypatch.setitem(sys.modules, "watchfloor.store.archive.parquet", None)

    assert best_format() is Format.JSON_LINES
    with pytest.raises(ConfigError, match=r"pip install 'watchfloor\[parquet\]'"):
        next(open_archive(folder).records())


def test_a_report_adds_up_and_knows_the_hour():
    tally = Tally()
    hour = NOW_MS - NOW_MS % HOUR_MS
    for at_ms in (hour, hour + HOUR_MS - 1, hour + HOUR_MS):
        tally.count(0, 1, "ok", at_ms, 10)
    tally.count(0, 2, "busy", hour, 5)

    both = Tally([*tally.lines, *tally.lines])

    assert [tuple(line) for line in both.lines] == [
        (0, 1, "ok", hour, 4, 40),
        (0, 1, "ok", hour + HOUR_MS, 2, 20),
        (0, 2, "busy", hour, 2, 10),
    ]


def test_a_provider_that_invents_codes_makes_no_endless_report():
    tally = Tally()
    for number in range(MOST_LINES + 500):
        tally.count(0, 3, f"code{number}", NOW_MS, 1)

    lines = tally.lines

    assert len(lines) == MOST_LINES + 1
    assert sum(line.attempts for line in lines) == MOST_LINES + 500
    assert [line.attempts for line in lines if line.code == OTHER_CODES] == [500]


@pytest.mark.parametrize("run_id", ["..", "../../x", ".hidden", "", "a/b", "x" * 300])
def test_no_id_of_a_run_leads_out_of_the_folder_of_archives(layout, run_id):
    for place in (archive_of(layout, run_id), draft_of(layout, run_id)):
        assert place.parent == layout.root / "archive"
        assert place.resolve() == place
        assert len(place.name) < 200


def test_discarding_what_is_not_there_changes_nothing(folder):
    discard(folder)

    assert not folder.exists()
