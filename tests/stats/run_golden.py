"""Checks `mbe_docs.stats` against a file of expected values: python tests/stats/run_golden.py FILE.

The file holds {"cases": [{"id", "fn", "input", "expected", "tol"}]}; every number is met within `tol`,
strings and nulls exactly. Each failing case is printed, then "N passed, M failed".
"""

import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mbe_docs import stats

Json = Any


def rows_of(given: Json) -> tuple[list[np.ndarray], stats.Grouping]:
    """The numeric columns of a table whose first column is a group, and the clusters these groups make.

    A row without a group is a cluster of its own.
    """
    labels = [("row", i) if row[0] is None else ("group", row[0]) for i, row in enumerate(given["rows"])]
    codes = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    columns = [np.array(column, dtype=float) for column in list(zip(*given["rows"], strict=True))[1:]]
    return columns, stats.Grouping(cluster=[codes[label] for label in labels])


def interval_of(found: stats.Intervals, name: str = "theta") -> Json:
    """The ends and the value of the first interval."""
    return {name: found.value[0], "lo": found.low[0], "hi": found.high[0]}


def differences_of(found: stats.Comparisons) -> Json:
    """The first comparison."""
    return {
        "diff": found.diff[0],
        "lo": found.low[0],
        "hi": found.high[0],
        "p_diff": found.p_diff[0],
        "p_equivalent": found.p_equivalent[0],
        "p_noninferior": found.p_noninferior("higher")[0],
        "n_clusters": found.clusters[0],
    }


def ratio_of(found: stats.Ratios) -> Json:
    """The first ratio."""
    return {
        "ratio": found.ratio[0],
        "lo": found.low[0],
        "hi": found.high[0],
        "p_diff": found.p_diff[0],
        "p_equivalent": found.p_equivalent[0],
    }


def mcnemar_table(given: Json) -> stats.Comparisons:
    """The paired difference of a 2 × 2 table of counts."""
    names = ("both_pass", "only_new_passes", "only_old_passes", "both_fail")
    counts = [given[name] for name in names]
    old, new = np.repeat([1, 0, 1, 0], counts), np.repeat([1, 1, 0, 0], counts)
    sums = stats.pair_sums(old, new, is_single=True)
    return stats.paired_difference(sums, margin=given["delta"], level=given.get("conf", 0.95))


def rate_single(given: Json) -> Json:
    """k of n, one attempt per prompt."""
    sums = stats.rate_sums(np.repeat([1, 0], [given["k"], given["n"] - given["k"]]), 1)
    return interval_of(stats.rate_interval(sums, binary=True, level=given["conf"]))


def rate_clustered(given: Json) -> Json:
    """One row per prompt: group, attempts, sum, sum of squares."""
    (m, total, _), grouping = rows_of(given)
    sums = stats.rate_sums(total / m, m, grouping)
    found = stats.rate_interval(sums, binary=given["binary"], level=given["conf"])
    return interval_of(found) | {
        "n_eff": found.n_eff[0],
        "n_samples": found.samples[0],
        "n_clusters": sums.clusters[0],
    }


def flake(given: Json) -> Json:
    """One row per prompt, as for a rate."""
    columns, grouping = rows_of(given)
    found = stats.flake(*columns, grouping, binary=given["binary"], level=given["conf"])
    return interval_of(found, "flake") | {"n_used": found.samples[0]}


def pass_k(function: Callable[..., stats.Intervals]) -> Callable[[Json], Json]:
    """pass^k or pass@k of one row per prompt."""

    def run(given: Json) -> Json:
        (m, passed, _), grouping = rows_of(given)
        found = function(m, passed, given["k"], grouping)
        return interval_of(found, "value") | {"n_used": found.samples[0]}

    return run


def paired_clustered(given: Json) -> Json:
    """One row per prompt: group, old mean, new mean."""
    (old, new), grouping = rows_of(given)
    sums = stats.pair_sums(old, new, grouping)
    return differences_of(stats.paired_difference(sums, margin=given["delta"], level=given["conf"]))


def unpaired(given: Json) -> Json:
    """One score per prompt, other prompts on each side."""
    old, new = (stats.rate_sums(given[side], 1) for side in ("old", "new"))
    return differences_of(stats.unpaired_difference(old, new, margin=given["delta"], level=given["conf"]))


def page(given: Json) -> Json:
    """A page of 2 × 2 tables."""
    found = [mcnemar_table(each) for each in given["comparisons"]]
    shown = stats.page_verdicts(
        [each.diff[0] for each in found],
        [each.p_diff[0] for each in found],
        [each.p_equivalent[0] for each in found],
        [each["better"] for each in given["comparisons"]],
        alpha=given["alpha"],
    )
    return {"q_diff": shown.q_diff, "q_equivalent": shown.q_equivalent, "verdict": shown.verdict}


def n_needed(given: Json) -> Json:
    """Clusters needed."""
    options = {name: given[name] for name in ("kind", "alpha", "power")}
    return {"n": stats.n_needed(given["sd2"], given["delta"], **options)[0]}


