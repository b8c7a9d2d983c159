"""What errors and missing attempts do to a rate: three ways to count them, bounds, and when they decide."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.distributions import Floats, floats
from mbe_docs.stats.rate import Intervals, rate_interval
from mbe_docs.stats.sums import ONE_RESULT, Grouping, rate_sums, total_by
from mbe_docs.stats.verdict import CHANGES, Verdict

MOST_LOST: Final = 0.1
DEPENDS_ON_ERRORS: Final = "depends on errors"
TOO_MUCH_LOST: Final = "too many attempts lost"


@dataclass(frozen=True, slots=True, eq=False)
class ErrorReport:
    """One arm's rate (or one item per arm) under each way to count what was not scored.

    Attributes:
        primary: Model errors count as failures; infrastructure errors and absent attempts are left out.
        strict: Whatever was planned and not scored counts as a failure.
        scored_only: Only what the scorer scored.
        lowest: The mean had every attempt left out of `primary` got the lowest score.
        highest: The mean had every attempt left out of `primary` got the highest score.
        model_error_share: Of the planned attempts.
        lost_share: Infrastructure errors and absent attempts, of the planned attempts.
    """

    primary: Intervals
    strict: Intervals
    scored_only: Intervals
    lowest: Floats
    highest: Floats
    model_error_share: Floats
    lost_share: Floats


def error_report(
    planned: ArrayLike,
    scored: ArrayLike,
    total: ArrayLike,
    model_errors: ArrayLike,
    grouping: Grouping = ONE_RESULT,
    *,
    binary: bool,
    failure: float = 0.0,
    level: float = 0.95,
    lowest: float = 0.0,
    highest: float = 1.0,
) -> ErrorReport:
    """How much errors matter, from one row per sample.

    `planned`, `scored` and `model_errors` count attempts, `total` sums the scores given; what was planned and
    is neither scored nor a model error was lost to the infrastructure or is absent. `failure` is the score
    a failure gets: the lowest, or the highest where lower is better.

    Raises:
        ValueError: a sample has more scored attempts and model errors than were planned.
    """
    plan, done, sums, errors = (floats(v) for v in (planned, scored, total, model_errors))
    lost = plan - done - errors
    if np.any(lost < 0):
        raise ValueError("a sample has more attempts than were planned")
    of_arm, _ = grouping.of_rows(plan.size)

    def rate(total_score: Floats, attempts: Floats) -> Intervals:
        used = attempts > 0
        means = total_score[used] / attempts[used]
        found = rate_sums(means, attempts[used], grouping.only(used), lowest=lowest, highest=highest)
        return rate_interval(found, binary=binary, level=level, lowest=lowest, highest=highest)

    def share(part: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return total_by(of_arm, part, grouping.results) / total_by(of_arm, plan, grouping.results)

    answered = sums + failure * errors
    return ErrorReport(
        primary=rate(answered, done + errors),
        strict=rate(answered + failure * lost, plan),
        scored_only=rate(sums, done),
        lowest=rate(answered + lowest * lost, plan).value,
        highest=rate(answered + highest * lost, plan).value,
        model_error_share=share(errors),
        lost_share=share(lost),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A verdict after errors were considered; `reason` says why it is not the primary one, else None."""

    verdict: Verdict
    reason: str | None


def standing(
    primary: Verdict,
    strict: Verdict,
    *,
    old_lost_share: float,
    new_lost_share: float,
    most_lost: float = MOST_LOST,
) -> Standing:
    """The verdict that stands, given the verdicts under `primary` and `strict` counting and what was lost.

    Over `most_lost` (a share) lost in either arm nothing can be said; a change must be the same change either
    way. A refusal stays a refusal.
    """
    if primary == "refused":
        return Standing(primary, None)
    if max(old_lost_share, new_lost_share) > most_lost:
        return Standing("inconclusive", TOO_MUCH_LOST)
    if primary in CHANGES and primary != strict:
        return Standing("inconclusive", DEPENDS_ON_ERRORS)
    return Standing(primary, None)
