"""A diff for people at a terminal: one line first, then worst to best, then what could not be said."""

from __future__ import annotations

from collections.abc import Iterator

from mbe_docs.records.estimates import Comparison, Interval
from mbe_docs.registry import wording
from mbe_docs.registry.diff import Diff
from mbe_docs.text import terminal_safe


class _Text:
    name = "text"

    def render(self, diff: Diff) -> str:
        """Plain text, safe for a terminal."""
        lines = [
            f"{diff.old_title} → {diff.new_title}",
            wording.headline(list(diff.comparisons), diff.titles),
            "",
        ]
        for comparison in diff.comparisons:
            lines.extend(_lines(comparison, diff.titles.get(comparison.behavior, comparison.behavior)))
        return "".join(f"{terminal_safe(line, one_line=True)}\n" for line in lines)


REPORT = _Text()


def _lines(comparison: Comparison, title: str) -> Iterator[str]:
    shape = wording.VERDICT_SHAPE[comparison.verdict]
    yield f"{shape} {wording.VERDICT_WORD[comparison.verdict]:<14} {title}"
    if comparison.difference is not None:
        unit = comparison.unit
        old = _rate(comparison.old_rate, comparison, comparison.n_old, comparison.attempts_old)
        new = _rate(comparison.new_rate, comparison, comparison.n_new, comparison.attempts_new)
        yield f"    {old}  →  {new}"
        change = wording.difference_text(comparison.difference, unit)
        ends = wording.signed_interval_text(comparison.difference, unit)
        moved = f"{comparison.n_worse} worse, {comparison.n_better} better of {comparison.n_common} in common"
        yield f"    {change} {ends}; {moved}"
    if comparison.verdict == "inconclusive" and comparison.n_needed:
        yield f"    about {comparison.n_needed:,} samples in all would decide it"
    for reason in (*comparison.refused_because, *comparison.notes):
        yield f"    {reason}"
    if comparison.hidden_flip:
        yield "    ⇅ slices moved in opposite directions under this mean:"
    for entry in comparison.slices:
        if comparison.hidden_flip or entry.verdict in ("regressed", "improved"):
            moved = wording.difference_text(entry.difference, comparison.unit)
            ends = wording.signed_interval_text(entry.difference, comparison.unit)
            word = wording.VERDICT_WORD[entry.verdict]
            yield f"      {entry.key}={entry.value}: {word} {moved} {ends}, {entry.n_common} samples"


def _rate(rate: Interval | None, comparison: Comparison, n_samples: int, n_attempts: int) -> str:
    if rate is None:
        return "not measured"
    value, ends = wording.value_text(rate, comparison.unit), wording.interval_text(rate, comparison.unit)
    return f"{value} {ends}, {wording.n_text(n_samples, n_attempts)}"
