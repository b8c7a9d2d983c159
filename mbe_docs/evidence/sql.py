"""The SQL of the aggregation: SELECT statements that DuckDB and Spark SQL both run, with equal results.

Only what both engines have is used: joins, GROUP BY, CASE, CAST, UNION ALL, ROW_NUMBER, `map['key']`, types
INT, BIGINT, DOUBLE, STRING, DECIMAL(38,0). Every number is a whole number from the first step: a score is
counted in nano units (10⁻⁹ of its unit), so that no sum depends on the order of rows or on threads. A
quotient is the double that IEEE 754 gives, rounded to a whole number of nano units at once.

A driver gives each statement's result the name of its constant in lower case. Given from outside are
`observations` (the columns of `records.evals.Observation`; of each run one version only) and
`plain`, `sliced`, `entries`, `scales`, `pairs`, which `selection.py` describes.
"""

# ruff: noqa: S608 - constants made of constants; nothing from outside comes into the text

from __future__ import annotations

from collections.abc import Callable
from typing import Final

NANO: Final = 10**9
LARGEST: Final = 10**8
"""Scores of this size and above are no scores: sums of their squares would not fit."""
OCTAVES: Final = 48
"""Powers of two that the latency histogram tells apart, from 1 µs to 3,258 days."""
STEPS: Final = 16
"""Bins of equal width in each octave: a bin is 1/16 to 1/32 of its latency wide."""

NANO_DOUBLE = f"CAST({NANO} AS DOUBLE)"
_FAILED = "outcome IN ('model_error', 'limited', 'refused')"
_SLICE = "CASE WHEN o.metadata[s.slice_key] IS NULL THEN '' ELSE CONCAT('=', o.metadata[s.slice_key]) END"
_COLUMNS = f"""o.input_hash, o.sample_id, o.outcome, o.value, o.metadata, o.tokens_in, o.tokens_in_cached,
    o.tokens_out, o.tokens_reasoning, o.cost_nusd, o.latency_us,
    CASE WHEN ABS(o.value) < {LARGEST} THEN CAST(ROUND(o.value * {NANO_DOUBLE}) AS BIGINT) END AS nano"""

CONDITIONS: Final = 4
"""How many (key, value) pairs of metadata an arm may ask for."""


def _holds(table: str) -> str:
    """Whether an attempt has all the metadata that its arm asks for."""
    pairs = [(f"{table}.where_key{n}", f"{table}.where_value{n}") for n in range(CONDITIONS)]
    return " AND ".join(f"({key} IS NULL OR o.metadata[{key}] = {value})" for key, value in pairs)


SLICES: Final = f"""
SELECT DISTINCT s.arm, {_SLICE} AS slice
FROM observations o JOIN sliced s ON o.run_key = s.run_key AND o.scorer = s.scorer
WHERE {_holds("s")}"""
"""The slice values of each sliced arm: '' for attempts without the key, else '=' and the value."""

SAMPLES: Final = """
SELECT CAST(ROW_NUMBER() OVER (ORDER BY input_hash) AS INT) AS sample, input_hash
FROM (SELECT DISTINCT input_hash FROM observations) d"""
"""A number for each sample, which makes the joins and groups below cheap."""

_MATCHED = """
SELECT entry, cluster_key, lowest, highest, input_hash, sample_id, outcome, value, metadata, tokens_in,
  tokens_in_cached, tokens_out, tokens_reasoning, cost_nusd, latency_us,
  CASE WHEN nano < lowest OR nano > highest THEN NULL ELSE nano END AS score
FROM (
  SELECT p.entry, p.cluster_key, p.lowest, p.highest, {columns}
  FROM observations o JOIN plain p ON o.run_key = p.run_key AND o.scorer = p.scorer
  WHERE {plain}
  UNION ALL
  SELECT e.entry, s.cluster_key, s.lowest, s.highest, {columns}
  FROM observations o JOIN sliced s ON o.run_key = s.run_key AND o.scorer = s.scorer
    JOIN entries e ON e.arm = s.arm AND e.slice = {slice}
  WHERE {sliced}
) t"""
MATCHED: Final = _MATCHED.format(columns=_COLUMNS, slice=_SLICE, plain="1 = 1", sliced="1 = 1")
"""One row per attempt and entry it counts for; `score` is null where the value is not on the scale."""
MATCHED_WHERE: Final = _MATCHED.format(columns=_COLUMNS, slice=_SLICE, plain=_holds("p"), sliced=_holds("s"))
"""The same where some arm has conditions; only then is metadata read for them."""


