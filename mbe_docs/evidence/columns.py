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
    return _batch(rows, observation_schema(), {"metadata": lambda metadata: sorted(metadata.items())})


def excerpt_batch(rows: Sequence[Excerpt]) -> pa.RecordBatch:
    """The columns of some excerpts."""
    as_structs: Callable[[Any], Any] = lambda scores: [dict(zip(_SCORE, s, strict=True)) for s in scores]  # noqa: E731
    return _batch(rows, excerpt_schema(), {"scores": as_structs})


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
    if item.value is not None and not math.isfinite(item.value):
        item = item._replace(value=None)
    if item.value is None and item.outcome == "scored":
        item = item._replace(outcome="unscored")
    return item


def _batch(
    rows: Sequence[tuple[Any, ...]], schema: pa.Schema, convert: Mapping[str, Callable[[Any], Any]]
) -> pa.RecordBatch:
    import pyarrow as pa

    columns = []
    for field, values in zip(schema, zip(*rows, strict=True), strict=True):
        change = convert.get(field.name)
        column = [change(value) for value in values] if change else values
        try:
            columns.append(_array(column, field.type))
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


def encodable(value: Any) -> Any:
    """The value with each lone surrogate, which UTF-8 cannot hold, shown as U+FFFD."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {key: encodable(item) for key, item in value.items()}
    return type(value)(map(encodable, value)) if isinstance(value, list | tuple) else value
