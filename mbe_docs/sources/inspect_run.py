"""The header of an Inspect log as a `Run`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mbe_docs.records.base import Scalar
from mbe_docs.records.evals import ReportedMetric, Run, RunStatus, ScorerSpec
from mbe_docs.records.hashing import canonical_json, content_hash, text_hash
from mbe_docs.sources.decoding import as_dict, as_float, as_int, as_list, as_text, finite
from mbe_docs.sources.inspect_log import Header

NAME = "inspect"
LONG_TEXT = 200
"""Characters above which a parameter is kept as its hash."""
OPERATIONAL = frozenset(
    {
        "adaptive_connections",
        "attempt_timeout",
        "batch",
        "cache",
        "max_connections",
        "max_retries",
        "system_message",
        "timeout",
    }
)
"""Generation settings that do not change an answer, and the system prompt, which is hashed by itself."""
JUDGELESS = frozenset({"answer", "choice", "exact", "f1", "includes", "match", "math", "pattern"})
"""Scorers of Inspect that never ask a model."""
_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?\+00:00")
PER_SAMPLE = "in sample inputs"
"""Hashed in place of a system prompt that differs by sample: input hashes cover its text."""


@dataclass(slots=True)
class Seen:
    """What the samples added to the header, filled while they are read."""

    samples: int = 0
    errored: int = 0
    scored: int = 0
    invalidated: int = 0
    lost: int = 0
    models: set[str] = field(default_factory=set)
    scorers: dict[str, None] = field(default_factory=dict)
    """Names of scores in the order seen."""
    systems: set[str] = field(default_factory=set)
    """Hashes of system prompts in sample inputs."""
    has_system: bool | None = None
    trouble: str | None = None
    """Why the log is not whole, if the reader of the container knows."""


def run_key_of(header: Header, sha256: str) -> str:
    """`inspect:<eval id>`; logs from before eval ids existed get a stable one."""
    spec = as_dict(header.eval)
    if eval_id := as_text(spec.get("eval_id")):
        return f"{NAME}:{eval_id}"
    ids = [spec.get(key) for key in ("run_id", "task_id", "created")]
    # "..." and the like are what people write when they anonymise a log: not an id.
    if any(isinstance(one, str) and any(map(str.isalnum, one)) for one in ids[:2]):
        return f"{NAME}:{content_hash(*map(str, ids))}"
    return f"{NAME}:{sha256[:32]}"


def run_of(header: Header, seen: Seen, *, key: str, uri: str, sha256: str) -> Run:
    """The run that a header states, completed by what was seen in its samples."""
    spec = as_dict(header.eval)
    dataset = as_dict(spec.get("dataset"))
    stats = as_dict(header.stats)
    status, reason = status_of(header, seen)
    has_system, system_hash = system_prompt_of(header, seen)
    version = spec.get("task_version")
    return Run(
        run_key=key,
        source_format=NAME,
        file_sha256=sha256,
        log_uri=uri,
        run_id=as_text(spec.get("run_id")),
        task=as_text(spec.get("task")) or "",
        task_version=None if version in (None, 0, "0", "") else str(version),
        dataset=as_text(dataset.get("name")) or as_text(dataset.get("location")),
        model_requested=as_text(spec.get("model")) or "",
        models_resolved=tuple(sorted(seen.models)),
        has_system_prompt=has_system,
        system_prompt_hash=system_hash,
        solver=solver_of(header),
        scorers=scorers_of(header),
        generation_params=generation_of(header),
        task_args=scalars(as_dict(spec.get("task_args"))),
        epochs=epochs_of(header),
        samples_planned=planned_of(header),
        status=status,
        status_reason=reason,
        harness="inspect_ai",
        harness_version=as_text(as_dict(spec.get("packages")).get("inspect_ai")),
        git_commit=as_text(as_dict(spec.get("revision")).get("commit")),
        started_at=utc(as_text(stats.get("started_at")) or as_text(spec.get("created"))),
        finished_at=utc(as_text(stats.get("completed_at"))),
        tags=tuple(
            sorted({*filter(as_text, as_list(spec.get("tags"))), *filter(as_text, as_list(header.tags))})
        ),
        metadata=metadata_of(header),
        reported=reported_of(header, seen),
    )


def status_of(header: Header, seen: Seen) -> tuple[RunStatus, str | None]:
    """Whether the run is a result, and if not, why."""
    failure = _line(as_dict(header.error).get("message"))
    match header.status:
        case "success":
            return _status_of_success(seen)
        case "cancelled":
            return "cancelled", failure
        case "error":
            return "error", failure
        case "started" | None:
            return "partial", seen.trouble or "the run was killed or is still running"
    return "partial", f"unknown status {str(header.status)[:40]!a}"


def _status_of_success(seen: Seen) -> tuple[RunStatus, str | None]:
    if seen.trouble:
        return "partial", seen.trouble
    if not seen.samples:
        why = "invalidated" if seen.invalidated else "unreadable" if seen.lost else "not in the log"
        return "partial", f"the log says success, but its samples are {why}"
    if seen.errored == seen.samples:
        return "error", f"the log says success, but all {seen.samples} samples ended in an error"
    return "success", None


def _line(message: Any) -> str | None:
    text = as_text(message)
    return text.strip().split("\n", 1)[0][:300] or None if text else None


def epochs_of(header: Header) -> int:
    """Epochs planned; Inspect's default is one."""
    return as_int(as_dict(as_dict(header.eval).get("config")).get("epochs")) or 1


