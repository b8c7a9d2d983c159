"""A diff as asked for on the command line: comparisons of two subjects, and the exit code they mean."""

from __future__ import annotations

from dataclasses import dataclass

from mbe_docs.records.estimates import Comparison
from mbe_docs.records.findings import Finding

FAIL_ON = {
    "regressed": frozenset({"regressed"}),
    "inconclusive": frozenset({"regressed", "inconclusive", "refused"}),
    "any-change": frozenset({"regressed", "improved", "increased", "decreased", "inconclusive", "refused"}),
    "never": frozenset[str](),
}
"""Verdicts that count as findings, by the value of `--fail-on`."""


@dataclass(frozen=True, slots=True)
class Diff:
    """Two subjects compared on every behavior measured on either."""

    old: str
    new: str
    old_title: str
    new_title: str
    titles: dict[str, str]
    """Behavior titles by id."""
    comparisons: tuple[Comparison, ...]
    """Worst first."""
    findings: tuple[Finding, ...] = ()

    def exit_code(self, fail_on: str) -> int:
        """0 nothing at or above `fail_on`, 1 something, 2 where nothing at all could be compared."""
        verdicts = {comparison.verdict for comparison in self.comparisons}
        if verdicts <= {"refused"}:
            return 2
        hidden = any(comparison.hidden_flip for comparison in self.comparisons) and fail_on != "never"
        return int(bool(verdicts & FAIL_ON[fail_on]) or hidden)