def mean(total: str, attempts: str) -> str:
    """The quotient of two whole numbers, rounded to a whole number; null without attempts."""
    quotient = f"CAST({total} AS DOUBLE) / CAST({attempts} AS DOUBLE)"
    return f"CASE WHEN {attempts} > 0 THEN CAST(ROUND({quotient}) AS BIGINT) END"


_FLAKE = f"""CASE WHEN m_primary >= 2 AND highest > lowest THEN CAST(ROUND(
    CAST(2 * (m_primary * s2_primary - CAST(s_primary AS DECIMAL(38,0)) * s_primary) AS DOUBLE)
    / (CAST(m_primary AS DOUBLE) * CAST(m_primary - 1 AS DOUBLE)
      * CAST(highest - lowest AS DOUBLE) * CAST(highest - lowest AS DOUBLE))
    * {NANO_DOUBLE}) AS BIGINT) END"""

CELLS: Final = f"""
SELECT entry, sample,
  CAST(m_primary AS INT) AS m_primary, {mean("s_primary", "m_primary")} AS y_primary,
  CAST(m_strict AS INT) AS m_strict, {mean("s_strict", "m_strict")} AS y_strict,
  CAST(m_scored_only AS INT) AS m_scored_only, {mean("s_scored_only", "m_scored_only")} AS y_scored_only,
  {_FLAKE} AS flake
FROM (
  SELECT entry, sample, lowest, highest, m AS m_scored_only, s1 AS s_scored_only,
    m + failed AS m_primary, s1 + failed * failure AS s_primary,
    s2 + CAST(failed AS DECIMAL(38,0)) * failure * failure AS s2_primary,
    m + failed + lost AS m_strict, s1 + (failed + lost) * failure AS s_strict
  FROM (
    SELECT c.entry, c.sample, a.lowest, a.highest, COALESCE(a.failure, 0) AS failure, c.m, c.s1, c.s2,
      CASE WHEN a.failure IS NULL THEN 0 ELSE c.failed END AS failed,
      CASE WHEN a.failure IS NULL THEN 0 ELSE c.n - c.m - c.failed END AS lost
    FROM (
      SELECT g.entry, s.sample, COUNT(*) AS n, COUNT(g.score) AS m,
        CAST(COALESCE(SUM(g.score), 0) AS BIGINT) AS s1,
        COALESCE(SUM(CAST(g.score AS DECIMAL(38,0)) * g.score), 0) AS s2,
        COUNT(CASE WHEN g.value IS NULL AND g.{_FAILED} THEN 1 END) AS failed
      FROM matched g JOIN samples s ON s.input_hash = g.input_hash
      GROUP BY g.entry, s.sample
    ) c JOIN scales a ON a.entry = c.entry
  ) b
) r"""
"""One row per entry and sample: under each reading the attempts m and their mean y in nano units (null: no
attempt counts), and the flake in nano units of the squared width of the scale (null: below two attempts)."""

MEMBERS: Final = """
SELECT g.entry, s.sample, MIN(g.metadata[g.cluster_key]) AS cluster
FROM matched g JOIN samples s ON s.input_hash = g.input_hash
WHERE g.metadata[g.cluster_key] IS NOT NULL
GROUP BY g.entry, s.sample"""
"""The cluster of each sample that has one; of several, the first in the order of text."""

