"""Latency and cost ratios."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats as oracle

from mbe_docs.stats import cost_ratio, cost_sums, latency_ratio, pair_sums

OLD = np.array([1.2, 0.8, 2.5, 4.1, 0.9, 1.7, 3.3, 2.2])
NEW = np.array([1.5, 0.9, 2.4, 6.0, 1.3, 1.6, 4.9, 2.9])


def test_latency_is_the_paired_t_on_logs():
    """Ratio, interval and p-value are those of scipy.stats.ttest_rel on logarithms."""
    expected = oracle.ttest_rel(np.log(NEW), np.log(OLD))
    low, high = expected.confidence_interval(0.95)

    found = latency_ratio(pair_sums(np.log(OLD), np.log(NEW)))

    assert_allclose([found.low[0], found.high[0]], np.exp([low, high]), rtol=1e-12)
    assert found.ratio[0] == pytest.approx(oracle.gmean(NEW) / oracle.gmean(OLD))
    assert found.p_diff[0] == pytest.approx(expected.pvalue)


def test_latency_equivalence_is_two_one_sided_tests_doubled():
    """Against 1/1.1 and 1.1, on logarithms (scipy.stats.ttest_1samp)."""
    d, margin = np.log(NEW / OLD), np.log(1.5)
    sides = [
        oracle.ttest_1samp(d, -margin, alternative="greater").pvalue,
        oracle.ttest_1samp(d, margin, alternative="less").pvalue,
    ]

    found = latency_ratio(pair_sums(np.log(OLD), np.log(NEW)), margin_ratio=1.5)

    assert found.p_equivalent[0] == pytest.approx(2 * max(sides))


def test_cost_is_the_delta_method_on_the_ratio_of_means():
    """One-sample t on b/mean(b) - a/mean(a) around log(mean(b)/mean(a))."""
    ratio = NEW.mean() / OLD.mean()
    expected = oracle.ttest_1samp(NEW / NEW.mean() - OLD / OLD.mean() + np.log(ratio), 0)

    found = cost_ratio(cost_sums(OLD, NEW))

    assert found.ratio[0] == pytest.approx(ratio)
    assert_allclose([found.low[0], found.high[0]], np.exp(expected.confidence_interval(0.95)), rtol=1e-9)
    assert found.p_diff[0] == pytest.approx(expected.pvalue)


def test_swapping_old_and_new_inverts_the_ratio():
    """Twice as dear is half as cheap."""
    one, other = cost_ratio(cost_sums(OLD, NEW)), cost_ratio(cost_sums(NEW, OLD))

    assert_allclose([one.ratio, one.low, one.high], [1 / other.ratio, 1 / other.high, 1 / other.low])
    assert_allclose([one.p_diff, one.p_equivalent], [other.p_diff, other.p_equivalent])


@pytest.mark.parametrize(("old", "new"), [([0, 0, 0], [1, 2, 3]), ([5], [6])])
def test_cost_without_a_base_or_a_spread_has_no_interval(old, new):
    """A free side has no ratio; a single sample has no interval."""
    found = cost_ratio(cost_sums(old, new))

    assert np.isnan([found.low[0], found.high[0], found.p_diff[0]]).all()
