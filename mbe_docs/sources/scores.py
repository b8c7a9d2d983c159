"""What a score value means: number, label, or nothing that can be read."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Inspect's own letters: correct, partial, incorrect, no answer."""
WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
LABEL_CHARS = 200


class Value(NamedTuple):
    """One scalar score."""

    number: float | None
    label: str | None
    problem: str | None = None
    """Why it is not a number; an unscored value (NaN, null) is not a problem."""


_LETTER_VALUES = {letter: Value(number, letter) for letter, number in LETTERS.items()}


def value_of(raw: Any) -> Value:
    """A scalar score value as a number: C/P/I/N, yes/no, true/false, numbers and text of numbers.

    NaN and null mean that the scorer declined. Anything else is unknown with a problem: never a zero.
    """
    if raw is None:
        return Value(None, None)
    if isinstance(raw, str):
        return _LETTER_VALUES.get(raw) or _value_of_text(raw)
    if isinstance(raw, bool):
        return Value(float(raw), str(raw).lower())
    if isinstance(raw, int | float):
        return _value_of_number(raw)
    kind = "a list" if isinstance(raw, list) else "an object" if isinstance(raw, dict) else "not a scalar"
    return Value(None, None, f"the score is {kind}")


def _value_of_text(raw: str) -> Value:
    number = WORDS.get(raw.lower())
    if number is not None:
        return Value(number, raw)
    try:
        parsed = float(raw)
    except ValueError:
        parsed = math.nan
    # float() also reads "nan", "inf" and "1_000", none of which is a number that a scorer would mean.
    if math.isfinite(parsed) and "_" not in raw:
        return Value(parsed, None)
    label = raw if len(raw) <= LABEL_CHARS else raw[:LABEL_CHARS] + "…"
    return Value(None, label, f"the score {label[:60]!a} is not a number or a known letter")


def _value_of_number(raw: float) -> Value:
    if isinstance(raw, float) and math.isnan(raw):
        return Value(None, None)
    try:
        number = float(raw)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        return Value(None, None, "the score is infinite")
    return Value(number, None)


def values_of(scorer: str, raw: Any) -> list[tuple[str, Value]]:
    """Scorer name and value of a score; a dict-valued score gives one per key, named `scorer/key`."""
    if isinstance(raw, dict) and raw:
        return [(f"{scorer}/{key}", value_of(item)) for key, item in raw.items()]
    return [(scorer, value_of(raw))]
