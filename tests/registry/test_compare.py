"""Two subjects compared: verdicts on constructed attempts, expected numbers by scipy and statsmodels."""

import math
import re

import numpy as np
import pytest
from scipy import stats as oracle
from statsmodels.stats.weightstats import DescrStatsW

from mbe_docs.config import Policy
from mbe_docs.records.evals import ScorerSpec
from mbe_docs.registry.publish import registry_json
from tests.registry.batch import Batch

SETTINGS = {
    "task_version": ({"task_version": "1"}, {"task_version": "2"}),
    "dataset_revision": ({"dataset_revision": "a1"}, {"dataset_revision": "b2"}),
    "scorer_parameters": (
        {"scorers": (ScorerSpec(name="match", parameters_hash="aa"),)},
        {"scorers": (ScorerSpec(name="match", parameters_hash="bb"),)},
    ),
    "judge_model": ({}, {"scorers": (ScorerSpec(name="match", judge_model="judge-2"),)}),
    "solver": ({"solver": "generate"}, {"solver": "claude_code"}),
    "generation_params": (
        {"generation_params": {"temperature": 0}},
        {"generation_params": {"temperature": 1}},
    ),
    "system_prompt": ({}, {"has_system_prompt": True, "system_prompt_hash": "ab" * 16}),
    "task_args": ({}, {"task_args": {"hard": True}}),
}
NOTED = {
    "epochs": ({"epochs": 1}, {"epochs": 3}),
    "harness_version": ({"harness_version": "0.3.1"}, {"harness_version": "0.3.2"}),
}


def latency(side):
    """Microseconds of 40 samples; the second side takes about half again as long and costs a third less."""
    return np.array([1_000_000 + 7_000 * (n % 11) + (500_000 + 9_000 * (n % 5)) * side for n in range(40)])


def cost(side):
    """Nano-USD of 40 samples."""
    return np.array([30_000 + 500 * (n % 7) - (10_000 + 300 * (n % 3)) * side for n in range(40)])


def use(side):
    def change(number, row):
        return row._replace(latency_us=int(latency(side)[number]), cost_nusd=int(cost(side)[number]))

    return change


def sides(both_pass, better, worse, both_fail):
    """Attempts of the old and the new side, one each at samples that moved in these ways."""
    old = "1 " * both_pass + "0 " * better + "1 " * worse + "0 " * both_fail
    new = "1 " * both_pass + "1 " * better + "0 " * worse + "0 " * both_fail
    return old, new


def changes(both_pass, better, worse, both_fail):
    return np.array([0] * both_pass + [1] * better + [-1] * worse + [0] * both_fail)


def mid_p(better, worse):
    """McNemar's mid-p (Fagerland and others 2013)."""
    n, fewer = better + worse, min(better, worse)
    if better == worse:
        return 1 - oracle.binom.pmf(better, n, 0.5) / 2
    return 2 * oracle.binom.cdf(fewer, n, 0.5) - oracle.binom.pmf(fewer, n, 0.5)


def add_two(moved):
    """The t interval with one sample added that gained everything and one that lost it."""
    return DescrStatsW(np.r_[moved, 1, -1]).tconfint_mean()


