"""The SQL over pairs of entries, in the same words as `sql.py`; `members` and `cells` come from there."""

# ruff: noqa: S608 - constants made of constants; nothing from outside comes into the text

from __future__ import annotations

from typing import Final

from mbe_docs.evidence.sql import NANO_DOUBLE, WIDE, decimals, listed, mean, merged, square, whole

USAGE_CELLS: Final = f"""
SELECT g.entry, s.sample, {mean("SUM(g.log_latency)", "COUNT(g.log_latency)")} AS log_latency,
  {mean("SUM(g.cost_nusd)", "COUNT(g.cost_nusd)")} AS cost
FROM (
  SELECT entry, input_hash, cost_nusd, CASE WHEN latency_us > 0 AND outcome <> 'infra_error'
    THEN CAST(ROUND(LN(CAST(latency_us AS DOUBLE)) * {NANO_DOUBLE}) AS BIGINT) END AS log_latency
  FROM matched
) g JOIN samples s ON s.input_hash = g.input_hash
GROUP BY g.entry, s.sample"""
"""One row per entry and sample: mean natural logarithm of the latency in µs, in nano units, and mean cost."""

PAIR_READINGS: Final = ("primary", "strict")
CHANGE_FIELDS: Final = (
    *("clusters", "samples", "change", "change_sq", "change_n", "n_sq"),
    *("moved", "up", "down", "repeated"),
)


def _single_change(r: str) -> dict[str, str]:
    d = f"d_{r}"
    return {
        f"clusters_{r}": f"COUNT({d})",
        f"samples_{r}": f"COUNT({d})",
        f"change_{r}": f"SUM({d})",
        f"change_sq_{r}": square(d),
        f"change_n_{r}": f"SUM({d})",
        f"n_sq_{r}": f"COUNT({d})",
        f"moved_{r}": f"COUNT(CASE WHEN {d} <> 0 THEN 1 END)",
        f"up_{r}": f"COUNT(CASE WHEN {d} > 0 THEN 1 END)",
        f"down_{r}": f"COUNT(CASE WHEN {d} < 0 THEN 1 END)",
        f"repeated_{r}": f"SUM(repeated_{r})",
    }


def _within_change(r: str) -> str:
    d = f"d_{r}"
    return f"""COUNT({d}) AS n_{r}, SUM({d}) AS t_{r}, COUNT(CASE WHEN {d} > 0 THEN 1 END) AS up_{r},
      COUNT(CASE WHEN {d} < 0 THEN 1 END) AS down_{r}, SUM(repeated_{r}) AS repeated_{r}"""


def _grouped_change(r: str) -> dict[str, str]:
    n, d = f"n_{r}", f"t_{r}"
    # Each of n differences of two means is rounded by up to one nano unit; of a single one, 0 is exact.
    moved = f"CASE WHEN ({n} = 1 AND {d} <> 0) OR ABS({d}) > {n} THEN 1 END"
    return {
        f"clusters_{r}": f"COUNT(CASE WHEN {n} > 0 THEN 1 END)",
        f"samples_{r}": f"SUM({n})",
        f"change_{r}": f"SUM({d})",
        f"change_sq_{r}": square(d),
        f"change_n_{r}": f"SUM({WIDE.format(d, n)})",
        f"n_sq_{r}": square(n),
        f"moved_{r}": f"COUNT({moved})",
        f"up_{r}": f"SUM(up_{r})",
        f"down_{r}": f"SUM(down_{r})",
        f"repeated_{r}": f"SUM(repeated_{r})",
    }


def _changes(readings: tuple[str, ...], cells: str, differences: list[str], more: dict[str, str]) -> str:
    """The sums of each pair over the samples that both entries have, clustered as the old entry is."""
    names = [f"{field}_{r}" for r in readings for field in CHANGE_FIELDS] + list(more)
    joined = f"""FROM pairs p JOIN {cells} o ON o.entry = p.entry_old
      JOIN {cells} n ON n.entry = p.entry_new AND n.sample = o.sample
      LEFT JOIN members a ON a.entry = o.entry AND a.sample = o.sample
      LEFT JOIN members b ON b.entry = n.entry AND b.sample = n.sample"""
    extra = [f"{expression} AS {name}" for name, expression in more.items()]
    extra_sums = {name: f"SUM({name})" for name in more}
    return f"""
SELECT pair,
    {whole(names)}
FROM (
  SELECT pair,
    {decimals(merged(_single_change, readings) | extra_sums)}
  FROM (
    SELECT p.pair, {listed([*differences, *extra])}
    {joined}
    WHERE a.cluster IS NULL AND b.cluster IS NULL
  ) s
  GROUP BY pair
  UNION ALL
  SELECT pair,
    {decimals(merged(_grouped_change, readings) | extra_sums)}
  FROM (
    SELECT pair, cluster,
      {listed([*(_within_change(r) for r in readings), *(f"{e} AS {n}" for n, e in extra_sums.items())])}
    FROM (
      SELECT p.pair, COALESCE(a.cluster, b.cluster) AS cluster, {listed([*differences, *extra])}
      {joined}
      WHERE a.cluster IS NOT NULL OR b.cluster IS NOT NULL
    ) s
    GROUP BY pair, cluster
  ) k
  GROUP BY pair
) t
GROUP BY pair
ORDER BY pair"""


