"""Test cases of JUnit XML, one at a time: what the file says of each, and of the suite around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # types only; defusedxml parses

from defusedxml import DefusedXmlException, ElementTree

from mbe_docs.records.evals import Outcome
from mbe_docs.sources.decoding import DocumentError

SUITES = frozenset({"testsuite", "testsuites"})


class RefusedError(Exception):
    """The file is XML that must not be read."""


@dataclass(slots=True)
class Suite:
    """A suite; one around another lends it what it does not say itself."""

    attributes: dict[str, str]
    properties: dict[str, str]
    parent: Suite | None = None
    cases: int = 0
    """Read so far, those of inner suites included."""

    def count(self) -> None:
        """One more case, here and in the suites around."""
        self.cases += 1
        if self.parent:
            self.parent.count()

    def facts(self) -> dict[str, str]:
        """Properties, those of the suites around it included."""
        return {**(self.parent.facts() if self.parent else {}), **self.properties}

    def attribute(self, name: str) -> str | None:
        """An attribute, or that of the suite around it."""
        return self.attributes.get(name) or (self.parent.attribute(name) if self.parent else None)


@dataclass(slots=True)
class Case:
    """One test case."""

    name: str
    suite: Suite
    seconds: str | None
    properties: dict[str, str]
    value: float | None
    label: str
    outcome: Outcome
    message: str
    output: str
    is_teardown: bool
    """Whether only the clean-up after the test failed: pytest writes it as a second case."""


@dataclass(slots=True)
class _Level:
    element: Element
    suite: Suite | None


@dataclass(slots=True)
class CaseReader:
    """Reads the cases of a file in constant memory."""

    path: Path
    trouble: str | None = None
    """Why the cases end before the file does."""
    line: int | None = None
    _properties: list[dict[str, str]] = field(default_factory=list)
    """Of each suite in order: a writer may put them behind the cases."""

    def cases(self) -> Iterator[Case]:
        """The cases in file order.

        Raises:
            RefusedError: the file defines entities.
            DocumentError: it is not XML at all.
        """
        self._properties = self._all_properties()
        number = 0
        levels: list[_Level] = []
        for event, element in self._events():
            suite = levels[-1].suite if levels else None
            if event == "start":
                if _tag(element) in SUITES:
                    properties = self._properties[number] if number < len(self._properties) else {}
                    suite = Suite(dict(element.attrib), properties, suite)
                    number += 1
                levels.append(_Level(element, suite))
                continue
            levels.pop()
            parent = levels[-1] if levels else None
            if _tag(element) == "testcase" and suite is not None:
                suite.count()
                yield _case(element, suite)
            if parent is not None and _tag(parent.element) in SUITES:
                parent.element.remove(element)

    def _all_properties(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        levels: list[tuple[Element, int | None]] = []
        for event, element in self._events():
            tag, at = _tag(element), levels[-1][1] if levels else None
            if event == "start":
                if tag in SUITES:
                    found.append({})
                    at = len(found) - 1
                levels.append((element, None if tag == "testcase" else at))
                continue
            levels.pop()
            if tag == "property" and at is not None:
                found[at].update(_property(element))
            if levels and _tag(levels[-1][0]) in SUITES:
                levels[-1][0].remove(element)
        return found

    def _events(self) -> Iterator[tuple[str, Element]]:
        self.trouble, self.line, is_begun = None, None, False
        with self.path.open("rb") as file:
            try:
                # A document type without entities is allowed: some writers declare one.
                for event, element in ElementTree.iterparse(file, events=("start", "end")):
                    is_begun = True
                    yield event, element
            except DefusedXmlException as error:
                raise RefusedError(f"it declares entities ({type(error).__name__})") from error
            except ParseError as error:
                self.trouble, self.line = f"not well-formed XML: {error}", error.position[0]
            except (ValueError, LookupError) as error:
                self.trouble = f"not XML that can be read: {error}"
        if not is_begun:
            raise DocumentError(self.trouble or "it is empty")


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _property(element: Element) -> dict[str, str]:
    name = (element.get("name") or "").strip()
    value = element.get("value")
    return {name: (value if value is not None else element.text or "").strip()} if name else {}


def _case(element: Element, suite: Suite) -> Case:
    parts = {_tag(child): child for child in reversed(element)}
    value, label, outcome = verdict_of(parts)
    worst = next((parts[kind] for kind in ("failure", "error", "skipped") if kind in parts), None)
    message = worst.get("message") or worst.text or "" if worst is not None else ""
    name = element.get("name") or ""
    place = element.get("classname") or ""
    properties: dict[str, str] = {}
    for one in parts.get("properties", ()):
        properties |= _property(one)
    return Case(
        name=f"{place}::{name}" if place else name,
        suite=suite,
        seconds=element.get("time"),
        properties=properties,
        value=value,
        label=label,
        outcome=outcome,
        message=message,
        output=(parts["system-out"].text or "") if "system-out" in parts else "",
        is_teardown=label == "error" and message.startswith("failed on teardown"),
    )


def verdict_of(parts: dict[str, Any]) -> tuple[float | None, str, Outcome]:
    """Value, label and outcome of a case by its elements.

    An expected failure is a failure that was measured; so is a success that nobody expected. A case that was
    skipped, or expected to fail and therefore not run, was not measured.
    """
    if "failure" in parts:
        is_expected = (parts["failure"].get("message") or "").startswith("[XPASS(strict)]")
        return (1.0, "xpass", "scored") if is_expected else (0.0, "failed", "scored")
    if "error" in parts:
        return None, "error", "infra_error"
    if "skipped" in parts:
        message = parts["skipped"].get("message") or ""
        if message.startswith("xfail-marked test passes unexpectedly"):  # pytest before 3.0
            return 1.0, "xpass", "scored"
        if parts["skipped"].get("type") == "pytest.xfail" or message == "expected test failure":
            is_run = not message.startswith("[NOTRUN]")
            return (0.0, "xfail", "scored") if is_run else (None, "xfail", "unscored")
        return None, "skipped", "unscored"
    return 1.0, "passed", "scored"
