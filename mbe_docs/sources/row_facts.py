"""Numbers and times of a row that are not scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from mbe_docs.records.base import Scalar
from mbe_docs.sources.mapping import TableMapping
from mbe_docs.sources.row_scores import is_missing

LARGEST = 2**63 - 1
"""What every store of whole numbers can hold."""
SCALE = {
    "n_samples": 1,
    "tokens_in": 1,
    "tokens_in_cached": 1,
    "tokens_out": 1,
    "tokens_reasoning": 1,
    "cost_usd": 1_000_000_000,
    "latency_s": 1_000_000,
    "latency_ms": 1_000,
}


def amount_of(key: str, text: str | None, problems: list[str]) -> int | None:
    """A count, cost or latency in the unit of an observation; what is no number from 0 is a problem."""
    if text is None:
        return None
    try:
        number = float(text) * SCALE[key]
    except ValueError:
        number = -1.0
    if 0 <= number < LARGEST:
        return round(number)
    problems.append(f"{key}: {text[:60]!a} is not a number from 0")
    return None


def started_of(mapping: TableMapping, cells: Mapping[str, str], problems: list[str]) -> str | None:
    """When the attempt began, in UTC; a time without a zone is taken as UTC."""
    if mapping.timestamp is None:
        return None
    column, form = mapping.timestamp
    text = cells.get(column, "").strip()
    if is_missing(text):
        return None
    try:
        return _time(text, form).isoformat()
    except (ValueError, OverflowError, OSError):
        problems.append(f"timestamp: {text[:60]!a} is not of the format {form!a}")
        return None


def _time(text: str, form: str) -> datetime:
    if form == "unix":
        return datetime.fromtimestamp(float(text), UTC)
    if form == "unix_ms":
        return datetime.fromtimestamp(float(text) / 1000, UTC)
    time = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def epoch_of(mapping: TableMapping, cells: Mapping[str, str]) -> int | None:
    """The epoch that a row states; `None` where no column does.

    Raises:
        ValueError: it is not a whole number from 1.
    """
    if mapping.epoch is None:
        return None
    text = cells.get(mapping.epoch, "").strip()
    whole = text.removesuffix(".0")  # pandas writes whole numbers of a column with gaps as 1.0
    epoch = int(whole) + mapping.epoch_offset if whole.isdecimal() and len(whole) < 10 else 0
    if epoch < 1:
        raise ValueError(f"epoch {text[:40]!a}; expected a whole number from 1 (see `offset:`)")
    return epoch


def parameter_of(text: str) -> Scalar:
    """A parameter as a number where it is one: `0.10` and `0.1` are the same temperature."""
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