MOVES = {
    "worse": (60, 4, 20, 16),
    "better": (60, 20, 4, 16),
    "same": (270, 2, 2, 126),
    "open": (20, 3, 5, 12),
}


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    b = Batch()
    for name, moves in MOVES.items():
        b.pair(name, *sides(*moves), margin=0.05)
        b.pair(f"{name}-lower", *sides(*moves), margin=0.05, direction="lower")
        b.pair(f"{name}-mirrored", *reversed(sides(*moves)), margin=0.05)
    b.pair("up", *sides(*MOVES["better"]), direction="neither")
    b.pair("down", *sides(*MOVES["worse"]), direction="neither")
    b.pair("no-margin", *sides(*MOVES["same"]))
    b.pair("epochs", "111 110 101 000 111 111 100 111", "000 110 100 000 011 000 100 101", margin=0.05)
    for slot, (old, new) in {**SETTINGS, **NOTED}.items():
        name = f"slot-{slot.replace('_', '-')}"
        b.behavior(name)
        b.run(name, "1 0 1 1", side=1, **old)
        b.run(name, "1 0 0 1", side=2, **new)
    b.behavior("unknown-solver")
    b.run("unknown-solver", "1 0 1 1", side=1)
    b.run("unknown-solver", "1 0 0 1", side=2, solver="generate")
    b.behavior("variant")
    b.variant("variant", "variant-1-cold", {"temperature": 0})
    b.run("variant", sides(*MOVES["better"])[0], generation_params={"temperature": 1, "top_p": 0.9})
    b.run("variant", sides(*MOVES["better"])[1], generation_params={"temperature": 0, "top_p": 0.9})
    b.behavior("variant-and-more")
    b.variant("variant-and-more", "variant-and-more-1-cold", {"temperature": 0})
    b.run("variant-and-more", "1 0 1", generation_params={"temperature": 1, "top_p": 0.9})
    b.run("variant-and-more", "1 0 0", generation_params={"temperature": 0, "top_p": 0.1})
    b.behavior("partly")
    b.run("partly", "1 " * 40 + "0 " * 60, side=1)
    b.run("partly", "0 " * 60 + "1 " * 40, side=2, samples={"first": 40})
    b.behavior("mostly")
    b.run("mostly", "1 " * 50 + "0 " * 50, side=1)
    b.run("mostly", "0 " * 50 + "1 " * 50, side=2, samples={"first": 20})
    b.behavior("apart")
    b.run("apart", "1 1 0", side=1)
    b.run("apart", "1 0 0", side=2, samples={"first": 100})
    b.behavior("one-side")
    b.run("one-side", "1 1 0", side=1)
    b.behavior("unfinished")
    b.run("unfinished", "1 1 0", side=1)
    b.run("unfinished", "0 0 0", side=2, status="cancelled")
    b.pair("too-few", *sides(2, 0, 20, 2), min_samples=30)
    b.pair("lost", sides(60, 0, 20, 20)[0], sides(60, 0, 20, 20)[1][: 2 * 88] + "I " * 12)
    b.pair("lost-less", sides(60, 0, 20, 20)[0], sides(60, 0, 20, 20)[1][: 2 * 91] + "I " * 9)
    b.pair("errors-decide", "1 " * 72 + "0 " * 9 + "1 " * 9, "1 " * 81 + "I " * 9)
    b.behavior("hidden", slices=("kind",))
    kinds = {"metadata": [{"kind": "array"}] * 40 + [{"kind": "object"}] * 40}
    b.run("hidden", "1 " * 20 + "0 " * 20 + "1 " * 20 + "0 " * 20, side=1, samples=kinds)
    b.run("hidden", "1 " * 40 + "0 " * 40, side=2, samples=kinds)
    b.behavior("together", slices=("kind",))
    b.run("together", "0 " * 20 + "1 " * 20 + "0 " * 20 + "1 " * 20, side=1, samples=kinds)
    b.run("together", "1 " * 80, side=2, samples=kinds)
    b.behavior("slice-errors", slices=("kind",))
    b.run("slice-errors", "1 " * 31 + "0 " * 9 + "1 " * 40, side=1, samples=kinds)
    b.run("slice-errors", "1 " * 22 + "I " * 9 + "1 " * 9 + "1 " * 40, side=2, samples=kinds)
    part = sides(60, 3, 12, 25)
    three = {"metadata": [{"third": str(n % 3), "half": str(n % 2)} for n in range(100)]}
    for name, slices in (("whole", ()), ("cut", ("third", "half"))):
        b.behavior(name, slices=slices, margin=0.05)
        b.run(name, part[0], side=1, samples=three)
        b.run(name, part[1], side=2, samples=three)
    for number, moves in enumerate([(60, 4, 20, 16), (60, 6, 15, 19), (60, 5, 9, 26), (60, 8, 8, 24)]):
        name = f"member-{number}"
        b.behavior("page", name, family="page", margin=0.02)
        b.run("page", sides(*moves)[0], side=1, task=name)
        b.run("page", sides(*moves)[1], side=2, task=name)
    for number, moves in enumerate([(60, 5, 14, 21), (60, 6, 8, 26), (56, 0, 0, 0), (60, 0, 0, 60)]):
        name = f"company-{number}"
        b.behavior("company", name, family="company", margin=0.05)
        b.run("company", sides(*moves)[0], side=1, task=name)
        b.run("company", sides(*moves)[1], side=2, task=name)
    tokens = [[float(10 + n % 7)] for n in range(40)]
    b.pair(
        "tokens",
        tokens,
        [[v + (3.0 if n % 3 else 2.0)] for n, [v] in enumerate(tokens)],
        unit="tokens",
        direction="lower",
    )
    b.pair("tokens-identical", tokens, tokens, unit="tokens", direction="lower", margin=1.0)
    b.behavior("tokens-sliced", unit="tokens", direction="lower", slices=("kind",), margin=1.0)
    for side in (1, 2):
        b.run(
            "tokens-sliced",
            tokens,
            side=side,
            samples={"metadata": [{"kind": str(n % 2)} for n in range(40)]},
        )
    b.behavior("use")
    for side in (0, 1):
        b.run("use", "1 " * 40, side=side + 1, change=use(side))
    b.behavior("same-use")
    for side in (1, 2):
        b.run("same-use", "1 " * 40, side=side, change=lambda n, row: row._replace(cost_nusd=1000 + n))
    b.pair("points", [[4.0]] * 40, [[8.0]] * 30 + [[4.0]] * 10, unit="points", range=(0, 10))
    return b.merge(tmp_path_factory.mktemp("comparisons"), policy=Policy())


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("worse", "regressed"),
        ("better", "improved"),
        ("worse-lower", "improved"),
        ("better-lower", "regressed"),
        ("up", "increased"),
        ("down", "decreased"),
        ("same", "unchanged"),
        ("same-lower", "unchanged"),
        ("open", "inconclusive"),
        ("no-margin", "inconclusive"),
    ],
)
def test_the_verdict_follows_the_test_and_the_direction(batch, name, verdict):
    """20 of 100 worse and 4 better is a change; 2 and 2 of 400 none; 3 and 5 of 40 nobody can tell."""
    assert batch.comparison(name).verdict == verdict


