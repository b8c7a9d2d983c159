"""Which attempts count for what: the caller's choice of runs and scorers, as tables for SQL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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

    @property
    def slice_value(self) -> str | None:
        """None without the key."""
        return self.slice[1:] if self.slice else None


def nano(value: float) -> int:
    """A score in nano units, rounded as SQL does it: half away from zero."""
    return int(math.copysign(math.floor(abs(value * NANO) + 0.5), value))


def check(selection: Iterable[Selected]) -> dict[int, Selected]:
    """One row of each arm, in the order of arms.

    Raises:
        ValueError: an arm counts a run twice, or its rows disagree, or its scale makes no sense.
    """
    arms: dict[int, Selected] = {}
    counted: set[tuple[int, str]] = set()
    for row in selection:
        if (row.arm, row.run_key) in counted:
            raise ValueError(f"arm {row.arm} counts the run {row.run_key!r} twice")
        counted.add((row.arm, row.run_key))
        first = arms.setdefault(row.arm, row)
        if first[3:] != row[3:]:
            raise ValueError(f"arm {row.arm} has rows that differ in more than run and scorer")
    for row in arms.values():
        _check_scale(row)
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
    """The rows of arms without a slice key: (entry, run_key, scorer, lowest, highest, cluster_key)."""
    rows = [(entries[Entry(r.arm, "")], r) for r in selection if r.slice_key is None]
    return _table([(entry, *_shared(row)) for entry, row in rows], "entry", _SHARED)


def sliced_table(selection: Sequence[Selected]) -> pa.Table:
    """The rows of arms with a slice key: the same with the arm instead of the entry, and slice_key."""
    rows = [(r.arm, *_shared(r), r.slice_key) for r in selection if r.slice_key is not None]
    return _table(rows, "arm", {**_SHARED, "slice_key": "text"})


def entries_table(entries: dict[Entry, int]) -> pa.Table:
    """What is numbered: (entry, arm, slice)."""
    rows = [(number, entry.arm, entry.slice) for entry, number in entries.items()]
    return _table(rows, "entry", {"arm": "int", "slice": "text"})


def scales_table(entries: dict[Entry, int], arms: dict[int, Selected]) -> pa.Table:
    """The scale of each entry in nano units: (entry, failure, lowest, highest)."""
    rows = []
    for entry, number in entries.items():
        arm = arms[entry.arm]
        rows.append((number, _nano(arm.failure_value), _nano(arm.lowest), _nano(arm.highest)))
    return _table(rows, "entry", {"failure": "whole", "lowest": "whole", "highest": "whole"})


def stale_table(stale: Sequence[set[str]]) -> pa.Table:
    """Versions of runs that do not count, by the index of the part they are in: (part, run_key)."""
    rows = [(part, key) for part, keys in enumerate(stale) for key in sorted(keys)]
    return _table(rows, "part", {"run_key": "text"})


def pairs_table(rows: Sequence[tuple[int, int, int, int]]) -> pa.Table:
    """What is compared: (pair, entry_old, entry_new, most)."""
    return _table(rows, "pair", {"entry_old": "int", "entry_new": "int", "most": "whole"})


_SHARED = {"run_key": "text", "scorer": "text", "lowest": "whole", "highest": "whole", "cluster_key": "text"}
_SHARED |= {f"where_{part}{n}": "text" for n in range(CONDITIONS) for part in ("key", "value")}


def _shared(row: Selected) -> tuple[str | int | None, ...]:
    conditions = [*row.where, *[(None, None)] * (CONDITIONS - len(row.where))]
    ends = (_nano(row.lowest), _nano(row.highest))
    return (row.run_key, row.scorer, *ends, row.cluster_key, *(part for pair in conditions for part in pair))


def _nano(value: float | None) -> int | None:
    return None if value is None else nano(value)


def _table(rows: Sequence[tuple[object, ...]], key: str, columns: dict[str, str]) -> pa.Table:
    import pyarrow as pa

    types = {"int": pa.int32(), "whole": pa.int64(), "text": pa.string()}
    schema = pa.schema({key: pa.int32(), **{name: types[kind] for name, kind in columns.items()}})
    values = list(zip(*rows, strict=True)) or [() for _ in schema]
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
