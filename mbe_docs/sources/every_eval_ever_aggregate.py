"""The aggregate file of Every Eval Ever as runs and reported metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mbe_docs.records.base import Scalar
from mbe_docs.records.evals import ReportedMetric, Run, RunStatus, ScorerSpec
from mbe_docs.records.hashing import canonical_json, content_hash
from mbe_docs.sources.decoding import as_dict, as_float, as_list, as_text
from mbe_docs.sources.every_eval_ever_json import count_in, time_of
from mbe_docs.sources.inspect_run import scalars
from mbe_docs.sources.interface import LogFile

NAME = "every_eval_ever"
VERSION = "0.3"
"""The schema that this reader was written for; others are read with a note."""
NAME_CHARS = 80
PARAMETERS = ("temperature", "top_p", "top_k", "max_tokens", "reasoning", "reasoning_effort", "max_attempts")
UNKNOWN_LEVEL = -1
INFINITIES = {"infinity": math.inf, "-infinity": -math.inf, "inf": math.inf, "-inf": -math.inf}


class Metric(NamedTuple):
    """One entry of `evaluation_results`: what a score of it means."""

    scorer: str
    result_id: str | None
    score: float | None
    config: dict[str, Any]
    details: dict[str, Any]

    @property
    def is_of_levels(self) -> bool:
        """Whether a score is an index of levels, of which -1 is none."""
        return self.config.get("score_type") == "levels" or self.config.get("has_unknown_level") is True

    def value_of(self, raw: Any) -> float | None:
        """A score in the benchmark's own unit; an unknown level is no score."""
        value = as_float(raw)
        return None if value == UNKNOWN_LEVEL and self.is_of_levels else value

    def excess_of(self, value: float | None) -> str | None:
        """How a score lies outside its stated bounds; `None` where it does not."""
        low, high = (_bound(self.config.get(key)) for key in ("min_score", "max_score"))
        if value is None:
            return None
        if low is not None and value < low:
            return f"{value} is below its min_score {low}"
        if high is not None and value > high:
            return f"{value} is above its max_score {high}"
        return None


@dataclass(slots=True)
class Group:
    """The results of one evaluation with one configuration: a run."""

    task: str
    key: str
    metrics: list[Metric] = field(default_factory=list)
    source: dict[str, Any] = field(default_factory=dict)
    generation: dict[str, Any] = field(default_factory=dict)
    timestamp: Any = None
    scorers: dict[str, None] = field(default_factory=dict)
    """Scorers of instances, in order."""
    epochs: int | None = None
    samples: int = 0


def key_of(aggregate: dict[str, Any], sha256: str) -> str:
    """What the runs of a file are called by: its evaluation id, or itself where it has none."""
    return f"{NAME}:{as_text(aggregate.get('evaluation_id')) or sha256[:32]}"


def groups_of(aggregate: dict[str, Any], base: str) -> dict[str, Group]:
    """Runs by key: an evaluation name, with one dataset and one generation configuration."""
    groups: dict[str, Group] = {}
    for entry in as_list(aggregate.get("evaluation_results")):
        result = as_dict(entry)
        name = as_text(result.get("evaluation_name"))
        if name is None:
            continue
        source, generation = as_dict(result.get("source_data")), as_dict(result.get("generation_config"))
        parts = (name, source.get("dataset_name"), source.get("hf_split"), generation)
        key = f"{base}#{content_hash(*parts)[:12]}"
        group = groups.setdefault(key, Group(name, key, [], source, generation))
        group.timestamp = group.timestamp or result.get("evaluation_timestamp")
        group.metrics.append(_metric(result, {metric.scorer for metric in group.metrics}))
    return groups


def _metric(result: dict[str, Any], taken: set[str]) -> Metric:
    config, details = as_dict(result.get("metric_config")), as_dict(result.get("score_details"))
    metric = Metric(
        scorer=_scorer(config, result, taken),
        result_id=as_text(result.get("evaluation_result_id")),
        score=None,
        config=config,
        details=details,
    )
    return metric._replace(score=metric.value_of(details.get("score")))


def _scorer(config: dict[str, Any], result: dict[str, Any], taken: set[str]) -> str:
    """A name of the metric that no other one of its run has: micro and macro averages are two."""
    short = as_text(config.get("evaluation_description")) or ""
    names = [as_text(config.get(key)) for key in ("metric_name", "metric_id")]
    name = next(filter(None, names), None) or (short if 0 < len(short) <= NAME_CHARS else "score")
    parts = [as_text(config.get(key)) for key in ("metric_id", "metric_kind")]
    candidates = [
        name,
        *(f"{name}/{part}" for part in parts if part),
        f"{name}/{result.get('evaluation_result_id')}",
    ]
    free = next((one for one in candidates if one not in taken), None)
    return free or next(one for n in range(2, len(taken) + 3) if (one := f"{name}#{n}") not in taken)


def reported_of(group: Group) -> tuple[ReportedMetric, ...]:
    """Scores with their uncertainty as stated; in the unit of the benchmark, never converted."""
    return tuple(one for metric in group.metrics for one in _reported(metric))


