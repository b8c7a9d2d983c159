"""Two versions on different samples of one pool."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats as oracle

from mbe_docs.stats import Grouping, rate_sums, unpaired_difference

ARMS = [
    (np.repeat([1, 0], [20, 0]), np.repeat([1, 0], [14, 6])),
    (np.zeros(10), np.zeros(10)),
    (np.repeat([1, 0], [70, 30]), np.repeat([1, 0], [33, 12])),
    (np.array([0.2, 0.9, 0.55, 1, 0.4]), np.array([0.1, 0.3, 0.35, 0.8])),
]


@pytest.mark.parametrize(("old", "new"), ARMS)
def test_difference_is_welch_with_one_success_and_one_failure_an_arm(old, new):
    """Interval and p-value are those of scipy.stats.ttest_ind on the padded arms."""
    expected = oracle.ttest_ind(np.r_[new, 0, 1], np.r_[old, 0, 1], equal_var=False)

    found = unpaired_difference(rate_sums(old, 1), rate_sums(new, 1))

    assert_allclose([found.low[0], found.high[0]], expected.confidence_interval(0.95), rtol=1e-10)
    assert found.p_diff[0] == pytest.approx(expected.pvalue, rel=1e-10)
    assert found.diff[0] == pytest.approx(new.mean() - old.mean())


def test_groups_of_equal_size_count_as_their_means():
    """Groups of three: the same as one value per group."""
    old, new = np.array([1, 0.5, 0, 0.5, 1]), np.array([0, 0.5, 0.25, 0])
    alone = unpaired_difference(rate_sums(old, 1), rate_sums(new, 1), margin=0.1)

    grouped = unpaired_difference(
        rate_sums(np.repeat(old, 3), 1, Grouping(cluster=np.repeat(np.arange(5), 3))),
        rate_sums(np.repeat(new, 3), 1, Grouping(cluster=np.repeat(np.arange(4), 3))),
        margin=0.1,
    )

    assert_allclose([grouped.low, grouped.high, grouped.p_diff], [alone.low, alone.high, alone.p_diff])
    assert grouped.clusters[0] == 4


def test_a_scale_only_stretches_the_difference():
    """Grades from 1 to 5 behave as the same grades from 0 to 1, four times as wide."""
    old, new = ARMS[3]
    unit = unpaired_difference(rate_sums(old, 1), rate_sums(new, 1), margin=0.1)

    found = unpaired_difference(
        rate_sums(1 + 4 * old, 1, lowest=1, highest=5),
        rate_sums(1 + 4 * new, 1, lowest=1, highest=5),
        margin=0.4,
        lowest=1,
        highest=5,
    )

    assert_allclose([found.diff, found.low, found.high], 4 * np.array([unit.diff, unit.low, unit.high]))
    assert_allclose([found.p_diff, found.p_equivalent], [unit.p_diff, unit.p_equivalent])


scores = st.lists(st.integers(0, 4).map(lambda i: i / 4), min_size=1, max_size=40).map(np.array)


@given(scores, scores)
def test_interval_and_test_never_disagree(old, new):
    """p <= .05 exactly where the interval leaves 0 out."""
    found = unpaired_difference(rate_sums(old, 1), rate_sums(new, 1))

    assert (found.p_diff[0] <= 0.05) == (found.low[0] > 0 or found.high[0] < 0)


@given(scores, scores)
def test_interval_holds_the_estimate_and_stays_in_range(old, new):
    """-1 <= low <= diff <= high <= 1."""
    found = unpaired_difference(rate_sums(old, 1), rate_sums(new, 1))

    assert -1 <= found.low[0] <= found.diff[0] + 1e-12
    assert found.diff[0] - 1e-12 <= found.high[0] <= 1


@given(scores, scores)
def test_swapping_old_and_new_mirrors_everything(old, new):
    """Difference and interval change sign; the p-values stay, with sides exchanged."""
    a, b = rate_sums(old, 1), rate_sums(new, 1)

    one, other = unpaired_difference(a, b, margin=0.1), unpaired_difference(b, a, margin=0.1)

    assert_allclose([one.diff, one.low, one.high], [-other.diff, -other.high, -other.low], atol=1e-12)
    assert_allclose([one.p_diff, one.p_not_lower], [other.p_diff, other.p_not_higher], atol=1e-12)


def test_many_comparisons_at_once_are_each_alone():
    """Vectorised results equal one-by-one results."""
    arms = [np.concatenate(side) for side in zip(*ARMS, strict=True)]
    index = [np.repeat(np.arange(4), [len(x) for x in side]) for side in zip(*ARMS, strict=True)]
    old, new = (rate_sums(x, 1, Grouping(i, 4)) for x, i in zip(arms, index, strict=True))

    together = unpaired_difference(old, new, margin=0.05)

    for i, (a, b) in enumerate(ARMS):
        alone = unpaired_difference(rate_sums(a, 1), rate_sums(b, 1), margin=0.05)
        assert_allclose(
            [together.low[i], together.high[i], together.p_diff[i], together.p_equivalent[i]],
            [alone.low[0], alone.high[0], alone.p_diff[0], alone.p_equivalent[0]],
        )
