"""Prompts needed, epochs and repeated looks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.stats import norm

from mbe_docs.stats import adjust_looks, n_needed, pair_sums, paired_difference, sigma_sq_with_epochs


@pytest.mark.parametrize("kind", ["equivalence", "difference"])
@pytest.mark.parametrize(("sigma_sq", "margin"), [(0.1, 0.05), (0.02, 0.02), (0.32, 0.1), (0.0, 0.05)])
def test_n_needed_is_where_the_interval_is_narrow_enough(kind, sigma_sq, margin):
    """The root of margin²(n + 2)² = κ²(n·sigma_sq + 2), found by bisection."""
    kappa = norm.ppf(0.975) + norm.ppf(0.9 if kind == "equivalence" else 0.8)
    root = brentq(lambda n: margin**2 * (n + 2) ** 2 - kappa**2 * (n * sigma_sq + 2), 1, 1e7)

    assert np.ceil(root) == n_needed(sigma_sq, margin, kind=kind)[0]


def test_n_needed_delivers_its_power():
    """Of pages of prompts of that number, about 80% show a true change of the margin."""
    down, up = 0.15, 0.05
    n = int(n_needed(down + up - 0.1**2, 0.1, kind="difference")[0])
    draws = np.random.default_rng(1).multinomial(n, [up, down, 1 - up - down], 400)
    shown = 0

    for gained, lost, same in draws:
        new = np.repeat([1, 0, 1], [gained, lost, same])
        old = np.repeat([0, 1, 1], [gained, lost, same])
        shown += paired_difference(pair_sums(old, new, is_single=True)).p_diff[0] <= 0.05

    assert 0.75 < shown / 400 < 0.92


def test_n_needed_without_a_margin_is_unknown():
    """NaN, not infinity."""
    assert np.isnan(n_needed(0.1, np.nan, kind="equivalence")[0])


def test_n_needed_is_at_least_one():
    """A margin wider than the scale needs a prompt all the same."""
    assert n_needed(0.0, 5.0, kind="difference")[0] == 1


def test_more_epochs_shrink_only_the_flake():
    """With coin-flip prompts (flake .5 a side), sigma² falls from .5 towards 0 as 1/m."""
    found = sigma_sq_with_epochs(0.5, 0.5, 0.5, epochs=1, planned_epochs=[1, 2, 5, 10])

    assert_allclose(found, [0.5, 0.25, 0.1, 0.05])


def test_epochs_do_not_help_where_prompts_do_not_flake():
    """What differs between versions on a prompt stays."""
    assert_allclose(sigma_sq_with_epochs(0.2, 0, 0, epochs=1, planned_epochs=100), 0.2)


def test_sigma_never_falls_below_zero():
    """Sampling error in the flake cannot make a variance negative."""
    assert sigma_sq_with_epochs(0.1, 0.5, 0.5, epochs=1, planned_epochs=10)[0] == 0


def test_planned_looks_are_paid_for_equally():
    """Bonferroni: each p times the number of looks, at most 1."""
    assert_allclose(adjust_looks([0.01, 0.3], planned_looks=5), [0.05, 1])


def test_undeclared_looks_cost_more_each_time():
    """Look k pays k(k + 1), since 1/2 + 1/6 + 1/12 + … is 1."""
    assert_allclose(adjust_looks([0.03, 0.004, 0.0009], planned_looks=None), [0.06, 0.024, 0.0108])


def test_more_looks_than_planned_is_an_error():
    """The plan was the price."""
    with pytest.raises(ValueError, match="3 looks were taken, 2 were planned"):
        adjust_looks([0.1, 0.1, 0.1], planned_looks=2)
