"""Annotations of a GitHub job."""

from __future__ import annotations

import re

from mbe_docs.reports.github import REPORT
from mbe_docs.text import terminal_safe
from tests.reports.diffs import HOSTILE, check_golden, hostile, varied

COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-z]+=[^,:]*,?)+)::(.*)")


def test_a_diff_of_every_kind_of_row():
    """Golden: the verdict as a line of the log, then the annotations, those that count first."""
    check_golden("github.txt", REPORT.render(varied()))


def test_every_finding_is_one_command():
    """Whatever is in a name: nothing ends a command early, and none begins another one."""
    diff = hostile()
    lines = REPORT.render(diff).splitlines()
    commands = [line for line in lines if line.lstrip().startswith("::")]

    assert len(commands) == len(diff.findings)
    assert all(COMMAND.fullmatch(line) for line in commands)
    assert len(lines) == 1 + len(diff.findings) + len(HOSTILE)


def test_no_other_line_is_a_command():
    """Notes and headline hold names, too."""
    others = [line for line in REPORT.render(hostile()).splitlines() if not COMMAND.fullmatch(line)]

    assert [line for line in others if line.lstrip().startswith("::") or "##[" in line] == []


def test_nothing_reaches_the_terminal():
    """The log of a job is read in terminals as well."""
    text = REPORT.render(hostile())

    assert terminal_safe(text) == text


def test_percent_is_escaped_before_all_else():
    """`%0A` in a name is no line end when the runner reads it back."""
    lines = REPORT.render(hostile(texts=("%0A::warning::boo",))).splitlines()
    command = next(COMMAND.fullmatch(line) for line in lines if line.startswith("::"))

    assert "file=behaviors/%250A%3A%3Awarning%3A%3Aboo.md" in command[2]
    assert command[3].startswith("%250A::warning::boo")
    assert command[3].count("%0A") == 1


def test_an_annotation_stands_at_the_measure():
    """File and line of the behavior, relative to the project."""
    line = REPORT.render(varied()).splitlines()[1]

    assert line.startswith("::error file=behaviors/adds.md,line=6,title=MBE301 A behavior got worse::")