def planned_of(header: Header) -> int | None:
    """Distinct samples planned: the ids listed, or the limit, or what the results count."""
    spec = as_dict(header.eval)
    dataset = as_dict(spec.get("dataset"))
    ids = as_list(dataset.get("sample_ids"))
    available = as_int(dataset.get("samples"))
    limit = as_dict(spec.get("config")).get("limit")
    if isinstance(limit, list) and len(limit) == 2 and all(isinstance(one, int) for one in limit):
        limit = limit[1] - limit[0]
    limits = [one for one in (as_int(limit), available) if one is not None and one > 0]
    listed = len(ids) or (min(limits) if limits else 0)
    total = as_int(as_dict(header.results).get("total_samples")) or 0
    return max(listed, -(-total // epochs_of(header))) or None


def solver_of(header: Header) -> str | None:
    """The steps of the plan as one line: `chain_of_thought | generate(tool_calls="loop")`.

    Parameters are those that were passed, not defaults: a default that a harness version adds is not
    another solver. System messages are no step here: they have a slot of their own in a fingerprint.
    """
    plan = as_dict(header.plan)
    steps = [as_dict(step) for step in as_list(plan.get("steps"))]
    if isinstance(plan.get("finish"), dict):
        steps.append(plan["finish"])
    steps = [step for step in steps if step.get("solver") != "system_message"]
    if steps:
        return " | ".join(_step(step) for step in steps)
    spec = as_dict(header.eval)
    name = as_text(spec.get("solver"))
    return _call(name, as_dict(spec.get("solver_args"))) if name else None


def _step(step: dict[str, Any]) -> str:
    params = as_dict(step.get("params_passed" if "params_passed" in step else "params"))
    return _call(str(step.get("solver")), params)


def _call(name: str, params: dict[str, Any]) -> str:
    if not params:
        return name
    return f"{name}({', '.join(f'{key}={_short(value)}' for key, value in sorted(params.items()))})"


def _short(value: Any) -> str:
    text = canonical_json(finite(value))
    return text if len(text) <= LONG_TEXT else f"#{text_hash(text)[:16]}"


def scorers_of(header: Header) -> tuple[ScorerSpec, ...]:
    """The scorers of the run, with hashes of their parameters and the model that judges, where one does."""
    spec = as_dict(header.eval)
    found: dict[str, ScorerSpec] = {}
    for scorer in as_list(spec.get("scorers")) or _scores(header):
        one = as_dict(scorer)
        name = as_text(one.get("scorer")) or as_text(one.get("name"))
        options = one.get("options", one.get("params"))
        if name and name not in found:
            judge, settings = _judge(name, as_dict(options), spec)
            parts = [finite(options), *([finite(settings)] if settings else [])]
            found[name] = ScorerSpec(
                name=name,
                parameters_hash=content_hash(*parts) if isinstance(options, dict) else None,
                judge_model=judge,
            )
    return tuple(found.values())


def _judge(name: str, options: dict[str, Any], spec: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The grading model and its settings; `model_graded_*` asks the evaluated model where none is named."""
    for key in ("model", "judge", "judge_model", "grader_model"):
        given = options.get(key)
        if isinstance(given, list) and given:
            return ",".join(map(str, given)), {}
        if model := as_text(given) or as_text(as_dict(given).get("model")):
            return model, {}
    if name.rsplit("/", 1)[-1] in JUDGELESS:
        return None, {}
    role = as_text(options.get("model_role")) or "grader"
    bound = as_dict(spec.get("model_roles")).get(role)
    if model := as_text(bound) or as_text(as_dict(bound).get("model")):
        return model, as_dict(as_dict(bound).get("config"))
    return (as_text(spec.get("model")) if "model_graded" in name else None), {}


def generation_of(header: Header) -> dict[str, Scalar]:
    """Generation parameters that can change an answer; the plan's win over the model's defaults."""
    merged = {
        **_given(as_dict(as_dict(header.eval).get("model_generate_config"))),
        **_given(as_dict(as_dict(header.plan).get("config"))),
    }
    return scalars({key: value for key, value in merged.items() if key not in OPERATIONAL})


def _given(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if value is not None}


def scalars(values: dict[str, Any]) -> dict[str, Scalar]:
    """Parameters as scalars: what is nested becomes canonical JSON, what is long becomes its hash."""
    return {str(key): _scalar(value) for key, value in sorted(values.items())}


def _scalar(value: Any) -> Scalar:
    value = finite(value)
    if isinstance(value, dict | list):
        return _short(value)
    if isinstance(value, str) and len(value) > LONG_TEXT:
        return f"#{text_hash(value)[:16]}"
    return value  # type: ignore[no-any-return]


def system_prompt_of(header: Header, seen: Seen) -> tuple[bool | None, str | None]:
    """Whether there is a system prompt, and its hash. `None` is unknown: no sample says."""
    texts = [as_text(as_dict(step.get("params")).get("template")) for step in _system_steps(header)]
    spec = as_dict(header.eval)
    for config in (as_dict(as_dict(header.plan).get("config")), as_dict(spec.get("model_generate_config"))):
        text = as_text(config.get("system_message"))
        if text and text not in texts:
            texts.append(text)
    if texts:
        return True, None if None in texts else text_hash("\n".join(filter(None, texts)))
    if seen.systems:
        return True, next(iter(seen.systems)) if len(seen.systems) == 1 else text_hash(PER_SAMPLE)
    return seen.has_system, None


def _system_steps(header: Header) -> list[dict[str, Any]]:
    steps = [as_dict(step) for step in as_list(as_dict(header.plan).get("steps"))]
    return [step for step in steps if step.get("solver") == "system_message"]


def metadata_of(header: Header) -> dict[str, Scalar]:
    """Scalar metadata of the run, and scalar model arguments as `model_args.<name>`."""
    spec = as_dict(header.eval)
    found = {**as_dict(spec.get("metadata")), **as_dict(header.metadata)}
    for key, value in as_dict(spec.get("model_args")).items():
        if not any(word in key.lower() for word in ("key", "token", "secret", "password", "credential")):
            found.setdefault(f"model_args.{key}", value)
    return scalars({key: value for key, value in found.items() if not isinstance(value, dict | list)})


def _scores(header: Header) -> list[dict[str, Any]]:
    """The entries of `results.scores`; the oldest logs have one, in `results.scorer` and `.metrics`."""
    results = as_dict(header.results)
    if isinstance(results.get("scorer"), dict):
        scorer = results["scorer"]
        return [{"metrics": results.get("metrics"), "scorer": scorer.get("name"), **scorer}]
    return [as_dict(score) for score in as_list(results.get("scores"))]


def reported_of(header: Header, seen: Seen) -> tuple[ReportedMetric, ...]:
    """Metrics as the log states them; `<reducer>/<metric>` where the reducer is not the mean."""
    found: list[ReportedMetric] = []
    for score in _scores(header):
        scorer = score_name(score, seen)
        reducer = as_text(score.get("reducer"))
        prefix = f"{reducer}/" if reducer not in (None, "mean") else ""
        for key, metric in as_dict(score.get("metrics")).items():
            value = metric.get("value") if isinstance(metric, dict) else metric
            parts = {f".{part}": item for part, item in as_dict(value).items()} or {"": value}
            found.extend(
                ReportedMetric(
                    scorer=scorer,
                    metric=f"{prefix}{key}{part}",
                    value=as_float(item),
                    n_samples=as_int(score.get("scored_samples")),
                )
                for part, item in parts.items()
            )
    return tuple(found)


def score_name(score: dict[str, Any], seen: Seen) -> str:
    """How observations call the score: `scorer/key` for a key of a dict-valued one."""
    name = as_text(score.get("name")) or ""
    scorer = as_text(score.get("scorer")) or name
    return name if name == scorer or name in seen.scorers else f"{scorer}/{name}"


def expected_scorers(header: Header, seen: Seen) -> list[str]:
    """Names of all scores that an attempt of this run should have: those seen, and those stated."""
    names = list(seen.scorers)
    stated = [score_name(score, seen) for score in _scores(header)]
    stated = stated or [one.name for one in scorers_of(header)]
    for name in stated:
        if not any(one == name or one.startswith(f"{name}/") for one in names):
            names.append(name)
    return names or [""]


def utc(stamp: str | None) -> str | None:
    """An ISO 8601 time in UTC; without a zone as it stands, and `None` where it is not a time."""
    if stamp is None:
        return None
    try:
        if _UTC.fullmatch(stamp):
            datetime.fromisoformat(stamp[:19])
            return stamp
        time = datetime.fromisoformat(stamp)
        return time.astimezone(UTC).isoformat() if time.tzinfo else time.isoformat()
    except (ValueError, OverflowError):
        return None
