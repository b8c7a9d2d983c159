"""A diff for programs: `json-v1`, whose fields are added to and never change."""

from __future__ import annotations

import json

from mbe_docs.registry import wording
from mbe_docs.registry.diff import Diff, GateFinding


class _JsonV1:
    name = "json-v1"

    def render(self, diff: Diff) -> str:
        """One JSON object: verdict counts, every comparison as the registry publishes it, every finding.

        Pure ASCII: what is in a name is escaped, and no terminal acts on it.
        """
        comparisons = list(diff.comparisons)
        content = {
            "format": "json-v1",
            "old": diff.old,
            "new": diff.new,
            "as_of": diff.as_of.isoformat() if diff.as_of else None,
            "headline": diff.headline(),
            "fail_on": diff.fail_on,
            "exit_code": diff.exit_code,
            "counts": dict(wording.verdict_counts(comparisons)),
            "comparisons": [comparison.model_dump(mode="json") for comparison in comparisons],
            "findings": [_finding(finding) for finding in diff.findings],
            "notes": list(diff.notes),
        }
        return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"


REPORT = _JsonV1()


def _finding(finding: GateFinding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "problem": finding.problem,
        "fix": finding.fix,
        "path": finding.at.path if finding.at else None,
        "line": finding.at.line if finding.at else None,
        "behavior": finding.behavior,
        "slice": finding.slice,
        "verdict": finding.verdict,
        "accepted": finding.accepted,
    }
