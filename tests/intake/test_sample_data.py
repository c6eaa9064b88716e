from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from watchfloor.intake.audience_file import AudienceReader
from watchfloor.intake.campaign_file import parse_campaign

SAMPLES = Path(__file__).parents[2] / "sample_data"
CAMPAIGNS = sorted(SAMPLES.glob("*.toml"))

#: Ranges that regulators keep free for fiction: they ring nowhere.
FICTION = re.compile(
    r"\+1\d{3}55501\d\d|\+44(?:20794[6]0|1\d{2}4960)\d{3}|\+612555\d{5}"
    r"|\+61491570\d{3}|\+33199 ?00\d{4}|\+4930 ?23125\d{3}|\+4989 ?99998\d{3}"
    r"|\+468465004\d\d|\+4670174\d{4}"
)


def campaign(name):
    path = SAMPLES / f"{name}.toml"
    return parse_campaign(path.read_text(encoding="utf-8"), path.name)


def extraction(upload, name):
    with AudienceReader(SAMPLES / upload, campaign(name).audience) as reader:
        batches = list(reader.batches())
    return (
        [one for batch in batches for one in batch.candidates],
        [one for batch in batches for one in batch.rejects],
    )


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_every_campaign_is_without_mistake_and_published(path):
    found = parse_campaign(path.read_text(encoding="utf-8"), path.name)

    assert found.published


def test_the_five_campaigns_are_there():
    assert [path.stem for path in CAMPAIGNS] == [
        "messy",
        "reminder",
        "strategy",
        "ten-thousand",
        "webhook",
    ]


@pytest.mark.parametrize(
    ("upload", "name", "records"),
    [
        ("clean-200.csv", "reminder", 200),
        ("clean-200.csv", "strategy", 200),
        ("clean-200.csv", "webhook", 200),
        ("ten-thousand.csv", "ten-thousand", 10_000),
    ],
)
def test_a_clean_upload_is_clean_and_without_duplicates(upload, name, records):
    candidates, rejects = extraction(upload, name)

    assert rejects == []
    assert len({one.digest for one in candidates}) == len(candidates) == records


@pytest.mark.parametrize(
    ("upload", "valid", "duplicates", "invalid"),
    [
        ("messy.csv", 107, 7, 41),
        ("messy-latin1.csv", 38, 1, 2),
        ("messy-utf16.csv", 38, 0, 2),
    ],
)
def test_a_messy_upload_is_read_to_its_end(upload, valid, duplicates, invalid):
    candidates, rejects = extraction(upload, "messy")

    seen = Counter(one.digest for one in candidates)
    assert len(candidates) == valid
    assert seen.total() - len(seen) == duplicates
    assert len(rejects) == invalid


def test_the_messy_upload_holds_every_trouble_it_promises():
    candidates, rejects = extraction("messy.csv", "messy")

    text = "".join(one.raw for one in candidates)
    for trouble in ("\x1b]52;", "[@click=app.quit]", "\u202e", "\u200b", "=cmd"):
        assert trouble in text
    reasons = {one.reason for one in rejects}
    for reason in (
        "spreadsheet notation: digits are lost; export the column as text",
        "letters in a phone number; write digits",
        "a NUL byte in the row",
        "bytes in the row that are not utf-8",
        "a quote is not closed",
        "a quote is in the wrong place",
        "a cell longer than 16,384 characters",
        "too few cells: 2 for 9 columns",
        "too many cells: 12 for 9 columns",
        "the required column 'first_name' is empty",
    ):
        assert reason in reasons


@pytest.mark.parametrize(
    ("upload", "name"),
    [
        ("clean-200.csv", "reminder"),
        ("ten-thousand.csv", "ten-thousand"),
        ("messy.csv", "messy"),
        ("messy-latin1.csv", "messy"),
        ("messy-utf16.csv", "messy"),
    ],
)
def test_every_number_is_reserved_for_fiction(upload, name):
    candidates, _ = extraction(upload, name)

    for one in candidates:
        assert FICTION.fullmatch(one.contact.partition(";")[0]), one.contact


def test_the_demos_pilot_goes_no_faster_than_the_run_it_is_the_pilot_of():
    pilot, steady = campaign("demo/pilot"), campaign("demo/steady")

    # Else the first run that anybody watches would read slow since its start.
    assert pilot.campaign_id == steady.campaign_id
    assert pilot.limits == steady.limits
