"""A diff as JUnit XML: a test case a row, and one for each slice and exception that is a finding."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mbe_docs.registry.diff import Diff, GateFinding
from mbe_docs.registry.gate import RULES, UNDECIDED, sentence
from mbe_docs.text import terminal_safe

_OF_A_ROW: Final = frozenset({"MBE301", "MBE303", "MBE304", "MBE305", "MBE308"})


class _JUnit:
    name = "junit"

    def render(self, diff: Diff) -> str:
        """Failures are what counts; undecided and not comparable rows that do not count are skipped.

        Where nothing at all could be compared every row is an error.
        """
        suite = Element("testsuite", name=_safe(f"mbe-docs diff {diff.old} {diff.new}"))
        rows = {(f.behavior, f.slice): f for f in diff.findings if f.code in _OF_A_ROW}
        for row in diff.comparisons:
            case = _case(suite, diff, row.behavior, diff.title(row))
            finding = rows.get((row.behavior, row.slice))
            if diff.exit_code == 2:
                _outcome(case, "error", finding, sentence(row))
            elif finding is not None and finding.severity == "error":
                _outcome(case, "failure", finding)
            elif finding is not None and (finding.accepted or finding.code in UNDECIDED):
                _outcome(case, "skipped", finding)
            else:
                SubElement(case, "system-out").text = _safe(sentence(row))
        for finding in diff.findings:
            if finding.code not in _OF_A_ROW:
                part = f" [{finding.slice}]" if finding.slice else ""
                name = f"{finding.behavior}{part}: {RULES[finding.code]}"
                case = _case(suite, diff, finding.behavior, name)
                _outcome(case, "failure" if finding.severity == "error" else "skipped", finding)
        top = Element("testsuites")
        top.append(suite)
        for element in (suite, top):
            for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
                element.set(key, str(len(list(suite.iter(tag)))))
        suite.set("skipped", str(len(list(suite.iter("skipped")))))
        indent(top, " ")
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(top, encoding="unicode") + "\n"


REPORT = _JUnit()


def _case(suite: Element, diff: Diff, behavior: str, name: str) -> Element:
    case = SubElement(suite, "testcase", classname=_safe(behavior), name=_safe(name))
    place = diff.places.get(behavior)
    if place is not None:
        case.set("file", _safe(place.path))
        if place.line is not None:
            case.set("line", str(place.line))
    return case


def _outcome(case: Element, tag: str, finding: GateFinding | None, text: str = "") -> None:
    problem = finding.problem if finding else text
    outcome = SubElement(case, tag, message=_safe(problem))
    if finding is None:
        return
    if tag != "skipped":
        outcome.set("type", finding.code)
    more = f"accepted {finding.accepted}" if finding.accepted else f"fix: {finding.fix}"
    outcome.text = _safe(f"{finding.code}: {problem}; {more}")


def _safe(text: str) -> str:
    """Text of characters that XML 1.0 has."""
    return terminal_safe(text, one_line=True)