@pytest.mark.parametrize("name", MOVES)
def test_single_attempts_are_tested_by_mcnemars_mid_p(batch, name):
    """A page of one comparison: nothing to adjust."""
    _, better, worse, _ = MOVES[name]

    found = batch.comparison(name)

    assert found.p_diff == found.q_diff == pytest.approx(mid_p(better, worse), abs=1e-12)


@pytest.mark.parametrize("name", MOVES)
def test_the_interval_of_a_difference_is_the_t_interval_after_adding_two(batch, name):
    """Bonett & Price (2012), by statsmodels; an end is cut at 0 only where the test says otherwise."""
    moved = changes(*MOVES[name])

    found = batch.comparison(name).difference

    assert (found.value, found.low, found.high) == pytest.approx((moved.mean(), *add_two(moved)), abs=1e-9)


def test_unchanged_means_the_whole_interval_is_inside_the_margin(batch):
    """p of equivalence: twice the larger one-sided t of the add-two mean against ±0.05."""
    padded = np.r_[changes(*MOVES["same"]), 1, -1]
    low = oracle.ttest_1samp(padded, -0.05, alternative="greater").pvalue
    high = oracle.ttest_1samp(padded, 0.05, alternative="less").pvalue

    found = batch.comparison("same")

    assert found.q_equivalent == pytest.approx(2 * max(low, high), abs=1e-12)
    assert -0.05 < found.difference.low < found.difference.high < 0.05


def test_without_a_margin_nothing_is_called_unchanged(batch):
    """Nobody has said which change matters."""
    found = batch.comparison("no-margin")

    assert (found.q_equivalent, found.is_noninferior, found.n_needed) == (None, None, None)


