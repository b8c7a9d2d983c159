"""The report for programs."""

from __future__ import annotations

import json

from mbe_docs.records.estimates import Comparison
from mbe_docs.reports.json_v1 import REPORT
from tests.reports.diffs import HOSTILE, check_golden, hostile, varied


def test_a_diff_of_every_kind_of_row():
    """Golden: `json-v1` never loses a field."""
    check_golden("json-v1.json", REPORT.render(varied()))


def test_rows_are_records_of_the_registry():
    """What `registry.json` holds is read alike."""
    rows = json.loads(REPORT.render(varied()))["comparisons"]

    assert [Comparison.model_validate(entry) for entry in rows] == list(varied().comparisons)


def test_findings_have_code_place_and_fix():
    """A bot needs no other format."""
    found = json.loads(REPORT.render(varied()))

    assert (found["exit_code"], found["fail_on"]) == (1, "regressed")
    assert found["findings"][0] == {
        "code": "MBE301",
        "severity": "error",
        "problem": "Adds two numbers: worse: 93\u202f% → 87\u202f%, −6\u202fpts [−11, −1]",
        "fix": "keep the old model, or mend what calls it; or accept it in behaviors/exceptions.yaml with a reason and a last day",
        "path": "behaviors/adds.md",
        "line": 6,
        "behavior": "adds",
        "slice": None,
        "verdict": "regressed",
        "accepted": None,
    }


def test_names_are_exact_and_ascii():
    """A program gets the name as it is, a terminal nothing to act on."""
    text = REPORT.render(hostile())

    assert text.isascii()
    assert set(json.loads(text)["notes"]) == set(HOSTILE)
    assert not any((ord(char) < 32 and char != "\n") or ord(char) == 127 for char in text)
