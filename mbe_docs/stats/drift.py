"""Silent drift: did a model that kept its name change between runs of the same probe prompts?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.distributions import Floats, floats

# Fewer earlier runs than this do not tell the run-to-run variance from chance.
RUNS_FOR_SPREAD = 11


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """A self-starting CUSUM over runs, one item per run in each array.

    Attributes:
        z: How far each run is from the mean of those before it, in standard errors; 0 for runs 1 and 2.
        up: Cumulated evidence for a rise.
        down: Cumulated evidence for a fall.
        alarm_run: First run, counted from 1, at which either exceeds the threshold.
        change_run: The run from which that evidence has been growing: the estimated first changed run.
        flaky_attempts: Attempts of one run expected to differ from another run's. Under about 8 the probes
            are so steady that quiet streams alarm more often than the threshold promises.
    """

    z: Floats
    up: Floats
    down: Floats
    alarm_run: int | None
    change_run: int | None
    flaky_attempts: float


def drift(
    totals: ArrayLike,
    attempts: ArrayLike,
    *,
    totals_sq: ArrayLike | None = None,
    slack: float = 0.5,
    threshold: float = 6.0,
) -> Drift:
    """The drift of one stream of runs, from the summed scores of each run (row) and prompt (column).

    Every prompt has `attempts` attempts in every run: one number, or one for each run. Scores are 0 or 1
    unless `totals_sq` gives the summed squares. The noise of a run is its within-prompt variance alone,
    pooled over the earlier runs; with 11 of them, at least the variance they show. The default threshold
    alarms once in 1277 quiet runs.

    Raises:
        ValueError: `totals` is not runs × prompts, or `attempts` fits neither all runs nor each.

    Source: self-starting CUSUM, Hawkins & Olwell (1998), ch. 7; run lengths: R `spc::xcusum.arl`.
    """
    sums = np.asarray(totals, dtype=np.float64)
    if sums.ndim != 2 or 0 in sums.shape:
        raise ValueError(f"totals has shape {sums.shape}; expected (runs, prompts)")
    squares = sums if totals_sq is None else np.asarray(totals_sq, dtype=np.float64)
    tries = np.broadcast_to(floats(attempts), len(sums))
    within = _within(sums, squares, tries)
    z = _z(sums.mean(axis=1) / tries, within / sums.shape[1], 1 / tries)
    up, down = _cusum(z, slack), _cusum(-z, slack)
    flaky = 2 * float(within[-1]) * sums.shape[1] * float(tries.mean())
    alarms = np.flatnonzero(np.maximum(up, down) > threshold)
    if not alarms.size:
        return Drift(z, up, down, None, None, flaky)
    alarm = int(alarms[0])
    path = up if up[alarm] > threshold else down
    change = int(np.flatnonzero(path[:alarm] == 0)[-1]) + 1
    return Drift(z, up, down, alarm + 1, change + 1, flaky)


def _within(totals: Floats, totals_sq: Floats, attempts: Floats) -> Floats:
    """Variance of one attempt around its prompt's mean, pooled over the runs so far; 0 after one attempt."""
    tries = attempts.cumsum()
    sums, squares = totals.cumsum(axis=0), totals_sq.cumsum(axis=0)
    spread = (squares - sums**2 / tries[:, None]).mean(axis=1)
    return floats(np.maximum(spread, 0) / np.maximum(tries - 1, 1))


def _z(means: Floats, noise_so_far: Floats, share: Floats) -> Floats:
    """`noise_so_far`: of a run of one attempt a prompt; `share`: what a run's attempts leave of it."""
    z = np.zeros(means.size)
    for t in range(2, means.size):
        # Where nothing ever varied before, the run itself is the only sign of how much it may.
        noise = noise_so_far[t - 1] if noise_so_far[t - 1] > 0 else noise_so_far[t]
        variance = noise * (share[t] + share[:t].sum() / t**2)
        if t >= RUNS_FOR_SPREAD:
            variance = max(variance, means[:t].var(ddof=1) * (1 + 1 / t))
        step = means[t] - means[:t].mean()
        z[t] = step / np.sqrt(variance) if variance > 0 else 0.0
    return z


def _cusum(z: Floats, slack: float) -> Floats:
    path, level = np.zeros(z.size), 0.0
    for t, each in enumerate(z.tolist()):
        level = max(0.0, level + each - slack)
        path[t] = level
    return path