def test_several_attempts_are_averaged_and_tested_by_the_paired_t(batch):
    """Eight samples of three attempts: the larger of the t test and the sign-flip bound 2^−(moved)."""
    old = np.array([3, 2, 2, 0, 3, 3, 1, 3]) / 3
    new = np.array([0, 2, 1, 0, 2, 0, 1, 2]) / 3
    p = oracle.ttest_rel(new, old).pvalue

    found = batch.comparison("epochs")

    assert found.p_diff == pytest.approx(max(p, 0.5**5), abs=1e-8)
    assert (found.n_common, found.attempts_old, found.attempts_new) == (8, 24, 24)


@pytest.mark.parametrize("name", ["worse", "better", "same", "open"])
def test_swapping_old_and_new_mirrors_everything(batch, name):
    """The same numbers with the other sign, and the opposite word."""
    found, mirrored = batch.comparison(name), batch.comparison(f"{name}-mirrored")

    opposite = {"regressed": "improved", "improved": "regressed"}
    assert mirrored.verdict == opposite.get(found.verdict, found.verdict)
    assert (mirrored.p_diff, mirrored.q_equivalent, mirrored.n_needed) == (
        found.p_diff,
        found.q_equivalent,
        found.n_needed,
    )
    assert (mirrored.difference.low, mirrored.difference.high) == pytest.approx(
        (-found.difference.high, -found.difference.low), abs=1e-11
    )
    assert (mirrored.n_better, mirrored.n_worse) == (found.n_worse, found.n_better)


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [("worse", 4, 20), ("worse-lower", 20, 4), ("better", 20, 4), ("better-lower", 4, 20)],
)
def test_samples_are_counted_as_better_in_the_better_direction(batch, name, better, worse):
    """Where lower is better, a sample that went up got worse."""
    found = batch.comparison(name)

    assert (found.n_better, found.n_worse) == (better, worse)


@pytest.mark.parametrize(("name", "is_down"), [("worse", True), ("better", False)])
def test_the_samples_that_moved_are_named(batch, name, is_down):
    """24 moved, 20 one way and 4 the other: ten of the many and all of the few, the many first."""
    moved = batch.comparison(name).flipped_samples

    assert [flip.new < flip.old for flip in moved] == [is_down] * 10 + [not is_down] * 4
    assert len({flip.id for flip in moved}) == 14
    assert {flip.id for flip in moved} <= {f"s{n}" for n in range(60, 84)}
    assert {(flip.old, flip.new) for flip in moved} == {(0.0, 1.0), (1.0, 0.0)}
    assert {(flip.old_attempts, flip.new_attempts) for flip in moved} == {(1, 1)}


def smallest_n(sigma_sq, margin, power):
    """The first n with margin²·(n + 2)² ≥ κ²·(n·σ² + 2) (statistics.md 2.5)."""
    kappa = oracle.norm.ppf(0.975) + oracle.norm.ppf(power)
    n = 1
    while margin**2 * (n + 2) ** 2 < kappa**2 * (n * sigma_sq + 2):
        n += 1
    return n


def test_an_undecided_comparison_says_how_many_samples_would_decide(batch):
    """−2 of 40 is a drop of 5 points, as large as the margin: samples to detect it with 80 % power."""
    moved = changes(*MOVES["open"])
    padded = np.r_[moved, 1, -1]
    sigma_sq = padded.var(ddof=1) / len(padded) * (len(moved) + 2)

    assert batch.comparison("open").n_needed == smallest_n(sigma_sq, 0.05, 0.80)


@pytest.mark.parametrize(
    ("name", "expected"), [("better", True), ("worse", False), ("worse-lower", True), ("same", True)]
)
def test_noninferior_means_worse_by_the_margin_is_ruled_out(batch, name, expected):
    """The lower end of the interval, in the better direction, lies above −margin."""
    assert batch.comparison(name).is_noninferior is expected


