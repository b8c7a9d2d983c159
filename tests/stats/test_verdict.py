"""False discovery adjustment and verdicts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats as oracle

from mbe_docs.stats import (
    CHANGES,
    Grouping,
    PairSums,
    adjust,
    page_verdicts,
    pair_sums,
    paired_difference,
)
from tests.stats.test_paired import any_rows

MIRROR = {
    "improved": "regressed",
    "regressed": "improved",
    "increased": "decreased",
    "decreased": "increased",
}
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=50)


@given(p_values, st.sampled_from(["bh", "by"]))
def test_adjustment_is_scipys(p, method):
    """Equal to scipy.stats.false_discovery_control."""
    assert_allclose(adjust(p, method=method), oracle.false_discovery_control(p, method=method), atol=1e-12)


def test_the_example_of_benjamini_and_hochberg():
    """Their 15 p-values (1995, section 3.2): at q* = .05 the first four are discoveries."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]

    assert np.sum(adjust(p) <= 0.05) == 4


def test_each_family_is_adjusted_alone():
    """Subgroups do not borrow from or pay for the page."""
    found = adjust([0.01, 0.04, 0.02, 0.5, 0.03], family=[0, 1, 0, 1, 0])

    assert_allclose(found[[0, 2, 4]], oracle.false_discovery_control([0.01, 0.02, 0.03]))
    assert_allclose(found[[1, 3]], oracle.false_discovery_control([0.04, 0.5]))


def test_what_was_not_tested_is_no_member_of_the_family():
    """NaN stays NaN and does not count."""
    found = adjust([0.01, np.nan, 0.02])

    assert_allclose(found, [0.02, np.nan, 0.02])


def test_nothing_to_adjust():
    """An empty page has no p-values."""
    assert adjust([]).size == 0


@pytest.mark.parametrize(
    ("diff", "p_diff", "p_equivalent", "better", "verdict"),
    [
        (0.2, 0.001, 0.9, "higher", "improved"),
        (0.2, 0.001, 0.9, "lower", "regressed"),
        (0.2, 0.001, 0.9, "neutral", "increased"),
        (-0.2, 0.001, 0.9, "higher", "regressed"),
        (-0.2, 0.001, 0.9, "lower", "improved"),
        (-0.2, 0.001, 0.9, "neutral", "decreased"),
        (0.0, 0.9, 0.001, "higher", "unchanged"),
        (0.02, 0.001, 0.001, "higher", "unchanged"),
        (0.02, 0.3, 0.3, "higher", "inconclusive"),
        (0.02, 0.06, np.nan, "higher", "inconclusive"),
        (0.02, 0.04, np.nan, "higher", "improved"),
        (np.nan, np.nan, np.nan, "higher", "inconclusive"),
    ],
)
def test_verdict_follows_what_was_shown_in_the_better_direction(diff, p_diff, p_equivalent, better, verdict):
    """Unchanged must be shown; a change must be shown; anything else is inconclusive."""
    found = page_verdicts([diff], [p_diff], [p_equivalent], [better])

    assert (verdict,) == found.verdict


def test_a_real_difference_inside_the_margin_is_unchanged_but_detectable():
    """Both shown: it is there, and nobody would act on it."""
    found = page_verdicts([0.01, 0.0], [0.001, 0.8], [0.001, 0.001], ["higher", "higher"])

    assert found.verdict == ("unchanged", "unchanged")
    assert found.is_detectable.tolist() == [True, False]


def test_a_refused_comparison_is_refused_whatever_its_numbers():
    """It has no verdict, and the others do not pay for it."""
    found = page_verdicts([0.2, 0.2], [0.0001, 0.04], [0.9, 0.9], ["higher", "higher"], refused=[True, False])

    assert found.verdict == ("refused", "improved")
    assert_allclose(found.q_diff, [np.nan, 0.04])


def test_twenty_chances_are_paid_for():
    """One p of .02 among twenty comparisons is no change."""
    p = np.r_[0.02, np.linspace(0.2, 1, 19)]

    found = page_verdicts(np.full(20, 0.1), p, np.full(20, 1.0), ["higher"] * 20)

    assert {"inconclusive"} == set(found.verdict)


def test_an_unknown_direction_is_an_error():
    """No direction is guessed."""
    with pytest.raises(ValueError, match=r"better is \['up'\]; expected higher, lower or neutral"):
        page_verdicts([0.1], [0.1], [0.1], ["up"])


table = st.tuples(*[st.integers(0, 80)] * 4).filter(lambda counts: sum(counts) > 0)


def verdict_of(counts, better="higher"):
    """The verdict on a 2 × 2 table of counts, alone on its page."""
    old, new = np.repeat([1, 0, 1, 0], counts), np.repeat([1, 1, 0, 0], counts)
    found = paired_difference(pair_sums(old, new, is_single=True), margin=0.05)
    return page_verdicts(found.diff, found.p_diff, found.p_equivalent, [better]).verdict[0]


@given(table, st.sampled_from(["higher", "lower", "neutral"]))
def test_swapping_old_and_new_mirrors_the_verdict(counts, better):
    """An improvement one way is a regression the other way; the rest stays."""
    both, up, down, neither = counts

    one, other = verdict_of((both, up, down, neither), better), verdict_of((both, down, up, neither), better)

    assert MIRROR.get(one, one) == other


@given(table, st.integers(2, 5))
def test_more_of_the_same_evidence_never_turns_a_change_round(counts, times):
    """What improved stays improved, or is seen to lie inside the margin; it never regresses."""
    one, more = verdict_of(counts), verdict_of([times * n for n in counts])

    if one in CHANGES:
        assert more in {one, "unchanged"}


@given(any_rows, st.integers(2, 4), st.sampled_from(["higher", "lower", "neutral"]))
def test_more_of_the_same_graded_or_grouped_evidence_never_turns_a_change_round(data, times, better):
    """The same with scores in fifths and clusters of samples: each copy is of other clusters."""
    (cluster, old, new), single = data
    copies = np.concatenate([cluster + 100 * n for n in range(times)])

    def verdict(clusters, before, after):
        sums = pair_sums(before, after, Grouping(cluster=clusters), is_single=single)
        found = paired_difference(sums, margin=0.05)
        return page_verdicts(found.diff, found.p_diff, found.p_equivalent, [better]).verdict[0]

    one = verdict(cluster, old, new)
    more = verdict(copies, np.tile(old, times), np.tile(new, times))

    if one in CHANGES:
        assert more in {one, "unchanged"}


def test_a_page_is_adjusted_in_any_order():
    """Shuffling the comparisons shuffles the verdicts."""
    order = np.random.default_rng(0).permutation(30)
    ones = np.ones(30)
    counts = np.arange(30.0)
    sums = PairSums(
        200 * ones, 200 * ones, counts, counts, counts, 200 * ones, counts, counts, 0 * ones, ones > 0
    )
    found = paired_difference(sums, margin=0.05)

    page = page_verdicts(found.diff, found.p_diff, found.p_equivalent, ["higher"] * 30)
    shuffled = page_verdicts(
        found.diff[order], found.p_diff[order], found.p_equivalent[order], ["higher"] * 30
    )

    assert [page.verdict[i] for i in order] == list(shuffled.verdict)
    assert {"unchanged", "improved", "inconclusive"} == set(page.verdict)
