"""Reruns the acceptance table of the statistics: this project's method and its peers' practice side by side.

    python benchmarks/statistics.py [--quick | --full] [--golden FILE] [--write PAGE]

Every row simulates (or enumerates) evals whose truth is known, and counts how often each method is right. The
table is Markdown; the exit code is 1 if this project misses one of its own bars. Seeds are fixed: the same
mode prints the same table. A cell whose first figure is near its bar is measured again with ten times as many
fresh draws, and only those count. `--quick` takes a seventh of the cells, `--full` ten times the draws.
`--write` puts the table into a page, between `<!-- table -->` and `<!-- /table -->`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy import special

from mbe_docs import stats

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT.parent / "shared" / "golden" / "statistics.json"
MARKS = "<!-- table -->\n", "<!-- /table -->"
SEED = 20261123
Z = special.ndtri(0.975)
RATES = (0.5, 0.8, 0.9, 0.95, 0.98)
SIZES = (10, 30, 100, 300, 1000)


@dataclass(frozen=True)
class Effort:
    """How much to compute: every how many-th cell, draws of each, and again where a cell is near its bar."""

    every: int
    draws: int
    again: int
    pages: int
    streams: int


EFFORTS = {
    "quick": Effort(every=7, draws=2000, again=20_000, pages=40, streams=300),
    "default": Effort(every=1, draws=5000, again=50_000, pages=400, streams=2000),
    "full": Effort(every=1, draws=50_000, again=200_000, pages=4000, streams=20_000),
}


@dataclass(frozen=True)
class Row:
    """One line of the table; a limit has no bar to meet."""

    letter: str
    check: str
    bar: str
    ours: str
    peers: str
    is_met: bool | None


def seeded(*key: int) -> np.random.Generator:
    return np.random.default_rng([SEED, *key])


def attempts_pmf(m: int, p: float, icc: float) -> np.ndarray:
    """Of the passes among `m` attempts at a prompt whose pass rates are Beta distributed over prompts.

    `icc` 0: every prompt passes with probability `p`; 1: a prompt always or never passes.
    """
    return joint_pmf(m, 0, p, icc)[:, 0]


def joint_pmf(m_old: int, m_new: int, p: float, icc: float) -> np.ndarray:
    """Of the passes in two runs of one prompt whose pass rate is the same in both."""
    i, j = np.arange(m_old + 1)[:, None], np.arange(m_new + 1)[None, :]
    ways = special.binom(m_old, i) * special.binom(m_new, j)
    k, m = i + j, m_old + m_new
    if icc == 0:
        return ways * p**k * (1 - p) ** (m - k)
    if icc == 1:
        return np.where(k == m, p, 0.0) + np.where(k == 0, 1 - p, 0.0)
    a, b = p * (1 - icc) / icc, (1 - p) * (1 - icc) / icc
    return ways * np.exp(special.betaln(a + k, b + m - k) - special.betaln(a, b))


@dataclass(frozen=True)
class Upgrade:
    """Two runs of the same `n` prompts, `m` attempts each, with a true difference.

    Most prompts keep their pass rate; some break (never pass again) and some are fixed (always pass), which
    prompts by chance, so that the mean changes by `diff`.
    """

    n: int
    m: int
    p: float
    icc: float
    fixed: float
    diff: float

    def pmf(self) -> np.ndarray:
        """Of (passes before, passes after) at one prompt, both from 0 to m."""
        broken = (self.fixed * (1 - self.p) - self.diff) / self.p
        before = attempts_pmf(self.m, self.p, self.icc)
        pmf = (1 - broken - self.fixed) * joint_pmf(self.m, self.m, self.p, self.icc)
        pmf[:, 0] += broken * before
        pmf[:, -1] += self.fixed * before
        return pmf

    def draw(self, rng: np.random.Generator, draws: int) -> "Draws":
        flat = self.pmf().ravel()
        counts = rng.multinomial(self.n, flat / flat.sum(), draws).astype(float)
        before, after = (grid.ravel() / self.m for grid in np.indices((self.m + 1, self.m + 1)))
        move = after - before
        change, change_sq = counts @ move, counts @ move**2
        moved = counts @ (move != 0)
        same = np.full(draws, float(self.n))
        up, down = counts @ (move > 0), counts @ (move < 0)
        single = np.full(draws, self.m == 1)
        sums = stats.PairSums(same, same, change, change_sq, change, same, moved, up, down, single)
        return Draws(self.n, self.m, sums, counts @ before / self.n, counts @ after / self.n)


@dataclass(frozen=True)
class Draws:
    """Many draws of one upgrade: our sums, and the two means the peers look at."""

    n: int
    m: int
    sums: stats.PairSums
    old: np.ndarray
    new: np.ndarray


def upgrades() -> list[Upgrade]:
    """1350 cells: size, pass rate, epochs, true difference, and how much prompts flake and churn."""
    diffs, steadiness = (0.0, -0.005, -0.02, -0.05, -0.1, -0.2), ((1.0, 0.0), (0.9, 0.02), (0.5, 0.1))
    cells = product(SIZES, RATES, (1, 3, 5), diffs, steadiness)
    return [Upgrade(n, m, p, icc, fixed, diff) for n, p, m, diff, (icc, fixed) in cells]


@dataclass(frozen=True)
class GroupedUpgrade:
    """Two runs of `groups` groups of five prompts, tried once; a group as a whole gains or loses `swing`."""

    groups: int
    swing: float
    diff: float = 0.0
    n: int = 0
    m: int = 1

    def draw(self, rng: np.random.Generator, draws: int) -> Draws:
        shape, size, p = (draws, self.groups), 5, 0.75
        swing = rng.choice([-self.swing, self.swing], shape)
        before, after = rng.binomial(size, p, shape), rng.binomial(size, p + swing)
        change = (after - before).astype(float)
        total = change.sum(axis=1)
        groups, samples = np.full(draws, float(self.groups)), np.full(draws, float(size * self.groups))
        sums = stats.PairSums(
            groups,
            samples,
            total,
            (change**2).sum(axis=1),
            size * total,
            size * samples,
            (change != 0).sum(axis=1).astype(float),
            groups,
            groups,
            np.full(draws, False),
        )
        return Draws(size * self.groups, 1, sums, before.sum(axis=1) / samples, after.sum(axis=1) / samples)


def normal_interval(mean: np.ndarray, se: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return mean - Z * se, mean + Z * se


def wilson(k: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    center, reach = (k + Z**2 / 2) / (n + Z**2), Z * np.sqrt(k * (n - k) / n + Z**2 / 4) / (n + Z**2)
    return center - reach, center + reach


def paired_t(draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low, high and whether 0 is rejected, of the t interval on the differences of prompt means."""
    n, mean = draws.n, draws.sums.change / draws.n
    se = np.sqrt(np.maximum(draws.sums.change_sq / n - mean**2, 0) / (n - 1))
    reach = special.stdtrit(n - 1, 0.975) * se
    return mean - reach, mean + reach, np.abs(mean) > reach


