"""Rates, graded scores and means with their intervals."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats as oracle
from statsmodels.stats.proportion import proportion_confint

from mbe_docs.stats import Grouping, RateSums, mean_interval, rate_interval, rate_sums
from mbe_docs.stats.distributions import binomial_cdf, binomial_quantile

GROUPED = {
    "means": [1, 1, 0, 1, 0.5, 0, 0, 1, 1, 1, 0.25, 0],
    "cluster": [0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 4, 5],
}


def robust_variance(means, cluster):
    """Of the mean, by OLS on a constant with cluster-robust errors (Liang & Zeger), G/(G-1) corrected."""
    fit = sm.OLS(means, np.ones(len(means))).fit(cov_type="cluster", cov_kwds={"groups": np.array(cluster)})
    return fit.bse[0] ** 2


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 20), (47, 50), (123, 200), (1000, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_one_attempt_per_prompt_is_clopper_pearson(k, n, level):
    """Ungrouped and tried once, n prompts count exactly n."""
    sums = rate_sums(np.repeat([1, 0], [k, n - k]), 1)

    found = rate_interval(sums, binary=True, level=level)

    expected = proportion_confint(k, n, alpha=1 - level, method="beta")
    assert_allclose([found.low[0], found.high[0]], expected, atol=1e-12)
    assert n == found.n_eff[0]


def test_rule_of_three():
    """0 of 1000 leaves room for 1 - .025^(1/1000), about 3.7 in a thousand (Hanley & Lippman-Hand 1983)."""
    found = rate_interval(rate_sums(np.zeros(1000), 1), binary=True)

    assert found.low[0] == 0
    assert found.high[0] == pytest.approx(1 - 0.025**0.001)


def test_grouped_variance_is_cluster_robust_and_shrunk_towards_coins():
    """The effective size follows from the OLS cluster variance, two parts shrunk, by Clopper-Pearson."""
    means, cluster = np.array(GROUPED["means"]), np.array(GROUPED["cluster"])
    theta, sizes = means.mean(), np.bincount(cluster)
    coins = theta * (1 - theta) * np.sum(sizes**2) / means.size**2
    imperfect = sum(any(means[cluster == g] < 1) for g in range(6))
    above_zero = sum(any(means[cluster == g] > 0) for g in range(6))
    weight = min(imperfect, above_zero)
    variance = (weight * robust_variance(means, cluster) + 2 * coins) / (weight + 2)
    n_eff = theta * (1 - theta) / variance

    found = rate_interval(rate_sums(means, 4, Grouping(cluster=cluster)), binary=True)

    assert_allclose(found.n_eff[0], n_eff, rtol=1e-12)
    assert_allclose(
        [found.low[0], found.high[0]], proportion_confint(theta * n_eff, n_eff, method="beta"), rtol=1e-10
    )


@pytest.mark.parametrize("epochs", [1, 3, 10])
def test_all_failing_counts_prompts_not_attempts(epochs):
    """20 prompts that always fail say no more with ten epochs than with one."""
    found = rate_interval(rate_sums(np.zeros(20), epochs), binary=True)

    assert found.n_eff[0] == 20
    assert found.high[0] == pytest.approx(1 - 0.025 ** (1 / 20))


def test_binary_scores_never_count_more_than_the_attempts():
    """Prompts that all pass half the time look less varied than coins; the attempts are the limit."""
    found = rate_interval(rate_sums(np.full(30, 0.5), 2), binary=[True])

    assert found.n_eff[0] == 60


def test_graded_scores_may_count_more_than_the_attempts():
    """A graded score carries more than a coin flip: no limit."""
    found = rate_interval(rate_sums(np.full(30, 0.5), 2), binary=[False])

    assert found.n_eff[0] > 60


def test_a_scale_only_stretches_the_interval():
    """Grades from 1 to 5 have the interval of the same grades from 0 to 1, stretched."""
    unit = np.array([0, 0.25, 0.5, 0.5, 0.75, 1, 1])
    plain = rate_interval(rate_sums(unit, 1), binary=False)

    found = rate_interval(rate_sums(1 + 4 * unit, 1, lowest=1, highest=5), binary=False, lowest=1, highest=5)

    assert_allclose(
        [found.value, found.low, found.high],
        [1 + 4 * plain.value, 1 + 4 * plain.low, 1 + 4 * plain.high],
        rtol=1e-12,
    )
    assert_allclose(found.n_eff, plain.n_eff, rtol=1e-12)


def test_a_single_group_counts_as_one():
    """A hundred samples of one source are one observation."""
    found = rate_interval(rate_sums(np.arange(100) % 2, 1, Grouping(cluster=np.zeros(100))), binary=True)

    assert found.n_eff[0] == pytest.approx(1)


def test_an_arm_without_samples_has_no_rate():
    """Unknown is not zero: value and interval are NaN."""
    found = rate_interval(rate_sums([1.0], 1, Grouping(result=[1], results=2)), binary=True)

    assert np.isnan([found.value[0], found.low[0], found.high[0]]).all()
    assert found.value[1] == 1


@pytest.mark.parametrize(
    ("scores", "lowest", "highest", "message"),
    [
        ([3.0], 0, 1, "mean lies outside the scale"),
        ([-0.5], 0, 1, "mean lies outside the scale"),
        ([0.5], 1, 1, "highest score above its lowest"),
    ],
)
def test_scores_off_their_scale_are_an_error(scores, lowest, highest, message):
    """A score outside the declared scale is a wrong declaration, not a rate to clip."""
    with pytest.raises(ValueError, match=message):
        rate_interval(rate_sums(scores, 1), binary=False, lowest=lowest, highest=highest)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_between_0_and_1(level):
    """95 is not a level; 0.95 is."""
    with pytest.raises(ValueError, match=f"level is {level}; expected a number between 0 and 1"):
        rate_interval(rate_sums([1.0], 1), binary=True, level=level)


def test_sums_must_have_one_shape():
    """Sums that were not taken over the same arms are refused."""
    three, two = np.ones(3), np.ones(2)

    with pytest.raises(ValueError, match="sums differ in shape"):
        RateSums(three, three, three, three, three, three, three, three, two)


def test_a_row_of_an_unknown_arm_is_an_error():
    """A row cannot count for the third of two arms."""
    with pytest.raises(ValueError, match="belongs to result 2, of 2 counted from 0"):
        rate_sums([1.0], 1, Grouping(result=[2], results=2))


def test_unbounded_mean_is_the_t_interval():
    """Ungrouped, the interval is Student's (scipy.stats.ttest_1samp)."""
    scores = np.array([12.5, 3.0, 44.0, 8.5, 9.0, 21.0])

    found = mean_interval(rate_sums(scores, 1))

    expected = oracle.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert_allclose([found.low[0], found.high[0]], expected, rtol=1e-12)