@pytest.mark.parametrize("slot", SETTINGS)
def test_a_setting_that_changes_the_question_refuses_with_a_sentence(batch, slot):
    """What differs, from what to what, and what to do about it; there is no difference to misread."""
    name = f"slot-{slot.replace('_', '-')}"
    found, word = batch.comparison(name), slot.replace("_", " ")

    assert (found.verdict, found.difference, found.mode) == ("refused", None, None)
    assert [entry.slot for entry in found.differences if entry.refuses] == [slot]
    (sentence,) = found.refused_because
    assert sentence.startswith(f"{word} differs: ")
    assert re.search(r" before \(inspect:[\w-]+\), .* after \(inspect:[\w-]+\); ", sentence)
    assert sentence.endswith(f"; run both with the same {word}")
    assert (found.old_rate.value, found.new_rate.value) == (0.75, 0.5)


def test_a_refusal_quotes_both_values(batch):
    """The reader sees which run to make again."""
    found = batch.comparison("slot-solver")
    (before,), (after,) = found.old_runs, found.new_runs

    assert found.refused_because == (
        f"solver differs: generate before ({before}), claude_code after ({after}); run both with the same solver",
    )


def test_an_unknown_setting_against_a_known_one_refuses(batch):
    """A log that does not state its solver may have used any."""
    (why,) = batch.comparison("unknown-solver").refused_because

    assert why.startswith("solver differs: unknown before (inspect:")


@pytest.mark.parametrize(
    ("slot", "note"),
    [
        ("epochs", "epochs differs: 1 before, 3 after"),
        ("harness_version", "harness version differs: 0.3.1 before, 0.3.2 after"),
    ],
)
def test_a_setting_that_does_not_change_the_question_is_noted(batch, slot, note):
    """More epochs or a newer harness do not refuse a verdict."""
    found = batch.comparison(f"slot-{slot.replace('_', '-')}")

    assert found.verdict != "refused"
    assert note in found.notes


def test_what_defines_a_variant_is_compared_and_not_held_against_it(batch):
    """The temperature is what the two differ in by declaration."""
    found = batch.comparison("variant", old="variant-1", new="variant-1-cold")

    assert (found.verdict, found.differences) == ("improved", ())


def test_what_else_differs_between_variants_still_refuses(batch):
    """Temperature is declared, top_p is not."""
    found = batch.comparison("variant-and-more", old="variant-and-more-1", new="variant-and-more-1-cold")

    assert (found.verdict, [entry.slot for entry in found.differences]) == ("refused", ["generation_params"])


def test_partly_different_samples_are_compared_on_the_common_ones_and_flagged(batch):
    """60 of 100 and 100 in common, under 80 % of the smaller set."""
    found = batch.comparison("partly")

    assert (found.mode, found.n_common, found.n_old, found.n_new) == ("paired_partial", 60, 100, 100)
    assert found.difference.value == 0.0
    assert "only 60 samples are in common of 100 and 100" in found.notes


def test_four_fifths_in_common_are_enough(batch):
    """80 of 100."""
    found = batch.comparison("mostly")

    assert (found.mode, found.n_common, found.notes) == ("paired", 80, ())


def test_no_sample_in_common_is_refused(batch):
    """Other prompts are another question."""
    found = batch.comparison("apart")

    assert (found.verdict, found.n_common) == ("refused", 0)
    assert found.refused_because == ("the two runs have no sample in common; run both on the same samples",)


def test_what_one_side_did_not_measure_is_refused_by_name(batch):
    """The sentence says whom to run the task on."""
    found = batch.comparison("one-side")

    assert found.refused_because == ("one-side-2 was not measured; run the task on it",)
    assert (found.new_rate, found.n_new) == (None, 0)


def test_an_unfinished_run_is_never_one_side_of_a_verdict(batch):
    """And its rate is not shown beside the other's."""
    found = batch.comparison("unfinished")

    assert found.refused_because == ("the only run on unfinished-2 did not finish; run the task again",)
    assert found.new_rate is None


def test_fewer_samples_than_the_behavior_asks_for_change_nothing(batch):
    """20 of 24 got worse, the behavior asks for 30."""
    found = batch.comparison("too-few")

    assert found.q_diff < 0.001
    assert (found.verdict, found.notes) == (
        "inconclusive",
        ("undecided: 24 samples compared, the behavior asks for 30",),
    )


