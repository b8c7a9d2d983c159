"""Rows that SQL returned as arrays in the order of entries or pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mbe_docs.evidence import pair_sql, sql
from mbe_docs.evidence.selection import Entry, Selected, slice_value
from mbe_docs.evidence.sums import (
    ArmSums,
    Bools,
    ChangeSums,
    CostSums,
    Flaky,
    Flip,
    Floats,
    Ints,
    LatencyHistograms,
    PairKeys,
    PairSums,
    PairUsage,
    RateSums,
    Used,
    floats,
)

if TYPE_CHECKING:
    import pyarrow as pa

_UNITS = {"total": 1e9, "total_n": 1e9, "total_sq": 1e18, "change": 1e9, "change_n": 1e9, "change_sq": 1e18}


class _Rows:
    """A result with some of the numbers 0 to `size` - 1 in its first column, as one item for each of them."""

    def __init__(self, table: pa.Table, key: str, size: int) -> None:
        self._table, self._size = table, size
        self._at = table[key].to_numpy()

    def floats(self, name: str, unit: float = 1.0) -> Floats:
        values = np.zeros(self._size)
        values[self._at] = floats(self._table[name], unit)
        return values

    def ints(self, name: str) -> Ints:
        values = np.zeros(self._size, np.int64)
        column = self._table[name]
        values[self._at] = column.to_numpy() if column.type.bit_width == 64 else floats(column)
        return values


def arm_sums(
    entries: Mapping[Entry, int], arms: Mapping[int, Selected], sums: pa.Table, usage: pa.Table
) -> ArmSums:
    """The results of `sql.ARMS` and `sql.USAGE`."""
    rows, used = _Rows(sums, "entry", len(entries)), _Rows(usage, "entry", len(entries))
    rates = {reading: _rate_sums(rows, reading) for reading in (*sql.READINGS, "flake")}
    two_valued = {arm for arm, row in arms.items() if _is_two_valued(row)}
    is_binary = (used.ints("graded") == 0) & np.array(
        [entry.arm in two_valued for entry in entries], np.bool_
    )
    values = tuple(slice_value(entry.slice) for entry in entries)
    return ArmSums(
        arm=np.array([entry.arm for entry in entries], np.int64),
        slice_value=values,
        **rates,
        flaky_samples=rows.ints("flaky"),
        is_flake_binary=is_binary & (rows.ints("flake_graded") == 0),
        is_binary=is_binary,
        seen=rows.ints("seen"),
        attempts=used.ints("attempts"),
        off_scale=used.ints("off_scale"),
        outcomes={name: used.ints(name) for name in sql.OUTCOMES},
        used={name: Used(used.ints(f"stated_{name}"), used.ints(f"total_{name}")) for name in sql.MEASURED},
        position={
            (entry.arm, value): n for n, (entry, value) in enumerate(zip(entries, values, strict=True))
        },
    )


def _rate_sums(rows: _Rows, reading: str) -> RateSums:
    return RateSums(
        **{name: rows.floats(f"{name}_{reading}", _UNITS.get(name, 1.0)) for name in sql.RATE_FIELDS}
    )


def _is_two_valued(arm: Selected) -> bool:
    """Whether the scale has ends and a failure, if it counts, is at one of them."""
    return arm.lowest is not None and arm.failure_value in (None, arm.lowest, arm.highest)


def _change_sums(rows: _Rows, reading: str, is_binary: Bools) -> ChangeSums:
    names = [name for name in pair_sql.CHANGE_FIELDS if name != "repeated"]
    found = {name: rows.floats(f"{name}_{reading}", _UNITS.get(name, 1.0)) for name in names}
    is_plain = (rows.ints(f"repeated_{reading}") == 0) & (found["clusters"] == found["samples"])
    return ChangeSums(**found, is_single=is_binary & is_plain)


def pair_sums(keys: PairKeys, arms: ArmSums, table: pa.Table) -> PairSums:
    """The result of `pair_sql.PAIRS`."""
    rows = _Rows(table, "pair", keys.pair.size)
    is_binary = arms.is_binary[keys.old] & arms.is_binary[keys.new]
    primary, strict = (_change_sums(rows, reading, is_binary) for reading in pair_sql.PAIR_READINGS)
    return PairSums(
        keys=keys,
        primary=primary,
        strict=strict,
        samples_old=arms.primary.samples[keys.old],
        samples_new=arms.primary.samples[keys.new],
    )


def pair_usage(keys: PairKeys, table: pa.Table) -> PairUsage:
    """The result of `pair_sql.PAIR_USAGE`."""
    rows = _Rows(table, "pair", keys.pair.size)
    never = np.zeros(keys.pair.size, np.bool_)
    return PairUsage(
        keys=keys,
        log_latency=_change_sums(rows, "latency", never),
        cost=CostSums(*(rows.floats(name) for name in pair_sql.COST_FIELDS)),
    )


def flips(keys: PairKeys, table: pa.Table) -> tuple[tuple[Flip, ...], ...]:
    """The result of `pair_sql.FLIPPED`, one tuple for each item of the keys."""
    found: list[list[Flip]] = [[] for _ in keys.pair]
    names = ("pair", "sample_id", "old_id", "input_hash", "y_old", "y_new", "m_old", "m_new")
    for pair, sample_id, old_id, input_hash, *moved in zip(
        *(table[name].to_pylist() for name in names), strict=True
    ):
        old, new, old_attempts, new_attempts = moved
        flip = Flip(sample_id, old_id, input_hash, old / sql.NANO, new / sql.NANO, old_attempts, new_attempts)
        found[pair].append(flip)
    return tuple(map(tuple, found))


def flaky(keys: PairKeys, table: pa.Table) -> tuple[Flaky, ...]:
    """The result of `pair_sql.FLAKY`, one item for each item of the keys."""
    counts = [0] * len(keys.pair)
    names: list[list[str]] = [[] for _ in keys.pair]
    for pair, sample_id, count in zip(
        *(table[name].to_pylist() for name in ("pair", "sample_id", "flaky")), strict=True
    ):
        counts[pair] = count
        names[pair].append(sample_id)
    return tuple(Flaky(count, tuple(ids)) for count, ids in zip(counts, names, strict=True))


def latency(entries: int, table: pa.Table) -> LatencyHistograms:
    """The result of `sql.LATENCY`."""
    edges = np.array(sql.latency_edges())
    return LatencyHistograms(
        entries=entries,
        edges=edges,
        entry=table["entry"].to_numpy().astype(np.int64),
        bin=np.searchsorted(edges * sql.STEPS, table["bin"].to_numpy()),
        count=table["n"].to_numpy().astype(np.int64),
    )
