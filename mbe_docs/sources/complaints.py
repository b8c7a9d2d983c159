"""Findings of one file, counted: the first of a kind are shown, the rest become one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mbe_docs.errors import Location
from mbe_docs.records.findings import Finding, Severity

SHOWN = 20
"""Findings of one code that are given one by one; a damaged file may hold a million."""


@dataclass(slots=True)
class Complaints:
    """Makes the findings of one file."""

    path: str
    counts: dict[str, int] = field(default_factory=dict)
    _last: dict[str, Finding] = field(default_factory=dict)

    def add(
        self, code: str, severity: Severity, problem: str, fix: str, *, line: int | None = None
    ) -> Iterator[Finding]:
        """The finding, unless there were many of its code."""
        count = self.counts[code] = self.counts.get(code, 0) + 1
        finding = Finding(code, severity, problem, Location(self.path, line), fix)
        self._last[code] = finding
        if count <= SHOWN:
            yield finding

    def rest(self) -> Iterator[Finding]:
        """One finding per code with what was not shown."""
        for code, count in self.counts.items():
            if count > SHOWN:
                last = self._last[code]
                problem = f"{count - SHOWN:,} more like the {SHOWN} above; the last: {last.problem}"
                yield Finding(code, last.severity, problem, Location(self.path), last.fix)
