from __future__ import annotations

from typing import Any

from watchfloor.triage.bundled_evidence import codes_of_somebody, evidence_told
from watchfloor.triage.scrubbing import Scrubber


def tally(code, origin, attempts):
    return {"code": code, "origin": origin, "attempts": attempts}


def test_a_code_made_of_an_address_is_known_by_the_domain_beside_it():
    evidence: dict[str, Any] = {
        "whole": {
            "tallies": [
                tally("no_mailbox_jane_doe_example_com", "example.com", 1),
                tally("no_mailbox_jane_doe_example_com_too", "example.com", 9),
                tally("mailbox_full", "example.com", 1),
                tally("no_john_example_com", "example.com", 1),
            ]
        }
    }

    assert codes_of_somebody(evidence, "email", {"no_john_example_com"}) == {
        "no_mailbox_jane_doe_example_com"
    }


def test_a_code_made_of_an_id_is_known_by_its_figures():
    evidence = {"records": [tally("no_c_10023", "", 1), tally("http_503", "", 1)]}

    assert codes_of_somebody(evidence, "id", ()) == {"no_c_10023"}
    assert codes_of_somebody(evidence, "phone", ()) == frozenset()


def test_evidence_keeps_its_form_and_names_nobody():
    evidence: dict[str, Any] = {
        "format": 1,
        "as_of_ms": 1764291000000,
        "run": {"upload_name": "jane.csv", "campaign_name": "call +4915112345678"},
        "engine": {"host": "desk-of-jane", "epoch": 3},
        "setup": {"filter": 'name = "Jane"', "retry_share": 0.2},
        "events": [{"why": "ask jane@example.com", "origin": "desk tty1", "by": "ann"}],
        "whole": {"tallies": [tally("busy", "+49151", 3), tally("busy", "+4930", 3)]},
        "recent": {"tallies": [tally("busy", "+4930", 3), tally("gone", "+4930", 2)]},
        "rejects": [{"origin": "+12025", "rows": 4}, {"origin": "+1303", "rows": 5}],
    }

    told = evidence_told(evidence, Scrubber(b"k" * 32))

    assert told["as_of_ms"] == 1764291000000
    assert told["run"]["upload_name"] == "[upload]"
    assert told["run"]["campaign_name"].startswith("call person-")
    assert told["engine"] == {"host": "host", "epoch": 3}
    assert told["setup"] == {"filter": 'name = "[hidden]"', "retry_share": 0.2}
    assert told["events"][0]["why"].startswith("ask person-")
    assert (told["events"][0]["origin"], told["events"][0]["by"]) == ("", "ann")
    # A beginning that fewer than five share is nowhere named.
    assert told["whole"]["tallies"] == [tally("busy", "", 3)] * 2
    assert told["recent"]["tallies"] == evidence["recent"]["tallies"]
    assert [one["origin"] for one in told["rejects"]] == ["", "+1303"]
    assert evidence["run"]["upload_name"] == "jane.csv"
