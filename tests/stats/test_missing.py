"""Errors and missing attempts."""

import pytest
from numpy.testing import assert_allclose
from statsmodels.stats.proportion import proportion_confint

from mbe_docs.stats import Grouping, error_report, standing

# 100 prompts tried once: 70 passed, 15 failed, 10 timed out, 5 lost to the network.
SCORED, TOTAL, ERRORS = [1] * 85 + [0] * 15, [1] * 70 + [0] * 30, [0] * 85 + [1] * 10 + [0] * 5


def test_three_ways_to_count_what_was_not_scored():
    """Model errors are failures, lost attempts are left out; strict counts both, scored-only neither."""
    found = error_report([1] * 100, SCORED, TOTAL, ERRORS, binary=True)

    for rate, n in ((found.primary, 95), (found.strict, 100), (found.scored_only, 85)):
        expected = [70 / n, *proportion_confint(70, n, method="beta")]
        assert_allclose([rate.value[0], rate.low[0], rate.high[0]], expected)
        assert n == rate.samples[0]


def test_bounds_are_what_the_lost_attempts_could_do():
    """All five lost attempts failed, or all five passed."""
    found = error_report([1] * 100, SCORED, TOTAL, ERRORS, binary=True)

    assert_allclose([found.lowest[0], found.highest[0]], [0.70, 0.75])


def test_shares_are_of_the_planned_attempts():
    """10 of 100 were model errors, 5 of 100 were lost."""
    found = error_report([1] * 100, SCORED, TOTAL, ERRORS, binary=True)

    assert_allclose([found.model_error_share[0], found.lost_share[0]], [0.10, 0.05])


def test_where_lower_is_better_a_failure_scores_the_highest():
    """A timeout does not make a toxic model look harmless."""
    found = error_report([1, 1, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1], binary=True, failure=1)

    assert found.primary.value[0] == 0.25


def test_each_arm_is_reported_alone():
    """Attempts of a prompt are averaged first; a cluster spans prompts; arms do not mix."""
    grouping = Grouping(result=[0, 0, 1], results=2, cluster=[0, 0, 0])

    found = error_report([3, 3, 2], [2, 3, 0], [2, 0, 0], [0, 0, 0], grouping, binary=True)

    assert_allclose(found.primary.value[0], 0.5)
    assert_allclose(found.primary.samples, [2, 0])
    assert_allclose(found.strict.value, [1 / 3, 0])
    assert_allclose(found.lost_share, [1 / 6, 1])


def test_more_attempts_than_planned_is_an_error():
    """Counts that do not add up are not guessed at."""
    with pytest.raises(ValueError, match="more attempts than were planned"):
        error_report([1], [1], [1], [1], binary=True)


@pytest.mark.parametrize(
    ("primary", "strict", "old", "new", "verdict", "reason"),
    [
        ("improved", "improved", 0.0, 0.1, "improved", None),
        ("improved", "inconclusive", 0.0, 0.1, "inconclusive", "depends on errors"),
        ("regressed", "improved", 0.0, 0.0, "inconclusive", "depends on errors"),
        ("decreased", "unchanged", 0.0, 0.0, "inconclusive", "depends on errors"),
        ("unchanged", "inconclusive", 0.0, 0.0, "unchanged", None),
        ("inconclusive", "improved", 0.0, 0.0, "inconclusive", None),
        ("unchanged", "unchanged", 0.11, 0.0, "inconclusive", "too many attempts lost"),
        ("improved", "improved", 0.0, 0.11, "inconclusive", "too many attempts lost"),
        ("refused", "refused", 0.5, 0.5, "refused", None),
    ],
)
def test_a_change_stands_only_if_errors_do_not_decide_it(primary, strict, old, new, verdict, reason):
    """Both ways of counting agree, and at most 10% was lost on either side."""
    found = standing(primary, strict, old_lost_share=old, new_lost_share=new)

    assert (verdict, reason) == (found.verdict, found.reason)