def unpaired_z(draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low, high and whether 0 is rejected, from two standard errors that ignore that prompts are the same."""
    diff = draws.new - draws.old
    se = np.sqrt((draws.old * (1 - draws.old) + draws.new * (1 - draws.new)) / draws.n)
    low, high = normal_interval(diff, se)
    return low, high, np.abs(diff) > Z * se


def pooled_z(draws: Draws) -> np.ndarray:
    """Whether the two-proportion z test over all attempts rejects."""
    mean, tries = (draws.old + draws.new) / 2, draws.n * draws.m
    return np.abs(draws.new - draws.old) > Z * np.sqrt(2 * mean * (1 - mean) / tries)


def covers(ends: tuple[np.ndarray, ...], truth: float) -> float:
    return float(np.mean((ends[0] <= truth + 1e-12) & (truth - 1e-12 <= ends[1])))


def golden_row(path: Path) -> Row:
    """A: expected values from R, scipy and statsmodels, each within its own tolerance."""
    check = "expected values of R, scipy and statsmodels"
    if not path.is_file():
        return Row("A", check, "all", f"not run: {path.name} is not beside the project", "–", None)
    sys.path.insert(0, str(ROOT))
    from tests.stats.run_golden import failures

    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    met = sum(not failures(case) for case in cases)
    return Row("A", check, "all", f"{met} of {len(cases)}", "–", met == len(cases))


def rate_rows(effort: Effort) -> Iterator[Row]:
    """B: does the interval of a rate hold the true rate?"""
    patterns = [(1, 0.0), *product((3, 10), (0.0, 0.25, 0.5, 0.75, 1.0))]
    cells = list(product(SIZES, RATES, patterns))[:: effort.every]

    def measure(index: int, draws: int) -> np.ndarray:
        n, p, (m, icc) = cells[index]
        pmf = attempts_pmf(m, p, icc)
        counts = seeded(2, index, draws).multinomial(n, pmf / pmf.sum(), draws).astype(float)
        counts, repeats = np.unique(counts, axis=0, return_counts=True)
        x = np.arange(m + 1) / m
        total, total_sq = counts @ x, counts @ x**2
        same = np.full(len(counts), float(n))
        sums = stats.RateSums(
            same, same, m * same, total, total_sq, total, same, counts @ (x < 1), counts @ (x > 0)
        )
        found = stats.rate_interval(sums, binary=True)
        mean = total / n
        se = np.sqrt(np.maximum(total_sq / n - mean**2, 0) / (n - 1))
        three = (found.low, found.high), normal_interval(mean, se), wilson(total * m, n * m)
        return np.array([np.average((a <= p + 1e-12) & (p - 1e-12 <= b), weights=repeats) for a, b in three])

    table = np.array([measure(i, effort.draws) for i in range(len(cells))])
    for i in np.flatnonzero(table[:, 0] < 0.955):
        table[i] = measure(i, effort.again)
    ours, stderr, pooled = table.min(axis=0)
    yield Row(
        "B",
        f"rate: interval holds the truth, worst of {len(cells)} cells",
        "≥ .94",
        f"{ours:.3f} (mean {table[:, 0].mean():.3f})",
        f"mean ± 1.96 stderr {stderr:.2f}; Wilson over all attempts {pooled:.2f}",
        ours >= 0.94,
    )


@dataclass(frozen=True)
class UpgradeFigures:
    """What one cell shows, ours first, then the peers': coverage and share called changed; contradictions."""

    coverage: np.ndarray
    changed: np.ndarray
    contradictions: int


def upgrade_figures(cell: Upgrade | GroupedUpgrade, rng: np.random.Generator, draws: int) -> UpgradeFigures:
    drawn = cell.draw(rng, draws)
    found = stats.paired_difference(drawn.sums)
    t_low, t_high, t_rejects = paired_t(drawn)
    z_low, z_high, _ = unpaired_z(drawn)
    diff = drawn.new - drawn.old
    changed = [found.p_diff <= 0.05, diff < -1e-12, np.abs(diff) > 0.02, pooled_z(drawn), t_rejects]
    is_different, crosses = found.p_diff <= 0.05, (found.low < 0) & (found.high > 0)
    outside = (found.low > 0) | (found.high < 0)
    return UpgradeFigures(
        np.array([covers(e, cell.diff) for e in ((found.low, found.high), (t_low, t_high), (z_low, z_high))]),
        np.array([np.mean(each) for each in changed]),
        int(np.sum(is_different & crosses) + np.sum(~is_different & outside)),
    )


def upgrade_rows(effort: Effort) -> Iterator[Row]:
    """C, D and J: one set of draws, three questions."""
    grouped = [GroupedUpgrade(g, swing) for g, swing in product((10, 20, 50), (0.0, 0.1, 0.2))]
    cells: list[Upgrade | GroupedUpgrade] = [*upgrades()[:: effort.every], *grouped]
    figures = [upgrade_figures(cell, seeded(3, i, 0), effort.draws) for i, cell in enumerate(cells)]
    for i, (cell, figure) in enumerate(zip(cells, figures, strict=True)):
        if figure.coverage[0] < 0.945 or (cell.diff == 0 and figure.changed[0] > 0.055):
            figures[i] = upgrade_figures(cell, seeded(3, i, 1), effort.again)
    coverage = np.array([f.coverage for f in figures])
    ours, t, z = coverage.min(axis=0)
    yield Row(
        "C",
        f"difference: interval holds the truth, worst of {len(cells)} cells",
        "≥ .93",
        f"{ours:.3f} (mean {coverage[:, 0].mean():.3f})",
        f"paired t {t:.2f}; unpaired z {z:.2f}",
        ours >= 0.93,
    )
    quiet = np.array([f.changed for cell, f in zip(cells, figures, strict=True) if cell.diff == 0])
    worst = quiet.max(axis=0)
    yield Row(
        "D",
        f'nothing changed, "changed" is said, worst of {len(quiet)} cells',
        "≤ .07",
        f"{worst[0]:.3f} (mean {quiet[:, 0].mean():.3f})",
        "any drop {:.2f}; over 2 points {:.2f}; pooled z {:.2f}; paired t {:.2f}".format(*worst[1:]),
        worst[0] <= 0.07,
    )
    wrong = sum(f.contradictions for f in figures)
    yield Row(
        "J",
        f"test and interval contradict each other, {len(cells) * effort.draws:,} comparisons or more",
        "never",
        "never" if wrong == 0 else f"{wrong} times",
        "–",
        wrong == 0,
    )


def unchanged_probability(n: int, margin: float, up: float, down: float) -> float:
    """Exact probability of p_equivalent <= .05 for prompts tried once, by summing over all 2 × 2 tables."""
    most = [int(n * q + 9 * np.sqrt(n * q * (1 - q)) + 2) for q in (up, down)]
    i, j = (grid.ravel().astype(float) for grid in np.indices([min(n, m) + 1 for m in most]))
    i, j = i[i + j <= n], j[i + j <= n]
    same, moved = np.full(i.size, float(n)), i + j
    flags = np.full(i.size, True)
    sums = stats.PairSums(same, same, i - j, moved, i - j, same, moved, i, j, flags)
    is_shown = stats.paired_difference(sums, margin=margin).p_equivalent <= 0.05
    i, j = i[is_shown], j[is_shown]
    rest = n - i - j
    ways = (
        special.gammaln(n + 1) - special.gammaln(i + 1) - special.gammaln(j + 1) - special.gammaln(rest + 1)
    )
    odds = special.xlogy(i, up) + special.xlogy(j, down) + special.xlogy(rest, 1 - up - down)
    return float(np.exp(ways + odds).sum())


def unchanged_simulated(cell: Upgrade, margin: float, rng: np.random.Generator, draws: int) -> float:
    found = stats.paired_difference(cell.draw(rng, draws).sums, margin=margin)
    return float(np.mean(found.p_equivalent <= 0.05))


def equivalence_rows(effort: Effort) -> Iterator[Row]:
    """E: how often is "unchanged" said of a true drop of the margin, and of twice the margin?"""
    sizes, margins = (20, 50, 100, 200, 500, 1000), (0.02, 0.05, 0.1)
    grid = list(product(sizes, margins, (0.0, 0.01, 0.05, 0.1, 0.2)))
    exact = np.array([[unchanged_probability(n, d, up, up + k * d) for k in (1, 2)] for n, d, up in grid])
    steadiness = ((1.0, 0.0), (0.9, 0.02), (0.5, 0.1))
    cells = list(product(sizes, margins, (3, 5), (0.5, 0.8, 0.95), steadiness))[:: effort.every]
    simulated = np.array(
        [
            [
                unchanged_simulated(Upgrade(n, m, p, icc, fixed, -k * d), d, seeded(5, i, k), effort.draws)
                for k in (1, 2)
            ]
            for i, (n, d, m, p, (icc, fixed)) in enumerate(cells)
        ]
    )
    at, twice = exact.max(axis=0)
    at_epochs, twice_epochs = simulated.max(axis=0)
    yield Row(
        "E",
        f'true drop of the margin δ, "unchanged" is said: {len(grid)} cells of one epoch, exactly; '
        f"{len(cells)} of three and five, simulated",
        "≤ .065; at 2δ ≤ .001",
        f"{at:.3f} and {at_epochs:.3f}; at 2δ {twice:.4f} and {twice_epochs:.4f}",
        "gates have no such state",
        max(at, at_epochs) <= 0.065 and max(twice, twice_epochs) <= 0.001,
    )
    every = list(product(range(10, 1001), (0.01, *margins)))[:: effort.every]
    worst = np.array([[unchanged_probability(n, d, 0, k * d) for k in (1, 2)] for n, d in every])
    at, twice = worst.max(axis=0)
    yield Row(
        "E′",
        "limit: the same where prompts only ever drop, at every n from 10 to 1000 and δ from .01, exactly",
        "–",
        f"{at:.3f}; at 2δ {twice:.4f}",
        "–",
        None,
    )


def page_rows(effort: Effort) -> Iterator[Row]:
    """F and G: pages of 500 behaviors, four in five unchanged, the others up or down by 5 to 30 points."""
    size, margin, wrong, right, fine = 500, 0.05, [], [], []
    for page in range(effort.pages):
        rng = seeded(6, page)
        n = rng.choice([50, 100, 200, 400], size)
        p, fixed = rng.choice([0.6, 0.8, 0.9, 0.95], size), rng.choice([0.0, 0.02, 0.05], size)
        icc, drop = rng.choice([0.7, 0.9, 1.0], size), rng.choice([0.05, 0.1, 0.15, 0.2, 0.3], size)
        drop = np.where(np.arange(size) < 0.8 * size, 0, drop)
        cells = [Upgrade(*each) for each in zip(n, np.ones(size, int), p, icc, fixed, -drop, strict=True)]
        pmf = np.array([cell.pmf().ravel() for cell in cells])
        _, up, down, _ = counts = rng.multinomial(n, pmf / pmf.sum(axis=1, keepdims=True)).T.astype(float)
        turned = rng.random(size) < 0.5
        up, down = np.where(turned, down, up), np.where(turned, up, down)
        is_real, is_large = drop > 0, drop >= 0.1
        called, is_fine = page_calls(n.astype(float), counts[3], up, down, margin)
        wrong.append([np.sum(c & ~is_real) / max(1, np.sum(c)) for c in called])
        right.append([np.mean(c[is_large]) for c in called])
        fine.append([np.mean(c[is_large]) for c in is_fine])
    false, found, passed = (np.mean(each, axis=0) for each in (wrong, right, fine))
    pages = f"{effort.pages} pages of {size} behaviors"
    yield Row(
        "F",
        f"{pages}: share of reported changes that are none",
        "≤ .05",
        f"{false[0]:.3f}",
        "over 2 points {:.2f}; over 5 points {:.2f}; paired t {:.2f}; unpaired z {:.2f}".format(*false[1:]),
        false[0] <= 0.05,
    )
    yield Row(
        "G",
        f"{pages}: changes of 10 points or more reported / called fine",
        "≥ .65 / 0",
        f"{found[0]:.2f} / {passed[0]:.4f}",
        f"unpaired z {found[4]:.2f} / {passed[1]:.2f}",
        found[0] >= 0.65 and passed[0] < 0.0005,
    )


def page_calls(n, both, up, down, margin):
    """Which comparisons are called changed, by each way of judging; which are called fine, by ours and z."""
    change, moved, flags = up - down, up + down, np.full(n.size, True)
    sums = stats.PairSums(n, n, change, moved, change, n, moved, up, down, flags)
    found = stats.paired_difference(sums, margin=margin)
    page = stats.page_verdicts(found.diff, found.p_diff, found.p_equivalent, ["higher"] * n.size)
    verdict = np.array(page.verdict)
    drawn = Draws(n, 1, sums, (both + down) / n, (both + up) / n)
    size, (*_, t), (*_, z) = np.abs(change / n), paired_t(drawn), unpaired_z(drawn)
    changed = np.isin(verdict, list(stats.CHANGES))
    return [changed, size > 0.02, size > 0.05, t, z], [verdict == "unchanged", ~z]


def repeat_rows(effort: Effort) -> Iterator[Row]:
    """H: flake and pass^3, their bias and whether their intervals hold the truth."""
    cells = list(product((30, 100, 300), (0.5, 0.8, 0.95), (3, 5, 10), (0.0, 0.5, 0.9, 1.0)))[:: effort.every]
    bias, coverage, naive = [], [], []
    for i, (n, p, m, icc) in enumerate(cells):
        pmf = attempts_pmf(m, p, icc)
        counts = seeded(8, i).multinomial(n, pmf / pmf.sum(), effort.draws).astype(float)
        k, pairs, triples = np.arange(m + 1), joint_pmf(1, 1, p, icc), attempts_pmf(3, p, icc)
        flakes, passes = stats.score_flakes(m, k, k), stats.all_pass(m, k, 3)
        for values, truth, binary in ((flakes, 2 * pairs[0, 1], False), (passes, triples[3], m == 3)):
            total, same = counts @ values, np.full(effort.draws, float(n))
            sums = stats.RateSums(
                same,
                same,
                same,
                total,
                counts @ values**2,
                total,
                same,
                counts @ (values < 1),
                counts @ (values > 0),
            )
            found = stats.rate_interval(sums, binary=binary)
            bias.append(abs(found.value.mean() - truth))
            coverage.append(covers((found.low, found.high), truth))
        naive.append(1 - pmf[0] - pmf[-1] - 2 * pairs[0, 1])
    yield Row(
        "H",
        f"flake and pass^3: bias / interval holds the truth, worst of {len(bias)} cells",
        "< .005 / ≥ .93",
        f"{max(bias):.4f} / {min(coverage):.3f}",
        f'"any disagreement" as flake: bias up to +{max(naive):.2f}',
        max(bias) < 0.005 and min(coverage) >= 0.93,
    )


def false_alarms(cell: tuple[int, int, float, float], streams: int) -> tuple[float, float]:
    """The share of streams of 100 quiet runs with an alarm: ours, and on 5 points from the run before."""
    n, m, p, icc = cell
    rng = seeded(9, n, m, int(100 * p), int(100 * icc))
    alarms = moves = 0
    for _ in range(streams):
        prompts = rng.beta(p * (1 - icc) / icc, (1 - p) * (1 - icc) / icc, n)
        totals = rng.binomial(m, prompts, (100, n))
        alarms += stats.drift(totals, m).alarm_run is not None
        moves += bool(np.any(np.abs(np.diff(totals.mean(axis=1) / m)) > 0.05))
    return alarms / streams, moves / streams


def drift_rows(effort: Effort) -> Iterator[Row]:
    """I: false alarms in a hundred quiet runs of the same prompts."""
    cells = list(product((30, 100, 300), (1, 3), (0.5, 0.8, 0.95), (0.5, 0.7, 0.9)))
    flaky = np.array([2 * n * m * p * (1 - p) * (1 - icc) for n, m, p, icc in cells])
    lively, steady = (
        np.array([false_alarms(cells[i], effort.streams) for i in np.flatnonzero(which)[:: effort.every]])
        for which in (flaky >= 8, flaky < 8)
    )
    yield Row(
        "I",
        f"drift: alarm in 100 quiet runs, worst of {len(lively)} cells with 8 or more flaky attempts a run",
        "≤ .06",
        f"{lively[:, 0].min():.3f} to {lively[:, 0].max():.3f}",
        f"over 5 points from the run before, up to {lively[:, 1].max():.2f}",
        lively[:, 0].max() <= 0.06,
    )
    yield Row(
        "I′",
        f"limit: the same in {len(steady)} cells with fewer than 8 flaky attempts a run",
        "–",
        f"{steady[:, 0].min():.3f} to {steady[:, 0].max():.3f}",
        f"up to {steady[:, 1].max():.2f}",
        None,
    )


ROWS: tuple[Callable[[Effort], Iterator[Row]], ...] = (
    rate_rows,
    upgrade_rows,
    equivalence_rows,
    page_rows,
    repeat_rows,
    drift_rows,
)


def table(rows: list[Row]) -> str:
    lines = ["| # | check | bar | mbe-docs | met | peers' practice |", "|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: row.letter):
        met = "–" if row.is_met is None else "yes" if row.is_met else "**no**"
        cells = (row.letter, row.check, row.bar, row.ours, met, row.peers)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def written(page: str, content: str) -> str:
    """The page with the table between its marks.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise ValueError(f"the page has no {MARKS[0].strip()} … {MARKS[1]}")
    return f"{before}{begin}{content}\n{end}{after}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    modes = parser.add_mutually_exclusive_group()
    for mode in ("quick", "full"):
        modes.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode, default="default")
    parser.add_argument("--golden", type=Path, default=GOLDEN, metavar="FILE", help="expected values")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="page to put the table into")
    given = parser.parse_args(arguments)
    effort = EFFORTS[given.mode]
    rows = [golden_row(given.golden), *(row for rows_of in ROWS for row in rows_of(effort))]
    print(table(rows))
    if given.write:
        page = given.write.read_text(encoding="utf-8")
        given.write.write_text(written(page, table(rows)), encoding="utf-8")
    return int(any(row.is_met is not None and not row.is_met for row in rows))


if __name__ == "__main__":
    sys.exit(main())
