"""Scores of a row as its mapping defines them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points

from mbe_docs.errors import CuratedError
from mbe_docs.records.evals import Outcome
from mbe_docs.sources.interface import RowScorer, Settings
from mbe_docs.sources.mapping import Metric, TableMapping
from mbe_docs.sources.scores import LABEL_CHARS, Value, value_of

MISSING = frozenset({"", "nan", "n/a", "na", "#n/a", "null", "none"})
"""How tables write that there is nothing, in lower case."""
YES = frozenset({"true", "yes", "1", "t", "y"})
NO = frozenset({"false", "no", "0", "f", "n"})
GROUP = "mbe_docs.row_scorers"

Scorer = Callable[[Mapping[str, str]], tuple[Value, Outcome | None]]
"""A row → its value, and an outcome where the scorer itself tells one."""


def is_missing(text: str) -> bool:
    """Whether a cell says that there is nothing: empty, NaN, N/A, null or none."""
    return text.strip().lower() in MISSING


def scorers_of(mapping: TableMapping, settings: Settings) -> dict[str, Scorer]:
    """One function per metric.

    Raises:
        CuratedError: a plug-in is not known.
    """
    makers = {"column": _column, "contains": _contains, "regex": _regex}
    return {
        metric.name: makers[metric.kind](metric)
        if metric.kind in makers
        else _plugin(metric, _found(metric, settings))
        for metric in mapping.metrics
    }


def _found(metric: Metric, settings: Settings) -> RowScorer:
    if metric.plugin in settings.scorers:
        return settings.scorers[metric.plugin]
    for point in entry_points(group=GROUP, name=metric.plugin):
        scorer: RowScorer = point.load()
        return scorer
    raise CuratedError(
        f"row scorer '{metric.plugin}' is not known",
        at=metric.at,
        fix=f"install a package with an entry point of that name in the group '{GROUP}'",
    )


def _column(metric: Metric) -> Scorer:
    def score(row: Mapping[str, str]) -> tuple[Value, Outcome | None]:
        text = row.get(metric.column, "")
        if metric.labels is not None:
            for label in (text, text.strip()):
                if label in metric.labels:
                    return Value(metric.labels[label], label), None
        if is_missing(text):
            return Value(None, None), None
        if metric.labels is not None:
            return _unknown(text, "is not in `map:`"), None
        if metric.type == "label":
            return value_of(text.strip()), None
        if metric.type == "boolean":
            return _boolean(text.strip().lower(), text), None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        return (Value(number, None) if math.isfinite(number) else _unknown(text, "is not a number")), None

    return score


def _boolean(word: str, text: str) -> Value:
    if word in YES or word in NO:
        return Value(float(word in YES), word)
    return _unknown(text, "is not true or false")


def _unknown(text: str, why: str) -> Value:
    label = text if len(text) <= LABEL_CHARS else text[:LABEL_CHARS] + "…"
    return Value(None, label, f"{label[:60]!a} {why}")


def _contains(metric: Metric) -> Scorer:
    def score(row: Mapping[str, str]) -> tuple[Value, Outcome | None]:
        text = row.get(metric.column, "")
        wanted = metric.wanted.of(row) if metric.wanted is not None else ""
        if not text or not wanted:
            return Value(None, None), None
        if metric.ignores_case:
            text, wanted = text.casefold(), wanted.casefold()
        return Value(float(wanted in text), None), None

    return score


def _regex(metric: Metric) -> Scorer:
    pattern = metric.pattern
    assert pattern is not None

    def score(row: Mapping[str, str]) -> tuple[Value, Outcome | None]:
        text = row.get(metric.column, "")
        if not text:
            return Value(None, None), None
        found = None
        for match in pattern.finditer(text):
            found = match.group(metric.group) or ""
            if not metric.takes_last:
                break
        if found is None:
            return Value(metric.no_match, None), "model_error" if metric.no_match is None else None
        if metric.wanted is None:
            return Value(1.0, None), None
        given, wanted = found.strip(), metric.wanted.of(row).strip()
        if not wanted:
            return Value(None, None), None
        if metric.ignores_case:
            given, wanted = given.casefold(), wanted.casefold()
        return Value(float(given == wanted), found[:LABEL_CHARS]), None

    return score


def _plugin(metric: Metric, scorer: RowScorer) -> Scorer:
    def score(row: Mapping[str, str]) -> tuple[Value, Outcome | None]:
        try:
            number = scorer(row)
        except Exception as error:  # a foreign function may raise anything; the row is unknown then
            problem = f"row scorer '{metric.plugin}' raised {type(error).__name__}: {str(error)[:100]!a}"
            return Value(None, None, problem), None
        if number is None or math.isnan(number):
            return Value(None, None), None
        if math.isinf(number):
            return Value(None, None, f"row scorer '{metric.plugin}' returned {number}"), None
        return Value(float(number), None), None

    return score