PAIRS: Final = _changes(
    PAIR_READINGS,
    "cells",
    [
        f"n.y_{r} - o.y_{r} AS d_{r}, "
        f"CASE WHEN o.y_{r} IS NOT NULL AND n.y_{r} IS NOT NULL AND (o.m_{r} > 1 OR n.m_{r} > 1) "
        f"THEN 1 ELSE 0 END AS repeated_{r}"
        for r in PAIR_READINGS
    ],
    {},
)
"""The sums of each pair over its common samples, under two readings."""

_BOTH = "CASE WHEN o.cost IS NOT NULL AND n.cost IS NOT NULL THEN {} END"
COST_FIELDS: Final = ("cost_samples", "cost_old", "cost_new", "cost_old_sq", "cost_new_sq", "cost_old_new")

PAIR_USAGE: Final = _changes(
    ("latency",),
    "usage_cells",
    ["n.log_latency - o.log_latency AS d_latency, 0 AS repeated_latency"],
    {
        "cost_samples": _BOTH.format("1"),
        "cost_old": _BOTH.format("o.cost"),
        "cost_new": _BOTH.format("n.cost"),
        "cost_old_sq": _BOTH.format(WIDE.format("o.cost", "o.cost")),
        "cost_new_sq": _BOTH.format(WIDE.format("n.cost", "n.cost")),
        "cost_old_new": _BOTH.format(WIDE.format("o.cost", "n.cost")),
    },
)
"""The same for log latency, and the sums and products of the costs of both sides."""

FLIPPED: Final = """
SELECT pair, sample_id, old_id, input_hash, y_old, y_new, m_old, m_new
FROM (
  SELECT m.pair, m.is_up, n.sample_id, o.sample_id AS old_id, s.input_hash, m.y_old, m.y_new,
    m.m_old, m.m_new, m.most, ROW_NUMBER() OVER (PARTITION BY m.pair, m.is_up
      ORDER BY ABS(m.y_new - m.y_old) DESC, n.sample_id, s.input_hash) AS place
  FROM (
    SELECT p.pair, p.entry_old, p.entry_new, p.most, o.sample, o.y_primary AS y_old, n.y_primary AS y_new,
      o.m_primary AS m_old, n.m_primary AS m_new,
      CASE WHEN n.y_primary > o.y_primary THEN 1 ELSE 0 END AS is_up
    FROM pairs p JOIN cells o ON o.entry = p.entry_old
      JOIN cells n ON n.entry = p.entry_new AND n.sample = o.sample
    WHERE o.y_primary <> n.y_primary
  ) m JOIN samples s ON s.sample = m.sample
    JOIN names o ON o.entry = m.entry_old AND o.input_hash = s.input_hash
    JOIN names n ON n.entry = m.entry_new AND n.input_hash = s.input_hash
) r
WHERE place <= most
ORDER BY pair, is_up, place"""
"""The samples of each pair that moved most each way, with means in nano units and attempts of both sides."""

FLAKY: Final = """
SELECT pair, sample_id, flaky
FROM (
  SELECT pair, sample_id, most, COUNT(*) OVER (PARTITION BY pair) AS flaky,
    ROW_NUMBER() OVER (PARTITION BY pair ORDER BY sides DESC, sample_id, input_hash) AS place
  FROM (
    SELECT f.pair, f.most, n.input_hash, COUNT(*) AS sides,
      COALESCE(MAX(CASE WHEN f.is_new = 1 THEN n.sample_id END), MAX(n.sample_id)) AS sample_id
    FROM (
      SELECT p.pair, p.most, p.is_new, c.entry, c.sample
      FROM (
        SELECT pair, most, entry_old AS entry, 0 AS is_new FROM pairs
        UNION ALL SELECT pair, most, entry_new AS entry, 1 AS is_new FROM pairs
      ) p JOIN cells c ON c.entry = p.entry
      WHERE c.flake > 0
    ) f JOIN samples s ON s.sample = f.sample
      JOIN names n ON n.entry = f.entry AND n.input_hash = s.input_hash
    GROUP BY f.pair, f.most, n.input_hash
  ) r
) t
WHERE place <= most
ORDER BY pair, place"""
"""Samples of each pair whose attempts on a side differ, those of both sides first; named as there."""

NAMES: Final = """
SELECT entry, input_hash, MIN(sample_id) AS sample_id
FROM matched
GROUP BY entry, input_hash"""
"""What the log of each entry calls a sample; of several names, the first in the order of text."""
