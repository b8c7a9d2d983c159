"""Instance rows of Every Eval Ever as observations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mbe_docs.records.evals import Excerpt, Observation, Outcome
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import canonical_json, content_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import as_dict, as_float, as_int, as_list, as_text
from mbe_docs.sources.every_eval_ever_aggregate import UNKNOWN_LEVEL, Group, Metric
from mbe_docs.sources.every_eval_ever_json import Line
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.inspect_samples import metadata_text, scaled
from mbe_docs.sources.interface import Item, Settings

MESSAGES = ("the row has the id of another input; it is read as", "give samples ids of their own")
OUR_EPOCH = "mbe_epoch"
"""Metadata of rows that this tool exported."""
STOPS: dict[str, Outcome] = {
    "content_filter": "refused",
    "length": "limited",
    "max_tokens": "limited",
    "model_length": "limited",
}
SCORE = "score"
EPOCH = re.compile("[1-9][0-9]{0,5}")


@dataclass(slots=True)
class Rows:
    """Reads rows one at a time, and counts what repeats."""

    groups: dict[str, Group]
    base: str
    settings: Settings
    complaints: Complaints
    is_copy: bool
    """Whether a converter copied one reduced score to every epoch, so that repeats are none."""
    scored: int = 0
    rows: int = 0
    copies: int = 0
    models: set[str] = field(default_factory=set)
    _known: dict[tuple[str, str, str], tuple[str, set[int]]] = field(default_factory=dict)
    """Input hash and epochs by run, scorer and sample."""
    _samples: set[tuple[str, str]] = field(default_factory=set)
    _shown: set[tuple[str, str, int]] = field(default_factory=set)

    def read(self, line: Line) -> Iterator[Item]:
        """Everything that one row states."""
        row = line.value
        sample = row.get("sample_id")
        sample_id = str(sample) if as_int(sample) is not None else as_text(sample)
        if line.problem is not None or sample_id is None:
            yield from self._lost(line, line.problem or "it has no sample_id")
            return
        for note in line.notes:
            yield from self.complaints.add(
                "MBE216", "note", f"the row is unusual: {note}", "nothing to do", line=line.number
            )
        self.rows += 1
        if model := as_text(row.get("model_id")):
            self.models.add(model)
        group, metric = self._result_of(row)
        scorer = metric.scorer if metric else SCORE
        group.scorers[scorer] = None
        input_hash = _input_hash(row)
        sample_id, known, is_renamed = self._attempts(group, scorer, sample_id, input_hash)
        if is_renamed:
            yield from self.complaints.add(
                "MBE243", "warning", f"{MESSAGES[0]} {sample_id[:80]!a}", MESSAGES[1], line=line.number
            )
        epoch = self._epoch_of(row, known)
        if epoch is None:
            self.copies += 1
            return
        if epoch in known:
            yield from self._lost(
                line, f"it states sample {sample_id[:60]!a}, epoch {epoch} again; the first counts"
            )
            return
        group.samples += (group.key, sample_id) not in self._samples
        self._samples.add((group.key, sample_id))
        known.add(epoch)
        group.epochs = max(group.epochs or 1, epoch)
        yield from self._observed(line, row, (group, metric, scorer), (sample_id, input_hash, epoch))

    def _lost(self, line: Line, problem: str) -> Iterator[Finding]:
        yield from self.complaints.add(
            "MBE210",
            "error",
            f"the row is not read: {problem}; its score is unknown",
            "restore the file from its source",
            line=line.number,
        )

    def _result_of(self, row: dict[str, Any]) -> tuple[Group, Metric | None]:
        """Run and metric of a row: by result id, else by evaluation name, else what there is but one of."""
        result_id, name = (
            as_text(row.get("evaluation_result_id")),
            as_text(row.get("evaluation_name")) or "unknown",
        )
        for group in self.groups.values():
            for metric in group.metrics:
                if result_id is not None and metric.result_id == result_id:
                    return group, metric
        named = [group for group in self.groups.values() if group.task == name]
        found = named or list(self.groups.values())
        if len(found) == 1 and (named or found[0].metrics):
            metrics = found[0].metrics
            return found[0], metrics[0] if len(metrics) == 1 else None
        key = f"{self.base}#{content_hash(name)[:12]}"
        return self.groups.setdefault(key, Group(name, key)), None

    def _attempts(
        self, group: Group, scorer: str, sample_id: str, input_hash: str
    ) -> tuple[str, set[int], bool]:
        """Sample id, its known epochs, and whether it had to be told apart from that of another input."""
        first, epochs = self._known.setdefault((group.key, scorer, sample_id), (input_hash, set()))
        if first == input_hash:
            return sample_id, epochs, False
        renamed = f"{sample_id}#{input_hash[:8]}"
        _, epochs = self._known.setdefault((group.key, scorer, renamed), (input_hash, set()))
        return renamed, epochs, True

    def _epoch_of(self, row: dict[str, Any], known: set[int]) -> int | None:
        """The epoch of a row: rows of one sample are repeats in order; `None` for a converter's copy."""
        stated = as_text(as_dict(row.get("metadata")).get(OUR_EPOCH))
        if stated is not None and EPOCH.fullmatch(stated):
            return int(stated)
        if self.is_copy and known:
            return None
        return max(known, default=0) + 1

    def _observed(
        self,
        line: Line,
        row: dict[str, Any],
        result: tuple[Group, Metric | None, str],
        attempt: tuple[str, str, int],
    ) -> Iterator[Item]:
        group, metric, scorer = result
        sample_id, input_hash, epoch = attempt
        raw = as_dict(row.get("evaluation")).get("score")
        value = metric.value_of(raw) if metric else as_float(raw)
        for code, problem in _problems(raw, value, metric):
            yield from self.complaints.add(
                code, "error" if code == "MBE211" else "warning", f"{scorer[:80]!a}: {problem}",
                "have the scorer give a number within its bounds", line=line.number,
            )  # fmt: skip
        number, outcome, stop = _settled(row, value)
        self.scored += number is not None
        correct = as_dict(row.get("evaluation")).get("is_correct")
        label = str(correct).lower() if isinstance(correct, bool) else None
        yield Observation._make(
            (
                *(
                    group.key,
                    sample_id,
                    input_hash,
                    epoch,
                    scorer,
                    number,
                    label,
                    outcome,
                    self._metadata(row),
                ),
                *(*_usage(row), None, _latency(row, is_copy=self.is_copy), stop, None, None, None),
            )
        )
        if self.settings.excerpts and (group.key, sample_id, epoch) not in self._shown:
            self._shown.add((group.key, sample_id, epoch))
            yield _excerpt(row, (group.key, sample_id, epoch), (scorer, label), self.settings.excerpt_chars)

    def _metadata(self, row: dict[str, Any]) -> dict[str, str]:
        """Metadata of the row without what has a field of its own; a copy is of no one epoch."""
        found = metadata_text(as_dict(row.get("metadata")))
        for name in (OUR_EPOCH, "stop_reason", *(["epoch"] if self.is_copy else [])):
            found.pop(name, None)
        interaction = as_text(row.get("interaction_type"))
        return {**found, "interaction_type": interaction} if interaction else found


