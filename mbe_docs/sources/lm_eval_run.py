"""The header of an lm-evaluation-harness run: what its results file states of model, tasks and settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from mbe_docs.records.base import Scalar
from mbe_docs.records.evals import ReportedMetric, ScorerSpec
from mbe_docs.records.hashing import canonical_json, content_hash, text_hash
from mbe_docs.sources.decoding import as_dict, as_float, as_int, as_list, as_text, finite
from mbe_docs.sources.inspect_run import scalars
from mbe_docs.sources.row_facts import parameter_of

SECRET = re.compile(r"key|token(?!izer|s)|secret|password|credential|auth|header", re.IGNORECASE)
NAMES = ("peft", "delta", "pretrained", "model", "path", "engine")
"""Model arguments that name the weights, in the harness's own order."""
ALIASES = frozenset({"alias", "name", "sample_len", "samples", "task", "sample_count"})
"""Keys of a task's results that are no metrics."""
SEEDS = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DASHES = re.compile(r"^[\s-]+")
_NOT_VERSIONED = (None, "", "N/A", "Yaml")


class Results(msgspec.Struct):
    """The parts of `results_*.json` that are read; typed loosely, the format has changed often."""

    results: Any = None
    groups: Any = None
    group_subtasks: Any = None
    configs: Any = None
    versions: Any = None
    shots: Any = msgspec.field(default=None, name="n-shot")
    samples: Any = msgspec.field(default=None, name="n-samples")
    higher_is_better: Any = None
    config: Any = None
    date: Any = None
    git_hash: Any = None
    lm_eval_version: Any = None
    transformers_version: Any = None
    task_hashes: Any = None
    model_source: Any = None
    model_name: Any = None
    system_instruction: Any = msgspec.UNSET
    chat_template_sha: Any = None
    total_evaluation_time_seconds: Any = None


@dataclass(slots=True)
class Task:
    """One task of a run, named without the dashes by which old versions show nesting."""

    name: str
    metrics: dict[str, Any] = field(default_factory=dict)
    is_group: bool = False


def tasks_of(results: Results) -> list[Task]:
    """The tasks and groups in the order of the file; those that state nothing are left out."""
    groups = {_DASHES.sub("", name) for name in as_dict(results.groups)}
    groups |= {_DASHES.sub("", name) for name, inside in as_dict(results.group_subtasks).items() if inside}
    found: dict[str, Task] = {}
    for key, stated in as_dict(results.results).items():
        name = _DASHES.sub("", key) or key
        metrics = {one: value for one, value in as_dict(stated).items() if one not in ALIASES}
        if metrics and name not in found:
            found[name] = Task(name, metrics, name in groups)
    return list(found.values())


def model_arguments(results: Results) -> dict[str, Any]:
    """`model_args` as names and values; old versions write `a=b,c=d`, where a value may hold a comma."""
    given = as_dict(results.config).get("model_args")
    if isinstance(given, dict):
        return {str(name): value for name, value in given.items()}
    found: dict[str, Any] = {}
    last = ""
    for part in (as_text(given) or "").split(","):
        name, equals, value = part.partition("=")
        if equals and name.strip().isidentifier():
            last = name.strip()
            found[last] = value
        elif last:
            found[last] = f"{found[last]},{part}"
    return found


def model_of(results: Results) -> tuple[str | None, tuple[str, ...]]:
    """The model asked for, `name@revision` where a revision is, and the commit that answered."""
    arguments, config = model_arguments(results), as_dict(results.config)
    named = (as_text(arguments.get(name)) for name in NAMES)
    name = as_text(results.model_name) or next(filter(None, named), None) or as_text(config.get("model"))
    if name is None:
        return None, ()
    revision = as_text(arguments.get("revision")) or as_text(config.get("model_revision"))
    sha = as_text(config.get("model_sha"))
    requested = name if revision in (None, "main") else f"{name}@{revision}"
    return requested, (f"{name}@{sha}",) if sha else ()


def version_of(results: Results, task: str) -> str | None:
    """The task's version as text."""
    version = as_dict(results.versions).get(task)
    if version is None:
        version = as_dict(as_dict(as_dict(results.configs).get(task)).get("metadata")).get("version")
    return str(version) if isinstance(version, str | int | float) and version not in _NOT_VERSIONED else None


def generation_of(results: Results, task: str) -> dict[str, Scalar]:
    """Generation settings of the task, overridden by those of the command line."""
    given = as_dict(results.config).get("gen_kwargs")
    if isinstance(given, str):
        pairs = (part.partition("=") for part in given.split(",") if "=" in part)
        given = {name.strip(): parameter_of(value.strip()) for name, _, value in pairs}
    config = as_dict(as_dict(results.configs).get(task))
    return scalars({**as_dict(config.get("generation_kwargs")), **as_dict(given)})