READINGS: Final = ("primary", "strict", "scored_only")
_ALL = (*READINGS, "flake")
WIDE = "CAST({0} AS DECIMAL(38,0)) * {1}"


def square(name: str) -> str:
    """The sum of squares of a whole column."""
    return f"SUM({WIDE.format(name, name)})"


def _y(reading: str) -> str:
    return "flake" if reading == "flake" else f"y_{reading}"


def _m(reading: str) -> str:
    return "CASE WHEN flake IS NOT NULL THEN 1 END" if reading == "flake" else f"m_{reading}"


def _ends(reading: str) -> tuple[str, str]:
    return ("0", str(NANO)) if reading == "flake" else ("a.lowest", "a.highest")


def listed(parts: list[str]) -> str:
    """Columns of a SELECT."""
    return ",\n    ".join(parts)


def decimals(columns: dict[str, str]) -> str:
    """Columns of one type, so that both halves of a UNION ALL have the same."""
    return listed([f"CAST({expression} AS DECIMAL(38,0)) AS {name}" for name, expression in columns.items()])


def _single(r: str) -> dict[str, str]:
    y, (low, high) = _y(r), _ends(r)
    return {
        f"clusters_{r}": f"COUNT({y})",
        f"samples_{r}": f"COUNT({y})",
        f"attempts_{r}": f"SUM({_m(r)})",
        f"total_{r}": f"SUM({y})",
        f"total_sq_{r}": square(y),
        f"total_n_{r}": f"SUM({y})",
        f"n_sq_{r}": f"COUNT({y})",
        f"below_highest_{r}": f"COUNT(CASE WHEN {y} < {high} THEN 1 END)",
        f"above_lowest_{r}": f"COUNT(CASE WHEN {y} > {low} THEN 1 END)",
    }


def _within(r: str) -> str:
    y, (low, high) = _y(r), _ends(r)
    return f"""COUNT({y}) AS n_{r}, SUM({_m(r)}) AS a_{r}, SUM({y}) AS t_{r},
      MAX(CASE WHEN {y} < {high} THEN 1 ELSE 0 END) AS below_{r},
      MAX(CASE WHEN {y} > {low} THEN 1 ELSE 0 END) AS above_{r}"""


def _grouped(r: str) -> dict[str, str]:
    return {
        f"clusters_{r}": f"COUNT(CASE WHEN n_{r} > 0 THEN 1 END)",
        f"samples_{r}": f"SUM(n_{r})",
        f"attempts_{r}": f"SUM(a_{r})",
        f"total_{r}": f"SUM(t_{r})",
        f"total_sq_{r}": square(f"t_{r}"),
        f"total_n_{r}": f"SUM({WIDE.format(f't_{r}', f'n_{r}')})",
        f"n_sq_{r}": square(f"n_{r}"),
        f"below_highest_{r}": f"SUM(below_{r})",
        f"above_lowest_{r}": f"SUM(above_{r})",
    }


RATE_FIELDS: Final = (
    *("clusters", "samples", "attempts", "total", "total_sq", "total_n", "n_sq"),
    *("below_highest", "above_lowest"),
)


def whole(names: list[str]) -> str:
    """The sums of columns, 0 where there is nothing to add."""
    return listed([f"CAST(COALESCE(SUM({name}), 0) AS DECIMAL(38,0)) AS {name}" for name in names])


_ARM_NAMES = [f"{field}_{r}" for r in _ALL for field in RATE_FIELDS] + ["flaky", "seen", "flake_graded"]
_SEEN = {
    "flaky": "COUNT(CASE WHEN flake > 0 THEN 1 END)",
    "seen": "COUNT(*)",
    "flake_graded": "COUNT(CASE WHEN flake IS NOT NULL AND m_primary > 2 THEN 1 END)",
}


def merged(columns: Callable[[str], dict[str, str]], readings: tuple[str, ...]) -> dict[str, str]:
    """The columns of all readings."""
    return {name: expression for r in readings for name, expression in columns(r).items()}


