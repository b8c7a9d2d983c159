"""How much is enough: prompts needed, what more epochs would buy, and what looking again costs."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.distributions import Floats, floats, normal_quantile


def n_needed(
    sigma_sq: ArrayLike,
    margin: ArrayLike,
    *,
    kind: Literal["equivalence", "difference"],
    alpha: float = 0.05,
    power: float = 0.8,
) -> Floats:
    """Clusters (prompts, where none are grouped) a comparison needs; whole numbers, NaN without a margin.

    "equivalence": to show a difference of 0 to be within `margin`. "difference": to detect a true difference
    of `margin`. `sigma_sq` is `Comparisons.sigma_sq` of a pilot. For an unpaired comparison: in each arm.

    Source: the root of margin²·(n + 2)² = κ²·(n·sigma_sq + 2), the width of the add-two interval.
    """
    miss = (1 - power) / 2 if kind == "equivalence" else 1 - power
    kappa_sq = (normal_quantile(1 - alpha / 2) + normal_quantile(1 - miss)) ** 2
    delta_sq = np.square(floats(margin))
    linear = kappa_sq * floats(sigma_sq) - 4 * delta_sq
    with np.errstate(invalid="ignore", divide="ignore"):
        root = linear + np.sqrt(linear**2 + 8 * delta_sq * (kappa_sq - 2 * delta_sq))
        return floats(np.maximum(1, np.ceil(root / (2 * delta_sq))))


def sigma_sq_with_epochs(
    sigma_sq: ArrayLike,
    old_flake: ArrayLike,
    new_flake: ArrayLike,
    *,
    epochs: ArrayLike,
    planned_epochs: ArrayLike,
) -> Floats:
    """What `sigma_sq`, measured with `epochs` attempts a sample, would be with `planned_epochs`; not below 0.

    More attempts average out only the flake; the part by which versions differ on a prompt stays.
    """
    within = (floats(old_flake) + floats(new_flake)) / 2
    return np.maximum(0, floats(sigma_sq) - within * (1 / floats(epochs) - 1 / floats(planned_epochs)))


def adjust_looks(p: ArrayLike, *, planned_looks: int | None) -> Floats:
    """p-values of successive looks at growing data, in look order, adjusted so that stopping early is safe.

    With a declared number of looks each is multiplied by it, else the k-th by k(k + 1).

    Raises:
        ValueError: there are more looks than were planned.

    Source: the union bound; 1/(k(k + 1)) sums to 1 over all k.
    """
    values = floats(p)
    look = np.arange(1, values.size + 1)
    if planned_looks is None:
        return np.minimum(1, values * look * (look + 1))
    if values.size > planned_looks:
        raise ValueError(f"{values.size} looks were taken, {planned_looks} were planned")
    return np.minimum(1, values * planned_looks)
