"""JUnit XML, as CI systems read it."""

from __future__ import annotations

import dataclasses

import pytest
from defusedxml.ElementTree import fromstring

from mbe_docs.registry.gate import Gate, judge
from mbe_docs.reports.junit import REPORT
from mbe_docs.text import terminal_safe
from tests.gate.diffs import diff, row
from tests.reports.diffs import check_golden, hostile, varied


def outcome(case):
    return next((child.tag for child in case if child.tag != "system-out"), "passed")


def test_a_diff_of_every_kind_of_row():
    """Golden: a case a row, and one for each slice and exception that is a finding."""
    check_golden("junit.xml", REPORT.render(varied()))


def test_the_counts_are_those_of_the_cases():
    """Dashboards show the attributes and never count."""
    top = fromstring(REPORT.render(varied()))
    (suite,) = top

    assert suite.get("tests") == top.get("tests") == str(len(suite.findall("testcase")))
    assert suite.get("failures") == top.get("failures") == str(len(suite.findall("testcase/failure")))
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
    assert suite.get("errors") == top.get("errors") == "0"


@pytest.mark.parametrize(
    ("verdict", "fail_on", "expected"),
    [
        ("regressed", "regressed", "failure"),
        ("regressed", "never", "passed"),
        ("inconclusive", "regressed", "skipped"),
        ("inconclusive", "inconclusive", "failure"),
        ("refused", "regressed", "skipped"),
        ("improved", "regressed", "passed"),
        ("improved", "any-change", "failure"),
        ("unchanged", "any-change", "passed"),
    ],
)
def test_a_case_fails_as_the_gate_does(verdict, fail_on, expected):
    """Undecided below the bar is skipped: not known is no pass."""
    judged = judge(diff(row(verdict), row("unchanged", behavior="json")), Gate(fail_on))
    (suite,) = fromstring(REPORT.render(judged))

    assert outcome(suite.find("testcase")) == expected


def test_where_nothing_could_be_compared_every_row_is_an_error():
    """The exit code is 2 then."""
    (suite,) = fromstring(REPORT.render(judge(diff(row("refused")), Gate())))

    assert (suite.get("errors"), outcome(suite.find("testcase"))) == ("1", "error")


def test_an_accepted_finding_is_skipped_with_its_reason():
    """It is neither passed nor failed."""
    (suite,) = fromstring(REPORT.render(varied()))
    case = next(case for case in suite if case.get("classname") == "json")

    assert outcome(case) == "skipped"
    assert "accepted until 2026-12-23: a calculator does it" in case.find("skipped").text


def test_names_stay_text():
    """Any name gives XML that parses, with the name as it is shown."""
    judged = hostile()
    (suite,) = fromstring(REPORT.render(judged))

    assert [case.get("name") for case in suite][: len(judged.comparisons)] == [
        terminal_safe(judged.titles[one.behavior], one_line=True) for one in judged.comparisons
    ]
    assert {child.tag for case in suite for child in case} <= {"failure", "skipped", "system-out"}
    assert all(not list(child) for case in suite for child in case)


def test_a_diff_without_rows_is_an_empty_suite():
    """Nothing new since blessing."""
    text = REPORT.render(dataclasses.replace(diff(), notes=("nothing new",)))

    assert fromstring(text).get("tests") == "0"
