"""The score file of a BFCL category: a header, then the failures only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mbe_docs.records.evals import ReportedMetric
from mbe_docs.sources.decoding import as_dict, as_float, as_int, as_text
from mbe_docs.sources.every_eval_ever_json import count_in, lines_of

SCORER = "valid"
LABEL_CHARS = 200


@dataclass(slots=True)
class Scores:
    """What a score file states, and whether it can be believed."""

    total: int | None = None
    correct: int | None = None
    failures: dict[str, str] = field(default_factory=dict)
    """Why an attempt failed, by the id of its result."""
    positions: dict[int, str] = field(default_factory=dict)
    """The same for rows that give nothing but a number: one more than the suffix of the result id."""
    rows: int = 0
    """Failures, each counted once: multi-turn scoring lists a failed call twice."""
    models: set[str] = field(default_factory=set)
    reported: tuple[ReportedMetric, ...] = ()
    problems: list[tuple[int, str]] = field(default_factory=list)
    """Line and reason of what cannot be read."""

    @property
    def distrust(self) -> str | None:
        """Why an attempt that is not listed cannot be taken for one that passed; `None` where it can."""
        if self.total is None or self.correct is None:
            return "the first line does not state total_count and correct_count"
        if self.problems:
            line, problem = self.problems[0]
            return f"line {line} cannot be read: {problem}"
        if self.rows != self.total - self.correct:
            return f"{self.rows} failures are listed; the header counts {self.total - self.correct}"
        return None

    def failure_of(self, result_id: str) -> str | None:
        """Why an attempt failed, taken out of the failures; `None` where it is not among them."""
        if result_id in self.failures:
            return self.failures.pop(result_id)
        suffix = result_id.rsplit("_", 1)[-1]
        if self.positions and suffix.isascii() and suffix.isdecimal() and len(suffix) < 10:
            return self.positions.pop(int(suffix) + 1, None)
        return None

    @property
    def strangers(self) -> list[str]:
        """Failures that no result was found for."""
        return [*self.failures, *(f"id {position}" for position in self.positions)]


def read_scores(path: Path) -> Scores:
    """The scores of one category; what cannot be read is among the problems."""
    scores = Scores()
    is_first = True
    for line in lines_of(path):
        if is_first:
            is_first = False
            if line.problem is None and "accuracy" in line.value:
                _read_header(line.value, scores)
                continue
        if line.problem is not None:
            scores.problems.append((line.number, line.problem))
        elif not _read_failure(line.value, scores):
            scores.problems.append((line.number, "it has no id"))
    return scores


def _read_header(header: dict[str, Any], scores: Scores) -> None:
    total, correct = count_in(header.get("total_count")), count_in(header.get("correct_count"))
    if total is not None and correct is not None and correct <= total:
        scores.total, scores.correct = total, correct
    scores.reported = tuple(_reported(header))


def _reported(header: dict[str, Any]) -> Iterator[ReportedMetric]:
    total = count_in(header.get("total_count"))
    for name, value in header.items():
        if name in ("total_count", "correct_count"):
            continue
        if isinstance(value, dict):  # format_sensitivity: one per prompt format
            metric, stated, n = f"accuracy/{name}", value.get("accuracy"), count_in(value.get("total_count"))
        else:
            metric, stated, n = name, value, total
        if isinstance(stated, int | float):
            yield ReportedMetric(scorer=SCORER, metric=metric, value=as_float(stated), n_samples=n)


def _read_failure(row: dict[str, Any], scores: Scores) -> bool:
    error = as_dict(row.get("error"))
    why = as_text(row.get("error_type")) or as_text(error.get("error_type")) or "invalid"
    if model := as_text(row.get("model_name")):
        scores.models.add(model)
    stated, prompt_id = row.get("id"), as_dict(row.get("prompt")).get("id")
    name = as_text(prompt_id) or as_text(stated)
    position = as_int(stated)
    if name is not None:
        scores.rows += name not in scores.failures
        scores.failures.setdefault(name, why[:LABEL_CHARS])
    elif position is not None:
        scores.rows += position not in scores.positions
        scores.positions.setdefault(position, why[:LABEL_CHARS])
    return name is not None or position is not None
