"""A diff for people at a terminal: one line first, then worst to best, then what could not be said."""

from __future__ import annotations

from collections.abc import Iterator

from mbe_docs.records.estimates import Comparison, Interval
from mbe_docs.registry import wording
from mbe_docs.registry.diff import Diff
from mbe_docs.registry.gate import flaky_words, flipped_words, to_decide
from mbe_docs.stats import CHANGES
from mbe_docs.text import terminal_safe


class _Text:
    name = "text"

    def render(self, diff: Diff) -> str:
        """Plain text, safe for a terminal and for the log of a build."""
        lines = [f"{diff.old_title} → {diff.new_title}", diff.headline(), ""]
        for comparison in diff.comparisons:
            lines.extend(_lines(comparison, diff))
        tail = [*diff.notes]
        for finding in diff.findings:
            if finding.code in ("MBE306", "MBE307"):
                tail.extend([f"{finding.at}: {finding.code} {finding.problem}", f"  fix: {finding.fix}"])
        if tail:
            lines.extend(["", *tail] if diff.comparisons else tail)
        return "".join(f"{log_line(line)}\n" for line in lines)


REPORT = _Text()


def log_line(line: str) -> str:
    """One line that neither a terminal nor the log of a GitHub job acts on.

    The runner takes a line for a command that begins with `::` after white space, or has `##[` anywhere.
    """
    safe = terminal_safe(line, one_line=True).replace("##[", "## [")
    return f"· {safe}" if safe.lstrip().startswith("::") else safe


def _lines(comparison: Comparison, diff: Diff) -> Iterator[str]:
    shape = wording.VERDICT_SHAPE[comparison.verdict]
    yield f"{shape} {wording.VERDICT_WORD[comparison.verdict]:<14} {diff.title(comparison)}"
    if comparison.difference is not None:
        old = rate_words(comparison.old_rate, comparison, comparison.n_old, comparison.attempts_old)
        new = rate_words(comparison.new_rate, comparison, comparison.n_new, comparison.attempts_new)
        yield f"    {old}  →  {new}"
        yield f"    {difference_words(comparison)}"
    if (more := to_decide(comparison)) is not None:
        yield f"    {more}"
    for reason in (*comparison.refused_because, *comparison.notes):
        yield f"    {reason}"
    if comparison.verdict in CHANGES and (flipped := flipped_words(comparison)) is not None:
        yield f"    {flipped}"
    if (flaky := flaky_words(comparison)) is not None:
        yield f"    {flaky}"
    yield from _slice_lines(comparison)
    for finding in diff.findings:
        if finding.behavior != comparison.behavior or comparison.slice not in (None, finding.slice):
            continue
        if finding.code == "MBE308" and not finding.accepted:
            yield "    it may be worse by its margin or more"
        if finding.accepted:
            what = f"{finding.slice} " if finding.slice and not comparison.slice else ""
            yield f"    {what}accepted {finding.accepted}"


def _slice_lines(comparison: Comparison) -> Iterator[str]:
    """Slices that moved; all of them where they moved apart."""
    worse = any(entry.verdict == "regressed" for entry in comparison.slices)
    if comparison.hidden_flip:
        yield "    ⇅ slices moved in opposite directions under this mean:"
    elif worse and comparison.verdict != "regressed":
        yield "    ⇅ hidden by this mean:"
    for entry in comparison.slices:
        if entry.verdict in ("regressed", "improved") or comparison.hidden_flip:
            moved = wording.difference_text(entry.difference, comparison.unit)
            ends = wording.signed_interval_text(entry.difference, comparison.unit)
            word = wording.VERDICT_WORD[entry.verdict]
            yield f"      {entry.key}={entry.value}: {word} {moved} {ends}, {entry.n_common} samples"


def difference_words(comparison: Comparison) -> str:
    """The difference with its interval, and how many samples moved."""
    assert comparison.difference is not None
    change = wording.difference_text(comparison.difference, comparison.unit)
    ends = wording.signed_interval_text(comparison.difference, comparison.unit)
    if comparison.mode == "unpaired":
        return f"{change} {ends}"
    moved = f"{comparison.n_worse} worse, {comparison.n_better} better of {comparison.n_common} in common"
    return f"{change} {ends}; {moved}"


def rate_words(rate: Interval | None, comparison: Comparison, n_samples: int, n_attempts: int) -> str:
    """A rate with its interval, samples and attempts."""
    if rate is None:
        return "not measured"
    value, ends = wording.value_text(rate, comparison.unit), wording.interval_text(rate, comparison.unit)
    return f"{value} {ends}, {wording.n_text(n_samples, n_attempts)}"
