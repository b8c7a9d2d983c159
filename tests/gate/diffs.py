"""Diffs by hand: rows of any verdict, judged or not."""

from __future__ import annotations

import datetime
from typing import Any

from mbe_docs.errors import Location
from mbe_docs.records.estimates import Comparison, FlippedSample, SliceComparison
from mbe_docs.registry.diff import Diff
from mbe_docs.registry.exceptions import ExceptionRule, Exempt
from tests import make

DAY = datetime.date(2026, 11, 23)


def part(value: str, verdict: str, change: float, key: str = "kind") -> SliceComparison:
    """One slice value, its rate moved by `change` from a half."""
    return SliceComparison(
        key=key,
        value=value,
        verdict=verdict,
        difference=make.interval(change, change - 0.1, change + 0.1),
        old=make.interval(0.5, 0.4, 0.6),
        new=make.interval(0.5 + change, 0.4 + change, 0.6 + change),
        n_common=60,
        attempts_old=60,
        attempts_new=60,
        q_diff=0.01,
    )


def flip(name: str, old: float, new: float) -> FlippedSample:
    """A sample with five attempts a side."""
    return FlippedSample(id=name, old_id=name, old=old, new=new, old_attempts=5, new_attempts=5)


def row(verdict: str = "regressed", **changes: Any) -> Comparison:
    """A row of that verdict with a difference that fits it."""
    if verdict == "refused":
        why = ("task version differs: 1 before, 2 after; run both with the same task version",)
        changes = {"difference": None, "refused_because": why, "n_common": 0} | changes
    elif verdict != "regressed":
        ends = {
            "improved": (0.06, 0.01, 0.11),
            "increased": (0.06, 0.01, 0.11),
            "decreased": (-0.06, -0.11, -0.01),
        }
        changes = {"difference": make.interval(*ends.get(verdict, (-0.01, -0.04, 0.02)))} | changes
    return make.comparison(verdict=verdict, **changes)


def diff(*rows: Comparison, **changes: Any) -> Diff:
    """Atlas 1 against Atlas 2."""
    fields: dict[str, Any] = {
        "old": "atlas-1",
        "new": "atlas-2",
        "old_title": "Atlas 1",
        "new_title": "Atlas 2",
        "titles": {"adds": "Adds two numbers", "json": "Writes JSON", "short": "Is brief"},
        "comparisons": rows,
        "places": {"adds": Location("behaviors/adds.md", 4, 1), "json": Location("behaviors/json.md", 7, 1)},
        "as_of": DAY,
    }
    return Diff(**(fields | changes))


def exempt(line: int = 1, **changes: Any) -> Exempt:
    """An exception for a regression of `adds`, good for another month."""
    fields: dict[str, Any] = {
        "behavior": "adds",
        "new": "atlas-2",
        "verdict": "regressed",
        "reason": "a calculator does it",
        "expires": DAY + datetime.timedelta(days=30),
    }
    return Exempt(ExceptionRule(**(fields | changes)), Location("behaviors/exceptions.yaml", line, 3))
