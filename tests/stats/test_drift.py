"""Drift of a stream of runs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mbe_docs.stats import drift

QUIET = [[1, 1, 0, 1, 0], [1, 0, 1, 1, 0], [1, 1, 1, 0, 0], [1, 1, 0, 1, 0], [1, 0, 1, 1, 0]]


def test_z_of_the_third_run_by_hand():
    """Means .6, .6, .6; prompts 2 and 3 differed once in two runs, so v = (2 × .5)/5/5 and z = 0."""
    found = drift(QUIET[:3], 1)

    assert_allclose(found.z, [0, 0, 0])


def test_z_of_a_fall_by_hand():
    """From .6, .6 to .2: z = -.4 / sqrt(.04 × 1.5), the fall in standard errors."""
    found = drift([*QUIET[:2], [1, 0, 0, 0, 0]], 1)

    assert_allclose(found.z, [0, 0, -0.4 / np.sqrt(0.04 * 1.5)])
    assert_allclose(found.down, [0, 0, 0.4 / np.sqrt(0.06) - 0.5])
    assert_allclose(found.up, 0)


def test_a_quiet_stream_raises_no_alarm():
    """The same three runs over and over."""
    found = drift(QUIET * 10, 1)

    assert found.alarm_run is None
    assert found.change_run is None


@pytest.mark.parametrize("better", [True, False])
def test_a_step_is_alarmed_and_dated(better):
    """A step at run 21 is alarmed a few runs later and dated near where it began."""
    coins = np.random.default_rng(7).binomial(1, np.r_[np.full(20, 0.5), np.full(10, 0.9)][:, None], (30, 60))
    found = drift(coins if better else 1 - coins, 1)

    assert 21 <= found.alarm_run <= 24
    assert 20 <= found.change_run <= 21


def test_runs_that_vary_more_than_their_prompts_widen_the_noise():
    """With 11 runs before it, a run is held against the variance between runs if that is larger."""
    levels = np.tile([10, 0], 8)[:, None] * np.ones((1, 20))

    found = drift(levels, 10)

    before = levels[:11].mean(axis=1) / 10
    assert_allclose(found.z[11], (0 - before.mean()) / np.sqrt(before.var(ddof=1) * (1 + 1 / 11)))


def test_graded_scores_bring_their_own_squares():
    """Scores doubled, squares fourfold: the same z."""
    totals = np.array(QUIET)

    one, other = drift(totals, 1), drift(2 * totals, 1, totals_sq=4 * totals)

    assert_allclose(one.z, other.z)


def test_a_stream_without_any_variation_is_quiet():
    """Always passing is not drift."""
    assert_allclose(drift(np.ones((6, 30)), 1).z, 0)


def test_one_slip_after_perfect_runs_is_no_alarm():
    """Noise never seen is not noise of 0: the slip itself says how much there may be."""
    totals = np.ones((5, 100))
    totals[4, 0] = 0

    found = drift(totals, 1)

    assert -6 < found.z[4] < 0
    assert found.alarm_run is None


@pytest.mark.parametrize("totals", [[1, 0, 1], np.ones((0, 4)), np.ones((4, 0))])
def test_a_stream_is_runs_by_prompts(totals):
    """Anything else is an error that names the shape."""
    with pytest.raises(ValueError, match=r"expected \(runs, prompts\)"):
        drift(totals, 1)


def test_flaky_attempts_say_how_much_a_quiet_run_moves():
    """Two of five prompts differ between the two runs."""
    found = drift(QUIET[:2], 1)

    assert found.flaky_attempts == pytest.approx(2)


def test_attempts_may_differ_from_run_to_run():
    """Six attempts a prompt, then two, then six: z by hand from the pooled variance of the runs before."""
    totals = np.array([[6.0, 3.0, 0.0, 4.0], [2.0, 1.0, 0.0, 1.0], [6.0, 0.0, 0.0, 3.0]])
    tries = np.array([6.0, 2.0, 6.0])
    before = totals[:2].sum(axis=0)
    within = np.mean((before - before**2 / 8) / 7)
    step = 9 / 24 - (13 / 24 + 4 / 8) / 2

    found = drift(totals, tries)

    assert found.z[2] == pytest.approx(step / np.sqrt(within / 4 * (1 / 6 + (1 / 6 + 1 / 2) / 4)))


def test_the_same_attempts_in_every_run_are_one_number():
    """Written as one number or as one for each run."""
    totals = np.random.default_rng(5).binomial(3, 0.7, (20, 30))

    one, many = drift(totals, 3), drift(totals, np.full(20, 3))

    assert one.z.tolist() == many.z.tolist()
    assert one.flaky_attempts == many.flaky_attempts