def test_unbounded_mean_of_groups_is_cluster_robust():
    """Grouped, the standard error is that of OLS with cluster-robust errors, t with G - 1."""
    means, cluster = 10 * np.array(GROUPED["means"]), GROUPED["cluster"]
    reach = oracle.t.ppf(0.975, 5) * np.sqrt(robust_variance(means, cluster))

    found = mean_interval(rate_sums(means, 1, Grouping(cluster=cluster)))

    assert_allclose([found.low[0], found.high[0]], [means.mean() - reach, means.mean() + reach], rtol=1e-12)


def test_unbounded_mean_of_one_cluster_has_no_interval():
    """One cluster says nothing about the spread."""
    found = mean_interval(rate_sums([7.0], 1))

    assert found.value[0] == 7
    assert np.isnan([found.low[0], found.high[0]]).all()


def samples(most=40):
    """Rows of one arm: cluster, attempts, passed."""
    row = st.integers(1, 6).flatmap(lambda m: st.tuples(st.integers(0, 9), st.just(m), st.integers(0, m)))
    return st.lists(row, min_size=1, max_size=most).map(lambda rows: np.array(rows).T)


@given(samples(), st.sampled_from([0.8, 0.95, 0.99]), st.booleans())
def test_the_interval_holds_the_estimate_and_stays_on_the_scale(rows, level, binary):
    """0 <= low <= value <= high <= 1, whatever the data."""
    cluster, m, passed = rows

    found = rate_interval(rate_sums(passed / m, m, Grouping(cluster=cluster)), binary=binary, level=level)

    assert 0 <= found.low[0] <= found.value[0] <= found.high[0] <= 1


@given(samples(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    """Shuffled rows give the same interval."""
    order = list(range(rows.shape[1]))
    random.shuffle(order)

    one, other = (
        rate_interval(rate_sums(p / m, m, Grouping(cluster=c)), binary=True)
        for c, m, p in (rows, rows[:, order])
    )

    assert_allclose([one.value, one.low, one.high], [other.value, other.low, other.high], atol=1e-9)


@given(samples())
def test_passes_and_failures_mirror_each_other(rows):
    """The interval of the failure rate is that of the pass rate, mirrored."""
    cluster, m, passed = rows

    one, other = (
        rate_interval(rate_sums(k / m, m, Grouping(cluster=cluster)), binary=True)
        for k in (passed, m - passed)
    )

    assert_allclose([one.low, one.high], [1 - other.high, 1 - other.low], atol=1e-9)


@given(st.lists(samples(), min_size=1, max_size=5))
def test_many_arms_at_once_are_each_arm_alone(arms):
    """Vectorised results equal one-by-one results."""
    arm = np.repeat(np.arange(len(arms)), [rows.shape[1] for rows in arms])
    cluster, m, passed = np.concatenate(arms, axis=1)

    together = rate_interval(rate_sums(passed / m, m, Grouping(arm, len(arms), cluster)), binary=True)

    for i, (c, tries, k) in enumerate(arms):
        alone = rate_interval(rate_sums(k / tries, tries, Grouping(cluster=c)), binary=True)
        assert_allclose(
            [together.value[i], together.low[i], together.high[i]],
            [alone.value[0], alone.low[0], alone.high[0]],
            atol=1e-9,
        )


@pytest.mark.parametrize(("n", "p"), [(1, 0.5), (7, 0.5), (50, 0.95), (72, 0.95), (1000, 0.1)])
def test_binomial_distribution_matches_scipy(n, p):
    """The cdf and the quantile are those of scipy.stats.binom."""
    k = np.arange(-1, n + 2)

    assert_allclose(binomial_cdf(k, n, p), oracle.binom.cdf(k, n, p), atol=1e-13)
    for q in (0.025, 0.5, 0.975):
        assert oracle.binom.ppf(q, n, p) == binomial_quantile(q, n, p)
