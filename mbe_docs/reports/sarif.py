"""A diff as SARIF 2.1.0, for code scanning: one result a finding, accepted ones as suppressed."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from mbe_docs import __version__
from mbe_docs.records.hashing import content_hash
from mbe_docs.registry.diff import Diff, GateFinding
from mbe_docs.registry.gate import RULES
from mbe_docs.text import terminal_safe

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_NAMES: Final = {
    "MBE301": "Regressed",
    "MBE302": "HiddenFlip",
    "MBE303": "Undecided",
    "MBE304": "NotComparable",
    "MBE305": "Changed",
    "MBE306": "ExceptionExpired",
    "MBE307": "ExceptionNotNeeded",
    "MBE308": "NotShownNonInferior",
}
_LEVELS: Final = {"MBE301": "error", "MBE302": "error", "MBE305": "note"}


class _Sarif:
    name = "sarif"

    def render(self, diff: Diff) -> str:
        """One run with every rule, so that one without results closes the alerts of the run before."""
        content = {
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": {"name": "mbe-docs", "version": __version__, "rules": _rules()}},
                    "automationDetails": {"id": f"mbe-docs-diff/{_plain(diff.old)}..{_plain(diff.new)}/"},
                    "columnKind": "unicodeCodePoints",
                    "invocations": [{"executionSuccessful": diff.exit_code != 2, "exitCode": diff.exit_code}],
                    "results": [_result(finding, diff) for finding in diff.findings],
                }
            ],
        }
        return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"


REPORT = _Sarif()


def _rules() -> list[dict[str, Any]]:
    return [
        {
            "id": code,
            "name": _NAMES[code],
            "shortDescription": {"text": text},
            "defaultConfiguration": {"level": _LEVELS.get(code, "warning")},
        }
        for code, text in RULES.items()
    ]


def _result(finding: GateFinding, diff: Diff) -> dict[str, Any]:
    own = content_hash(finding.code, finding.behavior, finding.slice, diff.old, diff.new, finding.verdict)
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": list(RULES).index(finding.code),
        "level": finding.severity,
        "message": {"text": _message(f"{finding.problem}. Fix: {finding.fix}.")},
        "partialFingerprints": {"mbeDocs/v1": own},
    }
    if finding.at is not None:
        place: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.at.path), "uriBaseId": "%SRCROOT%"}}
        if finding.at.line is not None:
            place["region"] = {"startLine": finding.at.line}
        result["locations"] = [
            {
                "physicalLocation": place,
                "logicalLocations": [{"fullyQualifiedName": _plain(finding.behavior), "kind": "module"}],
            }
        ]
    if finding.accepted is not None:
        words = _message(finding.accepted)
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": words}]
    return result


def _plain(text: str) -> str:
    return terminal_safe(text, one_line=True)


def _message(text: str) -> str:
    """Plain text in which a viewer finds neither an embedded link (§3.11.6) nor a placeholder (§3.11.5)."""
    return _plain(text).replace("](", "] (").replace("{", "{{").replace("}", "}}")


def _uri(path: str) -> str:
    return quote(path, safe="/-._~", errors="replace")
