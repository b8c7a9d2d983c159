"""From attempts in a store to one estimate per behavior and subject."""

import math

import numpy as np
import pytest
from scipy import stats as oracle
from statsmodels.stats.proportion import proportion_confint

from mbe_docs import stats
from mbe_docs.registry.bars import n_more
from mbe_docs.registry.estimate import tidy_p
from tests import make
from tests.registry.batch import Batch


def passes(k, n):
    """`k` passed samples and the rest failed, one attempt each."""
    return "1 " * k + "0 " * (n - k)


def exact(k, n):
    """Clopper–Pearson by statsmodels."""
    return pytest.approx(proportion_confint(k, n, alpha=0.05, method="beta"), abs=1e-9)


def ends(interval):
    return (interval.low, interval.high)


def latency_and_use(number, row):
    return row._replace(
        latency_us=1_000_000 + 10_000 * number,
        tokens_in=100,
        tokens_out=10 * number if number % 2 else None,
        cost_nusd=1_500_000,
    )


def used_by_errors(number, row):
    return row._replace(latency_us=99_000_000 if row.outcome == "infra_error" else 2_000_000)


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    b = Batch()
    b.behavior("each-outcome")
    b.run("each-outcome", "1 1 1 1 0 E L R I U")
    b.behavior("lower-is-better", direction="lower")
    b.run("lower-is-better", "1 0 0 E I")
    b.behavior("neither", direction="neither")
    b.run("neither", "1 0 0 E I")
    b.behavior("absent")
    b.run("absent", passes(12, 16), samples_planned=20)
    b.behavior("absent-lower", direction="lower")
    b.run("absent-lower", passes(12, 16), samples_planned=20)
    b.behavior("plan-unknown")
    b.run("plan-unknown", passes(3, 5), samples_planned=None)
    b.behavior("unit-points", unit="points", range=(0, 10), direction="higher", require=7.5)
    b.run("unit-points", [[7.0], [8.0], [7.5], [6.5]] * 8)
    b.behavior("off-scale")
    b.run("off-scale", [[1.0], [0.0], [1.0], [87.0]])
    b.behavior("unfinished")
    b.run(
        "unfinished",
        passes(9, 9),
        status="cancelled",
        samples_planned=100,
        started_at="2026-07-01T00:00:00+00:00",
    )
    b.run("unfinished", passes(3, 4), status="success")
    b.behavior("only-unfinished", require=0.5)
    b.run("only-unfinished", passes(30, 30), status="cancelled", samples_planned=100)
    b.behavior("settings")
    for day, temperature in ((1, 0.2), (2, 0.2), (3, 0.9)):
        b.run(
            "settings",
            passes(day, 4),
            generation_params={"temperature": temperature},
            started_at=f"2026-05-{day:02d}T00:00:00+00:00",
        )
    b.behavior("dataset")
    for day, dataset in ((1, "sums"), (2, "products")):
        b.run("dataset", passes(day, 4), dataset=dataset, started_at=f"2026-05-{day:02d}T00:00:00+00:00")
    b.behavior("pooled")
    b.run("pooled", "1 1 0", started_at="2026-05-01T00:00:00+00:00")
    b.run("pooled", "1 0 0", samples={"first": 2}, started_at="2026-05-02T00:00:00+00:00")
    b.behavior("version", task_version="2")
    b.run("version", passes(4, 4), task_version="1", started_at="2026-05-09T00:00:00+00:00")
    b.run("version", passes(1, 4), task_version="2")
    kinds = [{"kind": "array"}] * 4 + [{"kind": "object"}] * 2 + [{}] * 2
    b.behavior("part", where={"kind": "array"}, slices=())
    b.run("part", "1 1 1 0 0 0 0 0", samples={"metadata": kinds})
    b.behavior("sliced", slices=("kind",))
    b.run("sliced", "1 1 1 0 0 0 1 1", samples={"metadata": kinds})
    b.behavior("lost-slice", slices=("kind",))
    b.run("lost-slice", "1 1 0 0 I I I I", samples={"metadata": [{"kind": str(n // 4)} for n in range(8)]})
    passage = [{"passage": f"p{n // 10}"} for n in range(40)]
    b.behavior("clustered", cluster="passage")
    b.run("clustered", ("1 " * 10 + "0 " * 10) * 2, samples={"metadata": passage})
    b.behavior("unbounded", unit="tokens", direction="lower")
    b.run("unbounded", [[12.0], [15.0], [9.0], [20.0], [14.0]])
    b.behavior("unbounded-error", unit="tokens", direction="lower")
    b.run("unbounded-error", [["E"], [15.0], [9.0]])
    b.behavior("one-unbounded", unit="tokens", direction="lower")
    b.run("one-unbounded", [[12.0]])
    b.behavior("flips-twice")
    b.run("flips-twice", "11 10 01 00")
    b.behavior("flips-thrice")
    b.run("flips-thrice", "111 110")
    b.behavior("steady")
    b.run("steady", "11 00 11")
    b.behavior("epochs")
    b.run("epochs", "1111 0000 1111 0000 1111")
    b.behavior("uneven")
    b.run("uneven", "1 0000", epochs=4)
    b.behavior("usage")
    b.run("usage", passes(21, 21), change=latency_and_use)
    b.behavior("usage-errors")
    b.run("usage-errors", "1 1 1 I I I I", change=used_by_errors)
    bars = {"higher": (0.9, (100, 50, 93)), "lower": (0.1, (0, 50, 7))}
    for direction, (bar, (good, bad, open_)) in bars.items():
        for word, k in (("good", good), ("bad", bad), ("open", open_)):
            b.behavior(f"{word}-{direction}", direction=direction, require=bar)
            b.run(f"{word}-{direction}", passes(k, 100))
    b.behavior("too-few", require=0.5, min_samples=30)
    b.run("too-few", passes(29, 29))
    b.behavior("far-off", require=0.5, min_samples=100)
    b.run("far-off", passes(29, 29))
    b.behavior("no-bar")
    b.run("no-bar", passes(29, 29))
    return b.merge(tmp_path_factory.mktemp("estimates"))


def test_failures_of_the_model_count_and_those_of_the_harness_do_not(batch):
    """4 passed; 1 failed, 1 error, 1 cut off, 1 refused count as failures; 1 lost and 1 unscored are left out."""
    found = batch.estimate("each-outcome")

    assert (found.rate.value, ends(found.rate)) == (0.5, exact(4, 8))
    assert (found.n_samples, found.n_attempts, found.coverage) == (8, 8, 0.8)


def test_the_strict_reading_takes_everything_without_a_value_for_a_failure(batch):
    """4 of 10."""
    assert ends(batch.estimate("each-outcome").strict) == exact(4, 10)


def test_scored_only_is_what_the_scorer_gave_a_value_for(batch):
    """4 of 5."""
    assert ends(batch.estimate("each-outcome").scored_only) == exact(4, 5)


def test_bounds_are_the_value_had_all_missing_attempts_failed_and_had_they_passed(batch):
    """4 of 10 and 6 of 10: two attempts say nothing about the model."""
    assert batch.estimate("each-outcome").bounds == pytest.approx((0.4, 0.6))


def test_every_outcome_is_counted_by_its_name(batch):
    """The counts add up to what was planned."""
    outcomes = batch.estimate("each-outcome").outcomes

    assert outcomes.model_dump() == {
        **dict.fromkeys(("unscored", "refused", "limited", "model_error", "infra_error"), 1),
        "planned": 10,
        "scored": 5,
        "absent": 0,
    }


def test_where_lower_is_better_a_failure_is_the_highest_score(batch):
    """1, 0, 0 and an error that counts as 1: 2 of 4, and of 5 with the lost one."""
    found = batch.estimate("lower-is-better")

    assert (found.rate.value, found.strict.value) == (0.5, pytest.approx(0.6))
    assert found.bounds == pytest.approx((0.4, 0.6))


def test_without_a_better_direction_a_failure_has_no_score(batch):
    """1 of 3: an error can be neither good nor bad, so it is left out."""
    found = batch.estimate("neither")

    assert (found.rate.value, found.n_samples) == (pytest.approx(1 / 3), 3)


def test_attempts_that_are_in_no_log_are_absent_and_lower_coverage(batch):
    """16 of 20 planned samples are in the log."""
    found = batch.estimate("absent")

    assert (found.rate.value, found.coverage) == (0.75, 0.8)
    assert (found.outcomes.planned, found.outcomes.absent, found.outcomes.missing) == (20, 4, 4)


@pytest.mark.parametrize(
    ("name", "failure", "bounds"), [("absent", 0.0, (0.6, 0.8)), ("absent-lower", 1.0, (0.6, 0.8))]
)
def test_absent_attempts_are_failures_in_the_strict_reading_and_in_the_bounds(batch, name, failure, bounds):
    """12 of 16 seen and 4 absent: 12 to 16 of 20, as `stats.error_report` counts them sample by sample."""
    found = batch.estimate(name)

    report = stats.error_report(
        [1] * 20, [1] * 16 + [0] * 4, [1] * 12 + [0] * 8, [0] * 20, binary=True, failure=failure
    )
    assert found.bounds == pytest.approx(bounds)
    assert found.bounds == pytest.approx((report.lowest[0], report.highest[0]))
    assert (found.strict.value, *ends(found.strict)) == pytest.approx(
        (report.strict.value[0], report.strict.low[0], report.strict.high[0])
    )


def test_a_plan_that_the_log_does_not_state_is_what_was_seen(batch):
    """Unknown is not zero: nothing is known to be absent."""
    found = batch.estimate("plan-unknown")

    assert (found.outcomes.planned, found.outcomes.absent, found.coverage) == (5, 0, 1.0)


def test_a_score_off_the_scale_is_no_score(batch):
    """87 of 1 was not measured: it is left out, counted as unscored and seen in coverage and bounds."""
    found = batch.estimate("off-scale")

    assert (found.rate.value, found.n_samples, found.coverage) == (pytest.approx(2 / 3), 3, 0.75)
    assert (found.outcomes.scored, found.outcomes.unscored) == (3, 1)
    assert found.bounds == pytest.approx((0.5, 0.75))


def test_a_finding_says_that_scores_are_off_the_scale(batch):
    """MBE237: the scale or the log is wrong; nothing fires where the scorer itself declined."""
    found = batch.found("MBE237", "off-scale")

    assert [finding.problem for finding in found] == [
        "'off-scale' on off-scale-1 leaves out 1 of 4 scores: they are outside of [0, 1]"
    ]
    assert [finding for finding in batch.findings if finding.code == "MBE237"] == found


def test_an_unfinished_run_is_no_part_of_a_result(batch):
    """It is newer and larger, and only listed."""
    found = batch.estimate("unfinished")

    assert (found.rate.value, found.n_samples, found.is_partial) == (0.75, 4, False)
    assert (len(found.runs), len(found.other_runs)) == (1, 1)


def test_where_no_run_finished_the_estimate_says_so_and_decides_nothing(batch):
    """30 of 30 would clear the bar of 50 %; 30 of 100 planned do not."""
    found = batch.estimate("only-unfinished")

    assert found.is_partial
    assert (found.sufficiency, found.n_more_for_bar) == ("undecided", None)
    assert (found.outcomes.planned, found.outcomes.absent) == (100, 70)


def test_runs_with_other_settings_than_the_newest_are_left_out(batch):
    """Two runs at 0.2 and a newer one at 0.9: the newest is the number, the others are listed, newest first."""
    found = batch.estimate("settings")

    keys = sorted(run.run_key for run, _ in batch.logs if run.task == "settings")
    assert (found.rate.value, found.runs, found.other_runs) == (0.75, (keys[2],), (keys[1], keys[0]))
    assert found.as_of == "2026-05-03"


@pytest.mark.parametrize(
    ("name", "slot", "runs"), [("settings", "generation_params", 2), ("dataset", "dataset", 1)]
)
def test_a_finding_names_the_setting_in_which_a_left_out_run_differs(batch, name, slot, runs):
    """MBE232, once for each finished run."""
    found = batch.found("MBE232", name)

    assert [finding.problem.partition(": ")[2] for finding in found] == [
        f"{slot} differ from the newest run"
    ] * runs


def test_a_pinned_task_version_leaves_other_versions_out_without_a_word(batch):
    """The author has said which version counts."""
    found = batch.estimate("version")

    assert (found.rate.value, found.other_runs) == (0.25, ())
    assert batch.found("MBE232", "version") == []


def test_runs_of_the_same_settings_are_pooled_by_the_content_of_their_samples(batch):
    """1 1 0 and 1 0 0 with one sample in common, 0 before and 1 after: (1 + 1 + ½ + 0 + 0) ÷ 5."""
    found = batch.estimate("pooled")

    assert found.rate.value == pytest.approx(0.5)
    assert (found.n_samples, found.n_attempts, found.outcomes.planned) == (5, 6, 6)
    assert (len(found.runs), found.as_of) == (2, "2026-05-02")


def test_where_takes_only_samples_with_that_metadata(batch):
    """3 of the 4 arrays pass; how many were planned of them no log says."""
    found = batch.estimate("part")

    assert (found.rate.value, found.n_samples, found.outcomes.planned) == (0.75, 4, 4)


def test_slices_have_a_row_for_every_value_and_none_for_samples_without_it(batch):
    """4 arrays, 2 objects, 2 samples that say neither."""
    found = batch.estimate("sliced")

    assert [(entry.value, entry.estimate.value, entry.n_samples) for entry in found.slices] == [
        ("array", 0.75, 4),
        ("object", 0.0, 2),
    ]
    assert ends(found.slices[0].estimate) == exact(3, 4)
    assert found.n_samples == 8


def test_a_slice_in_which_nothing_was_answered_has_no_row(batch):
    """Four infrastructure errors are no rate."""
    assert [entry.value for entry in batch.estimate("lost-slice").slices] == ["0"]


def test_samples_that_share_a_source_are_not_independent(batch):
    """4 passages of 10 samples, all passed or all failed: by hand, n_eff is 24/7 and not 40.

    V = 4/3 · 100/1600 = 1/12, V_G = ¼ · 400/1600 = 1/16, f = 2, V* = (2/12 + 2/16)/4 = 7/96 (statistics.md 2.1).
    """
    found = batch.estimate("clustered")

    n = 24 / 7
    assert found.n_effective == pytest.approx(n, abs=1e-6)
    assert found.rate.low == pytest.approx(oracle.beta.ppf(0.025, n / 2, n / 2 + 1), abs=1e-6)
    assert (found.n_samples, found.n_attempts) == (40, 40)


def test_repeating_a_sample_does_not_make_more_samples(batch):
    """5 samples of 4 equal attempts say as much as 5 attempts."""
    found = batch.estimate("epochs")

    assert (found.n_samples, found.n_attempts, found.rate.value) == (5, 20, 0.6)
    assert found.n_effective == pytest.approx(5.0, rel=0.2)


def test_every_sample_weighs_the_same_however_often_it_was_tried(batch):
    """One passed attempt at one sample, four failed ones at another: one half."""
    assert batch.estimate("uneven").rate.value == 0.5


def test_a_score_without_a_scale_has_a_student_interval(batch):
    """Mean and t interval of five token counts, by scipy."""
    values = np.array([12.0, 15.0, 9.0, 20.0, 14.0])

    found = batch.estimate("unbounded")

    expected = oracle.t.interval(0.95, 4, values.mean(), oracle.sem(values))
    assert (found.rate.value, *ends(found.rate)) == pytest.approx((14.0, *expected), abs=1e-8)
    assert found.method == "Student t over clusters"


def test_without_a_scale_a_failure_has_no_score(batch):
    """There is no worst number of tokens: the error is left out and lowers coverage."""
    found = batch.estimate("unbounded-error")

    assert (found.rate.value, found.n_samples, found.coverage) == (12.0, 2, pytest.approx(2 / 3, abs=1e-6))


def test_one_sample_without_a_scale_is_no_estimate(batch):
    """Nothing is known of how such scores vary, so there is no interval, and no number without one."""
    assert not [entry for entry in batch.registry.estimates if entry.behavior == "one-unbounded"]


def test_a_scale_in_points_keeps_its_unit(batch):
    """The mean of points between 0 and 10, and its interval, are points."""
    found = batch.estimate("unit-points")

    assert (found.unit, found.rate.value) == ("points", 7.25)
    assert 0 < found.rate.low < 7.25 < found.rate.high < 10


def test_flake_is_how_often_two_attempts_at_a_sample_differ(batch):
    """Of four samples tried twice two differ."""
    found = batch.estimate("flips-twice").repeatability

    assert (found.flake.value, found.n_samples, found.flaky_samples) == (0.5, 4, 2)
    assert ends(found.flake) == exact(2, 4)


def test_flake_of_three_attempts_is_unbiased(batch):
    """2k(m − k) / (m(m − 1)): 0 for 3 of 3, 2/3 for 2 of 3."""
    found = batch.estimate("flips-thrice").repeatability

    assert found.flake.value == pytest.approx(1 / 3)


def test_samples_that_never_flip_are_not_flaky(batch):
    """0 with the upper end of 0 of 3."""
    found = batch.estimate("steady").repeatability

    assert (found.flake.value, found.flaky_samples) == (0.0, 0)
    assert ends(found.flake) == exact(0, 3)


def test_samples_tried_once_say_nothing_about_flips(batch):
    """Unknown is not zero."""
    assert batch.estimate("each-outcome").repeatability is None


@pytest.mark.parametrize("direction", ["higher", "lower"])
@pytest.mark.parametrize(
    ("word", "expected"), [("good", "sufficient"), ("bad", "insufficient"), ("open", "undecided")]
)
def test_the_whole_interval_has_to_be_on_one_side_of_the_bar(batch, word, direction, expected):
    """Bar 0.9: 100 of 100 ends at 0.964, 50 of 100 at 0.602, 93 of 100 lies across (R binom.test); mirrored."""
    assert batch.estimate(f"{word}-{direction}").sufficiency == expected


@pytest.mark.parametrize(("name", "least"), [("too-few", 1), ("far-off", 71)])
def test_fewer_samples_than_the_behavior_asks_for_decide_nothing(batch, name, least):
    """29 of 29 clear the bar of 50 %, but 30 and 100 are asked for."""
    found = batch.estimate(name)

    assert (found.sufficiency, found.n_more_for_bar) == ("undecided", least)


def test_without_a_bar_nothing_is_good_enough_or_not(batch):
    """29 of 29 is a number, not a verdict."""
    assert batch.estimate("no-bar").sufficiency == "no_bar"


def brute_force(value, bar, n):
    """Samples more until the Clopper–Pearson interval leaves the bar, one sample after the other."""
    for more in range(1, 100_000):
        k, m = value * (n + more), n + more
        low = oracle.beta.ppf(0.025, k, m - k + 1) if k > 0 else 0.0
        high = oracle.beta.ppf(0.975, k + 1, m - k) if k < m else 1.0
        if low > bar or high < bar:
            return more
    return None


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_samples_more_are_those_that_a_search_one_by_one_finds(batch, direction):
    """93 of 100 at a bar of 0.9, and 7 of 100 at a bar of 0.1."""
    value, bar = (0.93, 0.9) if direction == "higher" else (0.07, 0.1)

    assert batch.estimate(f"open-{direction}").n_more_for_bar == brute_force(value, bar, 100)


@pytest.mark.parametrize(
    ("value", "bar", "n"),
    [(0.5, 0.4, 20), (1.0, 0.98, 50), (0.0, 0.05, 30), (0.31, 0.3, 200), (0.97, 0.99, 100)],
)
def test_more_samples_are_counted_at_this_rate(value, bar, n):
    """The smallest number with which the interval leaves the bar."""
    rate = make.interval(value, 0, 1)

    assert n_more(rate, bar, n_samples=n, n_effective=n) == brute_force(value, bar, n)


def test_samples_that_say_less_have_to_be_more():
    """With half the effective size per sample twice as many samples are needed in all."""
    rate = make.interval(0.5, 0, 1)

    whole = n_more(rate, 0.4, n_samples=40, n_effective=40.0)
    half = n_more(rate, 0.4, n_samples=40, n_effective=20.0)

    assert abs((half + 40) - 2 * (whole + 40)) <= 2


@pytest.mark.parametrize(("value", "n_effective"), [(0.9, 20.0), (0.5, None), (0.5, 0.0), (0.5, math.inf)])
def test_where_no_number_of_samples_would_do_none_is_given(value, n_effective):
    """The rate is the bar itself, or nothing is known of how much a sample says."""
    assert n_more(make.interval(value, 0, 1), 0.9, n_samples=20, n_effective=n_effective) is None


def test_a_million_samples_that_would_not_do_are_not_promised():
    """50.0001 % against 50 %."""
    assert n_more(make.interval(0.500001, 0.4, 0.6), 0.5, n_samples=100, n_effective=100.0) is None


def test_samples_more_are_counted_on_the_scale_of_the_behavior():
    """72.5 of 100 points against 75 is 0.725 of 1 against 0.75."""
    rate = make.interval(72.5, 0, 100)

    more = n_more(rate, 75.0, n_samples=40, n_effective=40.0, scale=(0.0, 100.0))

    assert more == brute_force(0.725, 0.75, 40)


def test_a_bar_in_points_is_held_against_points(batch):
    """7.25 of 10 points in 32 samples against 7.5: undecided, and not by one sample."""
    found = batch.estimate("unit-points")

    per_sample = found.n_effective / found.n_samples
    n = (found.n_samples + found.n_more_for_bar) * per_sample
    assert found.sufficiency == "undecided"
    assert oracle.beta.ppf(0.975, 0.725 * n + 1, 0.275 * n) < 0.75
    assert oracle.beta.ppf(0.975, 0.725 * (n - per_sample) + 1, 0.275 * (n - per_sample)) >= 0.75


def test_latency_has_quantiles_and_resources_means(batch):
    """1.00 to 1.20 s; half of the attempts state tokens out; every one 0.0015 $."""
    found = batch.estimate("usage")

    seconds = 1000 + 10 * np.arange(21)
    assert found.latency_p50_ms == pytest.approx(np.quantile(seconds, 0.5), rel=1 / 16)
    assert found.latency_p95_ms == pytest.approx(np.quantile(seconds, 0.95), rel=1 / 16)
    assert (found.tokens_in_mean, found.tokens_out_mean) == (100.0, np.mean(10 * np.arange(1, 21, 2)))
    assert found.cost_usd_mean == pytest.approx(0.0015)


def test_latency_is_that_of_the_model_and_not_of_a_broken_network(batch):
    """Three answers after 2 s, four infrastructure errors after 99 s."""
    found = batch.estimate("usage-errors")

    assert found.latency_p95_ms == pytest.approx(2000, rel=1 / 16)


def test_what_no_log_states_is_unknown(batch):
    """No latency, tokens or cost is not 0."""
    found = batch.estimate("each-outcome")

    assert {found.latency_p50_ms, found.tokens_in_mean, found.tokens_out_mean, found.cost_usd_mean} == {None}


@pytest.mark.parametrize(
    ("p", "published"),
    [(0.05, 0.05), (1 / 3, 0.333333333), (2.123456789123e-41, 2.12345679e-41), (0.0, 1e-300)],
)
def test_a_published_p_value_keeps_its_digits_and_is_never_zero(p, published):
    """Rounding to decimals would say that a change this clear cannot be chance at all."""
    assert tidy_p(p) == published
