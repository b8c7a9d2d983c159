"""A diff as a comment on a pull request: the verdict in one line, the tables folded, nothing that acts."""

from __future__ import annotations

from typing import Final

from mbe_docs.records.estimates import Comparison
from mbe_docs.registry import wording
from mbe_docs.registry.diff import Diff
from mbe_docs.text import inert

MARKER: Final = "<!-- mbe-docs diff {old}..{new} -->"
"""First line of a comment: by it a bot finds its own comment and updates it in place."""
LONGEST: Final = 65_000
"""GitHub refuses comments above 65,536 characters."""


class _Markdown:
    name = "markdown"

    def render(self, diff: Diff) -> str:
        """GitHub-flavoured Markdown of at most 65,000 characters; cut at a row, and says so."""
        comparisons = list(diff.comparisons)
        lines = [
            MARKER.format(old=inert(diff.old), new=inert(diff.new)),
            f"**{inert(diff.old_title)} → {inert(diff.new_title)}**: "
            f"{inert(wording.headline(comparisons, diff.titles))}",
            "",
            f"<details><summary>{inert(wording.counted(len(comparisons), 'behavior'))}</summary>",
            "",
            "| behavior | verdict | old | new | difference |",
            "|---|---|---|---|---|",
        ]
        size = sum(map(len, lines)) + 400
        for position, comparison in enumerate(comparisons):
            row = _row(comparison, diff.titles.get(comparison.behavior, comparison.behavior))
            size += len(row) + 1
            if size > LONGEST:
                lines.append(f"\n{len(comparisons) - position} more behaviors are left out here.")
                break
            lines.append(row)
        lines.extend(["", "</details>", ""])
        return "\n".join(lines)


REPORT = _Markdown()


def _row(comparison: Comparison, title: str) -> str:
    unit = comparison.unit
    rates = (
        (comparison.old_rate, comparison.n_old, comparison.attempts_old),
        (comparison.new_rate, comparison.n_new, comparison.attempts_new),
    )
    old, new = (
        f"{wording.value_text(rate, unit)} {wording.interval_text(rate, unit)}, {wording.n_text(n, attempts)}"
        if rate
        else "not measured"
        for rate, n, attempts in rates
    )
    change = " ".join(comparison.refused_because)
    if comparison.difference:
        ends = wording.signed_interval_text(comparison.difference, unit)
        change = f"{wording.difference_text(comparison.difference, unit)} {ends}"
    flip = " ⇅ slices moved in opposite directions" if comparison.hidden_flip else ""
    word = f"{wording.VERDICT_SHAPE[comparison.verdict]} {wording.VERDICT_WORD[comparison.verdict]}{flip}"
    cells = (title, word, old, new, change)
    return f"| {' | '.join(inert(cell) for cell in cells)} |"