@pytest.mark.parametrize(
    ("name", "verdict", "notes"),
    [
        ("lost", "inconclusive", ("undecided: too many attempts lost, 0.0 % before and 12.0 % after",)),
        ("lost-less", "regressed", ()),
    ],
)
def test_more_than_a_tenth_lost_decides_nothing(batch, name, verdict, notes):
    """12 of 100 lost to the harness on one side, against 9."""
    found = batch.comparison(name)

    assert (found.verdict, found.notes) == (verdict, notes)


def test_a_change_that_depends_on_how_errors_are_counted_is_none(batch):
    """9 better among 81 answered; the 9 that were lost may all have been failures."""
    found = batch.comparison("errors-decide")

    assert found.p_diff == pytest.approx(mid_p(9, 0), abs=1e-12)
    assert (found.verdict, found.notes) == (
        "inconclusive",
        (
            "undecided: depends on errors: better without the 0.0 % before and 10.0 % after that were lost, "
            "undecided with them failed",
        ),
    )


def test_slices_that_moved_in_opposite_directions_under_a_calm_mean_are_flagged(batch):
    """Arrays 20 better, objects 20 worse, the mean did not move."""
    found = batch.comparison("hidden")

    assert found.difference.value == 0.0
    assert [(entry.value, entry.verdict) for entry in found.slices] == [
        ("array", "improved"),
        ("object", "regressed"),
    ]
    assert found.hidden_flip


def test_slices_that_moved_together_hide_nothing(batch):
    """Both 20 better."""
    found = batch.comparison("together")

    assert [entry.verdict for entry in found.slices] == ["improved", "improved"]
    assert not found.hidden_flip


def test_a_slice_that_depends_on_how_errors_are_counted_did_not_change(batch):
    """9 of 31 arrays better, and the 9 that were lost may all have been failures."""
    found = batch.comparison("slice-errors")

    assert found.slices[0].difference.value == pytest.approx(9 / 31)
    assert [entry.verdict for entry in found.slices] == ["inconclusive", "inconclusive"]


def test_slices_are_a_family_of_their_own(batch):
    """Verdicts on the behaviors of a page are the same with slices and without."""
    whole, cut = batch.comparison("whole"), batch.comparison("cut")

    assert len(cut.slices) == 5
    assert (whole.q_diff, whole.q_equivalent, whole.verdict) == (cut.q_diff, cut.q_equivalent, cut.verdict)


def test_slices_are_corrected_for_each_other(batch):
    """Benjamini–Hochberg over the mid-p values of all five slices, by scipy."""
    moved = changes(60, 3, 12, 25)
    cuts = [moved[np.arange(100) % 3 == n] for n in range(3)] + [
        moved[np.arange(100) % 2 == n] for n in range(2)
    ]
    p = [mid_p((cut > 0).sum(), (cut < 0).sum()) for cut in cuts]

    found = batch.comparison("cut")

    assert [entry.q_diff for entry in found.slices] == pytest.approx(list(oracle.false_discovery_control(p)))


def test_the_behaviors_of_a_page_are_corrected_for_each_other(batch):
    """Four comparisons tested together: p-values adjusted by scipy's Benjamini–Hochberg."""
    p = [mid_p(4, 20), mid_p(6, 15), mid_p(5, 9), mid_p(8, 8)]

    found = [batch.comparison(f"member-{n}", old="page-1", new="page-2") for n in range(4)]

    assert [entry.p_diff for entry in found] == pytest.approx(p)
    assert [entry.q_diff for entry in found] == pytest.approx(list(oracle.false_discovery_control(p)))
    assert [entry.verdict for entry in found] == ["regressed", "inconclusive", "inconclusive", "inconclusive"]


def test_what_only_its_company_left_undecided_says_so(batch):
    """14 down and 5 up of 100: p = .041 alone, .17 among four by Benjamini–Hochberg; the interval leaves 0 out."""
    q = oracle.false_discovery_control([mid_p(5, 14), mid_p(6, 8), 1, 1])[0]

    found = batch.comparison("company-0", old="company-1", new="company-2")

    assert found.verdict == "inconclusive"
    assert found.difference.high <= 0
    assert found.notes == (
        f"distinguishable from zero by itself (p = {mid_p(5, 14):.2g}), "
        f"not among the 4 compared together (q = {q:.2g})",
    )
    assert batch.comparison("company-1", old="company-1", new="company-2").notes == ()