def _reported(metric: Metric) -> Iterator[ReportedMetric]:
    uncertainty = as_dict(metric.details.get("uncertainty"))
    interval = as_dict(uncertainty.get("confidence_interval")) or as_dict(
        metric.details.get("confidence_interval")
    )
    stderr = uncertainty.get("standard_error")
    values = {
        as_text(metric.config.get("metric_kind")) or "score": metric.score,
        "stderr": as_float(as_dict(stderr).get("value") if isinstance(stderr, dict) else stderr),
        "stddev": as_float(uncertainty.get("standard_deviation")),
        "ci.lower": as_float(interval.get("lower")),
        "ci.upper": as_float(interval.get("upper")),
    }
    n_samples = count_in(uncertainty.get("num_samples"))
    for position, (name, value) in enumerate(values.items()):
        if value is not None or position == 0:
            yield ReportedMetric(scorer=metric.scorer, metric=name, value=value, n_samples=n_samples)


def run_of(
    aggregate: dict[str, Any],
    group: Group,
    *,
    log: LogFile,
    sha256: str,
    status: RunStatus,
    reason: str | None,
) -> Run:
    """The run of one evaluation."""
    model, library = as_dict(aggregate.get("model_info")), as_dict(aggregate.get("eval_library"))
    arguments = as_dict(group.generation.get("generation_args"))
    generation = {**as_dict(group.generation.get("additional_details")), **arguments}
    ids = group.source.get("sample_ids")
    planned = len({canonical_json(one) for one in ids}) if isinstance(ids, list) else 0
    return Run(
        run_key=group.key,
        source_format=NAME,
        file_sha256=sha256,
        log_uri=log.uri,
        run_id=as_text(aggregate.get("evaluation_id")),
        task=group.task,
        dataset=as_text(group.source.get("dataset_name")) or as_text(group.source.get("hf_repo")),
        model_requested=as_text(model.get("id")) or as_text(model.get("name")) or "unknown",
        scorers=_scorers(group),
        generation_params=scalars(
            {one: generation[one] for one in PARAMETERS if generation.get(one) is not None}
        ),
        epochs=group.epochs,
        samples_planned=max(planned, group.samples) or None,
        status=status,
        status_reason=reason,
        harness=_known(library.get("name")),
        harness_version=_known(library.get("version")),
        started_at=time_of(group.timestamp or aggregate.get("evaluation_timestamp")),
        metadata=_metadata(aggregate, group),
        reported=reported_of(group),
    )


def _scorers(group: Group) -> tuple[ScorerSpec, ...]:
    found = {metric.scorer: _scorer_spec(metric) for metric in group.metrics}
    return (*found.values(), *(ScorerSpec(name=name) for name in group.scorers if name not in found))


def _scorer_spec(metric: Metric) -> ScorerSpec:
    judging = as_dict(metric.config.get("llm_scoring"))
    judges = [as_dict(as_dict(judge).get("model_info")) for judge in as_list(judging.get("judges"))]
    names = [as_text(judge.get("id")) or as_text(judge.get("name")) for judge in judges]
    parameters = metric.config.get("metric_parameters")
    return ScorerSpec(
        name=metric.scorer,
        parameters_hash=content_hash(parameters, judging) if parameters is not None or judging else None,
        judge_model=",".join(filter(None, names)) or None,
    )


def _metadata(aggregate: dict[str, Any], group: Group) -> dict[str, Scalar]:
    """Who says so and in which unit; scalar only."""
    source, model = as_dict(aggregate.get("source_metadata")), as_dict(aggregate.get("model_info"))
    found: dict[str, Any] = {
        "schema_version": aggregate.get("schema_version"),
        "retrieved_at": time_of(aggregate.get("retrieved_timestamp")),
        "source_name": source.get("source_name"),
        "source_organization": source.get("source_organization_name"),
        "evaluator_relationship": source.get("evaluator_relationship"),
        "inference_platform": model.get("inference_platform"),
        "inference_engine": as_dict(model.get("inference_engine")).get("name"),
        "converted_from": converted_from(aggregate),
    }
    for metric in group.metrics:
        for key in ("metric_unit", "lower_is_better", "score_type", "min_score", "max_score"):
            found[f"{metric.scorer}.{key}"] = metric.config.get(key)
    return scalars(
        {key: value for key, value in found.items() if isinstance(value, str | int | float | bool)}
    )


def converted_from(aggregate: dict[str, Any]) -> str | None:
    """The harness whose log a converter of the project made the file from, where it says so."""
    names = (
        as_dict(aggregate.get("eval_library")).get("name"),
        as_dict(aggregate.get("source_metadata")).get("source_name"),
    )
    for name in names:
        plain = (as_text(name) or "").lower().replace("-", "_").replace(" ", "_")
        for harness, words in {
            "inspect_ai": ("inspect",),
            "lm_eval": ("lm_eval", "lm_evaluation_harness"),
            "helm": ("helm",),
        }.items():
            if plain.startswith(words):
                return harness
    return None


def _known(text: Any) -> str | None:
    name = as_text(text)
    return None if name is None or name.lower() == "unknown" else name


def _bound(raw: Any) -> float | None:
    """A bound, which may be written as the text "Infinity"; `None` is unknown."""
    return INFINITIES.get(raw.strip().lower()) if isinstance(raw, str) else as_float(raw)
