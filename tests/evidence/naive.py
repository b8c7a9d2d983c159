"""The sums as plainly as they can be put: loops over rows, whole numbers and exact fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from mbe_docs.evidence.selection import Selected
from mbe_docs.records.evals import Observation

Cells = dict[str, dict[str, Any]]
FAILED = {"model_error", "limited", "refused"}
READINGS = ("primary", "strict", "scored_only")
MEASURED = ("tokens_in", "tokens_in_cached", "tokens_out", "tokens_reasoning", "cost_nusd", "latency_us")


def rounded(value: Fraction | float) -> int:
    """Half away from zero."""
    exact = Fraction(value)
    whole = int(abs(exact) + Fraction(1, 2))
    return whole if exact >= 0 else -whole


def nano(value: float | None) -> int | None:
    """In units of 10⁻⁹, from the double nearest to the product."""
    return None if value is None else rounded(value * 1e9)


def as_float(value: int, unit: float = 1.0) -> float:
    """As the last step of the aggregation has it: two words, each rounded once."""
    size = abs(value)
    total = float(size) if size < 2**63 else float(size >> 64) * 2.0**64 + float(size & (2**64 - 1))
    return (total if value >= 0 else -total) / unit


def entries_of(
    rows: Sequence[Observation], selection: Iterable[Selected]
) -> dict[tuple[int, str | None], list[Observation]]:
    """The attempts that count for each arm and slice value."""
    found: dict[tuple[int, str | None], list[Observation]] = {}
    for chosen in selection:
        if chosen.slice_key is None:
            found.setdefault((chosen.arm, None), [])
        for row in rows:
            if (row.run_key, row.scorer) != (chosen.run_key, chosen.scorer):
                continue
            if any(row.metadata.get(key) != value for key, value in chosen.where):
                continue
            value = None if chosen.slice_key is None else row.metadata.get(chosen.slice_key)
            found.setdefault((chosen.arm, value), []).append(row)
    return dict(
        sorted(found.items(), key=lambda item: (item[0][0], item[0][1] is not None, item[0][1] or ""))
    )


def score_of(row: Observation, arm: Selected) -> int | None:
    """The value on its scale."""
    if row.value is None or abs(row.value) >= 1e8:
        return None
    score = nano(row.value)
    if arm.lowest is not None and not nano(arm.lowest) <= score <= nano(arm.highest):
        return None
    return score


def cells_of(rows: Iterable[Observation], arm: Selected) -> Cells:
    """By sample: its scores under each reading, and its cluster."""
    cells: Cells = {}
    failure = nano(arm.failure_value)
    for row in rows:
        cell = cells.setdefault(row.input_hash, {**{r: [] for r in READINGS}, "clusters": [], "ids": []})
        score = score_of(row, arm)
        counts = {"scored_only"} if score is not None else set()
        if score is not None or (row.value is None and row.outcome in FAILED and failure is not None):
            counts.add("primary")
        if score is not None or failure is not None:
            counts.add("strict")
        for reading in counts:
            cell[reading].append(failure if score is None else score)
        cell["ids"].append(row.sample_id)
        if arm.cluster_key in row.metadata:
            cell["clusters"].append(row.metadata[arm.cluster_key])
    return cells


def cluster_of(sample: str, cell: dict[str, Any]) -> tuple[str, str]:
    """The first of its clusters, else itself."""
    return ("cluster", min(cell["clusters"])) if cell["clusters"] else ("sample", sample)


def mean_of(scores: list[int]) -> int | None:
    """In nano units."""
    return rounded(Fraction(sum(scores), len(scores))) if scores else None


def rate_sums(
    samples: Iterable[tuple[Any, int, int]], lowest: int | None, highest: int | None
) -> dict[str, float]:
    """From (cluster, mean, attempts) of each sample."""
    clusters: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    for cluster, mean, attempts in samples:
        clusters[cluster].append((mean, attempts))
    sums = dict.fromkeys(
        (
            "clusters",
            "samples",
            "attempts",
            "total",
            "total_sq",
            "total_n",
            "n_sq",
            "below_highest",
            "above_lowest",
        ),
        0,
    )
    for members in clusters.values():
        n, y = len(members), sum(mean for mean, _ in members)
        sums["clusters"] += 1
        sums["samples"] += n
        sums["attempts"] += sum(attempts for _, attempts in members)
        sums["total"] += y
        sums["total_sq"] += y * y
        sums["total_n"] += y * n
        sums["n_sq"] += n * n
        sums["below_highest"] += highest is not None and any(mean < highest for mean, _ in members)
        sums["above_lowest"] += lowest is not None and any(mean > lowest for mean, _ in members)
    units = {"total": 1e9, "total_n": 1e9, "total_sq": 1e18}
    return {name: as_float(value, units.get(name, 1.0)) for name, value in sums.items()}


def flake_of(scores: list[int], arm: Selected) -> int | None:
    """Mean squared difference of two attempts, of the squared width, in nano units."""
    m = len(scores)
    if m < 2 or arm.lowest is None:
        return None
    width = nano(arm.highest) - nano(arm.lowest)
    pairs = [(a - b) ** 2 for i, a in enumerate(scores) for j, b in enumerate(scores) if i != j]
    return rounded(Fraction(sum(pairs), len(pairs) * width**2) * 10**9)


def arm_sums(rows: Sequence[Observation], arm: Selected) -> dict[str, Any]:
    """Everything `ArmSums` says of one entry."""
    cells = cells_of(rows, arm)
    lowest, highest = nano(arm.lowest), nano(arm.highest)
    found: dict[str, Any] = {}
    for reading in READINGS:
        found[reading] = rate_sums(
            [
                (cluster_of(sample, cell), mean_of(cell[reading]), len(cell[reading]))
                for sample, cell in cells.items()
                if cell[reading]
            ],
            lowest,
            highest,
        )
    flakes = {sample: flake_of(cell["primary"], arm) for sample, cell in cells.items()}
    known = {sample: flake for sample, flake in flakes.items() if flake is not None}
    found["flake"] = rate_sums([(cluster_of(s, cells[s]), flake, 1) for s, flake in known.items()], 0, 10**9)
    found["flaky_samples"] = sum(flake > 0 for flake in known.values())
    scores = [score_of(row, arm) for row in rows]
    is_scale = arm.lowest is not None and arm.failure_value in (None, arm.lowest, arm.highest)
    found["is_binary"] = is_scale and all(score in (None, lowest, highest) for score in scores)
    found["is_flake_binary"] = found["is_binary"] and all(len(cells[s]["primary"]) == 2 for s in known)
    found["seen"] = len(cells)
    found["attempts"] = len(rows)
    found["off_scale"] = sum(row.value is not None and s is None for row, s in zip(rows, scores, strict=True))
    found["outcomes"] = {
        name: sum(row.outcome == name for row in rows)
        for name in ("scored", "unscored", "refused", "limited", "model_error", "infra_error")
    }
    found["used"] = {}
    for name in MEASURED:
        stated = [getattr(r, name) for r in rows if name != "latency_us" or r.outcome != "infra_error"]
        stated = [value for value in stated if value is not None]
        found["used"][name] = (len(stated), sum(stated))
    return found


def change_sums(
    old: Cells, new: Cells, old_means: dict[str, int | None], new_means: dict[str, int | None]
) -> dict[str, float]:
    """The sums over common samples, from the mean of each side by sample."""
    clusters: dict[Any, list[int]] = defaultdict(list)
    for sample in sorted(old_means.keys() & new_means.keys()):
        before, after = old_means[sample], new_means[sample]
        if before is None or after is None:
            continue
        side = old if old[sample]["clusters"] else new
        clusters[cluster_of(sample, side[sample])].append(after - before)
    differences = [d for members in clusters.values() for d in members]
    totals = [(len(members), sum(members)) for members in clusters.values()]
    sums = {
        "clusters": len(totals),
        "samples": len(differences),
        "change": sum(differences),
        "change_sq": sum(d * d for _, d in totals),
        "change_n": sum(d * n for n, d in totals),
        "n_sq": sum(n * n for n, _ in totals),
        "moved": sum(d != 0 if n == 1 else abs(d) > n for n, d in totals),
        "up": sum(d > 0 for d in differences),
        "down": sum(d < 0 for d in differences),
    }
    units = {"change": 1e9, "change_n": 1e9, "change_sq": 1e18}
    return {name: as_float(value, units.get(name, 1.0)) for name, value in sums.items()}
