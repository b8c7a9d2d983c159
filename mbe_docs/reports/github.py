"""A diff as annotations of a GitHub job: one workflow command a finding, those that count first."""

from __future__ import annotations

from typing import Final

from mbe_docs.registry.diff import Diff, GateFinding
from mbe_docs.registry.gate import RULES
from mbe_docs.reports.text import log_line
from mbe_docs.text import terminal_safe

_COMMAND: Final = {"error": "error", "warning": "warning", "note": "notice"}


class _GitHub:
    name = "github"

    def render(self, diff: Diff) -> str:
        """The verdict as a line of the log, then the annotations; GitHub shows ten of a kind for a step."""
        lines = [log_line(f"{diff.old_title} → {diff.new_title}: {diff.headline()}")]
        lines.extend(_command(finding) for finding in diff.findings)
        lines.extend(log_line(note) for note in diff.notes)
        return "".join(f"{line}\n" for line in lines)


REPORT = _GitHub()


def _command(finding: GateFinding) -> str:
    place = []
    if finding.at is not None:
        place.append(f"file={_property(finding.at.path)}")
        if finding.at.line is not None:
            place.append(f"line={finding.at.line}")
    place.append(f"title={_property(f'{finding.code} {RULES[finding.code]}')}")
    parts = [finding.problem, f"accepted {finding.accepted}" if finding.accepted else f"fix: {finding.fix}"]
    message = "\n".join(terminal_safe(part, one_line=True) for part in parts)
    return f"::{_COMMAND[finding.severity]} {','.join(place)}::{_data(message)}"


def _data(text: str) -> str:
    """Text as the runner reads it back: `escapeData` of actions/toolkit."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """The same for a property of a command: `escapeProperty`."""
    safe = terminal_safe(text, one_line=True)
    return _data(safe).replace(":", "%3A").replace(",", "%2C")
