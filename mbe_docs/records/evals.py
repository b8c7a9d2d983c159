"""Runs and observations: what an eval log states, one score at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import Field

from mbe_docs.records.base import Record, Scalar

Outcome = Literal["scored", "unscored", "refused", "limited", "model_error", "infra_error"]
"""How one attempt ended.

`scored`: the scorer gave a value and nothing else is to say. `unscored`: the scorer declined (NaN).
`refused`: the model declined, or a content filter stopped it. `limited`: truncated, or a limit was hit.
`model_error`: timeout, context overflow, unparsable answer. `infra_error`: the harness or the network failed.
`refused` and `limited` may carry a value: whatever the scorer gave. *Absent* is computed from the plan.
"""

RunStatus = Literal["success", "cancelled", "error", "partial"]
"""`success`: the harness finished it. `partial`: killed or still running. None but the first is a result."""


class Observation(NamedTuple):
    """One score: sample × epoch × scorer. A tuple, because a log may hold millions."""

    run_key: str
    sample_id: str
    input_hash: str
    """Content hash of input, choices and target (`records.hashing.content_hash`); samples match by it."""
    epoch: int
    """From 1."""
    scorer: str
    """Scorer name, or `scorer/key` for one key of a dict-valued score."""
    value: float | None
    """As the scorer gave it; `None` is unknown, 0 is a measurement."""
    label: str | None
    """The scorer's own word for the value: `C`, `I`, `2_full_refusal`, …"""
    outcome: Outcome
    metadata: Mapping[str, str]
    """Scalar sample metadata as text: what slices and clusters are cut by."""
    tokens_in: int | None = None
    tokens_in_cached: int | None = None
    tokens_out: int | None = None
    tokens_reasoning: int | None = None
    cost_nusd: int | None = None
    """Nano-USD."""
    latency_us: int | None = None
    """Microseconds."""
    stop_reason: str | None = None
    model_resolved: str | None = None
    """The model that answered, as the answer states it."""
    served_by_fallback: bool | None = None
    started_at: str | None = None
    """ISO 8601, UTC."""


class Excerpt(NamedTuple):
    """The text of one attempt. Kept apart from observations, and only where the configuration allows."""

    run_key: str
    sample_id: str
    epoch: int
    input: str
    target: str | None
    output: str
    """The model's answer as it stands; hostile until armoured."""
    scores: tuple[tuple[str, str | None, str | None, str | None], ...]
    """(scorer, label, answer, explanation)."""


class ScorerSpec(Record):
    """A scorer of a run and what could make it another ruler."""

    name: str
    parameters_hash: str | None = None
    judge_model: str | None = None


class ReportedMetric(Record):
    """An aggregate that the log itself states: level *reported*, never an observation."""

    scorer: str
    metric: str
    value: float | None
    n_samples: int | None = None


class Run(Record):
    """One task × one model × one configuration, as a log states it. `None` is *unknown*, never *equal*."""

    run_key: str
    """`<source format>:<the format's own run id>`; edited logs share it."""
    source_format: str
    file_sha256: str
    log_uri: str
    """Where the log was read from, relative to the ingested folder where there is one."""
    run_id: str | None = None
    task: str
    task_version: str | None = None
    dataset: str | None = None
    dataset_revision: str | None = None
    model_requested: str
    models_resolved: tuple[str, ...] = ()
    """Distinct models that answered, sorted; more than one means fallback or a moved alias."""
    system_prompt_hash: str | None = None
    has_system_prompt: bool | None = None
    prompt_hash: str | None = None
    solver: str | None = None
    scorers: tuple[ScorerSpec, ...] = ()
    generation_params: dict[str, Scalar] = Field(default_factory=dict)
    task_args: dict[str, Scalar] = Field(default_factory=dict)
    epochs: int | None = None
    samples_planned: int | None = None
    """Distinct samples; attempts planned = samples × epochs."""
    status: RunStatus
    status_reason: str | None = None
    harness: str | None = None
    harness_version: str | None = None
    git_commit: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Scalar] = Field(default_factory=dict)
    reported: tuple[ReportedMetric, ...] = ()
    masked: dict[str, int] = Field(default_factory=dict)
    """Distinct secrets that were masked in the text of this run, by the rule that found them."""
