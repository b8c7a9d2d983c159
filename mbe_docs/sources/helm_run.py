"""The run that a HELM run directory states."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import ReportedMetric, Run, ScorerSpec
from mbe_docs.records.hashing import content_hash
from mbe_docs.sources.decoding import as_dict, as_list, as_text
from mbe_docs.sources.every_eval_ever_json import time_of
from mbe_docs.sources.helm_stats import is_metric, value_of_stat
from mbe_docs.sources.inspect_run import scalars
from mbe_docs.sources.interface import LogFile

NAME = "helm"
GENERATION = ("temperature", "max_tokens", "stop_sequences", "num_outputs", "random")
ADAPTER = (
    "max_train_instances",
    "max_eval_instances",
    "num_train_trials",
    "num_trials",
    "eval_splits",
    "multi_label",
)
TEXTS = (
    *("global_prefix", "global_suffix", "instructions", "input_prefix", "input_suffix", "reference_prefix"),
    *("reference_suffix", "chain_of_thought_prefix", "chain_of_thought_suffix", "output_prefix"),
    *("output_suffix", "instance_prefix", "substitutions"),
)
"""Parts of the prompt that are the same for all instances."""
_OF_MODEL = re.compile(r"(?:^|,)model(?:_deployment)?=[^,]*")


@dataclass(slots=True)
class Seen:
    """What was counted while the instances were read."""

    instances: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    """Unperturbed instances by split."""
    epochs: int = 1
    scored: int = 0
    blind: int = 0
    """Attempts whose request is not known: whether it failed cannot be told."""
    times: list[float] = field(default_factory=list)

    def check(self, spec: dict[str, Any], at: Location) -> None:
        """Refuse a run specification that does not say what was run.

        Raises:
            SourceError: name or model is missing.
        """
        missing = [] if as_text(spec.get("name")) else ["name"]
        if not as_text(as_dict(spec.get("adapter_spec")).get("model")):
            missing.append("adapter_spec.model")
        if missing:
            raise SourceError(
                f"not a HELM run: run_spec.json does not state {' and '.join(missing)}",
                at=at,
                fix="restore the whole run directory: the five files belong together",
            )


def task_of(name: str) -> str:
    """The name of a run without the model in it: tasks are the same for all models."""
    head, colon, arguments = name.partition(":")
    rest = _OF_MODEL.sub("", arguments).strip(",")
    return f"{head}{colon}{rest}" if rest else head


def run_of(
    spec: dict[str, Any],
    stats: list[Any],
    seen: Seen,
    scorers: Iterable[str],
    *,
    key: str,
    log: LogFile,
    sha256: str,
) -> Run:
    """The run as its specification states it, with the means of `stats.json` as reported metrics."""
    adapter, scenario = as_dict(spec.get("adapter_spec")), as_dict(spec.get("scenario_spec"))
    name = as_text(spec.get("name")) or ""
    scenario_class = as_text(scenario.get("class_name"))
    groups = [group for group in as_list(spec.get("groups")) if isinstance(group, str)]
    augmented = as_list(as_dict(spec.get("data_augmenter_spec")).get("perturbation_specs"))
    metadata: dict[str, Any] = {
        "model_deployment": adapter.get("model_deployment"),
        "perturbations": len(augmented) or None,
    }
    arguments = {f"scenario.{name}": value for name, value in as_dict(scenario.get("args")).items()}
    arguments |= {name: adapter[name] for name in ADAPTER if adapter.get(name) is not None}
    return Run(
        run_key=key,
        source_format=NAME,
        file_sha256=sha256,
        log_uri=log.uri,
        run_id=name,
        task=task_of(name),
        dataset=scenario_class.rsplit(".", 1)[-1] if scenario_class else None,
        model_requested=as_text(adapter.get("model")) or "",
        prompt_hash=content_hash([adapter.get(part) for part in TEXTS]),
        solver=as_text(adapter.get("method")),
        scorers=_scorers(spec, scorers),
        generation_params=scalars({one: adapter[one] for one in GENERATION if adapter.get(one) is not None}),
        task_args=scalars(arguments),
        epochs=seen.epochs,
        samples_planned=seen.instances or None,
        status="partial" if seen.blind else "success",
        status_reason=f"of {seen.blind} attempts no request is known: failed ones look like wrong answers"
        if seen.blind
        else None,
        harness="helm",
        started_at=time_of(min(seen.times)) if seen.times else None,
        finished_at=time_of(max(seen.times)) if seen.times else None,
        tags=tuple(sorted(set(groups))),
        metadata=scalars({one: value for one, value in metadata.items() if value is not None}),
        reported=reported_of(stats, seen),
    )


def _scorers(spec: dict[str, Any], names: Iterable[str]) -> tuple[ScorerSpec, ...]:
    """Scorers by name; which metric class made which is not stated, so all share the hash of all of them."""
    metrics = spec.get("metric_specs")
    parameters = content_hash(metrics) if isinstance(metrics, list) else None
    return tuple(ScorerSpec(name=name, parameters_hash=parameters) for name in names)


def reported_of(stats: list[Any], seen: Seen) -> tuple[ReportedMetric, ...]:
    """Means of the metrics of use over unperturbed instances.

    Their `count` is of trials and their variance is that of trial means: neither is taken for the samples'.
    """
    found = []
    for one in stats:
        stat = as_dict(one)
        described = as_dict(stat.get("name"))
        name = as_text(described.get("name"))
        if name and is_metric(name) and described.get("perturbation") is None:
            split = as_text(described.get("split"))
            found.append(
                ReportedMetric(
                    scorer=name,
                    metric=f"mean/{split}" if split else "mean",
                    value=value_of_stat(stat)[0].number,
                    n_samples=(seen.splits[split] if split else seen.instances) or None,
                )
            )
    return tuple(found)
