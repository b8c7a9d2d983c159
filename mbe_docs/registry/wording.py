"""Numbers and states as words: one number format everywhere, and a word for every state."""

from __future__ import annotations

import re
from typing import Final

from mbe_docs.records.behaviors import Unit
from mbe_docs.records.estimates import Comparison, Interval, Verdict

THIN: Final = "\u202f"
"""Narrow no-break space, between a number and its unit."""
MINUS: Final = "\u2212"

UNIT_SIGN: Final[dict[Unit, str]] = {
    "proportion": f"{THIN}%",
    "points": "",
    "seconds": f"{THIN}s",
    "usd": f"{THIN}$",
    "tokens": f"{THIN}tok",
    "count": "",
}


def _decimals(interval: Interval, unit: Unit) -> int:
    if unit == "proportion":
        return 1 if (interval.high - interval.low) < 0.02 else 0
    width = interval.high - interval.low
    return 0 if width >= 20 else (1 if width >= 2 else 3)


def _plain(value: float, unit: Unit, decimals: int) -> str:
    scaled = value * 100 if unit == "proportion" else value
    text = f"{scaled:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def value_text(interval: Interval, unit: Unit) -> str:
    """`93 %`: rounded to what the interval can carry."""
    return _plain(interval.value, unit, _decimals(interval, unit)) + UNIT_SIGN[unit]


def interval_text(interval: Interval, unit: Unit) -> str:
    """`[88, 96]`: the 95 % interval, without repeating the unit."""
    decimals = _decimals(interval, unit)
    return f"[{_plain(interval.low, unit, decimals)}, {_plain(interval.high, unit, decimals)}]"


def n_text(n_samples: int, n_attempts: int) -> str:
    """`120 × 5`: samples × attempts at each; `120 × 4.8` where some attempts are missing."""
    if n_samples == 0:
        return "0"
    each = n_attempts / n_samples
    return f"{n_samples:,} × {each:.0f}" if each == int(each) else f"{n_samples:,} × {each:.1f}"


def difference_text(interval: Interval, unit: Unit) -> str:
    """`−6 pts`: a difference with its sign, in points for a proportion."""
    text = _plain(interval.value, unit, _decimals(interval, unit))
    sign = "" if text.startswith(MINUS) or float(text.replace(MINUS, "-")) == 0 else "+"
    return f"{sign}{text}{THIN}pts" if unit == "proportion" else f"{sign}{text}{UNIT_SIGN[unit]}"


def signed_interval_text(interval: Interval, unit: Unit) -> str:
    """`[−11, −1]`, each end with its sign."""
    decimals = _decimals(interval, unit)
    ends = (_plain(end, unit, decimals) for end in (interval.low, interval.high))
    signed = (end if end.startswith(MINUS) or float(end) == 0 else f"+{end}" for end in ends)
    return f"[{', '.join(signed)}]"


def score_text(mean: float, attempts: int, unit: Unit) -> str:
    """`3 of 5`: attempts at one sample that passed; of other scores their mean."""
    passed = mean * attempts
    if unit == "proportion" and abs(passed - round(passed)) < 1e-6:
        return f"{round(passed):,} of {attempts:,}"
    shown = f"{mean:.4g}".replace("-", MINUS)
    return f"{shown}{UNIT_SIGN[unit]}" if unit != "proportion" else shown


_HASH: Final = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24,56}\b")


def setting_text(value: str | None) -> str:
    """A setting as a sentence names it: hashes by their first eight digits, `unknown` where it is."""
    return "unknown" if value is None else _HASH.sub(r"\1…", value)


def p_text(p: float) -> str:
    """`0.032`, `2e-41`: a p-value to two digits, never 0."""
    return f"{p:.2g}" if p > 1e-300 else "under 1e-300"


VERDICT_WORD: Final[dict[Verdict, str]] = {
    "regressed": "worse",
    "improved": "better",
    "increased": "increased",
    "decreased": "decreased",
    "unchanged": "unchanged",
    "inconclusive": "undecided",
    "refused": "not comparable",
}
VERDICT_SHAPE: Final[dict[Verdict, str]] = {
    "regressed": "▼",
    "improved": "▲",
    "increased": "△",
    "decreased": "▽",
    "unchanged": "=",
    "inconclusive": "?",
    "refused": "⊘",
}
VERDICT_TONE: Final[dict[Verdict, str]] = {
    "regressed": "bad",
    "improved": "good",
    "increased": "open",
    "decreased": "open",
    "unchanged": "good",
    "inconclusive": "open",
    "refused": "neutral",
}
VERDICT_ORDER: Final[tuple[Verdict, ...]] = (
    "regressed",
    "increased",
    "decreased",
    "inconclusive",
    "improved",
    "unchanged",
    "refused",
)
STATUS_WORD: Final = {
    "affected": "affected",
    "not_affected": "not affected",
    "fixed": "fixed",
    "flaky": "flaky",
    "unknown": "unknown",
}
STATUS_SHAPE: Final = {"affected": "●", "not_affected": "○", "fixed": "✓", "flaky": "◐", "unknown": "?"}
STATUS_TONE: Final = {
    "affected": "bad",
    "not_affected": "good",
    "fixed": "good",
    "flaky": "open",
    "unknown": "neutral",
}
SEVERITY_ORDER: Final = ("critical", "high", "moderate", "low")
SUFFICIENCY_WORD: Final = {
    "sufficient": "good enough",
    "insufficient": "not good enough",
    "undecided": "undecided",
    "no_bar": "no bar set",
}
SUFFICIENCY_SHAPE: Final = {"sufficient": "✓", "insufficient": "✗", "undecided": "?", "no_bar": "·"}


def listed(words: list[str], *, last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def counted(n: int, one: str, many: str | None = None) -> str:
    """`1 behavior`, `3 behaviors`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def verdict_counts(comparisons: list[Comparison]) -> tuple[tuple[Verdict, int], ...]:
    """How many of each verdict, worst first, none left out that occurs."""
    found = [comparison.verdict for comparison in comparisons]
    return tuple((verdict, found.count(verdict)) for verdict in VERDICT_ORDER if verdict in found)


def is_hidden(comparison: Comparison) -> bool:
    """Whether the mean hides what slices show: they moved apart, or some got worse and the whole did not."""
    worse = any(part.verdict == "regressed" for part in comparison.slices)
    return comparison.hidden_flip or (worse and comparison.verdict != "regressed")


def headline(comparisons: list[Comparison], titles: dict[str, str]) -> str:
    """One sentence that could be pasted into a ticket."""
    if not comparisons:
        return "Nothing was measured on both."
    parts = []
    hidden = [f"“{titles[entry.behavior]}”" for entry in comparisons if is_hidden(entry)]
    if hidden:
        shown = listed(hidden) if len(hidden) <= 3 else counted(len(hidden), "behavior")
        parts.append(f"hidden by the mean: {shown}")
    for verdict, count in verdict_counts(comparisons):
        names = [titles[entry.behavior] for entry in comparisons if entry.verdict == verdict]
        word = VERDICT_WORD[verdict]
        shown = listed([f"“{name}”" for name in names]) if count <= 3 else counted(count, "behavior")
        parts.append(f"{word}: {shown}")
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:] + "."