ARMS: Final = f"""
SELECT entry,
    {whole(_ARM_NAMES)}
FROM (
  SELECT c.entry,
    {decimals(merged(_single, _ALL) | _SEEN)}
  FROM cells c JOIN scales a ON a.entry = c.entry
    LEFT JOIN members g ON g.entry = c.entry AND g.sample = c.sample
  WHERE g.cluster IS NULL
  GROUP BY c.entry
  UNION ALL
  SELECT k.entry,
    {decimals(merged(_grouped, _ALL) | {name: f"SUM({name})" for name in _SEEN})}
  FROM (
    SELECT c.entry, g.cluster,
      {listed([_within(r) for r in _ALL])},
      {decimals(_SEEN)}
    FROM cells c JOIN scales a ON a.entry = c.entry
      JOIN members g ON g.entry = c.entry AND g.sample = c.sample
    GROUP BY c.entry, g.cluster
  ) k
  GROUP BY k.entry
) t
GROUP BY entry
ORDER BY entry"""
"""The sums of each entry: first of samples that are clusters of their own, then of the others."""

OUTCOMES: Final = ("scored", "unscored", "refused", "limited", "model_error", "infra_error")
MEASURED: Final = (
    *("tokens_in", "tokens_in_cached", "tokens_out", "tokens_reasoning"),
    *("cost_nusd", "latency_us"),
)
"""Columns summed over all attempts that state them; latency without infrastructure errors."""


def _stated(name: str) -> str:
    return f"CASE WHEN outcome <> 'infra_error' THEN {name} END" if name == "latency_us" else name


USAGE: Final = f"""
SELECT entry, COUNT(*) AS attempts,
  COUNT(CASE WHEN value IS NOT NULL AND score IS NULL THEN 1 END) AS off_scale,
  COUNT(CASE WHEN score <> lowest AND score <> highest THEN 1 END) AS graded,
  {listed([f"COUNT(CASE WHEN outcome = '{name}' THEN 1 END) AS {name}" for name in OUTCOMES])},
  {listed([f"COUNT({_stated(name)}) AS stated_{name}" for name in MEASURED])},
  {listed([f"CAST(COALESCE(SUM({_stated(name)}), 0) AS BIGINT) AS total_{name}" for name in MEASURED])}
FROM matched
GROUP BY entry
ORDER BY entry"""
"""What the attempts of each entry came to and took."""


def _octave(low: int, high: int) -> str:
    """The largest power of two of those from 2^low up to 2^high that `latency_us` reaches."""
    if low == high:
        return str(2**low)
    middle = (low + high + 1) // 2
    reached, missed = _octave(middle, high), _octave(low, middle - 1)
    return f"CASE WHEN latency_us >= {2**middle} THEN {reached} ELSE {missed} END"


LATENCY: Final = f"""
SELECT entry, CASE
    WHEN latency_us < 1 THEN 0
    WHEN octave = {2**OCTAVES} THEN {2**OCTAVES * STEPS}
    ELSE octave * CAST(FLOOR(CAST(latency_us AS DOUBLE) * {STEPS} / CAST(octave AS DOUBLE)) AS BIGINT)
  END AS bin,
  COUNT(*) AS n
FROM (
  SELECT entry, latency_us, CAST({_octave(0, OCTAVES)} AS BIGINT) AS octave
  FROM matched WHERE latency_us IS NOT NULL AND outcome <> 'infra_error'
) t
GROUP BY 1, 2
ORDER BY 1, 2"""
"""The histogram of each entry: a bin by its lower end in sixteenths of a microsecond. Bins of the same end
are merged by adding their counts."""


def latency_edges() -> list[float]:
    """Where the bins of the histogram begin, in µs and rising, and where the last one ends."""
    fine = (2**octave * (1 + step / STEPS) for octave in range(OCTAVES) for step in range(STEPS))
    return [0.0, *fine, 2.0**OCTAVES, 2.0 ** (OCTAVES + 1)]
