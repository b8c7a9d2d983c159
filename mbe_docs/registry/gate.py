"""The gate: which of the things that a diff shows count, and which were accepted."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mbe_docs.config import FailOn
from mbe_docs.records.estimates import Comparison, SliceComparison
from mbe_docs.records.findings import Severity
from mbe_docs.registry import wording
from mbe_docs.registry.diff import FAIL_ON, Diff, GateFinding
from mbe_docs.registry.exceptions import Exempt
from mbe_docs.registry.merge import more_would_help, samples_missing

RULES: Final = {
    "MBE301": "A behavior got worse",
    "MBE302": "A slice got worse, hidden by the mean",
    "MBE303": "A behavior is undecided",
    "MBE304": "A behavior is not comparable",
    "MBE305": "A behavior changed without getting worse",
    "MBE306": "An exception has expired",
    "MBE307": "An exception is not needed",
    "MBE308": "A behavior may be worse by its margin",
}
"""What each code of a finding says; a code never changes its meaning."""

UNDECIDED: Final = frozenset({"MBE303", "MBE304", "MBE308"})
"""Codes that count besides with `--require-decided`."""
_FORCED: Final = "undecided:"
"""How a comparison's note begins where lost attempts, errors or too few samples took its verdict."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What counts."""

    fail_on: FailOn = "regressed"
    require_decided: bool = False
    today: datetime.date | None = None
    """The day on which exceptions are judged; `None`: that of the newest run in the store."""

    @property
    def counts(self) -> frozenset[str]:
        """Codes that count."""
        return FAIL_ON[self.fail_on] | (UNDECIDED if self.require_decided else frozenset())


def judge(diff: Diff, gate: Gate, exceptions: Sequence[Exempt] = ()) -> Diff:
    """The diff with its findings, those that count first."""
    mine = [exempt for exempt in exceptions if _concerns(exempt, diff)]
    today = gate.today or diff.as_of
    found = []
    for finding in _shown(diff, gate):
        exempt = next((one for one in mine if _names(one, finding) and not _expired(one, today)), None)
        if exempt is not None:
            found.append(replace(finding, severity="note", accepted=exempt.words))
        else:
            found.append(finding)
    found.extend(_of_exceptions(diff, gate, mine, today))
    order: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}
    ranked = sorted(
        found, key=lambda finding: (order[finding.severity], finding.code in ("MBE306", "MBE307"))
    )
    return replace(diff, findings=tuple(ranked), fail_on=gate.fail_on)


def _shown(diff: Diff, gate: Gate) -> Iterator[GateFinding]:
    """What the rows show, worst first: at most one finding a row, and one a slice that the mean hides."""
    for row in diff.comparisons:
        code = _code(row, gate.fail_on)
        if code is not None:
            yield _finding(diff, gate, code, row, sentence(row), row.slice, row.verdict)
        yield from (
            _finding(diff, gate, "MBE302", row, text, part, verdict) for text, part, verdict in _hidden(row)
        )


def _code(row: Comparison, fail_on: FailOn) -> str | None:
    match row.verdict:
        case "regressed":
            return "MBE301"
        case "inconclusive":
            is_inferior = fail_on == "inferior" and row.direction != "neither" and not is_noninferior(row)
            return "MBE308" if is_inferior else "MBE303"
        case "refused":
            return "MBE304"
        case "unchanged":
            return None
        case _:
            return "MBE305"


def is_noninferior(row: Comparison) -> bool:
    """Whether "worse by the margin or more" is ruled out; not where lost attempts or errors decide."""
    return bool(row.is_noninferior) and not any(note.startswith(_FORCED) for note in row.notes)


def _hidden(row: Comparison) -> Iterator[tuple[str, str | None, str]]:
    """(Sentence, slice, verdict) of each slice that got worse under a mean that did not."""
    worse = [part for part in row.slices if part.verdict == "regressed"]
    if row.hidden_flip and not worse:
        moved = wording.listed([_slice_words(part, row) for part in row.slices if part.verdict in _MOVED])
        yield f"slices moved in opposite directions under this mean: {moved}", None, "hidden-flip"
    elif row.hidden_flip or row.verdict != "regressed":
        for part in worse:
            yield f"hidden by the mean: {_slice_words(part, row)}", f"{part.key}={part.value}", "regressed"


_MOVED: Final = frozenset({"improved", "increased", "decreased"})


def _slice_words(part: SliceComparison, row: Comparison) -> str:
    moved = wording.difference_text(part.difference, row.unit)
    ends = wording.signed_interval_text(part.difference, row.unit)
    return f"{part.key}={part.value} {wording.VERDICT_WORD[part.verdict]} {moved} {ends}"


def sentence(row: Comparison) -> str:
    """What a row shows: verdict, both rates, the difference, and what is missing."""
    word = wording.VERDICT_WORD[row.verdict]
    if row.difference is None:
        return f"{word}: {'; '.join(row.refused_because)}"
    rates = [wording.value_text(rate, row.unit) for rate in (row.old_rate, row.new_rate) if rate]
    moved = wording.difference_text(row.difference, row.unit)
    ends = wording.signed_interval_text(row.difference, row.unit)
    parts = [f"{word}: {' → '.join(rates)}, {moved} {ends}", *row.notes]
    if (more := to_decide(row)) is not None:
        parts.append(more)
    return "; ".join(parts)


