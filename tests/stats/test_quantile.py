"""Quantiles from values and from histograms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from mbe_docs.stats import histogram_quantile, quantile_interval, quantile_ranks

values = st.lists(st.integers(1, 400), min_size=1, max_size=150)


@pytest.mark.parametrize(("n", "q"), [(7, 0.5), (100, 0.5), (100, 0.95), (5000, 0.99)])
def test_ranks_are_binomial_quantiles(n, q):
    """binom.ppf(.025) and binom.ppf(.975) + 1, counted from 1 (scipy.stats)."""
    expected = int(oracle.binom.ppf(0.025, n, q)), int(oracle.binom.ppf(0.975, n, q)) + 1

    assert expected == quantile_ranks(n, q)


@pytest.mark.parametrize(("n", "is_enough"), [(71, False), (72, True)])
def test_the_95th_percentile_needs_72_values(n, is_enough):
    """.95^72 is the first power under .025."""
    assert is_enough == (quantile_ranks(n, 0.95)[1] is not None)


def test_a_low_quantile_of_few_values_has_no_lower_end():
    """Even the smallest value may lie above it."""
    found = quantile_interval([1.0, 2.0, 3.0], 0.05)

    assert found.low is None


def test_the_median_of_few_values():
    """Of seven values the interval runs from the smallest to the largest (David & Nagaraja, 7.1)."""
    found = quantile_interval([3, 1, 7, 5, 2, 6, 4], 0.5)

    assert (found.value, found.low, found.high, found.n) == (4, 1, 7, 7)


def test_nothing_seen_has_no_quantile():
    """No values, no estimate, from either form."""
    assert quantile_interval([], 0.5).value is None
    assert histogram_quantile([0, 1], [0], 0.5).value is None
    assert histogram_quantile([0], [], 0.5).value is None


@pytest.mark.parametrize("q", [0, 1, 95])
def test_a_quantile_is_between_0_and_1(q):
    """95 is not a quantile; 0.95 is."""
    with pytest.raises(ValueError, match=f"q is {q}; expected a number between 0 and 1"):
        quantile_ranks(10, q)


@given(values, st.sampled_from([0.5, 0.9, 0.95]))
def test_a_histogram_says_the_same_within_a_bin(x, q):
    """Bins of width 10: the estimate is at most a bin off, the interval holds the exact one."""
    edges = np.arange(0, 411, 10)
    exact = quantile_interval(x, q)

    found = histogram_quantile(edges, np.histogram(x, edges)[0], q)

    assert abs(found.value - exact.value) <= 10
    assert (found.low is None) == (exact.low is None)
    assert (found.high is None) == (exact.high is None)
    assert exact.low is None or found.low <= exact.low
    assert exact.high is None or exact.high <= found.high


@given(values, values, st.sampled_from([0.5, 0.95]))
def test_histograms_are_merged_by_adding(x, y, q):
    """Adding counts is the histogram of all values."""
    edges = np.geomspace(1, 500, 40)
    one, other, both = (np.histogram(v, edges)[0] for v in (x, y, x + y))

    assert histogram_quantile(edges, one + other, q) == histogram_quantile(edges, both, q)


@pytest.mark.parametrize(("edges", "counts"), [([0, 1], [1, 2]), ([1, 0], [1]), ([0, 1], [-1])])
def test_a_broken_histogram_is_an_error(edges, counts):
    """Edges that do not fit or rise, and counts below 0."""
    with pytest.raises(ValueError, match="counts of 0 or more between edges that rise"):
        histogram_quantile(edges, counts, 0.5)
