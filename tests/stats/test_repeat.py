"""Flake, pass^k and pass@k, against counting by hand over all draws."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from statsmodels.stats.proportion import proportion_confint

from mbe_docs.stats import (
    Grouping,
    all_pass,
    any_pass,
    flake,
    label_flake,
    label_flakes,
    pass_at_k,
    pass_hat_k,
    score_flakes,
)

tries = st.lists(st.integers(0, 1), min_size=2, max_size=7)


@given(tries)
def test_flake_of_a_prompt_is_the_share_of_pairs_that_differ(scores):
    """Counted over all pairs of attempts."""
    pairs = list(combinations(scores, 2))

    (found,) = score_flakes(len(scores), sum(scores), sum(scores))

    assert found == pytest.approx(np.mean([a != b for a, b in pairs]), abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=7))
def test_flake_of_graded_scores_is_the_mean_squared_difference(scores):
    """Counted over all pairs of attempts."""
    pairs = list(combinations(scores, 2))

    (found,) = score_flakes(len(scores), sum(scores), sum(x * x for x in scores))

    assert found == pytest.approx(np.mean([(a - b) ** 2 for a, b in pairs]), abs=1e-9)


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=7))
def test_flake_of_labels_is_the_share_of_pairs_that_differ(labels):
    """Counted over all pairs of attempts."""
    pairs = list(combinations(labels, 2))

    (found,) = label_flakes(len(labels), sum(labels.count(x) ** 2 for x in set(labels)))

    assert found == pytest.approx(np.mean([a != b for a, b in pairs]), abs=1e-12)


@given(tries, st.integers(1, 4))
def test_pass_k_counts_all_draws(scores, k):
    """pass^k and pass@k are the shares of k-subsets that all pass, and that hold a pass; NaN below k."""
    draws = list(combinations(scores, k))

    every, some = all_pass(len(scores), sum(scores), k), any_pass(len(scores), sum(scores), k)

    if draws:
        assert_allclose(every, np.mean([all(d) for d in draws]), atol=1e-12)
        assert_allclose(some, np.mean([any(d) for d in draws]), atol=1e-12)
    else:
        assert np.isnan([every, some]).all()


def test_flake_with_two_attempts_is_a_plain_rate():
    """Two attempts either differ or not: 12 of 40 prompts is Clopper-Pearson for 12 of 40."""
    passed = np.repeat([1, 2, 0], [12, 20, 8])

    found = flake(np.full(40, 2), passed, passed, binary=True)

    assert_allclose(
        [found.value[0], found.low[0], found.high[0]], [0.3, *proportion_confint(12, 40, method="beta")]
    )


@pytest.mark.parametrize("function", [pass_hat_k, pass_at_k])
def test_pass_k_at_all_attempts_is_a_plain_rate(function):
    """With k attempts each, every prompt passes or not: Clopper-Pearson."""
    passed = np.repeat([0, 3], [5, 15])

    found = function(np.full(20, 3), passed, 3)

    assert_allclose([found.low[0], found.high[0]], proportion_confint(15, 20, method="beta"))


def test_samples_with_too_few_attempts_are_left_out_and_counted():
    """The estimate rests on the prompts with k attempts; how many is returned."""
    found = pass_hat_k([1, 3, 3, 2], [1, 3, 1, 0], 2, Grouping(cluster=[0, 0, 1, 1]))

    assert_allclose([found.value[0], found.samples[0]], [(1 + 0 + 0) / 3, 3])


def test_without_enough_attempts_there_is_no_estimate():
    """Null, never clipped to a smaller k."""
    found = flake([1, 1], [1, 0], [1, 0], binary=True)

    assert found.samples[0] == 0
    assert np.isnan([found.value[0], found.low[0], found.high[0]]).all()


def test_labels_that_never_differ_leave_room_for_flake():
    """30 stable prompts: the upper end is that of 0 of 30."""
    found = label_flake(np.full(30, 2), np.full(30, 4))

    assert found.value[0] == 0
    assert found.high[0] == pytest.approx(1 - 0.025 ** (1 / 30))


def test_flake_on_a_wider_scale_is_in_squared_points():
    """Grades on a scale of width 4: two attempts 4 apart are the largest flake, 16."""
    found = flake([2, 2], [4, 8], [16, 32], binary=False, width=4)

    assert_allclose(found.value, 8)
    assert 0 <= found.low[0] <= 8 <= found.high[0] <= 16


def test_each_arm_has_its_own_flake():
    """Arms are estimated side by side; one without repeated prompts has no estimate."""
    grouping = Grouping(result=[0, 0, 1, 2], results=3)

    found = flake([2, 2, 2, 1], [1, 2, 2, 1], [1, 2, 2, 1], grouping, binary=True)

    assert_allclose(found.value, [0.5, 0, np.nan])


def test_k_is_at_least_one():
    """pass^0 means nothing."""
    with pytest.raises(ValueError, match="k is 0; expected at least 1"):
        pass_hat_k([1], [1], 0)