def _problems(raw: Any, value: float | None, metric: Metric | None) -> Iterator[tuple[str, str]]:
    if value is None and raw is not None and raw != UNKNOWN_LEVEL:
        yield "MBE211", f"the score is {str(raw)[:40]!a}, not a finite number; it is unknown, not zero"
    excess = metric.excess_of(value) if metric else None
    if excess:
        yield "MBE245", f"the score {excess}; it is kept as it stands"


def _settled(row: dict[str, Any], value: float | None) -> tuple[float | None, Outcome, str | None]:
    """Value, outcome and stop reason; a row with an error measured nothing, whatever its score says."""
    stop = as_text(as_dict(row.get("metadata")).get("stop_reason"))
    if row.get("error") not in (None, ""):
        return None, "infra_error", stop
    if stop in STOPS:
        return value, STOPS[stop], stop
    return value, "unscored" if value is None else "scored", stop


def _usage(row: dict[str, Any]) -> tuple[int | None, ...]:
    """Tokens in, in from cache, out and for reasoning, as stated."""
    usage = as_dict(row.get("token_usage"))
    keys = ("input_tokens", "input_tokens_cache_read", "output_tokens", "reasoning_tokens")
    return tuple(scaled(as_float(usage.get(key)), 1) for key in keys)


def _latency(row: dict[str, Any], *, is_copy: bool) -> int | None:
    """Microseconds. The Inspect converter writes the time *not* spent working as `latency_ms`."""
    stated = as_dict(row.get("performance"))
    keys = ("generation_time_ms",) if is_copy else ("latency_ms", "generation_time_ms")
    for key in keys:
        if (latency := scaled(as_float(stated.get(key)), 1000)) is not None:
            return latency
    return None


def _target(row: dict[str, Any]) -> Any:
    reference = as_list(as_dict(row.get("input")).get("reference"))
    return reference[0] if len(reference) == 1 else reference or None


def _input_hash(row: dict[str, Any]) -> str:
    asked = as_dict(row.get("input"))
    return content_hash(asked.get("raw"), as_list(asked.get("choices")) or None, _target(row))


def _excerpt(
    row: dict[str, Any], attempt: tuple[str, str, int], score: tuple[str, str | None], most: int
) -> Excerpt:
    asked, target = as_text(as_dict(row.get("input")).get("raw")) or "", _target(row)
    answers = [text for text in as_list(as_dict(row.get("output")).get("raw")) if isinstance(text, str)]
    if not answers:
        messages = [as_dict(message) for message in as_list(row.get("messages"))]
        answers = [f"{one.get('role')}: {as_text(one.get('content')) or ''}" for one in messages]
    extracted = [
        as_text(as_dict(one).get("extracted_value")) for one in as_list(row.get("answer_attribution"))
    ]
    answer = next(filter(None, reversed(extracted)), None)
    shown = target if isinstance(target, str) or target is None else canonical_json(target)
    return Excerpt(
        run_key=attempt[0],
        sample_id=attempt[1],
        epoch=attempt[2],
        input=cut(asked, most),
        target=shown and cut(shown, most),
        output=cut("\n\n".join(answers), most),
        scores=((*score, answer and cut(answer, most), None),),
    )