def to_decide(comparison: Comparison) -> str | None:
    """What would settle an undecided row: samples, and their tokens and price as far as known."""
    if comparison.n_needed is None or not more_would_help(comparison):
        return None
    more = " and ".join(f"{n:,}" for n in dict.fromkeys(samples_missing(comparison)))
    text = f"about {comparison.n_needed:,} samples in all would decide it: {more} more on each side"
    if comparison.tokens_to_decide is not None:
        text += f", {_rounded(comparison.tokens_to_decide):,} tokens"
    if comparison.cost_usd_to_decide is None:
        return f"{text}, price unknown"
    usd = comparison.cost_usd_to_decide
    return f"{text}, {'less than $0.01' if 0 < usd < 0.01 else f'${usd:,.2f}'}"


def _rounded(number: int) -> int:
    """Two digits: more would claim to know the future."""
    return round(number, 2 - len(str(number)))


def flaky_words(comparison: Comparison, limit: int = 3) -> str | None:
    """Which samples answer differently from attempt to attempt."""
    if not comparison.n_flaky:
        return None
    ids = list(comparison.flaky_samples[:limit])
    rest = comparison.n_flaky - len(ids)
    shown = wording.listed([*ids, f"{rest:,} more"] if rest else ids)
    return f"flaky: {shown}"


def flipped_words(comparison: Comparison, limit: int = 3) -> str | None:
    """Which samples moved most, as the mean did first, each with its score before and after."""
    if not comparison.flipped_samples:
        return None
    moved = [
        f"{flip.id} ({wording.score_text(flip.old, flip.old_attempts, comparison.unit)} → "
        f"{wording.score_text(flip.new, flip.new_attempts, comparison.unit)})"
        for flip in comparison.flipped_samples[:limit]
    ]
    rest = comparison.n_worse + comparison.n_better - len(moved)
    return f"moved most: {wording.listed([*moved, f'{rest:,} more'] if rest > 0 else moved)}"


_FIX: Final = {
    "MBE301": "keep the old model, or mend what calls it",
    "MBE302": "look at that slice before the mean; keep the old model, or mend what calls it",
    "MBE303": "measure more samples on both sides",
    "MBE304": "run both sides alike, on the same samples",
    "MBE305": "look whether it is wanted",
    "MBE308": "measure more samples on both sides, or set a margin",
}


def _finding(
    diff: Diff, gate: Gate, code: str, row: Comparison, text: str, part: str | None, verdict: str
) -> GateFinding:
    what = _FIX[code] if more_would_help(row) or code == "MBE305" else "measure again with fewer errors"
    fix = f"{what}; or accept it in behaviors/exceptions.yaml with a reason and a last day"
    calm: Severity = "note" if code == "MBE305" else "warning"
    return GateFinding(
        code=code,
        severity="error" if code in gate.counts else calm,
        problem=f"{diff.titles.get(row.behavior, row.behavior)}{f' [{part}]' if part else ''}: {text}",
        fix=fix,
        at=diff.places.get(row.behavior),
        behavior=row.behavior,
        slice=part,
        verdict=verdict,
    )


def _concerns(exempt: Exempt, diff: Diff) -> bool:
    """Whether the diff could show what the exception accepts."""
    rule = exempt.rule
    rows = [row for row in diff.comparisons if row.behavior == rule.behavior]
    in_view = any(row.slice == rule.slice or (row.slice is None and rule.slice is not None) for row in rows)
    return (
        in_view and rule.new == diff.new and rule.old in (None, diff.old, diff.old.removesuffix("@baseline"))
    )


def _names(exempt: Exempt, finding: GateFinding) -> bool:
    rule = exempt.rule
    return (rule.behavior, rule.slice, rule.verdict) == (finding.behavior, finding.slice, finding.verdict)


def _expired(exempt: Exempt, today: datetime.date | None) -> bool:
    return today is not None and exempt.rule.expires < today


def _is_needed(exempt: Exempt, diff: Diff) -> bool:
    """Whether what is accepted is there, whatever `--fail-on` says."""
    rule = exempt.rule
    for row in diff.comparisons:
        if row.behavior != rule.behavior:
            continue
        parts = [part for part in row.slices if f"{part.key}={part.value}" == rule.slice]
        if rule.slice == row.slice and (
            row.verdict == rule.verdict or (rule.verdict == "hidden-flip" and row.hidden_flip)
        ):
            return True
        if any(part.verdict == rule.verdict for part in parts):
            return True
    return False


def _of_exceptions(
    diff: Diff, gate: Gate, exceptions: Sequence[Exempt], today: datetime.date | None
) -> Iterator[GateFinding]:
    for exempt in exceptions:
        rule = exempt.rule
        what = f"'{rule.verdict}' on {rule.behavior}{f' [{rule.slice}]' if rule.slice else ''}"
        if not _is_needed(exempt, diff):
            code, text, fix = "MBE307", f"the exception for {what} is not needed", "remove it"
        elif _expired(exempt, today):
            code, text = "MBE306", f"the exception for {what} expired on {rule.expires} (judged on {today})"
            fix = "mend the behavior, or accept it again with a new last day"
        else:
            continue
        yield GateFinding(
            code=code,
            severity="error" if code in gate.counts else "warning",
            problem=text,
            fix=fix,
            at=exempt.at,
            behavior=rule.behavior,
            slice=rule.slice,
            verdict=rule.verdict,
        )
