"""SARIF 2.1.0, held against the parts of its schema that we use."""

from __future__ import annotations

import json
import re

import jsonschema

from mbe_docs.registry.gate import RULES
from mbe_docs.reports.sarif import REPORT
from tests.reports.diffs import HOSTILE, check_golden, hostile, varied

TEXT = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string", "minLength": 1}},
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
PLACE = {
    "type": "object",
    "required": ["physicalLocation"],
    "additionalProperties": False,
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "uri": {"type": "string", "pattern": r"^[A-Za-z0-9%/._~-]+$"},
                        "uriBaseId": {"const": "%SRCROOT%"},
                    },
                },
                "region": {
                    "type": "object",
                    "required": ["startLine"],
                    "additionalProperties": False,
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        },
        "logicalLocations": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"fullyQualifiedName": {"type": "string"}, "kind": {"type": "string"}},
            },
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "automationDetails": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"id": {"type": "string"}},
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["executionSuccessful"],
                            "additionalProperties": False,
                            "properties": {
                                "executionSuccessful": {"type": "boolean"},
                                "exitCode": {"type": "integer"},
                            },
                        },
                    },
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "name": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "defaultConfiguration": {
                                                    "type": "object",
                                                    "additionalProperties": False,
                                                    "properties": {"level": LEVEL},
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": LEVEL,
                                "message": TEXT,
                                "locations": {"type": "array", "items": PLACE},
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                },
                                "suppressions": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["kind"],
                                        "additionalProperties": False,
                                        "properties": {
                                            "kind": {"enum": ["inSource", "external"]},
                                            "status": {"enum": ["accepted", "underReview", "rejected"]},
                                            "justification": {"type": "string"},
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
"""A subset of sarif-schema-2.1.0.json (OASIS), names and types as there; the formats are its own."""


def results(text):
    return json.loads(text)["runs"][0]["results"]


def test_a_diff_of_every_kind_of_row():
    """Golden, but for the version of this program."""
    text = re.sub(r'("name": "mbe-docs",(?s:.*?)"version": )"[^"]+"', r'\1"…"', REPORT.render(varied()))

    check_golden("sarif.json", text)


def test_it_is_sarif():
    """Required properties, enumerations and nothing that the schema does not know."""
    jsonschema.validate(json.loads(REPORT.render(varied())), SCHEMA)
    jsonschema.validate(json.loads(REPORT.render(hostile())), SCHEMA)


def test_rules_and_results_agree():
    """An index is that of its rule; a run without results names the rules all the same."""
    run = json.loads(REPORT.render(varied()))["runs"][0]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]

    assert ids == list(RULES)
    assert all(ids[one["ruleIndex"]] == one["ruleId"] for one in run["results"])


def test_an_accepted_finding_is_suppressed():
    """Code scanning closes its alert, with the reason."""
    found = [one for one in results(REPORT.render(varied())) if "suppressions" in one]

    assert [one["suppressions"] for one in found] == [
        [
            {
                "kind": "external",
                "status": "accepted",
                "justification": "until 2026-12-23: a calculator does it",
            }
        ]
    ]


def test_fingerprints_are_stable_and_different():
    """An alert stays the same alert as long as behavior, slice and pair are the same."""
    first, second = (results(REPORT.render(varied())) for _ in range(2))
    prints = [one["partialFingerprints"]["mbeDocs/v1"] for one in first]

    assert prints == [one["partialFingerprints"]["mbeDocs/v1"] for one in second]
    assert len(set(prints)) == len(prints)


def test_no_name_is_a_link_or_a_placeholder():
    """§3.11.6 and §3.11.5: `](` begins a link's target, single braces a placeholder."""
    for one in results(REPORT.render(hostile())):
        text = one["message"]["text"]
        assert "](" not in text
        assert not re.search(r"(?<!\{)(?:\{\{)*\{(?!\{)", text)


def test_the_file_is_ascii_and_holds_the_names():
    """Nothing for a terminal; readers see the name as it is shown."""
    text = REPORT.render(hostile())

    assert text.isascii()
    assert any("line one␊line two" in one["message"]["text"] for one in results(text))
    assert len(HOSTILE) < len(results(text))