def test_what_is_inside_the_margin_by_itself_says_so_too(batch):
    """56 prompts without a move are just enough for a margin of 5 points, alone."""
    found = batch.comparison("company-2", old="company-1", new="company-2")

    assert found.verdict == "inconclusive"
    assert found.notes[0].startswith("inside the margin by itself (p = 0.0")


def test_scores_without_a_scale_are_compared_by_the_paired_t(batch):
    """Tokens went up by 2 or 3: worse where lower is better; interval and p by scipy."""
    moved = np.array([3.0 if n % 3 else 2.0 for n in range(40)])
    test = oracle.ttest_1samp(moved, 0)

    found = batch.comparison("tokens")

    assert (found.verdict, found.n_worse) == ("regressed", 40)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        tuple(test.confidence_interval()), abs=1e-8
    )


def test_identical_scores_without_a_scale_have_no_interval_and_no_verdict(batch):
    """Nothing is known of how such scores vary; a number without an interval is not shown."""
    found = batch.comparison("tokens-identical")

    assert (found.verdict, found.difference, found.n_needed) == ("inconclusive", None, None)
    assert found.notes == ("undecided: the scores moved all alike, so nothing is known of how they vary",)


def test_a_slice_without_an_interval_is_not_shown(batch):
    """The whole comparison is there, and nothing in it is not a number."""
    found = batch.comparison("tokens-sliced")

    assert (found.slices, found.hidden_flip) == ((), False)
    assert "NaN" not in registry_json(batch.registry)


def test_latency_is_a_ratio_of_geometric_means_over_pairs(batch):
    """The paired t interval of log(new ÷ old), by scipy; half again as long is higher."""
    moved = np.log(latency(1) / latency(0))
    low, high = oracle.ttest_1samp(moved, 0).confidence_interval()

    found = batch.comparison("use").latency

    assert (found.value, found.low, found.high) == pytest.approx(
        tuple(np.exp([moved.mean(), low, high])), abs=1e-6
    )
    assert (found.verdict, found.n_samples) == ("higher", 40)


def test_cost_is_a_ratio_of_means(batch):
    """A third less is lower; the interval is about log(b̄/ā), with e = b/b̄ − a/ā (statistics.md 2.7)."""
    old, new = cost(0), cost(1)
    e = new / new.mean() - old / old.mean()
    reach = oracle.t.ppf(0.975, 39) * e.std(ddof=1) / np.sqrt(40)
    ratio = np.log(new.mean() / old.mean())

    found = batch.comparison("use").cost

    assert found.value == pytest.approx(new.mean() / old.mean(), abs=1e-9)
    assert (np.log(found.low), np.log(found.high)) == pytest.approx((ratio - reach, ratio + reach), abs=0.002)
    assert found.verdict == "lower"


def test_the_same_cost_is_unchanged_and_an_unknown_latency_is_none(batch):
    """Within a tenth either way; what one side does not state is not compared."""
    found = batch.comparison("same-use")

    assert (found.cost.value, found.cost.verdict, found.latency) == (1.0, "unchanged", None)


def test_points_are_compared_in_points(batch):
    """30 of 40 samples gained 4 of 10 points; the two added samples gained and lost all ten."""
    padded = np.r_[[4.0] * 30, [0.0] * 10, 10, -10]

    found = batch.comparison("points")

    assert (found.verdict, found.difference.value) == ("improved", 3.0)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        DescrStatsW(padded).tconfint_mean(), abs=1e-8
    )


def test_no_number_in_any_comparison_is_not_a_number(batch):
    """JSON has no NaN."""
    for found in batch.registry.comparisons:
        for number in (found.p_diff, found.q_diff, found.q_equivalent):
            assert number is None or math.isfinite(number)