def arguments_of(results: Results, task: str) -> dict[str, Scalar]:
    """What of the question is a setting: the number of examples, and the seed that picks them."""
    config = as_dict(results.config)
    shots = as_dict(results.shots).get(task)
    if shots is None:
        shots = as_dict(as_dict(results.configs).get(task)).get("num_fewshot", config.get("num_fewshot"))
    found = {"num_fewshot": as_int(shots)}
    if found["num_fewshot"]:
        found["fewshot_seed"] = as_int(config.get("fewshot_seed"))
    return {name: value for name, value in found.items() if value is not None}


def metadata_of(results: Results, task: Task) -> dict[str, Scalar]:
    """Facts of the run that have no field of their own; nothing that looks like a credential."""
    config = as_dict(results.config)
    found: dict[str, Any] = {
        "chat_template_sha": as_text(results.chat_template_sha),
        "evaluation_seconds": as_text(results.total_evaluation_time_seconds),
        "group": True if task.is_group else None,
        "limit": config.get("limit"),
        "model_dtype": as_text(config.get("model_dtype")),
        "model_num_parameters": as_int(config.get("model_num_parameters")),
        "model_source": as_text(results.model_source) or as_text(config.get("model")),
        "task_hash": as_text(as_dict(results.task_hashes).get(task.name)),
        "transformers_version": as_text(results.transformers_version),
    }
    found |= {name: as_int(config.get(name)) for name in SEEDS}
    for name, value in model_arguments(results).items():
        if not SECRET.search(name) and not (isinstance(value, str) and "@" in value and "://" in value):
            found[f"model_args.{name}"] = value
    for metric, is_higher in as_dict(as_dict(results.higher_is_better).get(task.name)).items():
        found[f"higher_is_better.{metric}"] = is_higher if isinstance(is_higher, bool) else None
    return scalars({name: value for name, value in found.items() if value is not None})


def scorers_of(results: Results, task: str, names: list[str]) -> tuple[ScorerSpec, ...]:
    """Scorers `metric,filter` with a hash of what the task says of the metric and of the filter."""
    config = as_dict(as_dict(results.configs).get(task))
    metrics = {str(as_dict(one).get("metric")): one for one in as_list(config.get("metric_list"))}
    filters = {str(as_dict(one).get("name")): one for one in as_list(config.get("filter_list"))}
    found = []
    for name in names:
        metric, _, kind = name.rpartition(",")
        stated = [metrics.get(metric), filters.get(kind)]
        digest = content_hash(_ADDRESS.sub("", canonical_json(finite(stated)))) if any(stated) else None
        found.append(ScorerSpec(name=name, parameters_hash=digest))
    return tuple(found)


def planned_of(results: Results, task: str) -> int | None:
    """Documents that the run was to cover."""
    count = as_int(as_dict(as_dict(results.samples).get(task)).get("effective"))
    return count if count is not None and count > 0 else None


def reported_of(results: Results, task: Task) -> tuple[ReportedMetric, ...]:
    """Aggregates as the file states them: `metric,filter`, or `metric` before version 0.4."""
    config = as_dict(as_dict(results.configs).get(task.name))
    how = {
        str(as_dict(one).get("metric")): as_text(as_dict(one).get("aggregation"))
        for one in as_list(config.get("metric_list"))
    }
    count = planned_of(results, task.name)
    found = []
    for key, value in task.metrics.items():
        metric, comma, kind = key.rpartition(",")
        if not comma:
            metric, kind = key, ""
        name = metric.removesuffix("_stderr")
        is_error = name != metric
        found.append(
            ReportedMetric(
                scorer=f"{name},{kind}" if comma else name,
                metric="stderr" if is_error else how.get(name) or "value",
                value=as_float(value),
                n_samples=count,
            )
        )
    return tuple(found)


def started_of(results: Results) -> str | None:
    """When the run began, in UTC: `date` is the only clock time in the file."""
    seconds = as_float(results.date)
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


def system_prompt_of(results: Results) -> tuple[bool | None, str | None]:
    """Whether there was a system prompt, and its hash; files from before it could be set say neither."""
    if results.system_instruction is msgspec.UNSET:
        return None, None
    text = as_text(results.system_instruction)
    return text is not None, text_hash(text) if text else None


def dataset_of(results: Results, task: str) -> str | None:
    """Path and name of the dataset."""
    config = as_dict(as_dict(results.configs).get(task))
    parts = (as_text(config.get("dataset_path")), as_text(config.get("dataset_name")))
    return "/".join(filter(None, parts)) or None
