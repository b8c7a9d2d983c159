"""Which attempts count for what: the caller's choice of runs and scorers, as tables for SQL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from mbe_docs.evidence.sql import CONDITIONS, LARGEST, NANO

if TYPE_CHECKING:
    import pyarrow as pa


class Selected(NamedTuple):
    """One run that counts for one arm: a behavior on a subject, perhaps cut by a slice key.

    An arm may have several runs: their attempts at the same sample (by `input_hash`) are pooled, as are the
    attempts of one run at samples with different ids but the same content. All but the run and the scorer
    must be the same throughout an arm.
    """

    arm: int
    """Any number from 0 to 2³¹ - 1."""
    run_key: str
    scorer: str
    failure_value: float | None = None
    """The score a failure counts as, the worst of the scale; None: failures are left out of all readings."""
    lowest: float | None = None
    """Ends of the scale of scores; None for both: the scale is open."""
    highest: float | None = None
    cluster_key: str | None = None
    """Metadata key of what samples share, such as `passage`; samples without it stand for themselves."""
    slice_key: str | None = None
    """Metadata key to cut by: one entry for each value found, and one for attempts without the key."""
    where: tuple[tuple[str, str], ...] = ()
    """(Metadata key, value) that an attempt must have to count; at most `sql.CONDITIONS`."""


class Entry(NamedTuple):
    """An arm, or one slice value of a sliced arm."""

    arm: int
    slice: str
    """As in `sql.SLICES`: '' without the key, else '=' and the value."""


def slice_value(text: str) -> str | None:
    """The value that an entry's slice stands for: None without the key."""
    return text[1:] if text else None


@lru_cache(maxsize=4096)
def nano(value: float | None) -> int | None:
    """A score in nano units, rounded as SQL does it: half away from zero."""
    if value is None:
        return None
    size = abs(value * NANO)
    whole = math.floor(size)
    return int(math.copysign(whole + (size - whole >= 0.5), value))


def check(selection: Iterable[Selected]) -> dict[int, Selected]:
    """One row of each arm, in the order of arms.

    Raises:
        ValueError: an arm counts a run twice, or its rows disagree, or its scale makes no sense.
    """
    arms: dict[int, Selected] = {}
    counted: dict[int, set[str]] = {}
    for row in selection:
        first = arms.setdefault(row.arm, row)
        if first is row:
            continue
        runs = counted.setdefault(row.arm, {first.run_key})
        if row.run_key in runs:
            raise ValueError(f"arm {row.arm} counts the run {row.run_key!r} twice")
        runs.add(row.run_key)
        if first[3:] != row[3:]:
            raise ValueError(f"arm {row.arm} has rows that differ in more than run and scorer")
    for row in {row[3:6]: row for row in arms.values()}.values():
        _check_scale(row)
    for row in arms.values():
        if len(row.where) > CONDITIONS:
            raise ValueError(f"arm {row.arm} has {len(row.where)} conditions; expected at most {CONDITIONS}")
    return dict(sorted(arms.items()))


def _check_scale(row: Selected) -> None:
    known = [value for value in (row.failure_value, row.lowest, row.highest) if value is not None]
    if not all(abs(value) < LARGEST for value in known):
        raise ValueError(f"arm {row.arm}: a scale of scores of {LARGEST} or more cannot be summed")
    if row.lowest is None or row.highest is None:
        if row.lowest is not row.highest:
            raise ValueError(f"arm {row.arm}: state both ends of the scale, or none")
    elif not row.lowest < row.highest:
        raise ValueError(f"arm {row.arm}: a scale needs its highest score above its lowest")
    elif row.failure_value is not None and not row.lowest <= row.failure_value <= row.highest:
        raise ValueError(f"arm {row.arm}: a failure counts as {row.failure_value}, which is off the scale")


def plain_table(selection: Sequence[Selected], entries: dict[Entry, int]) -> pa.Table:
    """The rows of arms without a slice key: (entry, run_key, scorer, lowest, highest, cluster_key, …)."""
    number = {entry.arm: n for entry, n in entries.items()}
    rows = [row for row in selection if row.slice_key is None]
    return _table({"entry": ("int", [number[row.arm] for row in rows]), **_shared(rows)})


def sliced_table(selection: Sequence[Selected]) -> pa.Table:
    """The rows of arms with a slice key: the same with the arm instead of the entry, and slice_key."""
    rows = [row for row in selection if row.slice_key is not None]
    keys = [row.slice_key for row in rows]
    return _table({"arm": ("int", [row.arm for row in rows]), **_shared(rows), "slice_key": ("text", keys)})


def entries_table(entries: dict[Entry, int], arms: dict[int, Selected]) -> pa.Table:
    """The number of each entry of the arms with a slice key: (entry, arm, slice)."""
    rows = [(n, entry) for entry, n in entries.items() if arms[entry.arm].slice_key is not None]
    return _table(
        {
            "entry": ("int", [n for n, _ in rows]),
            "arm": ("int", [entry.arm for _, entry in rows]),
            "slice": ("text", [entry.slice for _, entry in rows]),
        }
    )


def scales_table(entries: dict[Entry, int], arms: dict[int, Selected]) -> pa.Table:
    """The scale of each entry in nano units: (entry, failure, lowest, highest)."""
    rows = [arms[entry.arm] for entry in entries]
    return _table(
        {
            "entry": ("int", list(entries.values())),
            "failure": ("whole", [nano(row.failure_value) for row in rows]),
            "lowest": ("whole", [nano(row.lowest) for row in rows]),
            "highest": ("whole", [nano(row.highest) for row in rows]),
        }
    )


def pairs_table(old: Sequence[int], new: Sequence[int], most: int) -> pa.Table:
    """What is compared: (pair, entry_old, entry_new, most)."""
    return _table(
        {
            "pair": ("int", range(len(old))),
            "entry_old": ("int", old),
            "entry_new": ("int", new),
            "most": ("whole", [most] * len(old)),
        }
    )


_Columns = dict[str, tuple[str, Sequence[object]]]


def _shared(rows: Sequence[Selected]) -> _Columns:
    columns: _Columns = {
        "run_key": ("text", [row.run_key for row in rows]),
        "scorer": ("text", [row.scorer for row in rows]),
        "lowest": ("whole", [nano(row.lowest) for row in rows]),
        "highest": ("whole", [nano(row.highest) for row in rows]),
        "cluster_key": ("text", [row.cluster_key for row in rows]),
    }
    for n in range(CONDITIONS):
        stated = [row.where[n] if len(row.where) > n else (None, None) for row in rows]
        columns[f"where_key{n}"] = ("text", [key for key, _ in stated])
        columns[f"where_value{n}"] = ("text", [value for _, value in stated])
    return columns


def _table(columns: _Columns) -> pa.Table:
    import pyarrow as pa

    types = {"int": pa.int32(), "whole": pa.int64(), "text": pa.string()}
    return pa.table({name: pa.array(values, types[kind]) for name, (kind, values) in columns.items()})
