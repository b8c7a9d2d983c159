"""Two versions on the same samples."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats as oracle
from statsmodels.stats.weightstats import DescrStatsW

from mbe_docs.stats import Grouping, pair_sums, paired_difference, paired_mean_difference


def two_by_two(both, up, down, neither):
    """Paired sums of 0/1 scores from the counts of a 2 × 2 table."""
    counts = [both, up, down, neither]
    return pair_sums(np.repeat([1, 0, 1, 0], counts), np.repeat([1, 1, 0, 0], counts), is_single=True)


def numbers(found):
    """All arrays of a result, as one table."""
    return [found.diff, found.low, found.high, found.p_diff, found.p_equivalent, found.sigma_sq]


@pytest.mark.parametrize(("both", "up", "down", "neither"), [(150, 5, 25, 20), (18, 0, 0, 2), (60, 9, 9, 5)])
def test_interval_is_the_t_interval_with_two_more_prompts(both, up, down, neither):
    """One prompt gained and one lost are added (statsmodels DescrStatsW on the raw differences)."""
    d = np.repeat([0, 1, -1, 0, 1, -1], [both, up, down, neither, 1, 1])

    found = paired_difference(two_by_two(both, up, down, neither))

    assert_allclose([found.low[0], found.high[0]], DescrStatsW(d).tconfint_mean(0.05), rtol=1e-12)


def test_mcnemar_mid_p_of_the_published_example():
    """Airway hyper-responsiveness in 21 children, 1 against 7: mid-p .039 (Fagerland and others 2013)."""
    found = paired_difference(two_by_two(12, 1, 7, 1))

    assert found.p_diff[0] == pytest.approx(0.039, abs=5e-4)


@pytest.mark.parametrize(("up", "down"), [(0, 1), (0, 6), (3, 12), (10, 10), (40, 61)])
def test_mcnemar_mid_p_is_the_binomial_one(up, down):
    """2·P(X <= fewer) - P(X = fewer), and 1 - P(X = fewer)/2 at a tie (scipy.stats.binom)."""
    coin = oracle.binom(up + down, 0.5)
    fewer = min(up, down)
    expected = 1 - coin.pmf(fewer) / 2 if up == down else 2 * coin.cdf(fewer) - coin.pmf(fewer)

    found = paired_difference(two_by_two(20, up, down, 5))

    assert found.p_diff[0] == pytest.approx(expected, rel=1e-12)


def test_no_disagreement_is_no_evidence_of_a_change():
    """p is 1, and the interval is not of width 0."""
    found = paired_difference(two_by_two(18, 0, 0, 2))

    assert found.p_diff[0] == 1
    assert found.low[0] < -0.1
    assert found.high[0] > 0.1


def test_test_of_several_attempts_is_the_paired_t():
    """Without groups, the p-value is scipy.stats.ttest_rel on the prompt means."""
    old = np.array([1, 0.5, 0.25, 0.75, 1, 0, 0.5, 0.25, 1, 0.75])
    new = np.array([0.5, 0.25, 0, 0.75, 0.5, 0, 0.25, 0.5, 0.5, 0.5])

    found = paired_difference(pair_sums(old, new))

    assert found.p_diff[0] == pytest.approx(oracle.ttest_rel(new, old).pvalue, rel=1e-12)


def test_groups_are_the_unit():
    """Interval and p-value rest on cluster-robust errors (OLS on a constant, G/(G-1) corrected)."""
    old = np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1.0, 1, 1])
    new = np.array([0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0.0, 0, 0])
    group = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 5, 5, 6, 7, 8, 9])
    raw = sm.OLS(new - old, np.ones(16)).fit(
        cov_type="cluster", cov_kwds={"groups": group, "df_correction": True}, use_t=True
    )

    found = paired_difference(pair_sums(old, new, Grouping(cluster=group)))

    assert found.p_diff[0] == pytest.approx(raw.pvalues[0], rel=1e-9)
    assert found.clusters[0] == 10


def test_pseudo_clusters_have_average_size():
    """Two clusters of the average size, one all gained and one all lost, are two more groups to OLS."""
    old, new = np.array([1, 1, 0, 1, 1, 0, 1, 1]), np.array([0, 1, 0, 1, 1, 1, 0, 1])
    group = np.array([0, 0, 0, 1, 1, 2, 3, 3])
    d, groups = np.r_[new - old, 1, 1, -1, -1], np.r_[group, 4, 4, 5, 5]
    padded = sm.OLS(d, np.ones(12)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "df_correction": True}, use_t=True
    )

    found = paired_difference(pair_sums(old, new, Grouping(cluster=group)))

    assert_allclose([found.low[0], found.high[0]], padded.conf_int()[0], rtol=1e-9)


def test_p_value_is_never_below_the_sign_flip_bound():
    """Four prompts that moved alike could have moved alike by chance: 2^-4."""
    old = np.r_[np.full(4, 0.6), np.full(26, 0.8)]
    new = np.r_[np.full(4, 0.4), np.full(26, 0.8)]

    found = paired_difference(pair_sums(old, new))

    assert found.p_diff[0] == pytest.approx(2**-4)


def test_rounding_is_not_a_move():
    """A group whose samples moved by +1/3 and -1/3 did not move."""
    third = [1 / 3, 2 / 3, 1 / 3, 2 / 3], [2 / 3, 1 / 3, 1 - 1 / 3, 1 / 3]

    sums = pair_sums(*third, Grouping(cluster=[0, 0, 1, 1]))

    assert sums.moved[0] == 0


@pytest.mark.parametrize(("up", "down", "proven"), [(0, 0, True), (0, 5, False), (6, 6, True)])
def test_equivalence_is_the_whole_interval_inside_the_margin(up, down, proven):
    """p_equivalent <= .05 exactly where the uncut 95% interval is inside ±2 points."""
    d = np.repeat([0, 1, -1], [390 - up - down, up + 1, down + 1])
    low, high = DescrStatsW(d).tconfint_mean(0.05)

    found = paired_difference(two_by_two(380 - up - down, up, down, 8), margin=0.02)

    assert proven == (found.p_equivalent[0] <= 0.05)
    assert proven == (low > -0.02 and high < 0.02)


@pytest.mark.parametrize(("margin", "prompts"), [(0.1, 28), (0.05, 56), (0.02, 139), (0.01, 277)])
def test_unchanged_needs_prompts_even_without_disagreement(margin, prompts):
    """The fewest prompts whose add-two interval fits inside the margin (statsmodels DescrStatsW)."""
    fewest = next(
        n for n in range(2, 400) if DescrStatsW(np.r_[np.zeros(n), 1, -1]).tconfint_mean(0.05)[1] <= margin
    )

    enough = paired_difference(two_by_two(prompts, 0, 0, 0), margin=margin)
    short = paired_difference(two_by_two(prompts - 1, 0, 0, 0), margin=margin)

    assert prompts == fewest
    assert enough.p_equivalent[0] <= 0.05 < short.p_equivalent[0]


def test_noninferiority_follows_the_direction():
    """Where lower is better, the mirrored comparison is the one to be held against the margin."""
    worse, better = two_by_two(100, 2, 9, 20), two_by_two(100, 9, 2, 20)

    one, other = paired_difference(worse, margin=0.05), paired_difference(better, margin=0.05)

    assert_allclose(one.p_noninferior("higher"), other.p_noninferior("lower"), rtol=1e-12)
    assert one.p_noninferior("higher")[0] > one.p_noninferior("lower")[0]


def test_nothing_is_worse_without_a_direction():
    """A neutral measure has no non-inferiority."""
    with pytest.raises(ValueError, match="neutral measure has no worse side"):
        paired_difference(two_by_two(9, 1, 1, 1)).p_noninferior("neutral")


def test_without_a_margin_nothing_is_unchanged():
    """No margin, no equivalence: NaN, not a default."""
    found = paired_difference(two_by_two(900, 0, 0, 100))

    assert np.isnan(found.p_equivalent[0])


def test_without_common_samples_nothing_is_known():
    """Every number is NaN."""
    found = paired_difference(two_by_two(0, 0, 0, 0), margin=0.05)

    assert np.isnan(numbers(found)).all()


def test_a_scale_only_stretches_the_difference():
    """Grades from 1 to 5 behave as the same grades from 0 to 1, four times as wide."""
    old, new = np.array([0, 0.25, 0.5, 1, 0.75, 1]), np.array([0.25, 0.25, 1, 1, 0.5, 0.5])
    unit = paired_difference(pair_sums(old, new), margin=0.1)

    found = paired_difference(pair_sums(1 + 4 * old, 1 + 4 * new), margin=0.4, width=4)

    assert_allclose([found.diff, found.low, found.high], 4 * np.array([unit.diff, unit.low, unit.high]))
    assert_allclose([found.p_diff, found.p_equivalent], [unit.p_diff, unit.p_equivalent])


def test_unbounded_scores_are_compared_by_the_paired_t():
    """Interval and p-value are those of scipy.stats.ttest_rel."""
    old, new = np.array([12.0, 40, 7, 19, 33, 5]), np.array([14.0, 47, 6, 25, 41, 9])
    expected = oracle.ttest_rel(new, old)

    found = paired_mean_difference(pair_sums(old, new))

    assert_allclose([found.low[0], found.high[0]], expected.confidence_interval(0.95), rtol=1e-12)
    assert found.p_diff[0] == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_unbounded_scores_that_all_moved_alike_have_no_interval(shift):
    """No spread was seen and no scale bounds it: the estimate stands, without interval or p-value."""
    old = np.array([12.0, 40, 7])

    found = paired_mean_difference(pair_sums(old, old + shift), margin=1.0)

    assert shift == found.diff[0]
    assert np.isnan([found.low[0], found.p_diff[0], found.p_equivalent[0]]).all()


def rows(single=False):
    """Rows of one comparison: cluster, old mean, new mean, in fifths; or single 0/1 scores."""
    if single:
        bit = st.integers(0, 1)
        return st.lists(st.tuples(bit, bit), min_size=1, max_size=60).map(
            lambda r: np.column_stack([np.arange(len(r)), r]).T.astype(float)
        )
    fifth = st.integers(0, 5).map(lambda i: i / 5)
    cluster = st.integers(0, 12)
    return st.lists(st.tuples(cluster, fifth, fifth), min_size=1, max_size=60).map(lambda r: np.array(r).T)


def compare(table, *, single=False, level=0.95, margin=0.1):
    """The comparison of a table of rows."""
    cluster, old, new = table
    sums = pair_sums(old, new, Grouping(cluster=cluster), is_single=single)
    return paired_difference(sums, margin=margin, level=level)


any_rows = st.booleans().flatmap(lambda single: rows(single).map(lambda table: (table, single)))


@given(any_rows, st.sampled_from([0.8, 0.95, 0.99]))
def test_interval_and_test_never_disagree(data, level):
    """p <= 1 - level: the interval does not cross 0; p above it: the interval does not leave 0 out."""
    table, single = data

    found = compare(table, single=single, level=level)

    if found.p_diff[0] <= 1 - level:
        assert found.low[0] >= 0 or found.high[0] <= 0
    else:
        assert found.low[0] <= 0 <= found.high[0]


def test_interval_gives_way_where_the_test_is_stricter():
    """Four large groups moved alike: the sign-flip bound says p = .0625, so 0 belongs to the interval."""
    cluster = np.r_[np.repeat(np.arange(4), 100), np.arange(4, 1000)]
    moved = np.r_[np.ones(400), np.zeros(996)]

    found = compare((cluster, np.zeros(1396), moved))

    assert found.p_diff[0] == pytest.approx(0.0625)
    assert found.low[0] == 0


@given(any_rows)
def test_interval_holds_the_estimate_and_stays_in_range(data):
    """-1 <= low <= diff <= high <= 1."""
    table, single = data

    found = compare(table, single=single)

    assert -1 <= found.low[0] <= found.diff[0] + 1e-12
    assert found.diff[0] - 1e-12 <= found.high[0] <= 1


@given(any_rows)
def test_swapping_old_and_new_mirrors_everything(data):
    """Difference and interval change sign; the p-values stay, with sides exchanged."""
    (cluster, old, new), single = data

    one = compare((cluster, old, new), single=single)
    other = compare((cluster, new, old), single=single)

    assert_allclose([one.diff, one.low, one.high], [-other.diff, -other.high, -other.low], atol=1e-9)
    assert_allclose([one.p_diff, one.p_not_lower], [other.p_diff, other.p_not_higher], atol=1e-9)


@given(any_rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(data, random):
    """Shuffled rows give the same numbers."""
    table, single = data
    order = list(range(table.shape[1]))
    random.shuffle(order)

    one, other = compare(table, single=single), compare(table[:, order], single=single)

    assert_allclose(numbers(one), numbers(other), atol=1e-9)


@given(st.lists(rows(), min_size=1, max_size=5))
def test_many_comparisons_at_once_are_each_alone(tables):
    """Vectorised results equal one-by-one results."""
    pair = np.repeat(np.arange(len(tables)), [table.shape[1] for table in tables])
    cluster, old, new = np.concatenate(tables, axis=1)

    together = paired_difference(pair_sums(old, new, Grouping(pair, len(tables), cluster)), margin=0.1)

    for i, table in enumerate(tables):
        assert_allclose([each[i] for each in numbers(together)], np.ravel(numbers(compare(table))), atol=1e-9)