def drift(given: Json) -> Json:
    """Successes by run and prompt."""
    found = stats.drift(given["successes"], given["attempts"], slack=given["k"], threshold=given["h"])
    return {
        "z": found.z,
        "cusum_up": found.up,
        "cusum_down": found.down,
        "alarm_run": found.alarm_run,
        "change_run": found.change_run,
    }


def latency_geo_ratio(given: Json) -> Json:
    """One latency per prompt and side."""
    sums = stats.pair_sums(np.log(given["old"]), np.log(given["new"]))
    return ratio_of(stats.latency_ratio(sums, margin_ratio=given["margin_ratio"], level=given["conf"]))


def cost_mean_ratio(given: Json) -> Json:
    """One cost per prompt and side."""
    return ratio_of(stats.cost_ratio(stats.cost_sums(given["old"], given["new"]), level=given["conf"]))


def quantile_ci(given: Json) -> Json:
    """Plain values."""
    found = stats.quantile_interval(given["x"], given["q"], level=given["conf"])
    return {"value": found.value, "lo": found.low, "hi": found.high}


def comparable(given: Json) -> Json:
    """Two descriptions and two lists of sample ids."""
    samples = (set(given["ids_old"]), set(given["ids_new"]))
    found = stats.comparability(given["old"], given["new"], *samples)
    return {"mode": found.mode, "reason": found.reason}


def missing(given: Json) -> Json:
    """One row per prompt: planned, passed, failed, model errors, infrastructure errors."""
    planned, passed, failed, errors, _ = np.array(given["rows"], dtype=float).T
    report = stats.error_report(planned, passed + failed, passed, errors, binary=True, level=given["conf"])
    rates = {name: getattr(report, name) for name in ("primary", "strict", "scored_only")}
    return {name: interval_of(each) | {"n_samples": each.samples[0]} for name, each in rates.items()} | {
        "bounds": {"lo": report.lowest[0], "hi": report.highest[0]},
        "model_error_share": report.model_error_share[0],
        "infra_or_absent_share": report.lost_share[0],
    }


FUNCTIONS: dict[str, Callable[[Json], Json]] = {
    "rate_single": rate_single,
    "rate_clustered": rate_clustered,
    "flake": flake,
    "pass_hat_k": pass_k(stats.pass_hat_k),
    "pass_at_k": pass_k(stats.pass_at_k),
    "paired_binary": lambda given: differences_of(mcnemar_table(given)),
    "paired_clustered": paired_clustered,
    "unpaired": unpaired,
    "fdr": lambda given: {method: stats.adjust(given["p"], method=method) for method in ("bh", "by")},
    "page": page,
    "n_needed": n_needed,
    "looks": lambda given: {
        "p_adjusted": stats.adjust_looks(given["p"], planned_looks=given["planned_looks"])
    },
    "drift": drift,
    "latency_geo_ratio": latency_geo_ratio,
    "cost_mean_ratio": cost_mean_ratio,
    "quantile_ci": quantile_ci,
    "comparable": comparable,
    "missing": missing,
}


def mismatches(expected: Json, got: Json, tol: float, at: str = "") -> Iterator[str]:
    """Every place at which `got` is not what was expected."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            if name in got:
                yield from mismatches(value, got[name], tol, f"{at}.{name}" if at else name)
            else:
                yield f"{at}.{name}: not computed"
    elif isinstance(expected, list):
        if len(expected) != len(got):
            yield f"{at}: expected {len(expected)} items, got {len(got)}"
        for i, (one, other) in enumerate(zip(expected, got, strict=False)):
            yield from mismatches(one, other, tol, f"{at}[{i}]")
    elif not is_same(expected, got, tol):
        yield f"{at}: expected {expected!r}, got {got!r}"


def is_same(expected: Json, got: Json, tol: float) -> bool:
    """Strings and nulls exactly, numbers within the tolerance; NaN is null."""
    if isinstance(expected, str) or isinstance(got, str):
        return bool(expected == got)
    if expected is None or got is None:
        return expected is None and (got is None or math.isnan(got))
    return abs(float(got) - float(expected)) <= tol


def failures(case: Json) -> list[str]:
    """What is wrong with one case; nothing if it passes."""
    if case["fn"] not in FUNCTIONS:
        return [f"unknown fn {case['fn']!r}; expected one of {', '.join(FUNCTIONS)}"]
    try:
        got = FUNCTIONS[case["fn"]](case["input"])
    except Exception as error:
        return [f"raised {type(error).__name__}: {error}"]
    return list(mismatches(case["expected"], got, case["tol"]))


def main(path: Path) -> int:
    """Prints what failed and the counts; 1 if any case failed."""
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    failed = 0
    for case in cases:
        found = failures(case)
        failed += bool(found)
        for line in found:
            print(f"{case['id']} ({case['fn']}): {line}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/stats/run_golden.py FILE")
    sys.exit(main(Path(sys.argv[1])))
