"""The report at a terminal and in the log of a build."""

from __future__ import annotations

import pytest

from mbe_docs.registry.gate import Gate, judge
from mbe_docs.reports.text import REPORT, log_line
from mbe_docs.text import terminal_safe
from tests.gate.diffs import diff, row
from tests.reports.diffs import check_golden, hostile, varied


def test_a_diff_of_every_kind_of_row():
    """Golden: verdict first, worst to best, then what is not compared and which exceptions are stale."""
    check_golden("text.txt", REPORT.render(varied()))


def test_no_name_reaches_the_terminal():
    """No control, bidi or invisible character, and a line stays a line."""
    text = REPORT.render(hostile())

    assert terminal_safe(text) == text
    assert "line one␊line two" in text


def test_no_name_is_a_command_of_a_github_runner():
    """A runner reads the log of every step: `::` after white space, `##[` anywhere."""
    lines = REPORT.render(hostile()).splitlines()

    assert [line for line in lines if line.lstrip().startswith("::") or "##[" in line] == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  ::error::x", "·   ::error::x"),
        ("a ::error::x", "a ::error::x"),
        ("a ##[group]x", "a ## [group]x"),
        ("plain", "plain"),
    ],
)
def test_a_line_of_a_log_is_no_command(line, expected):
    """Only what would act is changed, visibly."""
    assert log_line(line) == expected


def test_nothing_new_is_one_line_and_its_note():
    """A baseline without newer runs."""
    text = REPORT.render(diff(notes=("nothing new since blessing: adds",)))

    assert text == "Atlas 1 → Atlas 2\nNothing new since blessing.\n\nnothing new since blessing: adds\n"


def test_an_unpaired_row_counts_no_samples_in_common():
    """There are none."""
    text = REPORT.render(judge(diff(row(mode="unpaired", n_common=0)), Gate()))

    assert "in common" not in text
