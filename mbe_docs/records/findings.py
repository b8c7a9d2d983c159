"""Findings: something a person must look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mbe_docs.errors import Location

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One coded complaint: `MBE1xx` curated files, `MBE2xx` evidence, `MBE3xx` gate."""

    code: str
    severity: Severity
    problem: str
    """What is wrong; what was expected."""
    at: Location
    fix: str

    def __str__(self) -> str:
        return f"{self.at}: {self.code} {self.severity}: {self.problem}\n  fix: {self.fix}"

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order of a report: by place, then code, then text."""
        return (self.at.path, self.at.line or 0, self.at.column or 0, self.code, self.problem)
