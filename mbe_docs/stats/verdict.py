"""From p-values to words: one false-discovery step for each family, then one verdict for each comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.comparison import Better
from mbe_docs.stats.distributions import Bools, Floats, floats

Verdict = Literal["refused", "unchanged", "improved", "regressed", "increased", "decreased", "inconclusive"]
Method = Literal["bh", "by"]
CHANGES: Final = frozenset[Verdict]({"improved", "regressed", "increased", "decreased"})
_UP: Final[dict[Better, Verdict]] = {"higher": "improved", "lower": "regressed", "neutral": "increased"}
_DOWN: Final[dict[Better, Verdict]] = {"higher": "regressed", "lower": "improved", "neutral": "decreased"}


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """One item per comparison, in the order given.

    Attributes:
        verdict: What may be said.
        is_detectable: Unchanged, yet the difference is distinguishable from 0: real, but inside the margin.
        q_diff: `p_diff` adjusted within its family; NaN where refused.
        q_equivalent: `p_equivalent` adjusted within its family; NaN where refused or without a margin.
    """

    verdict: tuple[Verdict, ...]
    is_detectable: Bools
    q_diff: Floats
    q_equivalent: Floats


def adjust(p: ArrayLike, *, method: Method = "bh", family: ArrayLike | None = None) -> Floats:
    """p-values adjusted for the false discovery rate within each family, in the order given.

    `family` is a whole number per p-value; without it all are one family. NaN is no member: it stays NaN and
    does not count. "by" holds under any dependence between the comparisons.

    Source: Benjamini & Hochberg (1995), JRSS B 57:289-300; Benjamini & Yekutieli (2001), Ann. Stat. 29:1165.
    """
    values = floats(p)
    members = np.zeros(values.size, np.int64) if family is None else np.asarray(family)
    adjusted = np.full(values.size, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.lexsort((values[known], members[known]))]
    starts = np.flatnonzero(np.diff(members[order])) + 1
    for one in np.split(order, starts):
        ranks = np.arange(1, one.size + 1)
        penalty = np.sum(1 / ranks) if method == "by" else 1.0
        q = values[one] * one.size * penalty / ranks
        adjusted[one] = np.minimum(np.minimum.accumulate(q[::-1])[::-1], 1)
    return adjusted


def page_verdicts(
    diff: ArrayLike,
    p_diff: ArrayLike,
    p_equivalent: ArrayLike,
    better: Sequence[Better],
    *,
    refused: ArrayLike | None = None,
    family: ArrayLike | None = None,
    alpha: float = 0.05,
    method: Method = "bh",
) -> Verdicts:
    """The verdict on every comparison of a page, one item each in all arguments.

    A family is everything shown together, fixed before looking; subgroups are a family of their own. In
    order: refused; unchanged, where the difference is shown to be inside the margin; a change, where it is
    distinguishable from 0; else inconclusive. A NaN p-value shows nothing.

    Raises:
        ValueError: a `better` is none of higher, lower, neutral: no direction is guessed.
    """
    if unknown := set(better) - set(get_args(Better)):
        raise ValueError(f"better is {sorted(map(str, unknown))}; expected higher, lower or neutral")
    change = floats(diff)
    is_refused = np.zeros(change.size, np.bool_) if refused is None else np.asarray(refused, np.bool_)
    q_diff, q_equivalent = (
        adjust(np.where(is_refused, np.nan, floats(p)), method=method, family=family)
        for p in (p_diff, p_equivalent)
    )
    is_same, is_different = q_equivalent <= alpha, q_diff <= alpha
    shown = zip(is_refused, is_same, is_different, change > 0, better, strict=True)
    verdict = tuple(_verdict(*each) for each in shown)
    return Verdicts(verdict, is_same & is_different, q_diff, q_equivalent)


def _verdict(
    is_refused: np.bool_, is_same: np.bool_, is_different: np.bool_, is_up: np.bool_, better: Better
) -> Verdict:
    if is_refused:
        return "refused"
    if is_same:
        return "unchanged"
    if is_different:
        return (_UP if is_up else _DOWN)[better]
    return "inconclusive"
