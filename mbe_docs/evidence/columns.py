"""Observations and excerpts as Arrow columns, one batch at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from mbe_docs.errors import EvidenceError
from mbe_docs.records.evals import Excerpt, Observation

if TYPE_CHECKING:
    import pyarrow as pa

_SCORE: Final = ("scorer", "label", "answer", "explanation")


@cache
def observation_schema() -> pa.Schema:
    """One column per field of `Observation`, in its order; metadata is a map of text to text."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = dict.fromkeys(Observation._fields, pa.string())
    types |= {"epoch": pa.int32(), "value": pa.float64(), "served_by_fallback": pa.bool_()}
    types |= {"metadata": pa.map_(pa.string(), pa.string())}
    whole = ("tokens_in", "tokens_in_cached", "tokens_out", "tokens_reasoning", "cost_nusd", "latency_us")
    types |= dict.fromkeys(whole, pa.int64())
    return _schema(types, {"run_key", "sample_id", "input_hash", "epoch", "scorer", "outcome"})


@cache
def excerpt_schema() -> pa.Schema:
    """One column per field of `Excerpt`, in its order; scores are a list of structs of text."""
    import pyarrow as pa

    score = pa.struct([pa.field(name, pa.string()) for name in _SCORE])
    types: dict[str, pa.DataType] = dict.fromkeys(Excerpt._fields, pa.string())
    types |= {"epoch": pa.int32(), "scores": pa.list_(score)}
    return _schema(types, {"run_key", "sample_id", "epoch", "input", "output"})


def _schema(types: Mapping[str, pa.DataType], required: set[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(name, kind, nullable=name not in required) for name, kind in types.items()])


def observation_batch(rows: Sequence[Observation]) -> pa.RecordBatch:
    """The columns of some observations; metadata keys are sorted, so that equal rows give equal bytes."""
    return _batch(rows, observation_schema(), {"metadata": _maps})


def excerpt_batch(rows: Sequence[Excerpt]) -> pa.RecordBatch:
    """The columns of some excerpts."""
    return _batch(rows, excerpt_schema(), {"scores": _structs})


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """The rows of some batches as one."""
    import pyarrow as pa

    if len(batches) == 1:
        return batches[0]
    (batch,) = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return batch


def excerpts_of(batch: pa.RecordBatch) -> Iterable[Excerpt]:
    """The excerpts of a batch of `excerpt_schema`."""
    for row in batch.to_pylist():
        scores = tuple((s["scorer"], s["label"], s["answer"], s["explanation"]) for s in row.pop("scores"))
        yield Excerpt(**row, scores=scores)


def size_of(item: Observation | Excerpt) -> int:
    """About how many characters of text of any length an item holds."""
    if isinstance(item, Observation):
        return sum(map(len, item.metadata.values()))
    return (
        len(item.input) + len(item.output) + sum(len(text or "") for score in item.scores for text in score)
    )


def readable(item: Observation) -> Observation:
    """The observation without a value where that is not a number: unknown is no measurement."""
    value = item.value
    if value is not None:
        if math.isfinite(value):
            return item
        item = item._replace(value=None)
    return item._replace(outcome="unscored") if item.outcome == "scored" else item


def _batch(
    rows: Sequence[tuple[Any, ...]],
    schema: pa.Schema,
    makers: Mapping[str, Callable[[Sequence[Any], pa.DataType], pa.Array]],
) -> pa.RecordBatch:
    import pyarrow as pa

    columns = []
    for field, values in zip(schema, zip(*rows, strict=True), strict=True):
        try:
            columns.append(makers.get(field.name, _array)(values, field.type))
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise EvidenceError(
                f"{field.name} does not fit the evidence store: {error}",
                fix="report it with the log's format; the reader of that format let it pass",
            ) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array([encodable(value) for value in values], kind)


def _maps(values: Sequence[Mapping[str, str]], kind: pa.MapType) -> pa.Array:
    """Maps by sorted key. Scores of one attempt share one mapping, which is turned into a map once."""
    import pyarrow as pa

    keys: list[str] = []
    items: list[str] = []
    ends, places = [0], []
    last = None
    for value in values:
        if value is not last:
            names = sorted(value)
            keys += names
            items += map(value.__getitem__, names)
            ends.append(len(keys))
            last = value
        places.append(len(ends) - 2)
    made = pa.MapArray.from_arrays(
        pa.array(ends, pa.int32()), _array(keys, kind.key_type), _array(items, kind.item_type)
    )
    return made if len(ends) - 1 == len(places) else made.take(pa.array(places, pa.int32()))


def _structs(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    return _array([[dict(zip(_SCORE, score, strict=True)) for score in scores] for scores in values], kind)


def encodable(value: Any) -> Any:
    """The value with each lone surrogate, which UTF-8 cannot hold, shown as U+FFFD."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {key: encodable(item) for key, item in value.items()}
    return type(value)(map(encodable, value)) if isinstance(value, list | tuple) else value
